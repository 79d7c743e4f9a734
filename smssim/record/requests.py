"""Sizes of requests, from messages in their order: how many recipients, and of equal texts or not.

The messages of a request follow each other, its first recipient (number 0) first. Copies that are
sent again later lie between those of other requests, as do the messages of a group task, which is
no request: neither are counted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Ints

__all__ = ["MOST", "RequestReader", "Requests"]

MOST = 501
"""The size of all requests that are larger than the service accepts (DOMAIN.md section 3)."""
_DENSEST = 1 << 21
"""Cells up to which a table of all of them is quicker than sorting."""


class Requests(NamedTuple):
    """Requests that have all of these alike: country and template as codes, segments of the first
    recipient's message, recipients (at most MOST). How many there are, and of those of two and more
    how many whose messages all have as many segments.
    """

    country: Ints
    template: Ints
    segments_each: Ints
    size: Ints
    requests: Ints
    same_text: Ints


class _Open(NamedTuple):
    """The last request of a chunk, which the next one may go on with."""

    country: int
    template: int
    segments_each: int
    size: int
    same: bool


class RequestReader:
    """Takes messages chunk by chunk and hands out the requests that are whole."""

    def __init__(self) -> None:
        self._open: _Open | None = None

    def add(self, messages: Mapping[str, NDArray[Any]], group: Mapping[str, Ints]) -> Requests:
        """The requests that end within this chunk, as far as that is known.

        Messages have `group`, a position in the columns *group* of countries, templates and whether
        it is of a `task`, `segments`, `recipient` and `resend_number`.
        """
        of, segments, recipient = _originals(messages, group)
        heads = np.flatnonzero(recipient == 0)
        more = int(heads[0]) if len(heads) else len(of)
        if more:
            self._go_on(segments[:more])
        if not len(heads):
            return _counted(_NOTHING, group)
        opened = self.close()
        size, same = _sizes(segments, recipient, heads)
        columns = of.take(heads), segments.take(heads), np.minimum(size, MOST), same
        last, *rest = (int(column[-1]) for column in columns)
        country, template = (int(group[name][last]) for name in ("country", "template"))
        self._open = _Open(country, template, rest[0], int(size[-1]), bool(rest[2]))
        whole = _counted(tuple(column[:-1] for column in columns), group)
        return Requests(*(np.concatenate(pair) for pair in zip(opened, whole, strict=True)))

    def close(self) -> Requests:
        """The request that the last chunk ended with, if there was any: nothing follows of it."""
        opened, self._open = self._open, None
        rows: list[tuple[int, ...]] = []
        if opened is not None:
            same = int(opened.same and opened.size > 1)
            rows = [(*opened[:3], min(opened.size, MOST), 1, same)]
        return Requests(*np.array(rows, np.int64).reshape(-1, len(Requests._fields)).T)

    def _go_on(self, segments: NDArray[Any]) -> None:
        if self._open is None:
            raise ValueError("recipient must be 0 in the first message of a request")
        self._open = self._open._replace(
            size=self._open.size + len(segments),
            same=self._open.same and bool((segments == self._open.segments_each).all()),
        )


_NOTHING = (np.zeros(0, np.int64),) * 4


def _originals(
    messages: Mapping[str, NDArray[Any]], group: Mapping[str, Ints]
) -> list[NDArray[Any]]:
    """Groups, segments and recipients of all messages but copies and those of group tasks."""
    columns = [messages[name] for name in ("group", "segments", "recipient")]
    if messages["resend_number"].any():
        rows = np.flatnonzero(messages["resend_number"] <= 0)
        columns = [column.take(rows) for column in columns]
    if group["task"].any():
        rows = np.flatnonzero(~group["task"].take(columns[0]))
        columns = [column.take(rows) for column in columns]
    return columns


def _sizes(
    segments: NDArray[Any], recipient: NDArray[Any], heads: Ints
) -> tuple[Ints, NDArray[np.bool_]]:
    """How many messages each request has, and whether all have the segments of the first."""
    size, same = np.diff(heads, append=len(segments)), np.ones(len(heads), bool)
    if len(heads) < len(segments):
        unlike = np.flatnonzero((segments[1:] != segments[:-1]) & (recipient[1:] > 0)) + 1
        same[np.searchsorted(heads, unlike, "right") - 1] = False
    return size, same


def _counted(columns: tuple[NDArray[Any], ...], group: Mapping[str, Ints]) -> Requests:
    """The requests with these groups, segments, sizes and texts, by cell."""
    of, segments, size, same = columns
    shape = [int(column.max(initial=0)) + 1 for column in (of, segments, size)] + [2]
    key = of.astype(np.int64)
    for column, length in zip((segments, size, same), shape[1:], strict=True):
        key *= length
        key += column
    if math.prod(shape) > _DENSEST:
        names, number = np.unique(key, return_counts=True)
    else:
        number = np.bincount(key)
        names = np.flatnonzero(number)
        number = number.take(names)
    in_group, segments_each, sizes, alike = np.unravel_index(names, shape)
    country, template = (group[name].take(in_group) for name in ("country", "template"))
    same_text = np.where((sizes > 1) & (alike > 0), number, 0)
    return Requests(country, template, segments_each, sizes, number, same_text)
