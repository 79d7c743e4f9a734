"""What notebook 02 must show: figures of the library, computed here again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from notebook_cells import rounded

from smssim.experiment import compare
from smssim.scenario import Scenario

PLAN = Path(__file__).parents[1] / "data/scenarios/mode1_no_run_out.yaml"


def shown(notebook: Any, cell: str, kind: str = "text/plain") -> list[str]:
    """What one cell put out in one MIME type."""
    (own,) = (own for own in notebook.cells if own.id == cell)
    return [out["data"][kind] for out in own.outputs if kind in out.get("data", {})]


def check(notebook: Any) -> None:
    """Mode 1's surcharge and mode 2's refusals are the library's, and the decision is the table's:
    mode 1 with 30,000 is not beaten, larger packages are.
    """
    small = Scenario.load(PLAN).change(
        **{
            "account.service_mode": "suspend",
            "packages.0.segments": 25_000,
            "packages.0.price": 7_200,
        }
    )
    pair = compare(small, {"account.service_mode": "pay_per_use"}, 12, workers=1)
    found = pair.summary().set_index("metric")
    (table,) = shown(notebook, "pair")
    for name in ("cost", "messages.stopped_by_runout"):
        for column in ("what_if", "difference", "low", "high"):
            assert rounded(found.loc[name, column], 1) in table, (name, column)

    (frontier,) = shown(notebook, "frontier")
    plans = {line[:14] for line in frontier.splitlines() if line.startswith("mode")}
    assert plans == {"mode 1, 30,000", *(f"mode 2, {n},000" for n in (20, 25, 30))}
    (curve,) = shown(notebook, "curve")
    holds = {row.split()[1]: row.split()[-1] for row in curve.splitlines()[1:]}
    assert holds == {"29,500": "False", "30,000": "False", "30,500": "True"}
    pictures = [own.id for own in notebook.cells if own.cell_type == "code"]
    drawn = [name for name in pictures if shown(notebook, name, "image/png")]
    assert drawn == ["run-out", "sweep", "find"]
