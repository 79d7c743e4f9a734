"""What notebook 01 must show: the bill, the pairs it decides by, pictures, the assumptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from notebook_cells import row, shown
from notebook_outputs import outputs, streams

from smssim import compare, report, simulate

PLAN = Path(__file__).parents[1] / "data" / "scenarios" / "launch.yaml"


def check(notebook: Any) -> None:
    """The bill is the report's, the decision that of eight pairs, and the assumptions are told."""
    bill = report.cost(simulate(PLAN, rows=False))
    *countries, total = outputs(notebook, "text/plain")[0].splitlines()[2:]

    assert total.split()[0] == "total"
    assert total.split()[-1] == f"{bill['cost_usd'].sum():,.2f}"
    assert [line.split()[0] for line in countries] == sorted(set(bill["country"]))
    assert len(outputs(notebook, "image/png")) == 3
    higher = {"quota.daily_limit": 300_000, "thresholds.daily_limit": 300_000}
    pairs = compare(PLAN, higher, 8, workers=1).summary().set_index("metric")
    base, ends = shown(notebook)["decision"].split("high")
    for name in ("cost", "messages.delivered", "passwords.p95"):
        columns = ["base", "what_if", "difference"]
        assert row(base, name)[1:] == [f"{pairs.loc[name, column]:.1f}" for column in columns]
        assert row(ends, name) == [f"{pairs.loc[name, column]:.1f}" for column in ("low", "high")]
    assert row(base, "messages.stopped_by_limit")[2] == "0.0"
    assert row(base, "suspended.limit")[1:] == ["21.0", "0.0", "-21.0"]
    assert pairs.loc["passwords.p95", "low"] < 0 < pairs.loc["passwords.p95", "high"]
    assert pairs.loc["runout.first", "high"] < -1.75
    assert "ASSUMPTIONS" in streams(notebook, "stdout")
