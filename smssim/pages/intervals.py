"""The answers of many runs of one scenario, each with its 95% confidence interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smssim.calendars import DAY, to_datetime
from smssim.experiment import Experiment
from smssim.experiment.statistics import (
    QUANTILES,
    Values,
    estimate_of,
    metric_of,
    statistics_of,
    subject_of,
)
from smssim.formatting import (
    NOTHING,
    columns,
    count,
    duration,
    instant,
    money,
    number,
    section,
    share,
    text_page,
    wrapped,
)
from smssim.metrics import METRICS, YES_OR_NO
from smssim.pages.answers import Answer, by_severity
from smssim.scenario import Scenario

__all__ = ["FIGURES", "interval_answers", "replicated"]

FIGURES = (
    "cost",
    "cost.packages",
    "cost.pay_per_use",
    "cost.per_delivered",
    "messages.requested",
    "messages.delivered",
    "messages.refused",
    "messages.stopped",
    "delivered.of_requested",
    "delivered.share",
    "latency.p50",
    "latency.p95",
    "latency.p99",
    "passwords.p95",
    "runout.any",
    "runout.first",
    "suspended.limit",
    "suspended.runout",
    "suspended.arrears",
    "reports.lost_share",
)
"""What the table of many runs shows unless other metrics are requested."""
_OFTEN = 0.05
"""Share of runs from which on a stop is critical, not a warning."""


def replicated(
    experiment: Experiment, metrics: Sequence[str] = (), notes: Sequence[str] = ()
) -> str:
    """Many runs of one scenario as text of at most 100 columns: answers, then a table of *metrics*.

    The interval is that of the mean, or of the probability of what is yes or no; p10 to p90 is how
    far single runs differ. Figures that are 0 in all runs are left out of the table unless they are
    requested.
    """
    scenario = experiment.designs[0].scenario
    n = len(experiment.results) - experiment.failed
    lines = [
        f"{scenario.name}: {n:,} run{'s' * (n != 1)} of {scenario.days:,} days, "
        f"from {instant(scenario.start_us)} UTC",
        f"simulated: scenario {scenario.digest()}, rng {experiment.rng}",
        *notes,
    ]
    answered = interval_answers(experiment)
    sentences = [line for row in answered for line in wrapped(f"{row.name:<11} {row.marked}", 12)]
    lines += section("SUMMARY, means with 95% confidence intervals", sentences)
    lines += section("FIGURES", _table(experiment, metrics))
    return text_page(lines)


def interval_answers(experiment: Experiment) -> list[Answer]:
    """The short answers of many runs, what goes wrong first, as `answers` has them for one."""
    of = {name: experiment.values(name, drop_missing=True) for name in experiment.kpi_names}
    scenario = experiment.designs[0].scenario
    rows = [
        _stopped(of),
        *_ran_out(of, scenario),
        *_over_budget(of, scenario),
        *_lost(of),
        Answer("Cost", f"{_mean('cost', of, scenario, f' {scenario.currency}')}{_each(of)}"),
        Answer("Delivered", _mean("delivered.of_requested", of, scenario, " of requested")),
        *_latencies(of, scenario),
    ]
    return by_severity(rows)


def _stopped(of: dict[str, Values]) -> Answer:
    stopped = of["messages.stopped"]
    often = (stopped > 0).astype(float)
    if not often.any():
        return Answer("Stopped", f"in none of {len(often):,} runs{_at_most(often)}")
    refused = estimate_of("messages.stopped", stopped)
    text = f"in {_probability(often)}; on average {count(refused.estimate)} messages rejected"
    return Answer("Stopped", text, "critical" if often.mean() >= _OFTEN else "warning")


def _ran_out(of: dict[str, Values], scenario: Scenario) -> list[Answer]:
    if not scenario.purchases:
        return []
    dry = of["runout.any"]
    if not dry.any():
        return [Answer("Ran out", f"in none of {len(dry):,} runs{_at_most(dry)}")]
    early, middle, late = _quantiles("runout.first", of, scenario)
    when = f"first {middle} (p50; p10 {early}, p90 {late})"
    return [Answer("Ran out", f"in {_probability(dry)}; {when}", "warning")]


def _over_budget(of: dict[str, Values], scenario: Scenario) -> list[Answer]:
    """How often a promised bound of the whole cost is exceeded; `check` decides the promise."""
    rows = []
    for check in scenario.checks:
        if check.figure != "cost" or check.below is None:
            continue
        over = (of["cost"] > check.below).astype(float)
        if over.any():
            text = f"in {_probability(over)}, above {money(check.below)} {scenario.currency}"
            rows.append(
                Answer("Over budget", text, "critical" if over.mean() >= 0.5 else "warning")
            )
    return rows


def _lost(of: dict[str, Values]) -> list[Answer]:
    lost = of["reports.lost_share"]
    if not len(lost) or not lost.any():
        return []
    estimate = estimate_of("reports.lost_share", lost)
    text = f"{share(estimate.estimate)} ({share(estimate.low)} to {share(estimate.high)})"
    return [Answer("DLRs lost", f"{text} of all delivery reports", "warning")]


def _latencies(of: dict[str, Values], scenario: Scenario) -> list[Answer]:
    both = {"all messages: p95 ": "latency.p95", "passwords: p95 ": "passwords.p95"}
    texts = {label: _mean(name, of, scenario) for label, name in both.items() if name in of}
    if len(set(texts.values())) == 1:
        texts = {"p95 ": next(iter(texts.values()))}
    return [Answer("Latency", f"{label}{text}") for label, text in texts.items()]


def _each(of: dict[str, Values]) -> str:
    values = of.get("cost.per_delivered", np.array([]))
    return f"; {np.mean(values):.4f} per delivered message" if len(values) else ""


def _mean(figure: str, of: dict[str, Values], scenario: Scenario, unit: str = "") -> str:
    """A mean with its interval, and how far runs differ."""
    values = of[figure]
    if not len(values):
        return "not known"
    mean, low, high = (_shown(figure, value, scenario) for value in estimate_of(figure, values))
    if len(values) < 2:
        return f"{mean}{unit}"
    p10, _, p90 = _quantiles(figure, of, scenario)
    return f"{mean}{unit} ({low} to {high}); single runs p10 {p10}, p90 {p90}"


def _quantiles(figure: str, of: dict[str, Values], scenario: Scenario) -> list[str]:
    by_name = {row.statistic: row for row in statistics_of(figure, of[figure], 0.95)}
    return [_shown(figure, by_name[name].estimate, scenario) for name in QUANTILES]


def _probability(flags: Values) -> str:
    chance = estimate_of("runout.any", flags)
    return f"{share(chance.estimate)} of runs ({share(chance.low)} to {share(chance.high)})"


def _at_most(flags: Values) -> str:
    return f" (at most {share(estimate_of('runout.any', flags).high)})"


def _table(experiment: Experiment, metrics: Sequence[str]) -> list[str]:
    """One row per figure: mean or probability, its interval, and quantiles of single runs."""
    wanted = metrics or FIGURES
    rows = []
    for figure in experiment.kpi_names:
        values = experiment.values(figure, drop_missing=True)
        if figure not in wanted and metric_of(figure) not in wanted:
            continue
        if not metrics and (subject_of(figure) or not values.any()):
            continue
        rows.append(_row(figure, values, experiment))
    header = ["figure", "mean", "low", "high", *QUANTILES, "runs"]
    return columns(header, rows, "l" + "r" * (len(header) - 1))


def _row(figure: str, values: Values, experiment: Experiment) -> list[str]:
    scenario = experiment.designs[0].scenario
    by_name = {row.statistic: row for row in statistics_of(figure, values, 0.95)}
    first = next(iter(by_name.values()))
    ends = (first.estimate, first.low, first.high)
    quantiles = [by_name[name].estimate if name in by_name else np.nan for name in QUANTILES]
    unit = experiment.unit(figure)
    name = f"{figure}, {unit}" if METRICS[metric_of(figure)].unit == "currency" else figure
    cells = [_shown(metric_of(figure), float(value), scenario) for value in (*ends, *quantiles)]
    return [name, *cells, f"{first.n:,}"]


def _shown(metric: str, value: float, scenario: Scenario) -> str:
    """A value of a metric in the unit that suits people; a time from the start as a date."""
    unit = METRICS[metric].unit
    if not np.isfinite(value):
        return NOTHING
    if unit in ("share", YES_OR_NO):
        return share(value)
    if unit == "currency":
        return money(value, 4 if metric == "cost.per_delivered" else 2)
    if unit == "d":
        return f"{to_datetime(scenario.start_us + round(value * DAY)):%d %b %H:%M}"
    if unit in ("s", "h"):
        return duration(value * (3_600 if unit == "h" else 1))
    return count(value) if abs(value) >= 100 else number(value)
