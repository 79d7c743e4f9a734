"""What of a scenario can be changed in a what-if, and which of its values each control changes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from smssim.formatting import listed
from smssim.pages.panel.changes import (
    NOT_SENT,
    Turn,
    Value,
    added,
    down,
    limit_with_quota,
    middle_s,
    move,
    moved,
    put,
    reprice,
    resize,
    wait,
)
from smssim.scenario import GroupTask, Scenario
from smssim.scenario.delays import moments
from smssim.scenario.group_tasks import CANCEL_BEFORE
from smssim.sms.reference import MAINLAND

__all__ = ["Control", "controls_of", "package_name"]

_SERVICE, _PRICES, _LIMITS, _VOLUMES, _CAMPAIGNS, _AROUND = (
    "Service mode and packages",
    "Prices",
    "Alarms and limits",
    "Volumes",
    "Campaign",
    "Delivery reports and users",
)
_MODES = (
    ("1, pay per use beyond packages", "pay_per_use"),
    ("2, suspend when packages run out", "suspend"),
)
_SHIFTS_D = (-7, -2, -1, 0, 1, 2, 7)
"""Days by which a group task can be moved."""
_LATEST = timedelta(days=28)
"""How long after it was made a task may be sent, in any month (DOMAIN.md section 8): 28 days."""
_CAMPAIGN_DAYS = (0, 1, 5, 20, 100)
"""How large an added campaign can be, in days of all other traffic."""
_PATIENCE_S = (0.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds after which half of the users ask again; at 0 no one does."""
_DOWN_H = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0)
"""Hours a day that the callback server may be down."""
_OUTAGE_S = 3_600.0
"""Assumption: how long an outage lasts where the base has none; an hour."""
_MOST = 1_000_000
"""Numbers of a group task at most (DOMAIN.md section 8)."""
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Control:
    """One thing to change: a choice of `choices`, or a number from `low` to `high` in steps.

    `value` is the base's, which lies on the steps; at it nothing is changed. `paths` are all that
    it may change, by `changes`.
    """

    name: str
    group: str
    label: str
    """What is changed, with its unit."""
    paths: tuple[str, ...]
    value: Value
    turn: Turn = field(repr=False, compare=False)
    choices: tuple[tuple[str, Value], ...] = ()
    low: float = 0
    high: float = 0
    step: float = 1

    def changes(self, value: Value, others: Mapping[str, Value] | None = None) -> dict[str, Any]:
        """The changes by path for `Scenario.change`, where the *others* stand as given by name.

        Raise a ValueError for a value that it cannot have.
        """
        if self.choices:
            values = [choice for _, choice in self.choices]
            if value not in values:
                raise ValueError(f"{self.name}(={value!r}) must be one of {values}")
        elif isinstance(value, str) or not self.low <= value <= self.high:
            raise ValueError(f"{self.name}(={value!r}) must be in {self.low:g}..{self.high:g}")
        return {} if self.is_base(value) else dict(self.turn(value, others or {}))

    def is_base(self, value: Value) -> bool:
        """Whether a value is the base's, but for the digits that a slider rounds away."""
        if isinstance(value, str) or isinstance(self.value, str):
            return value == self.value
        return math.isclose(value, self.value, rel_tol=1e-6)


def controls_of(scenario: Scenario) -> tuple[Control, ...]:
    """All controls that make sense for a scenario, in the order in which they are shown.

    Service mode, sizes and prices of packages need packages; a package of another size costs as
    much per segment (Assumption: sizes and prices are not public). A limit above the quota raises
    the quota with it, as its ticket would. A campaign is added where the scenario has none.
    """
    account = [*_service(scenario), *_prices(scenario), *_thresholds(scenario)]
    sending = [*_volumes(scenario), *_campaigns(scenario)]
    controls = [*account, *sending, _outages(scenario), *_patience(scenario)]
    ranges = {one.path for one in scenario.ranges}
    return tuple(_of_range(each) if each.name in ranges else each for each in controls)


def _of_range(control: Control) -> Control:
    """A control whose value is the middle of a range in the base, and one number once changed."""
    return replace(control, label=f"{control.label} (the base has a range)")


