"""What `07_your_export` must show: the truth of the files, the bill, and that a cut is seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from notebook_cells import cells, rounded

from smssim import report, simulate

EXPORTS = Path(__file__).parents[1] / "data/exports"


def check(notebook: Any) -> None:
    """Counts are those of truth.json; the cut export lies below all runs and the whole within."""
    outputs = {cell.id: _outputs(cell) for cell in notebook.cells if cell.cell_type == "code"}
    text = {name: "\n".join(own.get("text/plain", "") for own in o) for name, o in outputs.items()}
    truth = json.loads((EXPORTS / "truth.json").read_text(encoding="utf-8"))

    counts = dict(line.split() for line in text["counts"].splitlines()[:-1])
    assert {name: int(n) for name, n in counts.items()} == truth["console"]["counts"]
    reasons = [int(line.split()[-1]) for line in text["reasons"].splitlines()[:-1]]
    assert len(reasons) == 6
    assert reasons == sorted(reasons, reverse=True)
    assert reasons[0] < truth["console"]["counts"]["quarantined"]

    billed = {name: _billed(truth[name]) for name in ("console", "chinese")}
    bought = 2_900 + 7 + 20 + 180 + 31 + 16
    *_, bill = cells(notebook, "cost").values()
    assert [float(cell.replace(",", "")) for cell in bill[:2]] == [
        float(rounded(value, 2).replace(",", "")) for value in (bought, billed["console"])
    ]
    placed = [line.split()[-5:] for line in text["whole"].splitlines()[2:]]
    costs = [value for metric, value, *_ in placed if metric == "cost"]
    assert costs == [rounded(bought + own, 3) for own in billed.values()]
    below = [float(row[-1]) for row in placed if row[0] == "messages.requested"]
    assert below[0] == 0 < below[1] < 1

    run = simulate(EXPORTS / "month.yaml", rows=False)
    days = report.delivery(run, by="day").set_index("day")["requested"]
    shown = [line.split() for line in text["days"].splitlines()[2:]]
    assert [int(float(line[2])) for line in shown] == [days[pd.Timestamp(d)] for d, *_ in shown]
    assert sum(line[1] == "NaN" for line in shown) == 1
    assert sum("image/png" in own for o in outputs.values() for own in o) == 4
    assert "<iframe" in outputs["report"][0]["text/html"]


def _outputs(cell: Any) -> list[dict[str, str]]:
    return [own.get("data", {}) for own in cell.outputs]


def _billed(truth: dict[str, Any]) -> float:
    """Charges beyond the packages, by the plain loop that wrote the truth."""
    return sum(own.get("cost_micro", 0) for own in truth["countries"].values()) / 1e6
