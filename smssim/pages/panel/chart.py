"""A small line chart as inline SVG: the what-if as a solid line, the base as a dashed one.

Somebody waits for it after each turn of a slider, and a screen of any resolution shows it: it is
written at once instead of laid out by a drawing library, and takes its colours from the notebook.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from smssim.arrays import Floats

__all__ = ["CHART_STYLE", "LEGEND", "Axis", "Line", "chart", "round_ticks"]

_WIDTH, _HEIGHT = 360.0, 176.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 60.0, 352.0, 8.0, 150.0
"""The plane within the picture, in its units."""
_MARK = 4.0
"""Half the width of a cross."""
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)
_MOST_POINTS = 400
"""Points of a line: more are finer than a screen."""
_SAMPLE = '<svg viewBox="0 0 30 10" width="30" height="10" aria-hidden="true">'
LEGEND = (
    f'<p>The first month: {_SAMPLE}<path class="smssim-line" d="M0 5H30"/></svg> what-if '
    f'{_SAMPLE}<path class="smssim-line smssim-base" d="M0 5H30"/></svg> base '
    f'{_SAMPLE}<path class="smssim-line" d="M11 1L19 9M11 9L19 1"/></svg> runs out</p>'
)
CHART_STYLE = """
.smssim-panel svg text { fill: var(--jp-ui-font-color1, #222); font-size: 11.5px }
.smssim-panel .smssim-line {
  fill: none; stroke: var(--jp-brand-color1, #1976d2); stroke-width: 2.2; stroke-linejoin: round
}
.smssim-panel .smssim-base {
  stroke: var(--jp-ui-font-color2, #616161); stroke-width: 1.6; stroke-dasharray: 5 3
}
.smssim-panel .smssim-cross { stroke-dasharray: none }
.smssim-panel .smssim-grid { stroke: var(--jp-border-color2, #ddd); stroke-width: 0.8 }
"""


class Line(NamedTuple):
    """Points from left to right, and those of them that get a cross."""

    x: Floats
    y: Floats
    crosses: Sequence[tuple[float, float]] = ()

    def thinned(self) -> Line:
        """The line without points that no screen shows."""
        step = -(-len(self.x) // _MOST_POINTS)
        if step < 2:
            return self
        chosen = np.r_[0 : len(self.x) : step, len(self.x) - 1]
        return Line(self.x[chosen], self.y[chosen], self.crosses)


class Axis(NamedTuple):
    """From where to where an axis goes, and what is written at which values; or by logarithms."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    log: bool = False

    def share(self, values: Floats) -> Floats:
        """Where values are, from 0 at the low end to 1 at the high one."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            return (np.log(np.clip(values, self.low, self.high)) - low) / (high - low)
        return (values - self.low) / (self.high - self.low)


def round_ticks(high: float, most: int, text: Callable[[float], str]) -> list[tuple[float, str]]:
    """Round values from 0 to *high*, *most* steps of them or fewer.

    >>> round_ticks(13_000, 4, "{:,.0f}".format)
    [(0.0, '0'), (5000.0, '5,000'), (10000.0, '10,000')]
    """
    rough = high / most
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * scale for nice in _NICE if nice * scale >= rough * (1 - 1e-9))
    return [(n * step, text(n * step)) for n in range(math.floor(high / step + 1e-9) + 1)]


def chart(what_if: Line | None, base: Line | None, x: Axis, y: Axis, words: str) -> str:
    """Both lines in one plane as an `<svg>`; *words* say what is seen. None is not drawn."""
    grid = [_upwards(value, text, y) for value, text in y.ticks]
    dates = [_across(value, text, x) for value, text in x.ticks]
    lines = [
        _path(line, x, y, css)
        for line, css in ((base, " smssim-base"), (what_if, ""))
        if line is not None
    ]
    inside = "".join([*grid, *dates, *lines])
    return (
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{escape(words)}">'
        f"{inside}</svg>"
    )


def _upwards(value: float, text: str, y: Axis) -> str:
    at = _down(np.array([value]), y)[0]
    return (
        f'<path class="smssim-grid" d="M{_LEFT:g} {at:.1f}H{_RIGHT:g}"/>'
        f'<text x="{_LEFT - 5:g}" y="{at + 4:.1f}" text-anchor="end">{escape(text)}</text>'
    )


def _across(value: float, text: str, x: Axis) -> str:
    at = _along(np.array([value]), x)[0]
    # A label at the right end would leave the picture.
    anchor = "end" if at > _RIGHT - 15 else "middle"
    return (
        f'<path class="smssim-grid" d="M{at:.1f} {_BOTTOM:g}v5"/>'
        f'<text x="{at:.1f}" y="{_BOTTOM + 18:g}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _path(line: Line, x: Axis, y: Axis, css: str) -> str:
    points = zip(_along(line.x, x).tolist(), _down(line.y, y).tolist(), strict=True)
    drawn = "L".join(f"{across:.1f} {down:.1f}" for across, down in points)
    path = f'<path class="smssim-line{css}" d="M{drawn}"/>'
    for across, up in line.crosses:
        at, down = _along(np.array([across]), x)[0], _down(np.array([up]), y)[0]
        left, right, top, bottom = at - _MARK, at + _MARK, down - _MARK, down + _MARK
        cross = f"M{left:.1f} {top:.1f}L{right:.1f} {bottom:.1f}M{left:.1f} {bottom:.1f}"
        path += f'<path class="smssim-line{css} smssim-cross" d="{cross}L{right:.1f} {top:.1f}"/>'
    return path


def _along(values: Floats, x: Axis) -> Floats:
    return _LEFT + (_RIGHT - _LEFT) * x.share(values)


def _down(values: Floats, y: Axis) -> Floats:
    return _BOTTOM - (_BOTTOM - _TOP) * y.share(values)
