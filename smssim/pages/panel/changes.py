"""What each control of the panel changes in a scenario, by dotted paths."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from smssim.scenario import Delay, Package
from smssim.scenario.sources import Resend

__all__ = [
    "NOT_SENT",
    "Changes",
    "Turn",
    "Value",
    "added",
    "down",
    "limit_with_quota",
    "middle_s",
    "move",
    "moved",
    "put",
    "reprice",
    "resize",
    "scaled",
    "wait",
]

Value = str | float
Changes = Mapping[str, Any]
Turn = Callable[[Any, Mapping[str, Value]], Changes]
"""The changes that a value makes, where the other controls stand as given by name."""


NOT_SENT = "not sent"
_SPREAD = 3.0
"""Assumption: where users of the base do not ask again, the 95% quantile of their patience is three
times its median."""


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


def put(path: str) -> Turn:
    return lambda value, _: {path: value}


def resize(
    value: int, others: Mapping[str, Value], path: str, priced: str, package: Package
) -> Changes:
    if not package.price or package.price_per_segment is not None:
        return {path: value}
    price = float(others.get(priced, package.price))
    return {path: value, priced: round(price * value / package.segments, 6)}


def reprice(
    value: float, others: Mapping[str, Value], path: str, priced: str, package: Package
) -> Changes:
    size = float(others.get(path, package.segments))
    return {priced: round(value * size / package.segments, 6)}


def limit_with_quota(
    value: int, _: Mapping[str, Value], limit: str, quota: str, most: int
) -> Changes:
    return {limit: value} | ({quota: value} if value > most else {})


def down(hours: float, _: Mapping[str, Value], path: str, down_s: float) -> Changes:
    if not hours:
        return {path: None}
    up_s = down_s * (24 - hours) / hours
    return {path: {"up": {"exponential_s": up_s}, "down": {"exponential_s": down_s}}}


def move(
    days: Any, _: Mapping[str, Value], when: datetime, made: datetime, at: str, cancelled: str
) -> Changes:
    if days == NOT_SENT:
        return {cancelled: made.isoformat()}
    return {at: (when + timedelta(days=days)).isoformat()}


def moved(at: datetime, days: int) -> str:
    there = at.astimezone(UTC) + timedelta(days=days)
    return f"{there:%a} {there.day} {there:%b %H:%M}"


def added(
    recipients: int, _: Mapping[str, Value], task: Mapping[str, Any], country: str
) -> Changes:
    return {"group_tasks": [{**task, "countries": {country: recipients}}]}


def wait(
    value: float,
    _: Mapping[str, Value],
    resend: Resend | None,
    base: float,
    paths: Sequence[str],
) -> Changes:
    if not value:
        return dict.fromkeys(paths)
    if resend is None:
        patience = {"lognormal_s": {"median": value, "p95": _SPREAD * value}}
        return {path: {"patience": patience} for path in paths}
    return {f"{path}.patience": scaled(resend.patience, value / base) for path in paths}
