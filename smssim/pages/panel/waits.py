"""Delays of a scenario as one number of seconds, and made longer or shorter as a whole."""

from __future__ import annotations

import math
from typing import Any

from smssim.scenario import Delay


def middle_s(delay: Delay) -> float:
    """The median of a delay, in seconds; of a log-normal, without its slow part."""
    if delay.lognormal_s is not None:
        return delay.lognormal_s.median
    if delay.exponential_s is not None:
        return delay.exponential_s * math.log(2)
    if delay.uniform_s is not None:
        return sum(delay.uniform_s) / 2
    assert delay.fixed_s is not None
    return delay.fixed_s


def scaled(delay: Delay, factor: float) -> dict[str, Any]:
    """The data of a delay that is *factor* times as long in every respect.

    >>> scaled(Delay(lognormal_s={"median": 40, "p95": 100}), 0.5)
    {'lognormal_s': {'median': 20.0, 'p95': 50.0}}
    """
    data = delay.model_dump(exclude_none=True)
    return {kind: _times(value, factor) for kind, value in data.items()}


def _times(value: Any, factor: float) -> Any:
    if isinstance(value, dict):
        return {key: own if key == "share" else own * factor for key, own in value.items()}
    if isinstance(value, tuple | list):
        return [own * factor for own in value]
    return value * factor
