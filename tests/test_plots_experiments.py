"""Pictures of experiments: what is drawn is what the runs say, and every word stands inside."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot as plt

from smssim.plots import experiments
from smssim.stats.intervals import Interval, mean_interval

LABELS = [f"account.service_mode of a rather long name, packages.0.segments {n}" for n in "123"]
VALUES = np.random.default_rng(1).normal(20_000, 100, 60)


def inside(ax: Any) -> None:
    """All words stand inside the figure."""
    figure = ax.figure
    figure.canvas.draw()
    for text in (ax.title, ax._left_title, ax.xaxis.label, *ax.texts, *ax.get_yticklabels()):
        box = text.get_window_extent()
        assert box.width == 0 or (box.x0 >= -1 and box.x1 <= figure.bbox.width + 1), text
    plt.close(figure)


def test_runs_are_counted_once() -> None:
    found = mean_interval(VALUES)
    ax = experiments.runs(VALUES, "messages.delivered", "messages", found)
    assert sum(patch.get_height() for patch in ax.patches[:8]) == 60
    assert ax.lines[0].get_xdata()[0] == found.estimate
    band = ax.patches[-1].get_extents().transformed(ax.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((found.low, found.high))
    told = ax.get_title(loc="left")
    assert told.replace("\n", " ").startswith(f"messages.delivered: {found.estimate:,.0f} (")
    inside(ax)


def test_designs_have_their_intervals() -> None:
    found = [
        Interval(10.0, 9.0, 12.0),
        Interval(1_000.0, 1_000.0, 1_000.0),
        Interval(*[np.nan] * 3),
    ]
    ax = experiments.designs(LABELS, found, "cost", "USD")
    assert [text.get_text() for text in ax.get_yticklabels()] == LABELS
    bars = [np.array(drawn.get_segments()) for drawn in ax.collections[:2]]
    assert [own[0, :, 0].tolist() for own in bars] == [[9.0, 12.0], [1_000.0, 1_000.0]]
    assert ax.get_title(loc="left").replace("\n", " ") == "cost: 10 to 1,000 USD"
    inside(ax)


@pytest.mark.parametrize("values", [np.array([]), np.zeros(3), np.full(4, 7.0), np.array([1.5])])
def test_few_or_equal_values_have_a_picture(values: Any) -> None:
    mean = float(values.mean()) if len(values) else np.nan
    found = Interval(mean, mean, mean)
    for draw in (experiments.runs, experiments.differences):
        ax = draw(values, "cost", "USD", found)
        told = ax.get_title(loc="left")
        assert ("always" in told) if len(values) else ("has a value" in told)
        if len(values):
            assert all(tick == round(tick) for tick in ax.get_yticks()), "there is no half a run"
        inside(ax)


def test_shares_are_told_in_per_cent() -> None:
    shares = np.array([0.2, 0.25, 0.3])
    found = mean_interval(shares)
    ax = experiments.runs(shares, "reports.lost_share", "share", found)
    assert ax.get_title(loc="left").startswith("reports.lost_share: 25 (")
    assert ax.get_xlabel() == "reports.lost_share, %"
    inside(ax)
    ax = experiments.designs(["a", "b"], [found, found], "reports.lost_share", "share")
    assert ax.get_title(loc="left") == "reports.lost_share: 25%"
    inside(ax)
    ax = experiments.differences(shares, "reports.lost_share", "share", found)
    assert "percentage points" in ax.get_xlabel()
    inside(ax)


@pytest.mark.parametrize(
    ("own", "told"), [(1.0, "less than all 60 runs"), (1e6, "more than all 60 runs")]
)
def test_a_record_beside_the_runs_is_in_the_title(own: float, told: str) -> None:
    ax = experiments.runs(VALUES, "cost", "USD", mean_interval(VALUES), compare_to=own)
    assert told in ax.get_title(loc="left").replace("\n", " ")
    assert [line.get_xdata()[0] for line in ax.lines if line.get_label() == "the record"] == [own]
    inside(ax)


def test_a_record_within_the_runs_is_counted() -> None:
    own = float(np.sort(VALUES)[7])
    ax = experiments.runs(VALUES, "cost", "USD", mean_interval(VALUES), compare_to=own)
    assert "more than 7 of 60 runs" in ax.get_title(loc="left").replace("\n", " ")
    inside(ax)


def test_yes_or_no_is_told_in_per_cent_of_runs() -> None:
    found = [Interval(0.0, 0.0, 0.1), Interval(1.0, 0.9, 1.0)]
    ax = experiments.designs(["a", "b"], found, "runout.any", "yes is 1")
    assert ax.get_title(loc="left") == "runout.any: 0 to 100% of runs"
    inside(ax)
