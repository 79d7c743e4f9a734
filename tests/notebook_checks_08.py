"""What notebook 08 must show: the verdicts of `check`, a story, the mended plan, the difference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import smssim

PLAN = Path(__file__).parents[1] / "data" / "scenarios" / "mode2_run_out.yaml"


def check(notebook: Any) -> None:
    """One promise is broken in every month, and kept when the package is bought a week earlier."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in codes for output in cell.outputs]
    tables = [o["data"]["text/plain"] for o in outputs if "text/html" in o.get("data", {})]
    printed = "".join(output.get("text", "") for output in outputs)
    before, after = ([line.split() for line in table.splitlines()[1:]] for table in tables)

    assert [(row[-5], row[-4]) for row in before] == [("fail", "3"), ("pass", "12"), ("pass", "74")]
    assert [row[-5] for row in after] == ["pass"] * 3
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 2
    assert "must be in s: latency_s.p95" in printed

    promise = {"name": "never dry", "metric": "runout.any", "below": 0.05, "margin": 0.02}
    plan = smssim.Scenario.load(PLAN).change(checks=[promise])
    events = smssim.simulate(plan, rng=1, rows=False).events
    assert events is not None
    first = events[events["event"] == "run_out"]["at"].iloc[0]
    assert f"{first:%Y-%m-%d %H:%M}  packages ran out (TH)" in printed
    assert "DOES NOT HOLD  holds" in printed
