"""Where the records go that cannot be used: file, line, reason and text, phone numbers masked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

KEPT = 4_096
"""Characters of a text or reason that are kept."""

_SHOWN = 3
_DIGITS = re.compile(r"\d{7,}|\+\d(?:[ ().-]{0,2}\d){6,}")
_DIGIT = re.compile(r"\d")


class Quarantine:
    """Collects the records that cannot be used; their number is its length."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, int, str, str]] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, file: str, line: int, reason: str, text: str) -> None:
        """Keep one record: its *line* counts from 1, *text* is the line as it stands.

        Phone numbers are masked in both, and both are cut at 4,096 characters.
        """
        self._rows.append((file, line, _kept(reason), _kept(text)))

    def frame(self) -> pd.DataFrame:
        """Return the quarantine by file and line, with the columns of `smssim.tables`."""
        import pandas as pd

        from smssim.tables import QUARANTINE

        rows = sorted(self._rows, key=lambda row: row[:2])
        columns = zip(*rows, strict=True) if rows else [()] * len(QUARANTINE)
        return pd.DataFrame(
            {
                column.name: pd.Series(list(values), dtype=column.dtype)
                for column, values in zip(QUARANTINE, columns, strict=True)
            }
        )


def masked(text: str) -> str:
    """Return *text* with all but the first 3 digits of every phone number as "*".

    Whatever has 7 digits or more in a row is taken for one, or after a "+" with separators.
    """
    return _DIGITS.sub(_mask, text)


def _mask(found: re.Match[str]) -> str:
    seen = 0

    def shown(digit: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        return digit[0] if seen <= _SHOWN else "*"

    return _DIGIT.sub(shown, found[0])


def _kept(text: str) -> str:
    # Cut before masking would leave the rest of a number that the cut goes through.
    text = masked(text[: 2 * KEPT])
    return text if len(text) <= KEPT else text[: KEPT - 1] + "…"
