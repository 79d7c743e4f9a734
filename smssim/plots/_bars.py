"""Bars that lie, longest first: for things with names, of which there may be many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from smssim.plots._style import CYCLE, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 15
"""Bars in one picture."""
_LONGEST = 26
"""Characters of a name beside a bar."""
_ROOM = 4
"""With fewer bars than these they are not made thicker."""


def fill(colour: int, hatch: str = "") -> dict[str, Any]:
    """How a kind of bar is filled: a colour of the cycle, and a hatching that is seen in grey.

    The edge has the colour, too, so that a bar of no height is a line.
    """
    import matplotlib as mpl

    color = mpl.color_sequences[CYCLE][colour]
    return {"facecolor": color, "edgecolor": color, "hatch": hatch, "hatchcolor": "white"}


def first_of(table: pd.DataFrame, by: pd.Series[Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of *table* with the most *by*, longest first, and those for which there is no room.

    A bar for all others would often be the longest, and make the rest short.
    """
    ordered = table.loc[by.sort_values(ascending=False, kind="stable").index]
    return ordered.iloc[:MOST], ordered.iloc[MOST:]


def shortened(name: Any) -> str:
    """A name that fits beside a bar."""
    text = "not known" if name != name else str(name)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def lying(ax: Axes, names: Sequence[Any]) -> None:
    """A row a name, the first on top, and the values along the x axis."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.set_yticks(range(len(names)), [shortened(name) for name in names])
    above = 0.5 + max(0, _ROOM - len(names)) / 2
    ax.set_ylim(len(names) - 1 + above, -above)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(axis="x", color="#dddddd", linewidth=0.8)
    ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def label_ends(
    ax: Axes, at: Sequence[float], words: Sequence[str], reach: float, weight: str = "bold"
) -> None:
    """Words to the right of each bar's end; they need *reach*, in parts of the longest bar."""
    longest = max([*at, 0])
    ax.set_xlim(0, (1 + reach) * longest or 1)
    # No line runs through the words, which are beyond the bars.
    ax.set_xticks([tick for tick in ax.get_xticks() if 0 <= tick <= longest])
    for row, (end, word) in enumerate(zip(at, words, strict=True)):
        ax.annotate(
            word,
            (end, row),
            (6, 0),
            textcoords="offset points",
            va="center",
            color=INK,
            fontweight=weight,
        )
