"""Distributions of numbers that are not known exactly, by their quantiles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Annotated

from pydantic import Field

from smssim.scenario.errors.problems import Violation
from smssim.scenario.fields import Float, ScenarioModel

__all__ = ["Distribution", "Number"]

Number = int | float
_CUT = 3.0
"""Standard deviations at which normal and log-normal distributions are cut off."""
_NORMAL = NormalDist()
_BELOW_CUT = _NORMAL.cdf(-_CUT)
_Z95 = _NORMAL.inv_cdf(0.95)
_DECIMALS = 6
"""Decimals of a value: those of money and of microseconds."""


def _deviation(u: float) -> float:
    """The standard deviations of the quantile *u* of a normal distribution that is cut off."""
    if u in (0, 1):
        return _CUT if u else -_CUT
    return _NORMAL.inv_cdf(_BELOW_CUT + u * (1 - 2 * _BELOW_CUT))


_Value = Annotated[Float, Field(ge=-1e15, le=1e15)]
_Positive = Annotated[Float, Field(ge=1e-6, le=1e15)]


class _Normal(ScenarioModel):
    """A normal distribution, cut off at three standard deviations."""

    mean: _Value
    """Its mean, and the middle of the range."""
    sd: _Positive
    """Its standard deviation before it is cut off."""

    def of(self, u: float) -> float:
        """The value of which the share *u* of all draws is below."""
        return self.mean + self.sd * _deviation(u)


class _LogNormal(ScenarioModel):
    """A log-normal distribution, cut off at three standard deviations of the logarithm."""

    median: _Positive
    """Half of all draws are below this: the middle of the range."""
    p95: _Positive
    """Nineteen in twenty draws are below this."""

    def violations(self) -> Iterator[Violation]:
        """The 95th percentile is above the median."""
        if self.p95 <= self.median:
            yield ("p95",), f"p95(={self.p95:g}) must be > median(={self.median:g})"

    def of(self, u: float) -> float:
        """The value of which the share *u* of all draws is below."""
        return self.median * math.pow(self.p95 / self.median, _deviation(u) / _Z95)


class _Triangular(ScenarioModel):
    """A triangular distribution: least, likeliest and greatest value, as experts state them."""

    low: _Value
    """The least value."""
    mode: _Value
    """The likeliest value."""
    high: _Value
    """The greatest value."""

    def violations(self) -> Iterator[Violation]:
        """The likeliest value is between the others, which differ."""
        if not (self.low <= self.mode <= self.high and self.low < self.high):
            yield (), f"low, mode, high(={self.low:g}, {self.mode:g}, {self.high:g}) must rise"

    def of(self, u: float) -> float:
        """The value of which the share *u* of all draws is below."""
        width, rise = self.high - self.low, self.mode - self.low
        if u * width < rise:
            return self.low + math.sqrt(u * width * rise)
        return self.high - math.sqrt((1 - u) * width * (self.high - self.mode))


class Distribution(ScenarioModel):
    """A number that is not known exactly: exactly one of these distributions."""

    between: tuple[_Value, _Value] | None = None
    """Anywhere between two numbers, all equally likely."""
    normal: _Normal | None = None
    """Normal, by mean and standard deviation; cut off at three of them."""
    lognormal: _LogNormal | None = None
    """Log-normal, by median and 95th percentile."""
    triangular: _Triangular | None = None
    """Triangular: least, likeliest and greatest value."""
    one_of: Annotated[tuple[_Value, ...], Field(min_length=2)] | None = None
    """One of these numbers, all equally likely."""

    def violations(self) -> Iterator[Violation]:
        """Exactly one distribution; *between* rises."""
        names = [name for name in _NAMES if getattr(self, name) is not None]
        if len(names) != 1:
            have = " and ".join(names) or "none"
            yield (), f"a range must be exactly one of {', '.join(_NAMES)}, not {have}"
        if self.between and self.between[0] >= self.between[1]:
            low, high = self.between
            yield ("between",), f"between(={low:g}, {high:g}) must go from less to more"

    def fractions(self) -> Iterator[Violation]:
        """The numbers that could not be drawn where only whole ones may be."""
        for name in ("between", "one_of"):
            for i, value in enumerate(getattr(self, name) or ()):
                if not value.is_integer():
                    yield (name, i), f"{value:g} must be a whole number"

    def at(self, u: float, whole: bool) -> Number:
        """The value of which the share *u* of all draws is below; the ends are at 0 and 1.

        A *whole* number is rounded to one, any other to 6 decimals.
        """
        value = self._of(u, whole)
        return round(value) if whole else round(value, _DECIMALS) + 0.0

    def ends(self, whole: bool) -> tuple[Number, Number]:
        """The least and the greatest value."""
        if self.one_of is not None:
            return min(self.one_of), max(self.one_of)
        return self.at(0, whole), self.at(1, whole)

    def _of(self, u: float, whole: bool) -> float:
        if self.one_of is not None:
            return self.one_of[min(int(u * len(self.one_of)), len(self.one_of) - 1)]
        if self.between is None:
            by_quantile = self.normal or self.lognormal or self.triangular
            assert by_quantile is not None
            return by_quantile.of(u)
        low, high = self.between
        # Each whole number is equally likely, the ends included.
        return min(low + int(u * (high - low + 1)), high) if whole else low + u * (high - low)


_NAMES = tuple(Distribution.model_fields)
