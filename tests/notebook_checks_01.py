"""What notebook 01 must show: the bill of the report, three pictures, the assumptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from notebook_outputs import outputs, streams

from smssim import report, simulate

ROOT = Path(__file__).parents[1]


def check(notebook: Any) -> None:
    """The bill is the report's, there are three pictures, and the assumptions are told."""
    bill = report.cost(simulate(ROOT / "data" / "scenarios" / "launch.yaml", rows=False))
    *countries, total = outputs(notebook, "text/plain")[0].splitlines()[2:]

    assert total.split()[0] == "total"
    assert total.split()[-1] == f"{bill['cost_usd'].sum():,.2f}"
    assert [line.split()[0] for line in countries] == sorted(set(bill["country"]))
    assert len(outputs(notebook, "image/png")) == 3
    assert "ASSUMPTIONS THESE ANSWERS HANG ON" in streams(notebook, "stdout")
