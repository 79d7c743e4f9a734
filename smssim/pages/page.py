"""A record as one HTML file: no network, no script, printable, and read aloud in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from smssim.formatting import Grid
from smssim.pages import origin as words
from smssim.pages.cells import grid
from smssim.pages.parts import Picture, Section, Table
from smssim.pages.sections import sections_of
from smssim.pages.spreadsheets import write_xlsx
from smssim.record.record import Record
from smssim.report._record import recorded
from smssim.report.assumptions import assumptions
from smssim.report.kpis import kpis
from smssim.report.left_out import reasons, recognised_files, remarks, used
from smssim.report.summary import head, in_short
from smssim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Template


# The tables of a page as a workbook: whole frames, a worksheet each.


def worksheets(record: Record, sections: Sequence[Section], path: Path) -> None:
    """Write the frames that have rows, with what was left out first and the origin last."""
    frames = {name: frame for name, frame in _frames(record, sections).items() if len(frame)}
    write_xlsx(frames, path)


def _frames(record: Record, sections: Sequence[Section]) -> dict[str, pd.DataFrame]:
    import pandas as pd

    left_out = reasons(record, 10**6)
    return {
        "left out": pd.DataFrame(left_out.rows, columns=list(left_out.header)),
        "in short": pd.DataFrame(in_short(record), columns=["what", "answer"]),
        "kpis": kpis(record),
        **{table.name: table.frame(record) for section in sections for table in section.tables},
        "not known": pd.DataFrame(words.not_known(record), columns=["what", "why"]),
        "provenance": pd.DataFrame(words.origin(record).rows, columns=["what", "value"]),
    }


MOST_ROWS = 60
"""Rows of a table on the page; the workbook has them all."""


class Shown(NamedTuple):
    """A section that applies: its texts, pictures as SVG, and tables with their captions."""

    anchor: str
    title: str
    words: str
    pictures: Sequence[str]
    tables: Sequence[tuple[str, Grid]]


@dataclass(frozen=True)
class Page:
    """All that the reports say of a record, to hand on: `html` is one file, `xlsx` its tables.

    The same record gives the same bytes. Nothing in it is loaded from elsewhere, and no name in it
    is executed.
    """

    record: Record
    beside: Record | None = None
    """Another period to compare it with, or none."""

    @cached_property
    def sections(self) -> Sequence[Section]:
        """What is looked for in the record, in the order of the page."""
        return sections_of(self.record, self.beside)

    @cached_property
    def html(self) -> str:
        """The page as one HTML document."""
        record = self.record
        found = [self._shown(section) for section in self.sections]
        told = {shown.title for shown in found if shown is not None}
        gone = [own for own in self.sections if own.title not in told and own.unknown]
        absent = [(own.title, own.unknown) for own in gone if recorded(record)]
        return _template().render(
            name=record.name,
            head=[line.removeprefix(f"{record.name}: ") for line in head(record)],
            left_out=_left_out(record),
            in_short=in_short(record),
            sections=[shown for shown in found if shown is not None],
            unknown=[*absent, *words.not_known(record)],
            assumptions=_assumptions(record),
            origin=words.origin(record),
            commands=words.commands(record),
            scenario=words.scenario_text(record),
            recognised=list(recognised_files(record)),
        )

    def save(self, path: str | Path) -> Path:
        """Write the page as an HTML file, UTF-8, and hand its path back."""
        path = Path(path)
        path.write_text(self.html, encoding="utf-8", newline="\n")
        return path

    def xlsx(self, path: str | Path) -> Path:
        """Write the tables of the page with all rows and columns as a workbook, a worksheet each.

        Times are UTC texts, and cells are not executed (`smssim.pages.spreadsheets`). Hand the path back.
        """
        path = Path(path)
        worksheets(self.record, self.sections, path)
        return path

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its looks stay out of the notebook's."""
        how = 'sandbox="" style="width:100%;height:80vh;border:1px solid #ccc"'
        title = escape(f"Report of {self.record.name}")
        return f'<iframe title="{title}" {how} srcdoc="{escape(self.html)}"></iframe>'

    def _shown(self, section: Section) -> Shown | None:
        made = [(self._caption(table), self._grid(table)) for table in section.tables]
        tables = [(caption, own) for caption, own in made if own.rows]
        pictures = [drawn for own in section.pictures if (drawn := self._drawn(own))]
        if not tables and not pictures:
            return None
        anchor = section.title.lower().replace(" ", "-")
        return Shown(anchor, section.title, section.words, pictures, tables)

    def _caption(self, table: Table) -> str:
        currency = self.record.currency
        told = table.caption if currency else table.caption.replace(", {currency}", "")
        return told.replace("{currency}", currency or "")

    def _grid(self, table: Table) -> Grid:
        if callable(table.show):
            return table.show(self.record, MOST_ROWS)
        return grid(table.frame(self.record), table.show, MOST_ROWS)

    def _drawn(self, picture: Picture) -> str:
        from smssim.plots._svg import svg

        if not len(picture.frame(self.record)):
            return ""
        return svg(lambda ax: picture.draw(self.record, ax=ax), picture.name, picture.words)


def _left_out(record: Record) -> dict[str, Any] | None:
    """What a log's reading left out; None for what was simulated."""
    if not recorded(record):
        return None
    told = [reasons(record, MOST_ROWS), list(remarks(record, MOST_ROWS))]
    return {"used": used(record), "reasons": told[0], "remarks": told[1]}


def _assumptions(record: Record) -> list[tuple[str, str]]:
    """What the results hang on, each a name and its value."""
    scenario = record.provenance.get("scenario")
    lines = [] if scenario is None else assumptions(record, Scenario.parse(scenario))
    parts = [line.partition(": ") for line in lines]
    return [(name, value) for name, _, value in parts]


def _readable(value: Any) -> Any:
    """A text without what is no letter, such as an escape sequence or a change of direction."""
    if type(value) is not str:
        return value
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in value)


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("smssim.pages", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_readable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return made.get_template("page.html")
