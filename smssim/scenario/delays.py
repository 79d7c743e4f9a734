"""Durations, fixed or by chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from numbers import Real
from statistics import NormalDist
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from smssim.calendars import SECOND
from smssim.scenario.errors.problems import Violation
from smssim.scenario.fields import Float, ScenarioModel, Share
from smssim.stats import inverse_cdf as inverse

__all__ = ["Delay", "LogNormal", "Moments", "Seconds", "SlowPart", "microseconds", "moments"]

Seconds = Annotated[Float, Field(ge=0, le=inverse.LONGEST_US / SECOND)]
_Z95 = NormalDist().inv_cdf(0.95)
_Point = tuple[Share, Seconds]
_KINDS = ("fixed_s", "uniform_s", "exponential_s", "lognormal_s", "curve")


def microseconds(seconds: float) -> int:
    """Seconds as whole microseconds."""
    return round(seconds * SECOND)


class LogNormal(ScenarioModel):
    """A log-normal delay by two of its percentiles."""

    median: Float = Field(gt=0, le=1e6)
    """Half of all delays are shorter than this, in seconds."""
    p95: Float = Field(gt=0, le=1e7)
    """Nineteen in twenty delays are shorter than this, in seconds."""

    def violations(self) -> Iterator[Violation]:
        """The 95th percentile lies above the median."""
        if self.p95 <= self.median:
            yield ("p95",), f"p95(={self.p95:g}) must be > median(={self.median:g})"


class SlowPart(LogNormal):
    """The part of a delay's distribution that is far slower, for phones that are off."""

    share: Share
    """The share of messages that are slow, 0 to 1."""


class Delay(ScenarioModel):
    """A duration: a plain number of seconds, or exactly one of the distributions below."""

    plain_number: ClassVar = True

    fixed_s: Seconds | None = None
    """Always this many seconds."""
    uniform_s: tuple[Seconds, Seconds] | None = None
    """Anywhere between two numbers of seconds."""
    exponential_s: Seconds | None = None
    """Memoryless, with this mean in seconds."""
    lognormal_s: LogNormal | None = None
    """Log-normal, by its median and 95th percentile in seconds."""
    curve: Annotated[tuple[_Point, ...], Field(min_length=2, max_length=512)] | None = None
    """Any distribution by points [share, seconds]: that share of all delays is at most so long.
    Straight lines in the logarithm of seconds between them; at most 512."""
    slow: SlowPart | None = None
    """A slow part mixed into a log-normal: a share, and its own median and 95th percentile."""

    @model_validator(mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        number = isinstance(value, Real) and not isinstance(value, bool)
        return {"fixed_s": value} if number else value

    def violations(self) -> Iterator[Violation]:
        """Exactly one distribution; a slow part goes with a log-normal, a range rises."""
        distributions = [name for name in _KINDS if getattr(self, name) is not None]
        if len(distributions) != 1:
            have = " and ".join(distributions) or "none"
            yield (), f"a delay must be seconds or exactly one of {', '.join(_KINDS)}, not {have}"
        if self.slow and not self.lognormal_s:
            yield ("slow",), "slow must be next to lognormal_s"
        if self.uniform_s and self.uniform_s[0] > self.uniform_s[1]:
            low, high = self.uniform_s
            yield ("uniform_s",), f"uniform_s(={low:g}, {high:g}) must go from less to more"
        yield from self._bent()

    def _bent(self) -> Iterator[Violation]:
        """Shares of a curve rise from 0 to 1, its seconds do not fall."""
        points = self.curve or ((0.0, 0.0), (1.0, 0.0))
        for i, end in ((0, 0), (len(points) - 1, 1)):
            if points[i][0] != end:
                yield ("curve", i, 0), f"{points[i][0]:g} must be {end}: shares go from 0 to 1"
        for i, ((share, seconds), (next_share, next_seconds)) in enumerate(pairwise(points), 1):
            if next_share <= share:
                yield ("curve", i, 0), f"{next_share:g} must be > {share:g}: shares must rise"
            if next_seconds < seconds:
                yield (
                    ("curve", i, 1),
                    f"{next_seconds:g} must be >= {seconds:g}: seconds do not fall",
                )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        mapping = handler.resolve_ref_schema(handler(core))
        titles: JsonSchemaValue = {
            key: mapping.pop(key) for key in ("title", "description") if key in mapping
        }
        number = {"type": "number", "minimum": 0, "title": "Seconds"}
        inner = dict(mapping)
        mapping.clear()
        mapping.update({**titles, "anyOf": [number, inner]})
        return mapping

    def table(self) -> inverse.Quantiles:
        """The inverse table of this delay, in microseconds."""
        return _table(self)

    def median_s(self) -> float:
        """Half of all durations are at most so long, in seconds."""
        return self.table().of(2**63) / SECOND

    def _make_table(self) -> inverse.Quantiles:
        if self.fixed_s is not None:
            return inverse.fixed(microseconds(self.fixed_s))
        if self.uniform_s is not None:
            return inverse.uniform(*(microseconds(end) for end in self.uniform_s))
        if self.exponential_s is not None:
            return inverse.exponential(self.exponential_s * SECOND)
        if self.curve is not None:
            return inverse.curve(self.curve, SECOND)
        assert self.lognormal_s is not None
        median, p95 = self.lognormal_s.median * SECOND, self.lognormal_s.p95 * SECOND
        slow = self.slow
        if slow is None:
            return inverse.lognormal(median, p95)
        return inverse.lognormal(median, p95, (slow.share, slow.median * SECOND, slow.p95 * SECOND))


@lru_cache(maxsize=256)
def _table(delay: Delay) -> inverse.Quantiles:
    return delay._make_table()


class Moments(NamedTuple):
    """The mean and the standard deviation of a delay, in seconds."""

    mean_s: float
    sd_s: float


def moments(delay: Delay) -> Moments:
    """The mean and the standard deviation of a delay as the scenario writes it."""
    if delay.fixed_s is not None:
        return Moments(delay.fixed_s, 0.0)
    if delay.uniform_s is not None:
        low, high = delay.uniform_s
        return Moments((low + high) / 2, (high - low) / math.sqrt(12))
    if delay.exponential_s is not None:
        return Moments(delay.exponential_s, delay.exponential_s)
    if delay.curve is not None:
        mean, square = _piecewise(delay.curve)
        return Moments(mean, math.sqrt(max(0.0, square - mean**2)))
    assert delay.lognormal_s is not None
    mean, square = _lognormal(delay.lognormal_s)
    if delay.slow is not None:
        share, (slow_mean, slow_square) = delay.slow.share, _lognormal(delay.slow)
        mean = (1 - share) * mean + share * slow_mean
        square = (1 - share) * square + share * slow_square
    return Moments(mean, math.sqrt(square - mean**2))


def _piecewise(points: tuple[_Point, ...]) -> tuple[float, float]:
    """The mean and the mean square of a curve, piece by piece."""
    mean, square = [], []
    for (share, low), (next_share, high) in pairwise(points):
        weight = next_share - share
        if low == 0 or high == low:
            mean.append(weight * (low + high) / 2)
            square.append(weight * (low**2 + low * high + high**2) / 3)
        else:
            bend = math.log(high / low)
            mean.append(weight * (high - low) / bend)
            square.append(weight * (high**2 - low**2) / (2 * bend))
    return math.fsum(mean), math.fsum(square)


def _lognormal(rule: LogNormal) -> tuple[float, float]:
    """The mean and the mean square."""
    variance = (math.log(rule.p95 / rule.median) / _Z95) ** 2
    return rule.median * math.exp(variance / 2), rule.median**2 * math.exp(2 * variance)
