"""What sections of a page are made of: tables, pictures, and words on how to read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from smssim.formatting import Grid
from smssim.record.record import Record

if TYPE_CHECKING:
    import pandas as pd

Frame = Callable[[Record], "pd.DataFrame"]


class Table(NamedTuple):
    """A table: the name of its worksheet, its caption, its frame, and how the page shows it.

    In the caption `{currency}` stands for the record's. How it is shown is a selection of the
    frame's columns, or a function that makes a grid of at most so many rows; with no columns it
    stands in the workbook alone.
    """

    name: str
    caption: str
    frame: Frame
    show: Sequence[str] | Callable[[Record, int], Grid] = ()


class Picture(NamedTuple):
    """A picture, which is left out where its frame has no rows, and what it shows in words.

    *draw* takes the record and the Axes, as the functions of `smssim.plots` do.
    """

    name: str
    draw: Callable[..., object]
    frame: Frame
    words: str


class Section(NamedTuple):
    """A section, which stands on the page if any of its tables or pictures has rows.

    *words* say how to read it, *unknown* why a log has none.
    """

    title: str
    words: str
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    unknown: str = ""
