"""The frontier of an experiment: who beats whom, by values that a person can check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from smssim.experiment import sweep
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.worker import Result, Task
from smssim.scenario import Scenario

PLAN = Scenario.parse("""
start: 2026-04-01
days: 2
account: {service_mode: suspend}
applications: [{name: shop}]
templates: [{name: login, application: shop}]
packages: [{country: TH, segments: 150, price: 10}]
traffic: [{name: login, template: login, country: TH, messages_a_day: 100}]
""")
CHANCE = np.random.default_rng(1).normal(0, 5, 40)


def experiment(*means: tuple[float, float]) -> Experiment:
    """Designs with these costs and delivered messages on average, and chance that they share."""
    results = {}
    for design, (cost, delivered) in enumerate(means):
        for replication, noise in enumerate(CHANCE.tolist()):
            task = Task(design, replication)
            figures = {"cost": cost + noise, "messages.delivered": delivered - noise}
            results[task] = Result(task, figures, "", 0.0)
    return Experiment([Design(PLAN, {}, f"plan {n}") for n in range(len(means))], 1, results)


def test_a_design_is_beaten_by_one_that_is_better_in_one_and_no_worse_in_the_other() -> None:
    """More for less money is better; pairs tell a difference that is smaller than chance."""
    found = experiment((100, 50), (101, 50), (90, 40), (120, 60), (100, 50), (95, 39))
    frame = found.frontier("cost", "messages.delivered")

    assert frame["best"].tolist() == [True, False, True, True, True, False]
    assert frame["design"].tolist() == [f"plan {n}" for n in range(6)]
    for name in ("cost", "messages.delivered"):
        assert (frame[f"{name}_low"] < frame[name]).all()
        assert (frame[name] < frame[f"{name}_high"]).all()
    assert frame["cost"].tolist() == pytest.approx(
        [mean + CHANCE.mean() for mean in (100, 101, 90, 120, 100, 95)]
    )


def test_what_chance_may_have_made_beats_nothing() -> None:
    """A difference whose interval holds 0 is none, however the means lie."""
    found = experiment((100, 50), (100, 50))
    results = dict(found.results)
    for task, own in found.results.items():
        if task.design:
            shifted = own.figures["cost"] + (1.0 if task.replication % 2 else -1.1)
            results[task] = own._replace(figures={**own.figures, "cost": shifted})
    noisy = Experiment(found.designs, 1, results)
    frame = noisy.frontier("cost", "messages.delivered")

    assert frame["cost"][1] < frame["cost"][0]
    assert frame["best"].tolist() == [True, True]


def test_a_figure_without_a_better_way_has_no_frontier() -> None:
    with pytest.raises(ValueError, match=r"figure\(='messages.sent'\) must be one of which less"):
        experiment((1, 1)).frontier("cost", "messages.sent")
    with pytest.raises(ValueError, match=r"'no\.such'"):
        experiment((1, 1)).frontier("no.such", "cost")
    with pytest.raises(ValueError, match=r"figure\(='latency.p50'\) must be one of"):
        experiment((1, 1)).frontier("cost", "latency.p50")


def test_a_frame_names_its_designs() -> None:
    """A larger package costs more and stops fewer; the names are those of the frame's index."""
    paths = ["packages.0.segments", "packages.0.price"]
    offers = pd.DataFrame([[120, 8], [400, 20], [500, 25]], ["S", "L", "XL"], paths)
    found = sweep(PLAN, offers, 4, workers=1)

    assert found.changes["design"].tolist() == ["S", "L", "XL"]
    assert found.changes[paths].to_numpy().tolist() == offers.to_numpy().tolist()
    assert [design.label for design in found.designs] == ["S", "L", "XL"]
    frame = found.frontier("cost", "messages.stopped_by_runout")
    assert frame["best"].tolist() == [True, True, False]
    unnamed = sweep(PLAN, offers.reset_index(drop=True), 1, workers=1)
    assert "design" not in unnamed.changes
    assert unnamed.designs[0].label == "packages.0.segments 120, packages.0.price 8"


def drawn(found: Experiment) -> Any:
    ax = found.plot_frontier("cost", "messages.delivered")
    ax.figure.canvas.draw()
    return ax


def test_the_picture_numbers_the_designs_and_tells_who_is_beaten() -> None:
    """Designs that lie on each other share a label, and no label lies on another."""
    ax = drawn(experiment((100, 50), (101, 50), (90, 40), (120, 60), (100, 50)))

    assert ax.get_title(loc="left") == "4 of 5 designs are not beaten by another"
    numbers = [text for text in ax.texts if text.get_text()[0].isdigit()]
    assert sorted(text.get_text() for text in numbers) == ["0, 1, 4", "2", "3"]
    legend = ax.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == [f"{n}  plan {n}" for n in range(5)]
    width = ax.figure.bbox.width
    boxes = [text.get_window_extent() for text in (*numbers, *legend.get_texts())]
    assert all(box.x0 >= 0 and box.x1 <= width for box in boxes)
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("cost, USD", "messages.delivered, messages")
    plt.close(ax.figure)


def test_a_design_without_a_value_is_neither_beaten_nor_drawn() -> None:
    """One that never delivers has no place; that it is not beaten is no praise."""
    found = experiment((100, 50), (90, 60), (1, 99))
    results = {
        task: own._replace(figures={"cost": own.figures["cost"]}) if task.design == 2 else own
        for task, own in found.results.items()
    }
    unknown = Experiment(found.designs, 1, results)
    frame = unknown.frontier("cost", "messages.delivered")
    assert frame["best"].tolist() == [False, True, True]

    ax = drawn(unknown)
    assert ax.get_title(loc="left") == "1 of 2 designs are not beaten by another"
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["0  plan 0", "1  plan 1", "2  plan 2: no value"]
    assert [t.get_text() for t in ax.texts if t.get_text()[0].isdigit()] == ["0", "1"]
    plt.close(ax.figure)


def test_one_design_has_a_picture_too() -> None:
    ax = drawn(experiment((100, 50)))
    assert ax.get_title(loc="left") == "1 of 1 designs are not beaten by another"
    plt.close(ax.figure)
