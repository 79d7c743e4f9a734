"""What a study tells: a picture, a table and sentences, as HTML without JavaScript or addresses."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import escape
from typing import NamedTuple

import numpy as np

from smssim.checks import Verdict
from smssim.checks.decide import months_of
from smssim.experiment.comparison import BASE, WHAT_IF
from smssim.experiment.experiment import Experiment
from smssim.experiment.statistics import Values
from smssim.formatting import NOTHING, amount, count, duration, html_table, number
from smssim.pages.panel.study import MOST, Study
from smssim.plots.what_if import picture as draw
from smssim.scenario import Scenario, ScenarioError
from smssim.stats.intervals import mean_interval

__all__ = [
    "OUTCOMES",
    "STYLE",
    "Form",
    "Row",
    "line",
    "picture",
    "rows",
    "sentence",
    "status",
    "table",
]

_HEAD = ("", "base", "what-if", "difference (95% interval)", "pairs")
OUTCOMES = {"pass": "kept", "fail": "broken", "undecided": "undecided"}
_NO_PROMISES = (
    "This scenario has no promises. Add some to its file and they are decided here, for instance"
    " checks: [{name: never dry, metric: runout.any, below: 0.05, margin: 0.02}]"
    " (docs/checks.md)."
)
STYLE = """<style>
.smssim-panel .smssim-control { flex-flow: row wrap; height: auto; width: 290px }
.smssim-panel .smssim-control > .widget-label {
  flex: 0 0 100%; width: auto; height: auto; white-space: normal; text-align: left; line-height: 1.3
}
.smssim-panel .smssim-control select { height: 28px }
.smssim-panel td, .smssim-panel th { line-height: 1.3; padding: 3px 6px; font-size: 12px }
.smssim-panel td { text-align: right; font-variant-numeric: tabular-nums }
.smssim-panel tbody th { text-align: left; font-weight: normal }
.smssim-panel td span { white-space: nowrap }
.smssim-panel caption { text-align: left; white-space: nowrap }
</style>"""
"""How widgets look within an element of the class smssim-panel: labels stand above controls."""

Form = Callable[[float], str]


class Row(NamedTuple):
    """A row of the table, its texts not yet escaped."""

    label: str
    base: str
    what_if: str
    difference: str = NOTHING
    pairs: str = ""


def picture(study: Study) -> str:
    """Replication 0 of both sides as an `<img>`, its words in `alt`."""
    png, alt = draw(*study.seen)
    data = base64.b64encode(png).decode("ascii")
    style = "width: 100%; max-width: 1000px; height: auto"
    return f'<img alt="{escape(alt)}" style="{style}" src="data:image/png;base64,{data}">'


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
        _figure(study, "cost", f"the bill, {currency}", amount),
        _figure(study, "messages.delivered", "delivered, messages", count),
        _figure(study, "messages.stopped_by_limit", "refused by a limit, messages", count),
        _figure(study, "messages.stopped_by_runout", "refused as packages ran out", count),
        _figure(study, "latency.p95", "95% are delivered within", duration),
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
        return f"Not possible: {problems}. The picture is the last one that was."
    if isinstance(error, FileExistsError):
        return f"Not saved: {error.filename} is there already; choose another name."
    if isinstance(error, OSError):
        return f"Not saved: {error.filename}: {error.strerror}."
    return f"Not possible: {error}."


def line(words: str) -> str:
    """A sentence as the status line, which screen readers tell when it changes."""
    return f'<div role="status" aria-live="polite">{escape(words)}</div>'


def _figure(study: Study, name: str, label: str, form: Form) -> Row:
    experiment = study.comparison.experiment
    base, what_if = study.comparison.pairs(name)
    means = [form(_mean(experiment, name, design)) for design in (BASE, WHAT_IF)]
    return Row(label, means[BASE], means[WHAT_IF], *_difference(what_if - base, form))


def _run_out(study: Study, name: str) -> Row:
    index = name.partition("[")[2].removesuffix("]")
    packages = study.base.packages
    in_base = int(index) < len(packages)
    country = f" ({packages[int(index)].country})" if in_base else ""
    experiment = study.comparison.experiment
    dates = [_date(study.base, experiment.values(name, design)) for design in (BASE, WHAT_IF)]
    base, what_if = study.comparison.pairs(name)
    return Row(
        f"package {index}{country}: nothing left",
        dates[BASE],
        dates[WHAT_IF],
        *_difference(what_if - base, lambda days: duration(86_400 * days)),
    )


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
    mean = _signed(float(values.mean()), form)
    if n < 2:
        return f"{mean} (no interval yet)", "1"
    _, low, high = mean_interval(values)
    return f"{mean} ({_signed(low, form)} to {_signed(high, form)})", f"{n:,}"


def _signed(value: float, form: Form) -> str:
    text = form(abs(value))
    sign = "+" if value > 0 else "\N{MINUS SIGN}"
    return text if text == form(0) else f"{sign}{text}"


def _mean(experiment: Experiment, name: str, design: int) -> float:
    values = experiment.values(name, design, drop_missing=True)
    return float(values.mean()) if len(values) else math.nan


def _cell(text: str) -> str:
    """A cell whose interval, in brackets at its end, is not broken into two lines."""
    before, bracket, interval = escape(text).partition(" (")
    whole = not (bracket and text.endswith(")"))
    return escape(text) if whole else f"{before} <span>({interval}</span>"
