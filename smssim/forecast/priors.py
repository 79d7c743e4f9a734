"""What a fit takes for likely before it has seen the log, each number named once.

Whoever knows better says so (`Growth`, `Swing`); how much of an interval is prior stands in the
table of the fit. Values and their grading: docs/fit.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from types import MappingProxyType

import numpy as np

__all__ = [
    "COUNTRY_WEEKDAY_SDS",
    "HOLIDAY_SD",
    "LEVEL_SD",
    "OWN_GROWTH_SHARE",
    "WEEKDAY_SDS",
    "WEEKEND_SD",
    "WEEKEND_SDS",
    "Growth",
    "Swing",
    "generator",
]

LEVEL_SD = 30.0
"""Of the log of a country's messages per day around its raw mean: flat."""
WEEKEND_SD = 0.5
"""Of the effect of a weekend on the log of a day, shared by all countries."""
WEEKDAY_SDS = (0.05, 0.15, 0.30)
"""Of the shared effects of the seven weekdays; the best of these, as of the next two."""
WEEKEND_SDS = (0.05, 0.30)
"""Of a country's own effect of a weekend."""
COUNTRY_WEEKDAY_SDS = (0.03, 0.10)
"""Of a country's own effects of the seven weekdays."""
OWN_GROWTH_SHARE = 1 / 3
"""A country's own growth, as a share of the sd of the growth of all."""
HOLIDAY_SD = 0.3
"""Of the effect of a country's public holidays on the log of a day."""

_DAYS_PER_MONTH = 30.4


@dataclass(frozen=True)
class Growth:
    """Weights of no, modest and strong growth, and the sd of the latter two per month.

    A few weeks do not tell growth from chance, so most of the weight is at none. Raise a
    ValueError for weights or sds that are negative, or weights that do not sum to 1.
    """

    none: float = 0.75
    modest: float = 0.17
    strong: float = 0.08
    sd_per_month: tuple[float, float] = (0.06, 0.27)

    def __post_init__(self) -> None:
        weights = (self.none, self.modest, self.strong)
        if any(not w >= 0 for w in weights) or abs(math.fsum(weights) - 1) > 1e-9:
            raise ValueError(f"Growth{weights}: weights must be >= 0 and sum to 1")
        if not all(0 < sd < 2 for sd in self.sd_per_month):
            raise ValueError(f"sd_per_month(={self.sd_per_month}) must be between 0 and 2")

    @property
    def weights(self) -> Mapping[float, float]:
        """The weight of each sd of growth per day; those of weight 0 are left out."""
        modest, strong = (math.log1p(sd) / _DAYS_PER_MONTH for sd in self.sd_per_month)
        pairs = ((0.0, self.none), (modest, self.modest), (strong, self.strong))
        return MappingProxyType({sd: weight for sd, weight in pairs if weight})


def _weights_of(**weights: float) -> Mapping[float, float]:
    return MappingProxyType({int(name[1:]) / 100: weight for name, weight in weights.items()})


@dataclass(frozen=True)
class Swing:
    """Weights of the sd of day-to-day factors: a country's own, and one shared by all countries.

    Raise a ValueError for weights that are negative or do not sum to 1, or an sd below 0.
    """

    by_country: Mapping[float, float] = field(
        default_factory=lambda: _weights_of(
            _0=0.45, _5=0.20, _10=0.15, _15=0.10, _20=0.06, _30=0.04
        )
    )
    shared: Mapping[float, float] = field(
        default_factory=lambda: _weights_of(_0=0.75, _7=0.15, _15=0.10)
    )

    def __post_init__(self) -> None:
        for name in ("by_country", "shared"):
            weights: Mapping[float, float] = getattr(self, name)
            if any(not w >= 0 for w in weights.values()) or abs(sum(weights.values()) - 1) > 1e-9:
                raise ValueError(f"{name}(={dict(weights)}): weights must be >= 0 and sum to 1")
            if any(not 0 <= sd < 2 for sd in weights):
                raise ValueError(f"{name}(={dict(weights)}): an sd must be at least 0 and below 2")


def generator(seed: int, name: str, index: int) -> np.random.Generator:
    """The random numbers of draw *index* of what *name* names: the same however many are drawn."""
    key = blake2b(f"{seed}/{name}/{index}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(key, np.uint64)))
