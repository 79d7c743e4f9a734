"""Promises that a scenario must keep, and how certain their verdicts shall be (docs/checks.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from math import inf
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from smssim.metrics import METRICS, YES_OR_NO, Metric, metric_named
from smssim.scenario.errors.problems import Violation
from smssim.scenario.fields import (
    MONTH,
    Count,
    Country,
    Float,
    Int,
    Name,
    ScenarioModel,
    country_code,
)

__all__ = [
    "Check",
    "Checking",
    "Comparison",
    "Condition",
    "Measure",
    "Risk",
    "Selection",
    "Where",
    "condition_of",
    "is_condition",
    "promise_of",
]

Selection = dict[str, str | int]
"""The keys of a part of the month, with their values."""
_COMPARISON = re.compile(
    r"(?P<metric>[^\[\]<>=!]+?)\s*(?:\[(?P<part>[^\[\]]+)\])?"
    r"\s*(?P<sign><=|>=|==|!=|<|>|=)\s*(?P<bound>[^\s<>=!\[\]]+)"
)
_SIGN = re.compile(r"[<>=!]")
_BRACKETS = re.compile(r"\[[^\[\]]*\]")


class Measure(NamedTuple):
    """What is measured in a month: a metric, and the part of the month that it is of."""

    metric: str
    selection: Selection

    @property
    def figure(self) -> str:
        """The name of the figure in tables of runs."""
        return _figure_name(self.metric, self.selection)


class Comparison(NamedTuple):
    """A figure compared with a bound, in the metric's unit; *name* is the metric as written."""

    name: str
    measure: Measure
    sign: str
    bound: float

    def is_constant(self, least: float, most: float) -> bool:
        """Whether it always holds, or never, for values from *least* to *most*."""
        if self.sign in ("<", ">="):
            return not least < self.bound <= most
        if self.sign in (">", "<="):
            return not least <= self.bound < most
        return not least <= self.bound <= most

    def __str__(self) -> str:
        return f"{self.measure.figure} {self.sign} {self.bound:g}"


class Condition(NamedTuple):
    """Comparisons, of which all of one of the *alternatives* must hold."""

    alternatives: tuple[tuple[Comparison, ...], ...]

    @property
    def comparisons(self) -> Iterator[Comparison]:
        """All comparisons, in order."""
        return (comparison for all_of in self.alternatives for comparison in all_of)

    def __str__(self) -> str:
        return " or ".join(" and ".join(map(str, all_of)) for all_of in self.alternatives)


def is_condition(text: str) -> bool:
    """Whether a text is a condition, right or wrong, and no metric's name.

    >>> is_condition("messages.sent[template=otp] > 0"), is_condition("messages.sent")
    (True, False)
    """
    return bool(_SIGN.search(_BRACKETS.sub("", text)))


@lru_cache(maxsize=256)
def condition_of(text: str) -> Condition:
    """A condition of its text. Raise a ValueError for a text that is none.

    >>> str(condition_of("messages.sent[template=otp]>10 and runout.any = 1 or cost_usd >= 900"))
    'messages.sent[template=otp] > 10 and runout.any == 1 or cost >= 900'
    """
    return Condition(
        tuple(
            tuple(_comparison(one, text) for one in re.split(r"\s+and\s+", alternative))
            for alternative in re.split(r"\s+or\s+", text.strip())
        )
    )


def _comparison(text: str, whole: str) -> Comparison:
    match = _COMPARISON.fullmatch(text.strip())
    if match is None:
        example = "'messages.stopped_by_limit[template=otp] > 0 and cost_usd < 900'"
        raise ValueError(f"condition(={whole!r}) must be like {example}")
    try:
        bound = float(match["bound"])
    except ValueError:
        bound = float("nan")
    if not abs(bound) < float("inf"):
        raise ValueError(f"condition(={whole!r}) must compare with numbers, not {match['bound']!r}")
    name, brackets = match["metric"].strip(), match["part"]
    metric = _metric_or_none(name)
    selection = {} if brackets is None else _selection_of(name, brackets)
    measure = Measure(name if metric is None else metric.name, selection)
    sign = "==" if match["sign"] == "=" else match["sign"]
    return Comparison(name, measure, sign, bound)


def _figure_name(metric: str, selection: Selection) -> str:
    """The name of a metric's figure of a part of the month.

    >>> _figure_name("latency.p95", {"template": "login"})
    'latency.p95[template=login]'
    >>> _figure_name("package.empty", {"package": 0})
    'package.empty[0]'
    """
    if not selection:
        return metric
    if metric in METRICS and METRICS[metric].per:
        return f"{metric}[{next(iter(selection.values()))}]"
    return f"{metric}[{', '.join(f'{key}={value}' for key, value in selection.items())}]"


