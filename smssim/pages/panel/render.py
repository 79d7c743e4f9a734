"""What a study shows: its table and sentences, as HTML without JavaScript or addresses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import escape
from typing import NamedTuple

import numpy as np

from smssim.checks import Verdict
from smssim.checks.decide import months_of
from smssim.experiment.comparison import BASE, WHAT_IF
from smssim.experiment.statistics import Values
from smssim.formatting import NOTHING, amount, count, duration, html_table, money, number
from smssim.pages.panel.chart import CHART_STYLE
from smssim.pages.panel.controls import package_name
from smssim.pages.panel.pictures import pictures
from smssim.pages.panel.study import MOST, Study
from smssim.pages.panel.tiles import TILE_STYLE, Form, mean, signed
from smssim.scenario import Scenario, ScenarioError
from smssim.stats.intervals import mean_interval

__all__ = [
    "OUTCOMES",
    "RECOMPUTING",
    "STYLE",
    "Row",
    "line",
    "pictures_of",
    "rows",
    "sentence",
    "status",
    "table",
]

_HEAD = ("", "base", "what-if", "difference (95% confidence interval)", "pairs")
OUTCOMES = {"pass": "kept", "fail": "broken", "undecided": "undecided"}
RECOMPUTING = "Recomputing..."
_NO_PROMISES = (
    "This scenario has no promises. Add some to its file and they are decided here, for instance"
    " checks: [{name: never dry, metric: runout.any, below: 0.05, margin: 0.02}]"
    " (docs/checks.md)."
)
STYLE = f"""<style>
.smssim-panel .smssim-control {{ flex-flow: row wrap; height: auto; width: 290px }}
.smssim-panel .smssim-control > .widget-label {{
  flex: 0 0 100%; width: auto; height: auto; white-space: normal; text-align: left; line-height: 1.3
}}
.smssim-panel .smssim-control select {{ height: 28px }}
.smssim-panel .smssim-changed {{
  border-left: 4px solid var(--jp-brand-color1, #1976d2); padding-left: 6px
}}
.smssim-panel .smssim-changed .smssim-control {{ width: 280px }}
.smssim-panel .smssim-changed .widget-label {{ font-weight: bold }}
.smssim-panel .smssim-undo {{ width: auto; height: 24px; line-height: 24px; font-size: 12px }}
.smssim-panel .smssim-shown {{ transition: opacity 0.1s }}
.smssim-panel .smssim-stale {{ opacity: 0.3; filter: grayscale(1) }}
.smssim-panel .smssim-pictures {{
  display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 4px 16px
}}
.smssim-panel figure {{
  display: grid; grid-row: span 2; grid-template-rows: subgrid; margin: 0 0 8px; max-width: 560px
}}
.smssim-panel figcaption {{ line-height: 1.3; font-size: 13px }}
.smssim-panel p {{ line-height: 1.4; margin: 6px 0 2px }}
.smssim-panel td, .smssim-panel th {{ line-height: 1.3; padding: 3px 6px; font-size: 12px }}
.smssim-panel td {{ text-align: right; font-variant-numeric: tabular-nums }}
.smssim-panel tbody th {{ text-align: left; font-weight: normal }}
.smssim-panel td span {{ white-space: nowrap }}
.smssim-panel caption {{ text-align: left; white-space: nowrap }}
{TILE_STYLE}{CHART_STYLE}</style>"""
"""How widgets look within an element of the class smssim-panel: labels stand above controls."""


class Row(NamedTuple):
    """A row of the table, its texts not yet escaped."""

    label: str
    base: str
    what_if: str
    difference: str = NOTHING
    pairs: str = ""


def pictures_of(study: Study) -> str:
    """The first month of both sides, drawn."""
    return pictures(*study.seen, study.base)


def table(study: Study) -> str:
    """The rows as an HTML table; without promises, a sentence below it says how to add them."""
    below = "" if study.base.checks else f"<p>{escape(_NO_PROMISES)}</p>"
    caption = "Means over months of the same random numbers, dates in UTC"
    lines = rows(study)
    return (
        html_table("smssim-what-if", lines, _HEAD, caption=caption, row_headers=True, cell=_cell)
        + below
    )


def rows(study: Study) -> list[Row]:
    """The bill, deliveries, refusals and delays, run-outs, and the promises of the scenario."""
    comparison = study.comparison
    currency = study.base.currency
    figures = [
        _figure(study, "cost", f"bill, {currency}", amount),
        _figure(study, "cost.per_delivered", f"cost per delivered message, {currency}", _finely),
        _figure(study, "messages.delivered", "delivered, messages", count),
        _figure(study, "messages.stopped_by_limit", "refused by a limit, messages", count),
        _figure(study, "messages.stopped_by_runout", "refused without a package left", count),
        _figure(study, "latency.p95", "delivery time, p95", duration),
    ]
    names = [
        name for name in comparison.experiment.kpi_names if name.startswith("package.run_out[")
    ]
    return [*figures, *(_run_out(study, name) for name in names), *_promises(study)]


def status(study: Study) -> str:
    """How far the study is, in a sentence."""
    n = study.pairs
    pairs = f"{n} pair{'s' * (n != 1)} of months"
    if not study.enough:
        return f"{pairs}, refining..."
    if n >= MOST:
        return f"{pairs}: no more are run."
    promises = "all promises are decided and " if study.base.checks else ""
    return f"{pairs}: {promises}the difference of the bills is known to 1% of the base's."


def sentence(error: Exception) -> str:
    """What is wrong, in words; of a scenario all of it, and what was done about it."""
    if isinstance(error, ScenarioError):
        problems = "; ".join(": ".join(filter(None, (p.path, p.message))) for p in error.problems)
        return f"Not possible: {problems}. The figures below are of the last setting that was."
    if isinstance(error, FileExistsError):
        return f"Not saved: {error.filename} is there already; choose another name."
    if isinstance(error, OSError):
        return f"Not saved: {error.filename}: {error.strerror}."
    return f"Not possible: {error}."


def line(words: str) -> str:
    """A sentence as the status line, which screen readers read out when it changes."""
    return f'<div role="status" aria-live="polite">{escape(words)}</div>'


def _figure(study: Study, name: str, label: str, form: Form) -> Row:
    base, what_if = study.comparison.pairs(name)
    means = [form(mean(study, name, design)) for design in (BASE, WHAT_IF)]
    return Row(label, means[BASE], means[WHAT_IF], *_difference(what_if - base, form))


def _finely(value: float) -> str:
    return money(value, 4)


def _run_out(study: Study, name: str) -> Row:
    index = int(name.partition("[")[2].removesuffix("]"))
    experiment = study.comparison.experiment
    days = [experiment.values(name, design) for design in (BASE, WHAT_IF)]
    base, what_if = study.comparison.pairs(name)
    difference, pairs = _difference(what_if - base, lambda days: duration(86_400 * days))
    if not len(base) and any(np.isfinite(side).any() for side in days):
        difference = "runs out now" if np.isfinite(days[WHAT_IF]).any() else "no longer runs out"
    dates = [_date(study.base, side) for side in days]
    label = f"{package_name(study.base, index)} runs out"
    return Row(label, dates[BASE], dates[WHAT_IF], difference, pairs)


def _date(base: Scenario, days: Values) -> str:
    """The mean date of a run-out, from its days since the start, and in how many months it is."""
    dated = days[np.isfinite(days)]
    if not len(dated):
        return "never"
    at = base.start + timedelta(days=float(dated.mean()))
    often = "" if len(dated) == len(days) else f", in {len(dated)} of {len(days)} months"
    return f"{at.day} {at:%b %H:%M}{often}"


def _promises(study: Study) -> Iterator[Row]:
    sides = (study.verdicts("base"), study.verdicts("what_if"))
    for base, what_if in zip(*sides, strict=True):
        check = base.check
        texts = (f"{check.name}: {check}", _verdict(base), _verdict(what_if))
        if check.quantile is None:
            runs = study.comparison.experiment
            base_months, months = (months_of(check, runs, design) for design in (BASE, WHAT_IF))
            changes = [months[k] - base_months[k] for k in base_months if k in months]
            values = np.array([change for change in changes if change == change])
            yield Row(*texts, *_difference(values, number))
        else:
            yield Row(*texts)


def _verdict(verdict: Verdict) -> str:
    months = f"{verdict.runs} month{'s' * (verdict.runs != 1)}"
    text = f"{OUTCOMES[verdict.outcome]} after {months}: {number(verdict.estimate)}"
    return f"{text} ({verdict.note})" if verdict.note else text


def _difference(values: Values, form: Form) -> tuple[str, str]:
    """The mean of paired differences with its interval, and how many pairs there are."""
    n = len(values)
    if not n:
        return NOTHING, "0"
    change = signed(float(values.mean()), form)
    if n < 2:
        return f"{change} (no interval yet)", "1"
    _, low, high = mean_interval(values)
    return f"{change} ({signed(low, form)} to {signed(high, form)})", f"{n:,}"


def _cell(text: str) -> str:
    """A cell whose interval, in brackets at its end, is not broken into two lines."""
    before, bracket, interval = escape(text).partition(" (")
    whole = not (bracket and text.endswith(")"))
    return escape(text) if whole else f"{before} <span>({interval}</span>"
