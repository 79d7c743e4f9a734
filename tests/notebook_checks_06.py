"""What `06_status_reports` must show: what was lost, what would help, what not knowing costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from notebook_cells import cells, rounded

from smssim import Scenario, compare, report, simulate, sweep

SCENARIO = Path(__file__).parents[1] / "data/scenarios/callback_outages.yaml"


def check(notebook: Any) -> None:
    """The counts of the fortnight, the means of the sweeps and the paired difference are real."""
    shown = _shown(notebook)
    plan = Scenario.load(SCENARIO)
    run = simulate(plan)

    reports = report.callbacks(run).iloc[0]
    lost = int(reports["lost"])
    for name in ("reports", "received", "lost"):
        assert f"{int(reports[name]):,}" in shown["callbacks"]
    row = report.reconcile(run, run).iloc[0]
    ours = {name: figures[0].replace(",", "") for name, figures in cells(notebook, "own").items()}
    assert int(ours["unheard"]) == int(row["told_console"]) - int(ours["told_ours"]) == lost
    assert float(ours["unheard_usd"]) == round(0.19 * lost)
    assert f"{report.cost(run, by=())['cost_usd'].item():,.2f}" in shown["bill"]
    outages = report.outages(run)
    assert f"count     {len(outages)}.0" in shown["outages-sum"]

    better = plan.change(**{"callback.outages": ()})
    down = {"callback.random_outages.down.exponential_s": [3_600, 900, 60]}
    means = sweep(better, down, 30, workers=1).summary("reports.lost_share")
    means = means[means["statistic"] == "mean"]["estimate"].round(4).tolist()
    assert [f"{mean:.4f}" in shown["server-table"] for mean in means] == [True] * 3
    assert means[2] < 0.1 * means[0]
    careful = plan.change(**{"traffic.0.server_resend": {"statuses": ["UNDELIV"]}})
    up = {"callback.outages": (), "callback.random_outages": None, "callback.no_answer_share": 0}
    pairs = compare(careful, up, 30, workers=1).summary().set_index("metric")
    found = pairs.loc["messages.delivered"]
    assert found["low"] > 100
    for name in ("difference", "low", "high"):
        assert rounded(found[name], 1) in shown["second-try"]
    assert shown["pictures"] == 4


def _shown(notebook: Any) -> dict[str, Any]:
    """The plain text of each code cell's outputs by its id, and how many pictures there are."""
    found: dict[str, Any] = {"pictures": 0}
    for cell in notebook.cells:
        data = [own.get("data", {}) for own in cell.get("outputs", [])]
        found[cell.id] = "\n".join(own.get("text/plain", "") for own in data)
        found["pictures"] += sum("image/png" in own for own in data)
    return found
