"""The parameters of a fit as a table: estimates, intervals, and how much of them is prior."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd

from smssim.arrays import Floats
from smssim.forecast.assembly import ParameterSet
from smssim.forecast.delays import Points

__all__ = ["parameter_table", "quantile_s"]

_LEVEL = 0.9
_MOSTLY = 0.5

_Key = tuple[str, str, str]
"""Name, subject and unit."""


def parameter_table(
    best: ParameterSet, sets: Iterable[ParameterSet], prior_sds: Mapping[str, float]
) -> pd.DataFrame:
    """One row per parameter: name, subject, unit, estimate, low, high, prior_share and note.

    The interval holds 90 % of *sets*. *prior_sds* has the sd of a parameter before the record was
    seen, by name; its prior share is the part of that sd's square that is left, NaN without one.
    """
    columns: dict[_Key, list[float]] = {}
    for parameters in sets:
        for key, value in _figures(parameters):
            columns.setdefault(key, []).append(value)
    rows = []
    for key, estimate in _figures(best):
        values = np.array(columns[key])
        low, high = np.quantile(values, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        sd = prior_sds.get(key[0])
        share = min(float(values.var()) / sd**2, 1.0) if sd else float("nan")
        note = f"{share:.0%} prior: the record does not tell" if share > _MOSTLY else ""
        rows.append((*key, estimate, float(low), float(high), share, note))
    names = ["name", "subject", "unit", "estimate", "low", "high", "prior_share", "note"]
    return pd.DataFrame(rows, columns=names)


def _figures(parameters: ParameterSet) -> Iterator[tuple[_Key, float]]:
    """Each parameter's name, subject and unit, and its value in one set."""
    by_country: dict[str, float] = {}
    for demand in parameters.demand:
        messages = demand.messages_per_day
        by_country[demand.country] = by_country.get(demand.country, 0.0) + messages
    for country, messages in by_country.items():
        yield ("messages", country, "per day"), messages
    growth = {demand.country: demand.growth_per_day for demand in parameters.demand}
    for country, rate in growth.items():
        yield ("growth", country, "per day"), rate
    yield ("swing of one country", "", "sd of a day"), parameters.swing
    yield ("swing of all countries", "", "sd of a day"), parameters.shared_swing
    for demand in parameters.demand:
        subject = f"{demand.template or 'all'} {demand.country}"
        yield ("messages", subject, "per day"), demand.messages_per_day
        yield ("recipients", subject, "per request"), _mean(demand.recipients)
        yield ("segments", subject, "per message"), _mean(demand.segments)
    for country, delays in parameters.delays.items():
        yield ("delivered", country, "share"), delays.shares.delivered
        yield ("failed", country, "share"), delays.shares.failed
        yield ("no report", country, "share"), delays.shares.never
        for name, share in (("delay p50", 0.5), ("delay p95", 0.95), ("delay p99", 0.99)):
            yield (name, country, "s"), quantile_s(delays.delivered, share)


def _mean(shares: Mapping[int, float]) -> float:
    return sum(number * share for number, share in shares.items()) / sum(shares.values())


def quantile_s(points: Points, share: float) -> float:
    """The seconds within which *share* of the delays of a curve end.

    >>> quantile_s(((0.0, 1.0), (0.5, 10.0), (1.0, 1000.0)), 0.75)
    100.0
    """
    shares, seconds = np.array(points).T
    logs: Floats = np.log(np.maximum(seconds, 1e-6))
    return round(float(np.exp(np.interp(share, shares, logs))), 9)
