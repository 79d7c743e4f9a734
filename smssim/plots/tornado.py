"""A tornado: what each unknown alone does to the mean of a figure, the widest bar on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from smssim.formatting import number, share
from smssim.plots._style import INK, drawing, first_of, lying, series_style, set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["tornado"]


def tornado(
    table: pd.DataFrame,
    figure: str,
    unit: str,
    middle: float,
    chance: float,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw the bars of `Uncertainty.tornado` around the figure's mean, the *middle*.

    The ends of a bar have the value of the unknown there, its p10 and its p90; *chance* is the
    share of the variance that no unknown explains.
    """
    shown, _ = first_of(table, (table["at_p90"] - table["at_p10"]).abs())
    bars = shown[["at_p10", "p10", "at_p90", "p90"]].to_numpy(np.float64)
    with drawing(ax) as ax:
        for y, (at_p10, p10, at_p90, p90) in enumerate(bars.tolist()):
            low, high = sorted(((at_p10, p10), (at_p90, p90)))
            color = series_style(0)["color"]
            ax.barh(y, high[0] - low[0], 0.6, left=low[0], color=color)
            for (end, value), side, shift in ((low, "right", -6), (high, "left", 6)):
                ax.annotate(
                    number(value),
                    (end, y),
                    (shift, 0),
                    textcoords="offset points",
                    ha=side,
                    va="center",
                    color=INK,
                )
        ax.axvline(middle, color=INK, linewidth=1.5)
        lying(ax, list(shown["unknown"]))
        ends = np.append(bars[:, [0, 2]].ravel(), middle)
        # Room for the words at both ends; all alike, bars have no width.
        room = 0.25 * (float(np.ptp(ends)) or abs(middle) or 1.0)
        ax.set_xlim(float(ends.min()) - room, float(ends.max()) + room)
        ax.set_xlabel(f"mean of {figure}, {unit}")
        widest = f"{shown['unknown'].iloc[0]} matters most" if len(shown) else "nothing is unknown"
        below = f"each unknown at its p10 and p90; {share(chance)} of the variance is chance"
        set_titles(ax, f"{figure}: {widest}", below)
    return ax
