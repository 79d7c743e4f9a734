"""What `09_sweep_on_a_cluster` must show: equal frames, a store that is used, the right answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smssim import Scenario, sweep
from smssim.calendars import DAY

SCENARIO = Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml"
NOTICES, RUNS = [2_300, 2_400, 2_500, 2_600], 30


def check(notebook: Any) -> None:
    """The cluster's frame is this machine's, and both say what a serial sweep says."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = {cell.id: _text(cell) for cell in codes}
    expected = _sweep()

    assert text["same"] == f"(True, {expected.runs.shape})"
    assert text["store"] == "(True, 0)"
    assert text["more"] == f"({len(NOTICES) * (RUNS + 10)}, {len(NOTICES) * 10})"

    rows = [line.split()[1:] for line in text["answer"].splitlines()[1:]]
    dry = expected.summary("runout.any")
    for notice, row, found in zip(NOTICES, rows, dry.itertuples(), strict=True):
        told = [notice, RUNS, round(found.estimate, 3), round(found.low, 3), round(found.high, 3)]
        assert [float(cell) for cell in row] == told
    assert dry["estimate"].iloc[0] == 1
    assert dry["estimate"].iloc[-1] == 0
    hours = [float(line.split()[-1]) for line in text["worth"].splitlines()[:-1]]
    assert hours == sorted(hours, reverse=True)
    assert sum("image/png" in own.get("data", {}) for cell in codes for own in cell.outputs) == 1


def _text(cell: Any) -> str:
    return "\n".join(own.get("data", {}).get("text/plain", "") for own in cell.outputs)


def _sweep() -> Any:
    """The sweep once more, in this process alone."""

    def orders(env: Any, account: Any) -> Iterator[Any]:
        yield account.wait("low_quota")
        yield env.timeout(3 * DAY)
        account.buy_package("TH", 13_000, price=320)

    package = {"country": "TH", "segments": 13_000, "price": 320}
    plan = Scenario.load(SCENARIO).change(packages=[package])
    designs = {"account.low_quota.TH": NOTICES}
    return sweep(plan, designs, RUNS, policies=[orders], workers=1)
