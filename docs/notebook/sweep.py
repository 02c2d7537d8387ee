# %% [markdown]
# A sweep in a notebook: its folder opens in pandas, Polars and DuckDB as it is. Open this file as a
# notebook (Jupytext, VS Code, Spyder), or run it:
#
#     provisioner sweep scenarios/experiments/quickstart.toml
#     pip install -r docs/notebook/requirements.txt
#     python docs/notebook/sweep.py quickstart.results cost-and-wait.png
#
# docs/columns.md says what each column is.

# %%
import sys

import duckdb
import matplotlib.pyplot as plt
import pandas as pd
import polars as pl

folder = sys.argv[1] if len(sys.argv) > 2 else "quickstart.results"
picture = sys.argv[2] if len(sys.argv) > 2 else "cost-and-wait.png"

# %% [markdown]
# The same file, three times. Times are timestamps in UTC, dollars and seconds are numbers.

# %%
by_pandas = pd.read_parquet(f"{folder}/runs.parquet")
by_polars = pl.read_parquet(f"{folder}/runs.parquet")
by_duckdb = duckdb.sql(
    f"select sum(cost_usd_total), sum(tasks_done) from '{folder}/runs.parquet'"
).fetchall()

totals = {
    "pandas": (by_pandas["cost_usd_total"].sum(), by_pandas["tasks_done"].sum()),
    "Polars": by_polars.select("cost_usd_total", "tasks_done").sum().row(0),
    "DuckDB": by_duckdb[0],
}
for tool, (dollars, tasks) in totals.items():
    print(f"{tool}: ${dollars:,.2f} for {int(tasks):,} tasks in {len(by_pandas)} runs")
assert len({(round(float(usd), 6), int(tasks)) for usd, tasks in totals.values()}) == 1

assert str(by_pandas["started"].dt.tz) == "UTC"
assert by_polars.schema["started"].time_zone == "UTC"
worker_types = pl.read_parquet(f"{folder}/worker_types.parquet")
assert worker_types["tasks_done"].sum() == by_polars["tasks_done"].sum()

# %% [markdown]
# What each point costs, and how long 95 % of its tasks waited at most: means over the seeds. The axes
# are the columns before `run`.

# %%
axes = list(by_pandas.columns[: by_pandas.columns.get_loc("run")])
points = by_pandas.groupby(axes, sort=False)[["cost_usd_total", "wait_s_p95"]]
mean, spread = points.mean(), points.std().fillna(0)
print(mean.to_string(float_format="{:,.2f}".format))

# %%
figure, plot = plt.subplots(figsize=(7, 4.5), layout="constrained")
plot.errorbar(
    mean["wait_s_p95"] / 60,
    mean["cost_usd_total"],
    xerr=spread["wait_s_p95"] / 60,
    yerr=spread["cost_usd_total"],
    fmt="o",
    color="#0072b2",
    ecolor="#bbbbbb",
    elinewidth=1,
)
for levels, point in mean.iterrows():
    words = " · ".join(levels) if isinstance(levels, tuple) else str(levels)
    place = (point["wait_s_p95"] / 60, point["cost_usd_total"])
    plot.annotate(words, place, xytext=(6, 4), textcoords="offset points", fontsize=8)
plot.set(xlabel="wait that 95 % of tasks did not exceed, min", ylabel="cost, $")
plot.set(xlim=(0, None), ylim=(0, None))
plot.set_title("Cost against wait: means over the seeds, one standard deviation each way", fontsize=9)
plot.spines[["top", "right"]].set_visible(False)
figure.savefig(picture, dpi=150)
