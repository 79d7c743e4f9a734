"""The rules of promises: metrics, units and statistics that exist, parts that the scenario has.

Each is a generator of what breaks it; a scenario may be a salvaged one: what is unknown breaks no
rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from smssim.metrics import METRICS, YES_OR_NO, Metric, metric_named
from smssim.scenario.errors.partial import known
from smssim.scenario.errors.problems import KEY, Found, hint


def check_rules(scenario: Any) -> Iterator[Found]:
    """All broken rules."""
    first: dict[str, int] = {}
    for i, check in enumerate(scenario.checks):
        if known(check.name) and check.name in first:
            told = f"the name {check.name!r} stands twice, first in checks.{first[check.name]}"
            yield ("checks", i, "name"), told
        elif known(check.name):
            first[check.name] = i
        for path, told in _of_check(scenario, check):
            yield ("checks", i, *path), told


def _of_check(s: Any, check: Any) -> Iterator[Found]:
    if not known(check.metric, s.currency):
        return
    try:
        metric = metric_named(check.metric, s.currency)
    except ValueError as error:
        yield ("metric",), str(error)
        return
    if known(check.statistic) and check.statistic == "probability" and metric.unit != YES_OR_NO:
        yes_or_no = ", ".join(name for name, own in METRICS.items() if own.unit == YES_OR_NO)
        yield ("statistic",), f"a probability must be of what is yes or no: {yes_or_no}"
    given = _given(check.where)
    yield from _parts_of(metric, given)
    for key, value in given.items():
        yield from _parts_there(s, key, value)


def _parts_of(metric: Metric, given: dict[str, Any]) -> Iterator[Found]:
    """The metric can be had by these parts."""
    if metric.per and metric.per not in given:
        told = f"there is one {metric.name} a {metric.per}: where: {{{metric.per}: ...}} says which"
        yield ("metric",), told
    for key in given:
        if key not in metric.by:
            can = f"by {', '.join(metric.by)} alone" if metric.by else "for the whole month alone"
            yield ("where", key, KEY), f"{metric.name} is known {can}"
        elif "template" in given and key != "template":
            told = "beside a template nothing can stand: it has one application and one type"
            yield ("where", key, KEY), told


def _parts_there(s: Any, key: str, value: Any) -> Iterator[Found]:
    """The scenario has the part."""
    if key == "package" and known(s.packages) and value >= len(s.packages):
        yield ("where", key), f"there is no package {value}: there are {len(s.packages)}, from 0 on"
    if key in ("country", "type"):
        yield from _sent_there(s, key, value)
    if key in ("template", "application"):
        names = [part.name for part in getattr(s, f"{key}s")]
        if names and known(*names) and value not in names:
            told = f"there is no {key} {value!r}{hint(value, names)}"
            yield ("where", key), f"{told}; there are {', '.join(map(repr, names[:10]))}"


def _sent_there(s: Any, key: str, value: Any) -> Iterator[Found]:
    """Something of that type is sent, or goes to that country or is bought for it."""
    if key == "type":
        names = [template.type for template in s.templates]
    else:
        if not known(s.group_tasks) or any(task.file is not None for task in s.group_tasks):
            return  # Only its file tells where a task goes.
        sources = [own.country for own in (*s.traffic, *s.calls, *s.packages)]
        names = [*sources, *(country for task in s.group_tasks for country in task.countries)]
    names = list(dict.fromkeys(names))
    if names and known(*names) and value not in names:
        told = "no template is of the type" if key == "type" else "nothing is sent to"
        yield ("where", key), f"{told} {value!r}, only {', '.join(map(repr, sorted(names)[:10]))}"


def _given(where: Any) -> dict[str, Any]:
    """The keys that are given and could be read."""
    keys = ("template", "country", "application", "type", "package")
    values = {key: getattr(where, key, None) for key in keys}
    return {key: value for key, value in values.items() if known(value) and value is not None}
