"""What was checked at a glance in a notebook: a small table of HTML, without JavaScript."""

from __future__ import annotations

from html import escape

from smssim.checks.checked import Checked
from smssim.checks.text import about, cells, headline
from smssim.checks.words import promise

_HEADER = ("promise", "", "verdict", "estimate", "low to high", "by", "months", "beyond the bound")


def card(checked: Checked) -> str:
    """A row a promise, under the verdict of the file; no month is simulated again."""
    rows = [
        [
            verdict.check.name,
            promise(verdict.check, checked.unit(verdict)),
            *cells(verdict),
        ]
        for verdict in checked.verdicts
    ]
    caption = "<br>".join(escape(line) for line in (headline(checked), " ".join(about(checked))))
    return table(caption, _HEADER, rows)


def table(caption: str, header: tuple[str, ...], rows: list[list[str]]) -> str:
    """Rows of texts as a table; the *caption* is HTML already."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(part)}</td>" for part in row) + "</tr>" for row in rows
    )
    return (
        f'<table class="smssim-checked"><caption>{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