def _selection_of(metric: str, brackets: str) -> Selection:
    """A part of the month, of the brackets in the name of a figure.

    >>> _selection_of("messages.sent", "country=ID, type=otp"), _selection_of("package.empty", "0")
    ({'country': 'ID', 'type': 'otp'}, {'package': 0})
    """
    named = _metric_or_none(metric)
    if named is not None and named.per and "=" not in brackets:
        brackets = f"{named.per}={brackets}"
    pairs = [pair.partition("=") for pair in brackets.split(",")]
    texts = {key.strip(): value.strip() for key, _, value in pairs}
    if "country" in texts:
        texts["country"] = str(country_code(texts["country"]))
    return {key: int(text) if text.isdecimal() else text for key, text in texts.items()}


def _metric_or_none(name: str) -> Metric | None:
    """The metric of a name, whatever unit of money it carries; None if there is none."""
    first = name.partition(".")[0]
    currency = first.rpartition("_")[2].upper() or "USD"
    try:
        return metric_named(name, currency)
    except ValueError:
        return None


_TEXT = re.compile(
    r"(?:(?P<statistic>\w[\w.]*)\s*\((?P<inner>.+)\)|(?P<plain>.+?))\s*(?P<side>[<>])(?P<end>[^=].*)"
)
_FIGURE = re.compile(r"(?P<metric>[^\[\]]+)(?:\[(?P<part>[^\[\]]+)\])?")
_QUANTILE = re.compile(r"p([1-9]\d?(?:\.\d+)?|0?\.(?=0*[1-9])\d+)")
Risk = Annotated[Float, Field(gt=0, le=0.5)]


class Where(ScenarioModel):
    """The part of a month that a promise is about; docs/checks.md says which metrics have parts."""

    template: Name | None = None
    """Messages of this template, or its review."""
    country: Country | None = None
    """Messages to this country, or its packages."""
    application: Name | None = None
    """Messages of this application."""
    type: Literal["otp", "notification"] | None = None
    """Messages of this type."""
    package: Annotated[Int, Field(ge=0)] | None = None
    """This package, by its number from 0."""
    month: Annotated[str, Field(pattern=MONTH)] | None = None
    """This month of UTC, such as 2026-07."""

    @property
    def selection(self) -> Selection:
        """The keys that are given, in order, with their values."""
        return self.model_dump(exclude_none=True)


class Check(ScenarioModel):
    """A promise: what a statistic of a metric over months shall stay below or above."""

    name: Name
    """What the promise is called; every check has a name of its own."""
    metric: str
    """A name of `smssim.metrics`, its first word with the unit or without: `latency_s.p95`; or a
    condition, whose probability is promised: `messages.stopped_by_limit[template=otp] > 0`."""
    where: Where = Where()
    """The part of the month that it is about: all of it, if nothing is said."""
    statistic: str | None = None
    """`mean`, `probability` of what is yes or no, or a quantile such as `p90`; without it, the
    probability where the metric is yes or no, else the mean."""
    below: Float | None = None
    """The bound, in the metric's unit, that the statistic shall stay below."""
    above: Float | None = None
    """The bound, in the metric's unit, that the statistic shall stay above."""
    margin: Annotated[Float, Field(ge=0)] = 0
    """How far beyond the bound a broken promise may be overlooked, in the metric's unit."""

    def violations(self) -> Iterator[Violation]:
        """The rules of statistics and bounds, as far as they do not depend on the currency."""
        has_bound = (self.below is None) != (self.above is None)
        if not has_bound:
            yield ("name",), f"the promise {self.name!r} must have one of below and above"
        statistic = self.statistic
        if statistic not in (None, "mean", "probability") and self.quantile is None:
            message = "must be mean, probability or a quantile such as p90 or p99.5"
            yield ("statistic",), f"{statistic!r} {message}"
        if self.quantile is not None and not 0 < self.quantile < 1:
            message = "must be between p0 and p100: no number of months tells of all"
            yield ("statistic",), f"{statistic!r} {message}"
        if self.statistic_name == "probability":
            yield from self._beyond_probabilities()
        elif has_bound and (metric := _metric_or_none(self.metric)) is not None:
            yield from self._beyond_scale(metric.name, *metric.scale)

    def _beyond_probabilities(self) -> Iterator[Violation]:
        """A bound that is no probability, or a margin with which every outcome is kept."""
        overlooked = self.margin if self.above is None else -self.margin
        if not 0 <= self.bound <= 1:
            yield ("below" if self.above is None else "above",), "a probability is from 0 to 1"
        elif not -1e-9 <= self.bound + overlooked <= 1 + 1e-9:
            message = (
                f"a probability is from 0 to 1, so none is {self.margin:g} beyond {self.bound:g}"
            )
            yield ("margin",), message
        elif not self.margin and self.bound == (0 if self.above is None else 1):
            message = "without a margin no months tell that it is never so, or always"
            yield ("below" if self.above is None else "above",), message

    def _beyond_scale(self, name: str, least: float, most: float) -> Iterator[Violation]:
        """A bound or margin with which the promise is kept, or broken, whatever happens."""
        key = "below" if self.above is None else "above"
        overlooked = self.bound + (self.margin if self.above is None else -self.margin)
        scale = f"{name} is {least:g} at least" + (f", {most:g} at most" if most < inf else "")
        never = self.bound <= least if self.above is None else self.bound >= most
        if never or not least <= self.bound <= most:
            yield (key,), f"{scale}: {key} {self.bound:g} it is always, or never"
        elif not least - 1e-9 <= overlooked <= most + 1e-9:
            message = (
                f"a promise {key} {self.bound:g} that is {self.margin:g} beyond is never broken"
            )
            yield ("margin",), f"{scale}: {message}"

    @property
    def condition(self) -> Condition | None:
        """The condition whose probability is promised; None for the statistic of a metric. Raise a
        ValueError for a text that is no condition.
        """
        return condition_of(self.metric) if is_condition(self.metric) else None

    @property
    def measures(self) -> tuple[Measure, ...]:
        """What is measured in a month: one metric, or all of a condition."""
        if self.condition is None:
            return (Measure(self.metric_name, self.where.selection),)
        return tuple(comparison.measure for comparison in self.condition.comparisons)

    @property
    def unit(self) -> str:
        """The unit of the metric, as in `smssim.metrics`; a condition is yes or no."""
        metric = _metric_or_none(self.metric)
        return YES_OR_NO if metric is None else metric.unit

    @property
    def bound(self) -> float:
        """The bound, whichever way."""
        return next(value for value in (self.below, self.above, 0.0) if value is not None)

    @property
    def statistic_name(self) -> str:
        """The statistic, the usual one of the metric if none is given; the mean of what is yes or
        no is its probability.
        """
        metric = _metric_or_none(self.metric)
        unit = YES_OR_NO if is_condition(self.metric) else metric and metric.unit
        if self.statistic in (None, "mean") and unit == YES_OR_NO:
            return "probability"
        return self.statistic or "mean"

    @property
    def quantile(self) -> float | None:
        """The share of months that a quantile leaves below it, None if it is none."""
        match = _QUANTILE.fullmatch(self.statistic_name)
        return float(match[1]) / 100 if match else None

    @property
    def figure(self) -> str:
        """The name of the figure in tables of runs, the part in brackets; or the condition."""
        return _figure_name(self.metric_name, self.where.selection)

    @property
    def metric_name(self) -> str:
        """The name of the metric without a unit; or the condition."""
        if self.condition is not None:
            return str(self.condition)
        metric = _metric_or_none(self.metric)
        return self.metric if metric is None else metric.name

    def __str__(self) -> str:
        side = "<" if self.above is None else ">"
        return f"{self.statistic_name}({self.figure}) {side} {self.bound:g}"