def package_name(scenario: Scenario, index: int) -> str:
    """A package by its country, and its number there where the country has several.

    Those that a policy buys come after those of the scenario.
    """
    if index >= len(scenario.packages):
        return f"package {index - len(scenario.packages) + 1} of a policy"
    country = scenario.packages[index].country
    alike = [i for i, package in enumerate(scenario.packages) if package.country == country]
    number = f" {alike.index(index) + 1}" if len(alike) > 1 else ""
    return f"{country} package{number}"


def _service(scenario: Scenario) -> Iterator[Control]:
    mode = scenario.account.service_mode
    if scenario.packages or mode == "suspend":
        path = "account.service_mode"
        yield _choice(path, _SERVICE, "service mode", mode, _MODES, put(path))
    for i, package in enumerate(scenario.packages):
        path, priced = f"packages.{i}.segments", f"packages.{i}.price"
        alike = " (price in proportion)" * (package.price_micro > 0)
        label = f"{package_name(scenario, i)}, segments{alike}"
        turn = partial(resize, path=path, priced=priced, package=package)
        yield _number(path, _SERVICE, label, package.segments, turn, (path, priced))


def _prices(scenario: Scenario) -> Iterator[Control]:
    """Prices of packages at the base's size, and pay-per-use by country; what is free stays so."""
    currency = scenario.currency
    for i, package in enumerate(scenario.packages):
        path, priced = f"packages.{i}.segments", f"packages.{i}.price"
        if package.price and package.price_per_segment is None:
            label = f"{package_name(scenario, i)}, {currency} for {package.segments:,} segments"
            turn = partial(reprice, path=path, priced=priced, package=package)
            yield _number(priced, _PRICES, label, package.price, turn)
        elif package.price_per_segment:
            each = f"packages.{i}.price_per_segment"
            label = f"{package_name(scenario, i)}, {currency} per segment"
            yield _number(each, _PRICES, label, package.price_per_segment, put(each))
    for country in sorted({name for source in scenario.sources for name in _countries(source)}):
        path, price = f"routes.{country}.price", scenario.route(country).price
        if country and price:
            since = [dated.since for dated in scenario.route(country).prices]
            until = f" until {since[0].day} {since[0]:%b}" if since else ""
            label = f"pay-per-use to {country}{until}, {currency} per segment"
            yield _number(path, _PRICES, label, price, put(path))


def _thresholds(scenario: Scenario) -> Iterator[Control]:
    if all(_countries(source) == {MAINLAND} for source in scenario.sources):
        return  # Messages to mainland China are counted by themselves.
    for period, unit in (("daily", "UTC day"), ("monthly", "UTC month")):
        alarm, limit = f"thresholds.{period}_alarm", f"thresholds.{period}_limit"
        quota = f"quota.{period}_limit"
        most = getattr(scenario.quota, f"{period}_limit")
        now = getattr(scenario.thresholds, f"{period}_alarm")
        label = f"{period} alarm, {scenario.thresholds.unit}s a {unit}"
        yield _number(alarm, _LIMITS, label, now, put(alarm))
        turn = partial(limit_with_quota, limit=limit, quota=quota, most=most)
        now = getattr(scenario.thresholds, f"{period}_limit")
        label = f"{period} limit, {scenario.thresholds.unit}s a {unit} (above {most:,} by ticket)"
        yield _number(limit, _LIMITS, label, now, turn, (limit, quota))


def _volumes(scenario: Scenario) -> Iterator[Control]:
    for i, source in enumerate(scenario.traffic):
        path = f"traffic.{i}.messages_a_day"
        label = f"{source.name} to {source.country}, messages per day"
        value = source.messages_a_day
        yield _number(path, _VOLUMES, label, value, put(path))


def _campaigns(scenario: Scenario) -> Iterator[Control]:
    """Recipients and moment of each group task; without any, one to add."""
    if not scenario.group_tasks:
        yield from _added_campaign(scenario)
    for i, task in enumerate(scenario.group_tasks):
        room = _MOST - sum(task.countries.values())
        for country, recipients in task.countries.items():
            path = f"group_tasks.{i}.countries.{country}"
            label = f"{task.name} to {country}, recipients"
            control = _number(
                path, _CAMPAIGNS, label, recipients, put(path), most=recipients + room
            )
            if control.low < control.high:
                yield control
        if task.at is not None:
            yield _moment(scenario, i, task.at)


