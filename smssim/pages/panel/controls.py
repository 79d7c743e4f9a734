"""What of a scenario can be turned in a what-if, and which of its values each turn changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from smssim.scenario import Delay, GroupTask, Package, Scenario
from smssim.scenario.delays import moments
from smssim.sms.reference import MAINLAND

__all__ = ["LIMITS", "Changes", "Control", "Value", "controls_of", "middle_s", "scaled"]

# Delays of a scenario as one number of seconds, and made longer or shorter as a whole.


def middle_s(delay: Delay) -> float:
    """The median of a delay, in seconds; of a log-normal, without its slow part."""
    if delay.lognormal_s is not None:
        return delay.lognormal_s.median
    if delay.exponential_s is not None:
        return delay.exponential_s * math.log(2)
    if delay.uniform_s is not None:
        return sum(delay.uniform_s) / 2
    if delay.curve is not None:
        return delay.median_s()
    assert delay.fixed_s is not None
    return delay.fixed_s


def scaled(delay: Delay, factor: float) -> dict[str, Any]:
    """The data of a delay that is *factor* times as long in every respect.

    >>> scaled(Delay(lognormal_s={"median": 40, "p95": 100}), 0.5)
    {'lognormal_s': {'median': 20.0, 'p95': 50.0}}
    """
    data = delay.model_dump(exclude_none=True)
    if delay.curve is not None:
        data["curve"] = [[share, seconds * factor] for share, seconds in delay.curve]
        return data
    return {form: _times(value, factor) for form, value in data.items()}


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, dict):
        return {key: item if key == "share" else item * factor for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [item * factor for item in value]
    return value * factor


_SERVICE, LIMITS, _VOLUMES, _AROUND = (
    "Service mode and packages",
    "Alarms and limits",
    "Volumes",
    "Reports and users",
)
_MODES = (
    ("1, pay per use beyond packages", "pay_per_use"),
    ("2, suspend when packages run out", "suspend"),
)
_DOWN_H = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0)
"""Hours a day that the callback server may be down."""
_OUTAGE_S = 3_600.0
"""Assumption: how long an outage lasts where the base has none; an hour."""
_MOST = 1_000_000
"""Numbers of a group task at most (DOMAIN.md section 8)."""
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)

Value = str | float
Changes = Mapping[str, Any]


@dataclass(frozen=True)
class Control:
    """One thing to turn: a choice of `choices`, or a number from `low` to `high` in steps.

    `value` is the base's, which lies on the steps; at it nothing is changed. `paths` are all that
    it may change, by `changes`.
    """

    name: str
    group: str
    label: str
    """What is turned, with its unit."""
    paths: tuple[str, ...]
    value: Value
    turn: Callable[[Any], Changes] = field(repr=False, compare=False)
    choices: tuple[tuple[str, Value], ...] = ()
    low: float = 0
    high: float = 0
    step: float = 1

    def changes(self, value: Value) -> dict[str, Any]:
        """The changes by path for `Scenario.change`. Raise a ValueError for what it cannot be."""
        if self.choices:
            values = [choice for _, choice in self.choices]
            if value not in values:
                raise ValueError(f"{self.name}(={value!r}) must be one of {values}")
        elif isinstance(value, str) or not self.low <= value <= self.high:
            raise ValueError(f"{self.name}(={value!r}) must be in {self.low:g}..{self.high:g}")
        return {} if value == self.value else dict(self.turn(value))


def controls_of(scenario: Scenario) -> tuple[Control, ...]:
    """All controls that make sense for a scenario, in the order in which they are shown.

    Service mode and sizes need packages, which keep their price a segment (Assumption: sizes and
    prices are not public); a group task needs numbers by country, patience needs users who ask
    again. A limit above the quota raises the quota with it, as its ticket would.
    """
    account = [*_service(scenario), *_thresholds(scenario)]
    return (*account, *_volumes(scenario), _outages(scenario), *_patience(scenario))


def _service(scenario: Scenario) -> Iterator[Control]:
    mode = scenario.account.service_mode
    if scenario.packages or mode == "suspend":
        path = "account.service_mode"
        yield _choice(path, _SERVICE, "service mode", mode, _MODES, _put(path))
    for i, package in enumerate(scenario.packages):
        path, priced = f"packages.{i}.segments", f"packages.{i}.price"
        alike = " (price in proportion)" * (package.price_micro > 0)
        label = f"package {i} to {package.country}, segments{alike}"
        turn = partial(_resize, path=path, priced=priced, package=package)
        yield _number(path, _SERVICE, label, package.segments, turn, (path, priced))


def _thresholds(scenario: Scenario) -> Iterator[Control]:
    if all(_countries(source) == {MAINLAND} for source in scenario.sources):
        return  # Messages to mainland China are counted by themselves.
    for period, unit in (("daily", "UTC day"), ("monthly", "UTC month")):
        alarm, limit = f"thresholds.{period}_alarm", f"thresholds.{period}_limit"
        quota = f"quota.{period}_limit"
        most = getattr(scenario.quota, f"{period}_limit")
        now = getattr(scenario.thresholds, f"{period}_alarm")
        label = f"{period} alarm, {scenario.thresholds.unit}s a {unit}"
        yield _number(alarm, LIMITS, label, now, _put(alarm))
        turn = partial(_limit, limit=limit, quota=quota, most=most)
        now = getattr(scenario.thresholds, f"{period}_limit")
        label = f"{period} limit, {scenario.thresholds.unit}s a {unit} (above {most:,} by ticket)"
        yield _number(limit, LIMITS, label, now, turn, (limit, quota))


def _volumes(scenario: Scenario) -> Iterator[Control]:
    for i, source in enumerate(scenario.traffic):
        path = f"traffic.{i}.messages_a_day"
        label = f"{source.name} to {source.country}, messages a day"
        value = source.messages_a_day
        yield _number(path, _VOLUMES, label, value, _put(path))
    for i, task in enumerate(scenario.group_tasks):
        room = _MOST - sum(task.countries.values())
        for country, recipients in task.countries.items():
            path = f"group_tasks.{i}.countries.{country}"
            label = f"{task.name} to {country}, recipients"
            control = _number(path, _VOLUMES, label, recipients, _put(path), most=recipients + room)
            if control.low < control.high:
                yield control


def _outages(scenario: Scenario) -> Control:
    path, base = "callback.random_outages", scenario.callback.random_outages
    down_s = moments(base.down).mean_s if base else _OUTAGE_S
    hours = 24 * down_s / (down_s + moments(base.up).mean_s) if base else 0.0
    choices = tuple(
        (f"{down:.2g} h" + " (the base)" * (down == hours), down)
        for down in sorted({hours, *_DOWN_H})
    )

    turn = partial(_down, path=path, down_s=down_s)
    return _choice(path, _AROUND, "callback server down by chance, h a day", hours, choices, turn)


def _patience(scenario: Scenario) -> Iterator[Control]:
    alike: dict[Any, list[int]] = {}
    for i, source in enumerate(scenario.traffic):
        if source.resend is not None:
            alike.setdefault(source.resend.patience, []).append(i)
    for patience, sources in alike.items():
        middle = middle_s(patience)
        paths = tuple(f"traffic.{i}.resend.patience" for i in sources)
        names = ", ".join(scenario.traffic[i].name for i in sources)
        label = f"users of {names} ask again after, s (median)"
        turn = partial(_wait, patience=patience, middle=middle, paths=paths)
        if middle > 0:
            yield _number(paths[0], _AROUND, label, middle, turn, paths)


def _put(path: str) -> Callable[[Any], Changes]:
    return lambda value: {path: value}


def _resize(value: int, path: str, priced: str, package: Package) -> Changes:
    if not package.price or package.price_per_segment is not None:
        return {path: value}
    return {path: value, priced: round(package.price * value / package.segments, 6)}


def _limit(value: int, limit: str, quota: str, most: int) -> Changes:
    return {limit: value} | ({quota: value} if value > most else {})


def _down(hours: float, path: str, down_s: float) -> Changes:
    if not hours:
        return {path: None}
    up_s = down_s * (24 - hours) / hours
    return {path: {"up": {"exponential_s": up_s}, "down": {"exponential_s": down_s}}}


def _wait(value: float, patience: Delay, middle: float, paths: Sequence[str]) -> Changes:
    return dict.fromkeys(paths, scaled(patience, value / middle))


def _choice(
    path: str,
    group: str,
    label: str,
    value: Value,
    choices: tuple[tuple[str, Value], ...],
    turn: Callable[[Any], Changes],
) -> Control:
    return Control(path, group, label, (path,), value, turn, choices)


def _number(
    path: str,
    group: str,
    label: str,
    value: float,
    turn: Callable[[Any], Changes],
    paths: tuple[str, ...] = (),
    most: float = math.inf,
) -> Control:
    """A number from about a quarter of the base's value to three times as much, or to *most*."""
    value = int(value) if float(value).is_integer() else value
    step = _step(value)
    low = value - step * math.floor(0.75 * value / step)
    high = value + step * math.floor((min(3 * value, most) - value) / step)
    return Control(path, group, label, paths or (path,), value, turn, (), low, high, step)


def _step(value: float) -> float:
    """A round number near a twentieth of a value, whole where the value is."""
    rough = value / 20
    scale = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * scale for nice in _NICE if nice * scale >= rough * (1 - 1e-9))
    return max(1, round(step)) if isinstance(value, int) else step


def _countries(source: Any) -> set[str]:
    if isinstance(source, GroupTask):
        return set(source.countries) or {""}
    return {source.country}
