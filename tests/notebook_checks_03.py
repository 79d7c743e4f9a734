"""What notebook 03 must show: figures of the library, computed here again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smssim.experiment import replicate
from smssim.scenario import Scenario
from smssim.simulation.policies.console import RaiseLimit, StopSource

PLAN = Path(__file__).parents[1] / "data/scenarios/pumping.yaml"
FIGURES = ("cost.fraudulent", "messages.genuine_stopped")


def shown(notebook: Any, cell: str, kind: str = "text/plain") -> list[str]:
    """What one cell put out in one MIME type."""
    (own,) = (own for own in notebook.cells if own.id == cell)
    return [out["data"][kind] for out in own.outputs if kind in out.get("data", {})]


def check(notebook: Any) -> None:
    """An attack under the limit of 2,000 costs what the library says, with and without somebody on
    call; users are stopped only without.
    """
    plan = Scenario.load(PLAN).change(**{"routes.TH.price": 0.35})
    limited = plan.change(**{"thresholds.daily_limit": 2_000})
    alone = replicate(limited, 12, workers=1)
    (limits,) = shown(notebook, "limits-table")
    for name in FIGURES:
        assert f"{alone.values(name).mean():,.0f}" in limits

    guarded = limited.change(**{"thresholds.daily_alarm": 700})
    own = {"after_s": 7_200, "zone": "Asia/Bangkok", "hours": None}
    team = [StopSource("attack", **own), RaiseLimit(daily_limit=4_000, **own)]
    watched = replicate(guarded, 12, policies=team, workers=1)
    (reacted,) = shown(notebook, "starts")
    cost, stopped = (watched.values(name) for name in FIGURES)
    assert f"{cost.mean():,.0f}" in reacted
    assert cost.max() < alone.values("cost.fraudulent").min() / 5
    assert stopped.max() == 0
    (quiet,) = shown(notebook, "quiet")
    rows = {line.split()[0]: line.split()[1:] for line in quiet.splitlines()[2:]}
    assert rows["700"] == ["12", "0.0", "0.0", "0.0"]
    assert float(rows["600"][1]) > 100
    pictures = [own.id for own in notebook.cells if own.cell_type == "code"]
    drawn = [name for name in pictures if shown(notebook, name, "image/png")]
    assert drawn == ["run", "limits", "react"]
