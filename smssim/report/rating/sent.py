"""What rating needs of recorded messages, as arrays in order of submission."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Ints = NDArray[np.int64]
NO_QUOTA, DELIVERED = "E000629", "DELIVRD"
_NAT = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Sent:
    """Messages in order of submission, then of the record; times in microseconds since 1970 UTC.

    *order* holds their rows in the record, None if that is in order. *countries* are those that
    known messages were sent to; *unknown* marks messages sent without country or segments.
    *accrues_us* is when a charge on delivery falls due, else the submission.
    """

    order: NDArray[np.intp] | None
    at_us: Ints
    accrues_us: Ints
    place: NDArray[np.int8]
    segments: Ints
    delivered: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    countries: list[str]
    _rows: dict[str, Ints]
    _out_of_quota: NDArray[np.bool_]

    @property
    def last_us(self) -> int:
        """The last submission."""
        return int(self.at_us[-1]) if len(self.at_us) else _NAT

    def rows(self, country: str, *, refused: bool = False) -> Ints:
        """The messages sent to a country; with *refused* those refused for want of quota, too."""
        rows: Ints = self._rows.get(country, np.empty(0, np.int64))
        wanted = self.place[rows] == 0
        if refused:
            wanted |= self._out_of_quota[rows]
        return rows.compress(wanted & ~self.unknown[rows])

    def back(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values of the messages in the order of the record."""
        if self.order is None:
            return values
        back = np.empty_like(values)
        back[self.order] = values
        return back


def sent_of(messages: pd.DataFrame, charged_on_delivery: str) -> Sent:
    """The messages of a record; those to one country accrue when they are delivered."""
    at_us = _us(messages["submitted_at"])
    # Only a log whose files overlap has anything to sort.
    order = None if bool((at_us[1:] >= at_us[:-1]).all()) else np.argsort(at_us, kind="stable")

    def ordered(values: NDArray[Any]) -> NDArray[Any]:
        return values if order is None else values.take(order)

    country, names = _codes(messages["country"])
    status, statuses = _codes(messages["status"])
    place = messages["place"].to_numpy(np.int8)
    segments = messages["segments"].astype("Int64").fillna(0).to_numpy(np.int64)
    country, status, place = ordered(country), ordered(status), ordered(place)
    segments, at_us = ordered(segments), ordered(at_us)
    final_us: Ints = ordered(_us(messages["final_at"]))
    late = country == (names.index(charged_on_delivery) if charged_on_delivery in names else -2)
    rows = _by_code(country, names)
    unknown = (place == 0) & ((country < 0) | (segments <= 0))
    return Sent(
        order,
        at_us,
        np.where(late & (final_us != _NAT), final_us, at_us),
        place,
        segments.astype(np.int64),
        status == (statuses.index(DELIVERED) if DELIVERED in statuses else -2),
        unknown,
        sorted(name for name, own in rows.items() if ((place[own] == 0) & ~unknown[own]).any()),
        rows,
        (place == 3) & (status == (statuses.index(NO_QUOTA) if NO_QUOTA in statuses else -2)),
    )


def _by_code(codes: NDArray[Any], names: list[str]) -> dict[str, Ints]:
    """The places of each name, in order."""
    places = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes.take(places), np.arange(len(names) + 1))
    return {name: places[ends[i] : ends[i + 1]] for i, name in enumerate(names)}


def _codes(column: pd.Series[Any]) -> tuple[NDArray[Any], list[str]]:
    category = column.astype("category").cat
    return category.codes.to_numpy(), [str(name) for name in category.categories]


def _us(times: pd.Series[Any]) -> Ints:
    naive = times.dt.tz_localize(None) if times.dt.tz is not None else times
    return naive.to_numpy().astype("datetime64[us]").view(np.int64)
