#!/bin/sh
# One task of a sweep that runs as an array job of Slurm; tasks count from 0.
#
#     parts=$(sbatch --parsable --array=0-7 --cpus-per-task=4 slurm.sh week.toml parts)
#     sbatch --dependency=afterok:$parts --wrap 'provisioner merge parts/* -o week.results'
#
# A task that was interrupted goes on when it is submitted again. To submit only tasks 3 and 5 of
# eight again: PARTS=8 sbatch --array=3,5 --cpus-per-task=4 slurm.sh week.toml parts
#SBATCH --job-name=sweep
#SBATCH --output=sweep-%A_%a.log
set -eu
exec "${PROVISIONER:-provisioner}" sweep "$1" --output "$2/$SLURM_ARRAY_TASK_ID" --no-progress \
  --shard "env${PARTS:+/$PARTS}" --threads "${SLURM_CPUS_PER_TASK:-1}"
