"""Rules of promises: metrics, statistics and comparisons that exist, parts the scenario has.

Each is a generator of its violations. The scenario may be a partial one: a value that could not
be read breaks no rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

from smssim.metrics import METRICS, YES_OR_NO, Metric, metric_named
from smssim.scenario.errors.partial import readable
from smssim.scenario.errors.problems import KEY, Violation, hint
from smssim.scenario.promises import Comparison, condition_of, is_condition

__all__ = ["promise_violations"]

_WHERE_KEYS = ("template", "country", "application", "type", "package", "month")


def promise_violations(scenario: Any) -> Iterator[Violation]:
    """Broken rules of promises: metrics and statistics that exist, parts the scenario has."""
    first: dict[str, int] = {}
    for i, check in enumerate(scenario.checks):
        if readable(check.name) and check.name in first:
            message = f"the name {check.name!r} appears twice, first in checks.{first[check.name]}"
            yield ("checks", i, "name"), message
        elif readable(check.name):
            first[check.name] = i
        for path, message in _of_check(scenario, check):
            yield ("checks", i, *path), message


def _of_check(s: Any, check: Any) -> Iterator[Violation]:
    if not readable(check.metric, s.currency):
        return
    if is_condition(check.metric):
        yield from _of_condition(s, check)
        return
    try:
        metric = metric_named(check.metric, s.currency)
    except ValueError as error:
        yield ("metric",), str(error)
        return
    if readable(check.statistic) and check.statistic == "probability" and metric.unit != YES_OR_NO:
        yes_or_no = ", ".join(name for name, other in METRICS.items() if other.unit == YES_OR_NO)
        yield ("statistic",), f"a probability must be of what is yes or no: {yes_or_no}"
    where = _where_of(check.where)
    yield from _keys_of_metric(metric, where)
    yield from _all_exist(s, where)


def _of_condition(s: Any, check: Any) -> Iterator[Violation]:
    """The comparisons of a condition; all of them are in the one text of the metric."""
    if readable(check.statistic) and check.statistic not in (None, "mean", "probability"):
        yield ("statistic",), "a condition holds in a month or does not: promise its probability"
    if _where_of(check.where):
        yield ("where", KEY), "a condition has its parts in brackets: cost[country=ID] > 900"
    try:
        comparisons = list(condition_of(check.metric).comparisons)
    except ValueError as error:
        yield ("metric",), str(error)
        return
    for comparison in comparisons:
        yield from ((("metric",), message) for message in _of_comparison(s, comparison))


def _of_comparison(s: Any, comparison: Comparison) -> Iterator[str]:
    try:
        metric = metric_named(comparison.name, s.currency)
    except ValueError as error:
        yield str(error)
        return
    selection = comparison.measure.selection
    strange = [key for key in selection if key not in _WHERE_KEYS]
    if strange:
        yield f"no part by {strange[0]!r}, only by {', '.join(_WHERE_KEYS)}"
        return
    if not isinstance(selection.get("package", 0), int):
        yield f"package {selection['package']!r} must be a number, from 0"
        return
    for _, message in (*_keys_of_metric(metric, selection), *_all_exist(s, selection)):
        yield message
    least, most = metric.scale
    if comparison.is_constant(least, most):
        yield f"{comparison} is always so, or never: {metric.name} is {least:g} to {most:g}"


def _all_exist(s: Any, where: dict[str, Any]) -> Iterator[Violation]:
    for key, value in where.items():
        yield from _entries_exist(s, key, value)


def _keys_of_metric(metric: Metric, where: dict[str, Any]) -> Iterator[Violation]:
    """The metric is available by these keys."""
    if metric.per and metric.per not in where:
        message = (
            f"there is one {metric.name} a {metric.per}: where: {{{metric.per}: ...}} says which"
        )
        yield ("metric",), message
    for key in where:
        if key not in metric.by:
            can = f"only by {', '.join(metric.by)}" if metric.by else "for the whole month alone"
            yield ("where", key, KEY), f"{metric.name} is known {can}"
        elif "template" in where and key != "template":
            message = "next to a template nothing can stand: it has one application and one type"
            yield ("where", key, KEY), message


def _entries_exist(s: Any, key: str, value: Any) -> Iterator[Violation]:
    """The scenario has the entry."""
    if key == "package" and readable(s.packages) and value >= (n := _count_packages(s)):
        yield ("where", key), f"there is no package {value}: there are {n}, from 0 on"
    if key == "month" and readable(s.start, s.days):
        last = s.start + timedelta(days=s.days) - timedelta(microseconds=1)
        if not f"{s.start:%Y-%m}" <= str(value) <= f"{last:%Y-%m}":
            message = f"{value} is no month of the run, {s.start:%Y-%m} to {last:%Y-%m}"
            yield ("where", key), message
    if key in ("country", "type"):
        yield from _sent_there(s, key, value)
    if key in ("template", "application"):
        names = [entry.name for entry in getattr(s, f"{key}s")]
        if names and readable(*names) and value not in names:
            message = f"there is no {key} {value!r}{hint(value, names)}"
            yield ("where", key), f"{message}; there are {', '.join(map(repr, names[:10]))}"


def _count_packages(s: Any) -> int:
    """How many packages are bought, renewals included as far as they can be read."""
    with suppress(AttributeError, TypeError):
        return len(s.purchases)
    return len(s.packages)


def _sent_there(s: Any, key: str, value: Any) -> Iterator[Violation]:
    """Something of that type is sent, or goes to that country or is bought for it."""
    if key == "type":
        names = [template.type for template in s.templates]
    else:
        if not readable(s.group_tasks) or any(task.file is not None for task in s.group_tasks):
            return  # The destinations of a task are in its file alone.
        sources = [source.country for source in (*s.traffic, *s.calls, *s.packages)]
        names = [*sources, *(country for task in s.group_tasks for country in task.countries)]
    names = list(dict.fromkeys(names))
    if names and readable(*names) and value not in names:
        message = "no template is of the type" if key == "type" else "nothing is sent to"
        yield (
            ("where", key),
            f"{message} {value!r}, only {', '.join(map(repr, sorted(names)[:10]))}",
        )


def _where_of(where: Any) -> dict[str, Any]:
    """The keys of a selection that are set and could be read."""
    values = {key: getattr(where, key, None) for key in _WHERE_KEYS}
    return {key: value for key, value in values.items() if readable(value) and value is not None}