def _moment(scenario: Scenario, i: int, when: datetime) -> Control:
    """On which day the group task of that number is sent, if it is."""
    task, ends = scenario.group_tasks[i], scenario.start + timedelta(days=scenario.days)
    at, cancelled = f"group_tasks.{i}.at", f"group_tasks.{i}.cancelled"
    made = task.created or min(scenario.start, when)
    first, last = max(scenario.start, made), min(ends, made + _LATEST)
    days = [n for n in _SHIFTS_D if first <= when + timedelta(days=n) < last or not n]
    choices: list[tuple[str, Value]] = [(moved(when, n), n) for n in days]
    if when - made >= CANCEL_BEFORE:
        choices.append((NOT_SENT, NOT_SENT))
    turn = partial(move, when=when, made=made, at=at, cancelled=cancelled)
    label = f"{task.name}, sent on (UTC)"
    return Control(at, _CAMPAIGNS, label, (at, cancelled), 0, turn, tuple(choices))


def _added_campaign(scenario: Scenario) -> Iterator[Control]:
    """A group task in the middle of the period, to the country with the most traffic."""
    abroad = [source for source in scenario.traffic if source.country != MAINLAND]
    if not abroad:
        return
    country = max(abroad, key=lambda source: source.messages_a_day).country
    plain = [template.name for template in scenario.templates if template.type != "otp"]
    template = [*plain, scenario.templates[0].name][0]
    at = (scenario.start + timedelta(days=scenario.days // 2)).replace(hour=10, minute=0, second=0)
    a_day = sum(source.messages_a_day for source in scenario.traffic)
    sizes = sorted({_round(days * a_day) for days in _CAMPAIGN_DAYS})
    task = {"name": "added campaign", "template": template, "at": at.isoformat()}
    label = f"added campaign to {country}, {at.day} {at:%b} 10:00 UTC ({template}), recipients"
    choices = tuple((f"{size:,}" if size else "none", size) for size in sizes if size <= _MOST)
    turn = partial(added, task=task, country=country)
    yield _choice("group_tasks", _CAMPAIGNS, label, 0, choices, turn)


def _outages(scenario: Scenario) -> Control:
    path, base = "callback.random_outages", scenario.callback.random_outages
    down_s = moments(base.down).mean_s if base else _OUTAGE_S
    hours = 24 * down_s / (down_s + moments(base.up).mean_s) if base else 0.0
    choices = tuple(
        (f"{down:.2g} h" + " (the base)" * (down == hours), down)
        for down in sorted({hours, *_DOWN_H})
    )

    turn = partial(down, path=path, down_s=down_s)
    return _choice(path, _AROUND, "callback server down by chance, h per day", hours, choices, turn)


def _patience(scenario: Scenario) -> Iterator[Control]:
    """Whether users of passwords ask again and when: a choice for all sources that are alike."""
    alike: dict[Any, list[int]] = {}
    passwords = {template.name for template in scenario.templates if template.type == "otp"}
    for i, source in enumerate(scenario.traffic):
        asks = source.template in passwords and source.server_resend is None
        if source.resend is not None or asks:
            alike.setdefault(source.resend, []).append(i)
    for resend, sources in alike.items():
        base = middle_s(resend.patience) if resend else 0.0
        paths = tuple(f"traffic.{i}.resend" for i in sources)
        names = listed([scenario.traffic[i].name for i in sources], 3)
        label = f"users of {names} ask again after (median)"
        choices = tuple(
            (f"{after:g} s" if after else "never", after) for after in sorted({base, *_PATIENCE_S})
        )
        turn = partial(wait, resend=resend, base=base, paths=paths)
        if resend is None or base > 0:
            changed = (*paths, *(f"{path}.patience" for path in paths))
            yield Control(paths[0], _AROUND, label, changed, base, turn, choices)


def _choice(
    path: str,
    group: str,
    label: str,
    value: Value,
    choices: tuple[tuple[str, Value], ...],
    turn: Turn,
) -> Control:
    return Control(path, group, label, (path,), value, turn, choices)


def _number(
    path: str,
    group: str,
    label: str,
    value: float,
    turn: Turn,
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


def _round(value: float) -> int:
    """About *value*, with one digit that is not 0."""
    if value < 1:
        return 0
    scale = 10 ** math.floor(math.log10(value))
    return int(round(value / scale) * scale)


def _countries(source: Any) -> set[str]:
    if isinstance(source, GroupTask):
        return set(source.countries) or {""}
    return {source.country}
