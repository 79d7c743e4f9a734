"""A table's batches as pieces: every column read, every rule applied, rows packed as facts.

Nothing that stands in a row raises; what makes a whole table unreadable is a WrongColumns.
"""

from __future__ import annotations

from collections.abc import Iterator

from smssim.logs.columns.keys import Secret
from smssim.logs.columns.matching import Matching
from smssim.logs.columns.readers import Readers
from smssim.logs.columns.rows import piece_of
from smssim.logs.files.table import Batch, Table
from smssim.logs.join.facts import Names
from smssim.logs.join.piece import Piece

MOST_HELD = 2_000_000
"""Rows that wait for the first value that says whether the day or the month comes first."""


class Parser:
    """Reads tables of one matching; *names* are the labels of the whole reading, *zone* is `tz=`.

    *secret* keys the hashes and must be the same for all files of a reading; *file* is the file's
    number in the facts. `currency` is that of the log: the first that is said, if none is given.
    Raise a WrongColumns for a zone that does not exist.
    """

    def __init__(
        self,
        matching: Matching,
        names: Names,
        zone: str | None,
        secret: bytes,
        *,
        file: int = 0,
        currency: str | None = None,
    ) -> None:
        self._readers = Readers(matching, names, zone, Secret.of(secret), file, currency)

    @property
    def currency(self) -> str | None:
        """The currency of the log, None as long as no row has said one."""
        return self._readers.currency

    def pieces(self, table: Table) -> Iterator[Piece]:
        """The rows of a table, each in the facts or refused.

        Raise a WrongColumns for times without a zone, and for an order of day and month or a
        decimal mark that nothing decides.
        """
        held: list[Batch] = []
        for batch in table.batches():
            self._readers.look(batch)
            held.append(batch)
            waits = self._readers.undecided() is not None
            if waits and sum(len(one.rows) for one in held) <= MOST_HELD:
                continue
            yield from self._given(held)
        yield from self._given(held)

    def _given(self, held: list[Batch]) -> Iterator[Piece]:
        error = self._readers.undecided()
        if error is not None and held:
            raise error
        while held:
            yield piece_of(held.pop(0), self._readers)
