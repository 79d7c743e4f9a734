"""A check's result in a notebook: a picture in parts of the bounds, and a small table of HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from smssim.checks.text import about, cells, headline, promise
from smssim.checks.verdict import CheckedScenario, Verdict
from smssim.formatting import html_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from smssim.plots.promises import Promised

_HEADER = ("promise", "", "verdict", "estimate", "low to high", "by", "months", "beyond the bound")


def draw_promises(checked: CheckedScenario, ax: Axes | None = None) -> Axes:
    """Draw the promises on Axes, each in parts of its bound, so that one scale fits all."""
    from smssim.plots.promises import promises

    rows = [_promised(verdict, checked.unit(verdict)) for verdict in checked.verdicts]
    return promises(rows, len(checked.experiment.results), ax=ax)


def card(checked: CheckedScenario) -> str:
    """A row per promise as HTML, under the verdict of the file; no month is simulated again."""
    rows = [
        [verdict.check.name, promise(verdict.check, checked.unit(verdict)), *cells(verdict)]
        for verdict in checked.verdicts
    ]
    caption = "<br>".join(escape(line) for line in (headline(checked), " ".join(about(checked))))
    return html_table("smssim-checked", rows, _HEADER, caption=caption)


def _promised(verdict: Verdict, unit: str) -> Promised:
    from smssim.plots.promises import Promised

    check = verdict.check
    # Against a bound of 0 there are no parts: its own unit is as good as any.
    scale = abs(check.bound) or 1.0
    estimate, low, high = (
        1 + (value - check.bound) / scale for value in (verdict.estimate, verdict.low, verdict.high)
    )
    return Promised(
        name=check.name,
        statement=promise(check, unit).partition(", margin")[0],
        outcome=verdict.outcome,
        estimate=estimate,
        low=low,
        high=high,
        margin=check.margin / scale,
        above=check.above is not None,
    )
