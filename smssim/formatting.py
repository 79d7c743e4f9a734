"""Figures and tables for people: numbers, times, durations; columns of text, HTML tables."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from html import escape
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NamedTuple

from smssim.calendars import to_datetime

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LONGEST",
    "NOTHING",
    "WIDTH",
    "Grid",
    "amount",
    "columns",
    "count",
    "duration",
    "html_table",
    "instant",
    "listed",
    "missing",
    "moment",
    "money",
    "number",
    "percent",
    "readable",
    "row_limit",
    "section",
    "share",
    "text_page",
    "times",
    "wrapped",
]

WIDTH = 100
NOTHING = "-"
LONGEST = 30
"""Characters of a name in a table."""


def count(value: Any) -> str:
    """A whole number, or a mean of some, with thousands separators; NA is a dash."""
    return NOTHING if missing(value) else f"{round(value):,}"


def money(value: Any, decimals: int = 2) -> str:
    """Whole units of a currency; NA is a dash."""
    return NOTHING if missing(value) else f"{float(value):,.{decimals}f}"


def amount(value: float) -> str:
    """Whole units of a currency, with cents only where they matter; NaN is a dash."""
    return money(value, 0 if value >= 1_000 else 2)


def number(value: float) -> str:
    """A figure with four significant digits, or whole if large; a dash if not finite."""
    if not math.isfinite(value):
        return NOTHING
    return f"{value:,.0f}" if 1_000 <= abs(value) < 1e12 else f"{value:.4g}"


def share(value: Any) -> str:
    """A share in per cent, with as many decimals as it takes not to round a rare thing away."""
    if missing(value):
        return NOTHING
    percent = 100 * float(value)
    return f"{percent:.1f}%" if percent >= 0.1 or not percent else f"{percent:.2g}%"


def percent(value: float) -> str:
    """A share as it was given, in per cent."""
    return f"{100 * value:g}%"


def duration(seconds: Any) -> str:
    """A duration in the unit that suits it: seconds, minutes or hours; NA is a dash."""
    if missing(seconds):
        return NOTHING
    for unit, length, until in (("s", 1, 120), ("min", 60, 7_200), ("h", 3_600, 360_000)):
        if seconds < until:
            return f"{_short(seconds / length)} {unit}"
    return f"{_short(seconds / 86_400)} d"


def _short(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def times(n: int) -> str:
    """How often, in words."""
    return "once" if n == 1 else f"{n:,} times"


def instant(us: int) -> str:
    """A moment, given in microseconds since 1970 UTC, to the minute."""
    return f"{to_datetime(us):%Y-%m-%d %H:%M}"


def moment(at: Any) -> str:
    """A timestamp to the minute; NaT is a dash."""
    return NOTHING if missing(at) else f"{at:%Y-%m-%d %H:%M}"


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """The cells of a frame as texts that a person reads: thousands marks, money with cents, four
    significant digits, instants to the minute, a dash for NA.

    >>> import pandas as pd
    >>> readable(pd.DataFrame({"messages": [1088869], "cost_usd": [232294.7], "p95_s": [29.1302]}))
        messages    cost_usd  p95_s
    0  1,088,869  232,294.70  29.13
    """
    import pandas as pd

    texts = {column: [_readable(value, str(column)) for value in frame[column]] for column in frame}
    return pd.DataFrame(texts, index=frame.index, columns=frame.columns)


def _readable(value: Any, name: str) -> str:
    if not isinstance(value, str) and missing(value):
        return NOTHING
    if hasattr(value, "strftime"):
        return moment(value)
    if isinstance(value, Integral) and not isinstance(value, bool):
        return count(value)
    if isinstance(value, Real) and not isinstance(value, bool):
        return money(value) if name.startswith("cost_") else number(float(value))
    return str(value)


def missing(value: Any) -> bool:
    """Whether a single value is NA, NaN or NaT."""
    import pandas as pd

    return bool(pd.isna(value))


class Grid(NamedTuple):
    """A table of texts: rows, an alignment with a letter per column (l or r), and notes.

    The page and the summary are made of the same ones, so that they state the same.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    align: str
    notes: Sequence[str] = ()

    def lines(self) -> list[str]:
        """Lines of text; without rows the notes alone."""
        table = columns(self.header, self.rows, self.align) if self.rows else []
        return [*table, *self.notes]


def columns(header: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> list[str]:
    """Lines with a header; *align* has a letter per column, l or r.

    Long names are cut, but for those of the last column.
    """
    cells = [[*(cell[:LONGEST] for cell in row[:-1]), row[-1]] for row in (header, *rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(header))]
    lines = []
    for row in cells:
        padded = [
            cell.ljust(width) if side == "l" else cell.rjust(width)
            for cell, width, side in zip(row, widths, align, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return lines


def html_table(
    css_class: str,
    rows: Iterable[Sequence[str]],
    header: Sequence[str] = (),
    *,
    caption: str = "",
    row_headers: bool = False,
    cell: Callable[[str], str] = escape,
) -> str:
    """Rows of texts as an HTML table without JavaScript or style.

    The *caption* is HTML already; *cell* makes HTML of a text, *row_headers* makes the first cell
    of each row its heading.
    """
    above = f"<caption>{caption}</caption>" if caption else ""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in header)
    head = f"<thead><tr>{names}</tr></thead>" if header else ""
    body = ""
    for first, *others in rows:
        begin = f'<th scope="row">{cell(first)}</th>' if row_headers else f"<td>{cell(first)}</td>"
        body += f"<tr>{begin}{''.join(f'<td>{cell(text)}</td>' for text in others)}</tr>"
    return f'<table class="{css_class}">{above}{head}<tbody>{body}</tbody></table>'


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A blank line, a title and indented lines; nothing if there are no lines."""
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def wrapped(line: str, hang: int = 4) -> list[str]:
    """A sentence in as many lines as it takes, the later ones indented."""
    return textwrap.wrap(line, WIDTH - 2, subsequent_indent=" " * hang)


def text_page(lines: Iterable[str]) -> str:
    """The lines as one text, cut at 100 characters; what a terminal would obey is replaced."""
    printable = ("".join(c if c.isprintable() else "?" for c in line) for line in lines)
    return (
        "\n".join(line if len(line) <= WIDTH else line[: WIDTH - 3] + "..." for line in printable)
        + "\n"
    )


def listed(names: Sequence[str], most: int = 4) -> str:
    """Names in one line, the first few of many."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def row_limit(total: int, most: int) -> int:
    """How many of *total* rows to show, *most* of them or one more: that one takes the line that
    would report that it is missing.
    """
    return total if total <= most + 1 else most
