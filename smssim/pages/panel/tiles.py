"""The answer of a what-if at a glance: tiles with its main figures, and whether each is better."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Literal, NamedTuple

import numpy as np

from smssim.experiment.comparison import BASE, WHAT_IF
from smssim.experiment.statistics import Values
from smssim.formatting import amount, count, duration
from smssim.metrics import METRICS
from smssim.pages.panel.study import Side, Study
from smssim.stats.intervals import mean_interval

__all__ = ["TILE_STYLE", "Form", "mean", "signed", "tiles", "tiles_of"]

Form = Callable[[float], str]
_Judgement = Literal["better", "worse", "same", "unclear"]
_SIGNS = {"better": "\N{CHECK MARK} better", "worse": "\N{WARNING SIGN} worse"}
_OTHERWISE = {"same": "as the base", "unclear": "no clear difference"}
TILE_STYLE = """
.smssim-panel .smssim-tiles { display: flex; flex-wrap: wrap; gap: 8px; line-height: 1.35 }
.smssim-panel .smssim-tile {
  flex: 1 1 130px; padding: 6px 10px; border: 1px solid var(--jp-border-color1, #bbb);
  border-left-width: 5px; border-radius: 3px
}
.smssim-panel .smssim-tile b { display: block; font-size: 20px; white-space: nowrap }
.smssim-panel .smssim-tile span { display: block; font-size: 12px }
.smssim-panel .smssim-better { border-left: 5px solid #1a7f37 }
.smssim-panel .smssim-worse { border-left: 5px dashed #c62828 }
.smssim-panel .smssim-better .smssim-judged { color: var(--jp-success-color0, #1a7f37) }
.smssim-panel .smssim-worse .smssim-judged {
  color: var(--jp-error-color0, #b71c1c); font-weight: bold
}
"""


class _Tile(NamedTuple):
    """A figure of the what-if next to the base's, and what its difference is."""

    name: str
    value: str
    base: str
    difference: str
    judgement: _Judgement


def tiles(study: Study) -> str:
    """The tiles as HTML."""
    return f'<div class="smssim-tiles" role="list">{"".join(map(_html, tiles_of(study)))}</div>'


def tiles_of(study: Study) -> list[_Tile]:
    """The bill, what was refused, run-outs, deliveries, delays and promises, in this order."""
    messages = "messages"
    shown = [
        _tile(study, "cost", f"Bill, {study.base.currency}", amount),
        _tile(study, "messages.stopped", f"Refused by limits and run-outs, {messages}", count),
        _run_outs(study),
        _tile(study, "messages.delivered", f"Delivered, {messages}", count),
        _tile(study, "latency.p95", "Delivery time, p95", duration),
    ]
    return [*shown, _promises(study)] if study.base.checks else shown


def mean(study: Study, name: str, design: int) -> float:
    """The mean of a figure over the months known so far; NaN where it is missing in all."""
    values = study.comparison.experiment.values(name, design, drop_missing=True)
    return float(values.mean()) if len(values) else math.nan


def signed(value: float, form: Form) -> str:
    """A difference with its sign, none where it is shown as 0."""
    text = form(abs(value))
    sign = "+" if value > 0 else "\N{MINUS SIGN}"
    return text if text == form(0) else f"{sign}{text}"


def _tile(study: Study, name: str, label: str, form: Form) -> _Tile:
    now, before = (form(mean(study, name, design)) for design in (WHAT_IF, BASE))
    base, what_if = study.comparison.pairs(name)
    judgement = _judged(what_if - base, METRICS[name].better)
    return _Tile(label, now, before, _difference(what_if - base, form, judgement), judgement)


def _run_outs(study: Study) -> _Tile:
    """In how many of the months any package ran out."""
    base, what_if = study.comparison.pairs("runout.any")
    now, before = (f"{round(side.sum()):,} of {len(side):,}" for side in (what_if, base))
    judgement = _judged(what_if - base, "less")
    text = "" if judgement == "same" else signed(float((what_if - base).sum()), count)
    return _Tile("Months with a run-out", now, before, text, judgement)


def _promises(study: Study) -> _Tile:
    now, before = (_kept(study, side) for side in ("what_if", "base"))
    better, worse = now[0] - before[0], now[1] - before[1]
    judgement: _Judgement = "same" if now == before else "unclear"
    if better * worse <= 0 and better != worse:
        judgement = "better" if better > worse else "worse"
    broken = f"{now[1]} broken, {now[2]} undecided" if now[1] or now[2] else ""
    value, base = (f"{side[0]} of {sum(side)}" for side in (now, before))
    return _Tile("Promises kept", value, base, broken, judgement)


def _kept(study: Study, side: Side) -> tuple[int, int, int]:
    """How many promises of a side are kept, broken and undecided."""
    outcomes = [verdict.outcome for verdict in study.verdicts(side)]
    return outcomes.count("pass"), outcomes.count("fail"), outcomes.count("undecided")


def _judged(differences: Values, better: str | None) -> _Judgement:
    """Better or worse where the 95% interval of the paired difference leaves out 0."""
    if not len(differences):
        return "unclear"
    if not differences.any():
        return "same"
    if len(differences) < 2 or better is None:
        return "unclear"
    _, low, high = mean_interval(differences)
    if not (low > 0 or high < 0):
        return "unclear"
    return "better" if (low > 0) == (better == "more") else "worse"


def _difference(differences: Values, form: Form, judgement: _Judgement) -> str:
    if judgement == "same" or not len(differences):
        return ""
    change = signed(float(np.mean(differences)), form)
    if len(differences) < 2:
        return f"{change} in one month"
    _, low, high = mean_interval(differences)
    return f"{change} ({signed(low, form)} to {signed(high, form)})"


def _html(tile: _Tile) -> str:
    judged = {**_SIGNS, **_OTHERWISE}[tile.judgement]
    lines: Sequence[str] = [
        f"<span>{escape(tile.name)}</span>",
        f"<b>{escape(tile.value)}</b>",
        f"<span>base {escape(tile.base)}</span>",
        f"<span>{escape(tile.difference)}</span>" if tile.difference else "",
        f'<span class="smssim-judged">{judged}</span>',
    ]
    return (
        f'<div class="smssim-tile smssim-{tile.judgement}" role="listitem">{"".join(lines)}</div>'
    )
