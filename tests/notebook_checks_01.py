"""What notebook 01 must show: the bill, the pairs it decides by, pictures, the assumptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from notebook_cells import cells, rounded
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
    table = cells(notebook, "decision")
    for name in ("cost", "messages.delivered", "passwords.p95"):
        columns = ["base", "what_if", "difference", "low", "high"]
        assert table[name][1:] == [rounded(pairs.loc[name, column], 1) for column in columns]
    assert table["messages.stopped_by_limit"][2] == "0"
    assert table["suspended.limit"][1:4] == ["21", "0", "-21"]
    assert pairs.loc["passwords.p95", "low"] < 0 < pairs.loc["passwords.p95", "high"]
    assert pairs.loc["runout.first", "high"] < -1.75
    assert "ASSUMPTIONS" in streams(notebook, "stdout")
