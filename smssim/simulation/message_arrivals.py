"""Copies of messages in the order in which they arrive; whatever is judged or finished is some of
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass
class Arrivals:
    """Copies in their order, with what judging needs.

    *where* is their place in the flattened arrays of `Live`, *message* that of their first copy;
    both are slices when no copy is a resend, and *generation* is None then.
    """

    where: slice | Ints
    message: slice | Ints
    generation: NDArray[np.int8] | None
    t: Ints
    cls: Ints
    segments: NDArray[np.uint8]
    drawn: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.t)

    def part(self, begin: int, end: int | None) -> Arrivals:
        """The copies at places *begin* up to *end*."""
        own = slice(begin, end)
        return Arrivals(
            _part(self.where, begin, end),
            _part(self.message, begin, end),
            None if self.generation is None else self.generation[own],
            self.t[own],
            self.cls[own],
            self.segments[own],
            self.drawn[own],
        )

    def place(self, i: int) -> int:
        """The place of one copy in the flattened arrays."""
        return self.where.start + i if isinstance(self.where, slice) else int(self.where[i])


def _part(where: slice | Ints, begin: int, end: int | None) -> slice | Ints:
    if isinstance(where, slice):
        return slice(where.start + begin, where.stop if end is None else where.start + end)
    return where[begin:end]
