"""Whether the words of a picture can be read: none on another, none beyond the edge."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

_SLACK_PX = 1.5


def texts(figure: Figure) -> list[tuple[str, Any]]:
    """The words that are seen, each with the box it fills, in pixels."""
    figure.canvas.draw()
    found = []
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        box = text.get_window_extent()
        if text.get_visible() and text.get_text().strip() and _seen(text, figure):
            found.append((text.get_text(), box))
    return found


def _seen(text: Text, figure: Figure) -> bool:
    """Ticks beyond the limits of their axis keep words that are not drawn."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            slack = 1e-6 * (high - low)
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                if text in (tick.label1, tick.label2):
                    return text is tick.label1 and low - slack <= tick.get_loc() <= high + slack
    return True


def overlaps(seen: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of words of which one lies on the other."""
    found = []
    for (one, a), (other, b) in combinations(seen, 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > _SLACK_PX and high > _SLACK_PX:
            found.append((one, other))
    return found


def outside(seen: list[tuple[str, Any]], figure: Figure) -> list[str]:
    """Words that reach beyond the edge of the figure."""
    edge = figure.bbox
    return [
        told
        for told, box in seen
        if box.x0 < edge.x0 - 1
        or box.y0 < edge.y0 - 1
        or box.x1 > edge.x1 + 1
        or box.y1 > edge.y1 + 1
    ]


def legends_over_data(ax: Axes) -> list[str]:
    """Names in a legend that lies on a bar or on a point of a line."""
    legend = ax.get_legend()
    if legend is None:
        return []
    box = legend.get_window_extent()
    hidden = any(box.overlaps(bar.get_window_extent()) for bar in ax.patches if _finite(bar))
    for line in ax.lines:
        path = line.get_path().interpolated(50).transformed(line.get_transform())
        hidden |= bool(box.count_contains(path.vertices[np.isfinite(path.vertices).all(axis=1)]))
    return [text.get_text() for text in legend.get_texts()] if hidden else []


def _finite(bar: Any) -> bool:
    return bool(np.isfinite(bar.get_window_extent().extents).all())
