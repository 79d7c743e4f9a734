"""Verdicts as a picture: every statistic in parts of its bound, so that one scale fits all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.checks.verdict import Verdict
from smssim.checks.words import promise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from smssim.checks.checked import Checked
    from smssim.plots.promises import Promised


def drawn(checked: Checked, ax: Axes | None = None) -> Axes:
    """Draw the promises on Axes."""
    from smssim.plots.promises import promises

    rows = [_promised(verdict, checked.unit(verdict)) for verdict in checked.verdicts]
    return promises(rows, len(checked.experiment.results), ax=ax)


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
