"""The jobs of logs.py on a log of ours: counted again, by DuckDB, and by pandas' default way.

All three make the same three reports as frames: cost by country and entry, delivery by country,
statuses by country. Imports are made before, and measured beside.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MONTH_ROWS = 900_000
"""Messages that the launch month has at least, a unit of its scale."""

DELIVERY = (
    *("country", "requested", "refused_request", "refused_number", "refused_platform", "sent"),
    *("delivered", "failed", "expired", "in_flight", "no_report", "delivered_share"),
    *("latency_p50_s", "latency_p95_s", "latency_p99_s"),
)
"""What the SQL computes of the report of delivery; ours has its intervals too."""

Frames = dict[str, Any]
Figures = dict[str, Any]


def make(folder: Path, rows: int) -> None:
    """Simulate the launch month, so much larger that it has at least so many messages."""
    from smssim import Scenario, simulate

    if (folder / "ours/provenance.json").exists():
        return
    scenario = Scenario.load(HERE.parent.parent / "data/scenarios/launch.yaml")
    scale = max(rows / MONTH_ROWS, 1)
    changes: dict[str, Any] = {"queue.throughput_per_s": 500 * scale}
    for i, traffic in enumerate(scenario.traffic):
        changes[f"traffic.{i}.messages_a_day"] = traffic.messages_a_day * scale
    for i, package in enumerate(scenario.packages):
        changes[f"packages.{i}.segments"] = int(package.segments * scale)
    for name in ("daily_limit", "monthly_limit"):
        changes[f"quota.{name}"] = int(getattr(scenario.quota, name) * scale)
    for name in ("daily_alarm", "daily_limit", "monthly_alarm", "monthly_limit"):
        changes[f"thresholds.{name}"] = int(getattr(scenario.thresholds, name) * scale)
    simulate(scenario.change(**changes), rows=False, out=folder / "ours")


def import_own() -> None:
    """What reading and reporting import, now or when they need it."""
    import pandas as pd
    import pyarrow.parquet  # type: ignore[import-untyped]  # noqa: F401

    pd.DataFrame({"key": ["a"]}).groupby("key").sum()


def own(folder: Path) -> Figures:
    """All tallies from the rows, and the reports."""
    from smssim import read_log, report

    log = read_log(folder / "ours/messages.parquet", rows=False)
    cost = report.cost(log, by=["country"])
    frames = {
        "cost": cost[["country", "entry", "messages", "segments", "cost_micro"]],
        "delivery": report.delivery(log)[list(DELIVERY)],
        "statuses": report.statuses(log),
    }
    return {"counts": log.provenance["counts"], "reports": frames}


def import_duckdb() -> None:
    """DuckDB, and pandas for its frames."""
    import duckdb
    import pandas  # noqa: F401

    duckdb.connect().execute("select 1 as one").df()


def duckdb(folder: Path) -> Figures:
    """The reports by SQL in one thread, as frames."""
    import duckdb

    from smssim.stats.delay_bins import edges_us

    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.execute("set preserve_insertion_order = false")
    connection.execute(f"set variable folder = '{folder / 'ours'}'")
    connection.execute(f"set variable until_us = {_until_us(folder)}")
    connection.execute(
        "create table edges as "
        "select unnest(range(len($1))) as bin, unnest($1::bigint[]) as low_us",
        [edges_us().tolist()],
    )
    connection.execute((HERE / "logs_parquet.sql").read_text(encoding="utf-8"))
    names = ("cost", "delivery", "statuses")
    frames = {name: connection.execute(f"select * from {name}").df() for name in names}
    return {"version": duckdb.__version__, "reports": frames}


def import_pandas() -> None:
    """Pandas and its reader of Parquet."""
    import_own()


def pandas(folder: Path) -> Figures:
    """Read the whole file, then group: what one does without thinking of memory."""
    import pandas as pd

    rows = pd.read_parquet(folder / "ours/messages.parquet")
    charged = rows[
        (rows["refused_at"] == "") & ~((rows["covered_segments"] > 0) & (rows["cost_micro"] == 0))
    ]
    uncovered = charged.assign(segments=charged["segments"] - charged["covered_segments"])
    by_country = uncovered.groupby("country", observed=True)
    cost = by_country[["segments", "cost_micro"]].sum()
    cost.insert(0, "messages", by_country.size())
    statuses = rows.groupby(["country", "refused_at", "status"], dropna=False, observed=True).size()
    delivered = rows[(rows["refused_at"] == "") & (rows["status"] == "DELIVRD")]
    delays = (delivered["final_at"] - delivered["submitted_at"]).dt.total_seconds()
    quantiles = delays.groupby(delivered["country"], observed=True).quantile([0.5, 0.95, 0.99])
    return {"sizes": [len(cost), len(statuses), len(quantiles)]}


def plain(frames: Frames) -> dict[str, dict[str, list[Any]]]:
    """Frames as lists by column, None for NA."""
    return {
        name: {
            str(column): frame[column].astype(object).where(frame[column].notna(), None).tolist()
            for column in frame.columns
        }
        for name, frame in frames.items()
    }


def check_same(own: Figures, other: Figures) -> None:
    """Raise an AssertionError unless the reports are the same: counts and texts exactly, what was
    divided to a relative 1e-12.
    """
    assert own.keys() == other.keys(), (own.keys(), other.keys())
    for name, report in own.items():
        assert list(report) == list(other[name]), (name, list(report), list(other[name]))
        for column, values in report.items():
            others = other[name][column]
            same = len(values) == len(others) and all(map(_same, values, others))
            assert same, f"{name}.{column}: {values} is not {others}"


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12)
    return bool(a == b)


def _until_us(folder: Path) -> int:
    told = json.loads((folder / "ours/provenance.json").read_text(encoding="utf-8"))
    return int(told["observed_until"])