class Checking(ScenarioModel):
    """How certain all verdicts of a file are together, and how many months they may take."""

    false_alarm: Risk = 0.01
    """The probability at most that any promise that is kept fails."""
    miss: Risk = 0.01
    """The probability at most that any promise that is broken by more than its margin passes."""
    most_runs: Annotated[Count, Field(ge=12, le=1_000_000)] = 2_000
    """Months after which a promise that is still open stays undecided."""


def promise_of(text: str) -> dict[str, Any]:
    """A promise as scenario files have it, of `METRIC < BOUND` or `STATISTIC(METRIC) > BOUND`.

    The metric may have its part in brackets, as in tables of runs, and within `probability(...)`
    there may be a condition. Raise a ValueError for a text
    that is no promise; its names are checked against the scenario that it is added to.

    >>> promise_of("runout.any < 0.05")
    {'name': 'promise', 'metric': 'runout.any', 'below': 0.05}
    >>> promise_of("p90(latency_s.p95[template=login]) < 30")["where"]
    {'template': 'login'}
    >>> promise_of("probability(messages.sent > 0 and cost < 9) > 0.5")["metric"]
    'messages.sent > 0 and cost < 9'
    """
    match = _TEXT.fullmatch(text.strip())
    inner = match and (match["inner"] or match["plain"]).strip()
    condition = bool(match and match["statistic"] and inner and is_condition(inner))
    figure = inner and _FIGURE.fullmatch(inner)
    if not match or not (figure or condition):
        examples = ("runout.any < 0.05", "p90(cost_usd) < 12000", "probability(cost > 900) < 0.05")
        raise ValueError(f"promise(={text!r}) must be like {' or '.join(map(repr, examples))}")
    try:
        bound = float(match["end"])
    except ValueError:
        raise ValueError(f"promise(={text!r}) must end with a number") from None
    metric, where = (figure["metric"].strip(), figure["part"]) if figure else (inner, None)
    promise: dict[str, Any] = {"name": "promise", "metric": metric}
    if match["statistic"]:
        promise["statistic"] = match["statistic"]
    promise["below" if match["side"] == "<" else "above"] = bound
    return promise if where is None else promise | {"where": _selection_of(str(metric), where)}
