"""What `05_campaign_and_passwords` must show: the harm of the campaign, and a pace without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from notebook_cells import cells, pictures, rounded, row, shown

from smssim import Scenario, compare, report, simulate, sweep

SCENARIO = Path(__file__).parents[1] / "data/scenarios/million_campaign.yaml"
FIGURE = "passwords.within_30_s"


def check(notebook: Any) -> None:
    """The day, the paired difference and the pace are real, and the decision follows from them."""
    plan = Scenario.load(SCENARIO).change(start="2026-04-14", days=1)
    texts = shown(notebook)

    day = report.delivery(simulate(plan, rows=False), by="type").set_index("type")
    table = cells(notebook, "latency")
    for kind, line in (("notification", "0"), ("otp", "1")):
        assert table[line][1] == f"{day.loc[kind, 'requested']:,}"
        assert table[line][4] == rounded(day.loc[kind, "latency_p95_s"], 3)
    harm = compare(plan.change(group_tasks=[]), plan, 10, workers=1).summary().set_index("metric")
    columns = ["base", "what_if", "difference", "low", "high"]
    assert cells(notebook, "harm")[FIGURE] == [rounded(harm.loc[FIGURE, c], 3) for c in columns]
    assert 430 < harm.loc["messages.requested", "difference"] - 1_000_000 < 450
    late = -harm.loc[FIGURE, "difference"] * harm.loc["messages.requested", "base"]
    assert 630 < late < 650

    paces = {pace: row(texts["pace-table"], f"{pace} ") for pace in (1_000_000, 490, 400)}
    without = harm.loc[FIGURE, "base"]
    assert float(paces[1_000_000][-1]) < float(paces[400][-2])
    assert float(paces[490][-2]) < without < float(paces[490][-1])
    slow = {"queue.throughput_per_s": [300], "group_tasks.0.pace_per_s": [400, 250]}
    grid = sweep(plan, slow, 5, workers=1)
    for design in (0, 1):
        mean = grid.values(FIGURE, design).mean()
        assert f"{mean:.3f}" == row(texts["throughput"], f"{design} ")[2]
    assert pictures(notebook) == ["latency-picture", "pace", "curves"]
