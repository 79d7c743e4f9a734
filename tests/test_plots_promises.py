"""The picture of promises: every statistic where it is, its side in grey, every word inside."""

from __future__ import annotations

import math

import pytest
from matplotlib import pyplot as plt

from smssim import replicate
from smssim.checks import CheckResult
from smssim.checks.verdict import Verdict
from smssim.plots.promises import Promised, promises
from smssim.scenario import Check, Scenario

ROWS = [
    Promised("never dry", "probability(runout.any) < 0.05", "fail", 20.0, 1.9, 20.0, 0.4, False),
    Promised("arrives", "mean(delivered.share) > 0.94", "pass", 1.02, 1.01, 1.03, 0.01, True),
    Promised("budget", "p90(cost) < 700 USD", "undecided", math.nan, -math.inf, math.inf, 0, False),
]

ONE_DAY = """
start: 2026-11-02
days: 1
applications: [{name: Shop}]
templates: [{name: login, application: Shop}]
traffic: [{name: logins, template: login, country: ID, messages_a_day: 20}]
"""


def test_each_promise_is_drawn_where_it_lies() -> None:
    ax = promises(ROWS, 108)
    drawn_at = [tuple(line.get_xdata()) for line in ax.lines]
    assert drawn_at[0] == (1.9, 2.0)
    assert drawn_at[1] == (2.0,)
    assert drawn_at[2] == (1.01, 1.03)
    sides = [(round(bar.get_x(), 9), round(bar.get_x() + bar.get_width(), 9)) for bar in ax.patches]
    assert sides[:4] == [(1.0, 1.4), (1.4, 2.0), (0.99, 1.0), (0.0, 0.99)]
    assert ax.get_title(loc="left").replace("\n", " ") == "1 of 3 promises hold; broken: never dry"
    assert [text.get_text() for text in ax.texts][:3] == ["DOES NOT HOLD", "holds", "undecided"]
    ax.figure.canvas.draw()
    for text in (ax._left_title, *ax.texts, *ax.get_yticklabels()):
        box = text.get_window_extent()
        assert box.width == 0 or (box.x0 >= -1 and box.x1 <= ax.figure.bbox.width + 1), text
    plt.close(ax.figure)


@pytest.mark.parametrize(("bound", "at"), [(200.0, 0.5), (50.0, 2.0)])
def test_a_statistic_is_drawn_in_parts_of_its_bound(bound: float, at: float) -> None:
    check = Check(name="c", metric="cost", statistic="mean", below=bound)
    verdict = Verdict(check, "pass", 12, 100.0, 90.0, 110.0, 0.0, 0.0, 0.1, ())
    plan = Scenario.parse(ONE_DAY)
    months = replicate(plan, 2, workers=1)
    figure, ax = plt.subplots()
    CheckResult(plan, [verdict], months).plot(ax=ax)
    assert ax.lines[1].get_xdata()[0] == pytest.approx(min(at, 2.0))
    plt.close(figure)
