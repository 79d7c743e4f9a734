"""Pictures can be read: at the size of a slide no words lie on others, and none are cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from picture_records import INVENTED, LOGS, SCENARIOS, record
from picture_texts import legends_over_data, outside, overlaps, texts

from smssim import plots
from smssim.plots._style import drawing, set_titles
from smssim.plots._timeline import Step, lanes_in_time

PICTURES: dict[str, Callable[..., Axes]] = {
    "burn_down": plots.burn_down,
    "callbacks": plots.callbacks,
    "cost": plots.cost,
    "cost_by_day": plots.cost_by_day,
    "failures": plots.failures,
    "heat_map": plots.heat_map,
    "latency": plots.latency,
    "onboarding": plots.onboarding,
    "review": plots.review,
    "thresholds": plots.thresholds,
    "waterfall": plots.waterfall,
}
WIDE = {"nothing", "launch", "40 countries", "console"}
"""Records that are drawn with every option, too."""
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("cost_by_day", {"figure": "messages"}),
    ("heat_map", {"measure": "not_delivered", "zone": "Asia/Kathmandu"}),
    ("heat_map", {"measure": "refused"}),
    ("latency", {"by": "type"}),
    ("thresholds", {"period": "month"}),
]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    mpl.use("agg")
    yield
    plt.close("all")


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("of", [*SCENARIOS, *LOGS, *INVENTED])
def test_words_are_apart_and_within_the_slide(of: str, name: str) -> None:
    before = dict(mpl.rcParams)
    ax = PICTURES[name](record(of))
    assert dict(mpl.rcParams) == before
    _assert_readable(ax)


@pytest.mark.parametrize(("name", "options"), OPTIONS)
@pytest.mark.parametrize("of", sorted(WIDE))
def test_so_they_are_with_other_options(of: str, name: str, options: dict[str, Any]) -> None:
    _assert_readable(PICTURES[name](record(of), **options))


@pytest.mark.parametrize("other", [*SCENARIOS, *LOGS, *INVENTED])
def test_words_of_a_comparison_are_apart(other: str) -> None:
    _assert_readable(plots.compare(record("resend"), record(other)))


def _assert_readable(ax: Axes) -> None:
    figure: Any = ax.figure
    assert ax.get_title(loc="left")
    assert len(ax.get_title(loc="left").splitlines()) <= 2
    seen = texts(figure)
    assert overlaps(seen) == []
    assert outside(seen, figure) == []
    assert legends_over_data(ax) == []


def test_words_on_others_are_found() -> None:
    """The tests above can fail."""
    _, ax = plt.subplots()
    ax.text(0.5, 0.5, "one")
    ax.text(0.51, 0.5, "two")
    ax.text(0.99, 0.2, "a word beyond the edge")
    figure: Any = ax.figure
    assert overlaps(texts(figure)) == [("one", "two")]
    assert outside(texts(figure), figure) == ["a word beyond the edge"]
    ax.plot([0, 1], [0, 1], label="line")
    ax.legend(loc="center")
    assert legends_over_data(ax) == ["line"]


def test_a_number_is_not_torn_from_its_unit() -> None:
    """Whatever the width, all words are kept."""
    told = "95% arrive within 29.7 s (otp) to 3.8 min (4.9% to 6.0%); of which 12 h are late"
    for wide in (3.0, 4.0, 5.0, 6.5, 8.0):
        _, ax = plt.subplots(figsize=(wide, 4))
        set_titles(ax, told, "below")
        lines = ax.get_title(loc="left").splitlines()
        assert " ".join(lines) == told
        assert len(lines) > 1
        units = ("%", "%);", "s", "min", "h")
        assert not any(line.split()[0] in units for line in lines)


def test_the_legend_leaves_slow_curves_alone() -> None:
    """A campaign of half an hour comes where the legend of quick curves stands."""
    seconds = np.geomspace(1, 3_000, 40)
    slow = {"type": "notification", "latency_s": seconds, "share": (seconds / 3_000)}
    quick = {"type": "otp", "latency_s": seconds, "share": np.linspace(0, 0.99, 40)}
    frame = pd.concat(
        pd.DataFrame(own).assign(low=np.nan, high=np.nan, at_risk=9) for own in (slow, quick)
    )
    ax = plots.latency(frame)
    _assert_readable(ax)


@pytest.mark.parametrize("days", [0.5, 2.9, 7.5, 8, 14, 15, 20, 45, 50, 65, 66, 100, 230, 450, 900])
def test_dates_are_apart_however_long_it_takes(days: float) -> None:
    """From both a day of few letters and one of many, next to the longest names of lanes."""
    for begins in (pd.Timestamp("2026-04-20T05:00Z"), pd.Timestamp("2026-09-23T00:00Z")):
        until = begins + pd.Timedelta(days=days)
        with drawing(None) as ax:
            step = Step("register a sender of a long name", begins, until, "done")
            lanes_in_time(ax, [step], until, "UTC")
        figure: Any = ax.figure
        assert overlaps(texts(figure)) == []
