#!/bin/sh
# How fast sweeps are, on one core and on two: points a minute and core, what two cores gain, the
# peak of memory, and whether both give the same bytes. Needs GNU time.
#
#     sh scenarios/experiments/speed.sh [EXPERIMENT]
set -eu
experiment=${1:-scenarios/experiments/firefox-ci.toml}
program=${PROVISIONER:-target/release/provisioner}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for threads in 1 2; do
  command time -f '%e %U %M' -o "$out/time" \
    "$program" sweep "$experiment" --threads "$threads" --quiet --no-progress --output "$out/$threads"
  points=$(grep -c '"scenario_hash"' "$out/$threads/experiment.json")
  runs=$(wc -l < "$out/$threads/outcomes.jsonl")
  awk -v threads="$threads" -v points="$points" -v runs="$runs" -v first="${first:-0}" '{
    a_minute = 60 / $1 / threads
    printf "%d core%s: %d points of %d seeds in %.1f s (%.1f s of CPU time), ", threads,
      (threads > 1 ? "s" : ""), points, runs / points, $1, $2
    printf "%.1f points or %.0f runs a minute and core, %.0f MB", points * a_minute,
      runs * a_minute, $3 / 1024
    if (first > 0) printf ", %.2f times as fast", first / $1
    print ""
  }' "$out/time"
  first=$(cut -d ' ' -f 1 "$out/time")
done
diff -r "$out/1" "$out/2" && echo "the same bytes"
