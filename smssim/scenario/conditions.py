"""Conditions on a month: comparisons of figures, joined by `and` and `or`.

`messages.stopped[template=otp] > 0 and cost < 900` holds in a month or does not, so that a promise
can be about its probability. `and` binds closer than `or`; there are no parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from smssim.metrics import METRICS, Metric, metric_named

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
        return figure_name(self.metric, self.selection)


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
    metric = metric_or_none(name)
    selection = {} if brackets is None else selection_of(name, brackets)
    measure = Measure(name if metric is None else metric.name, selection)
    sign = "==" if match["sign"] == "=" else match["sign"]
    return Comparison(name, measure, sign, bound)


def figure_name(metric: str, selection: Selection) -> str:
    """The name of a metric's figure of a part of the month.

    >>> figure_name("latency.p95", {"template": "login"})
    'latency.p95[template=login]'
    >>> figure_name("package.empty", {"package": 0})
    'package.empty[0]'
    """
    if not selection:
        return metric
    if metric in METRICS and METRICS[metric].per:
        return f"{metric}[{next(iter(selection.values()))}]"
    return f"{metric}[{', '.join(f'{key}={value}' for key, value in selection.items())}]"


def selection_of(metric: str, brackets: str) -> Selection:
    """A part of the month, of the brackets in the name of a figure.

    >>> selection_of("messages.sent", "country=ID, type=otp"), selection_of("package.empty", "0")
    ({'country': 'ID', 'type': 'otp'}, {'package': 0})
    """
    named = metric_or_none(metric)
    if named is not None and named.per and "=" not in brackets:
        brackets = f"{named.per}={brackets}"
    pairs = [pair.partition("=") for pair in brackets.split(",")]
    texts = {key.strip(): value.strip() for key, _, value in pairs}
    return {key: int(text) if text.isdecimal() else text for key, text in texts.items()}


def metric_or_none(name: str) -> Metric | None:
    """The metric of a name, whatever unit of money it carries; None if there is none."""
    first = name.partition(".")[0]
    currency = first.rpartition("_")[2].upper() or "USD"
    try:
        return metric_named(name, currency)
    except ValueError:
        return None
