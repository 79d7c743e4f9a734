"""Reads the table of `docs/rules.md`: the rules by name, and what each row says of its rule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
RULES = ROOT / "docs" / "rules.md"
_CELLS = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\*\*(.+?)\*\*: (.+)")
_TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)(\[[^`]*\])?`")


class Row(NamedTuple):
    """One rule; *parameter* is the cell as it is written, tests are file, function and id."""

    section: str
    name: str
    text: str
    kind: str
    source: str
    parameter: str
    tests: tuple[tuple[str, str, str], ...]

    @property
    def node_ids(self) -> list[str]:
        """The tests as pytest is called with them, from the project's folder."""
        return [f"tests/{file}::{function}{at}" for file, function, at in self.tests]


def rows() -> list[Row]:
    """Every row of every section, in order; raise a ValueError for a line that is none."""
    found, section = [], ""
    for line in RULES.read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith(("| rule |", "| --- ")):
            found.append(_row(section, line))
    return found


def _row(section: str, line: str) -> Row:
    cells = [cell.strip() for cell in _CELLS.split(line)[1:-1]]
    if len(cells) != 5:
        raise ValueError(f"line(={line!r}) must have 5 cells, not {len(cells)}")
    rule = _RULE.fullmatch(cells[0])
    if rule is None:
        raise ValueError(f"rule(={cells[0]!r}) must be a name in bold, a colon and a sentence")
    tests = tuple((file, function, at) for file, function, at in _TEST.findall(cells[4]))
    if "<br>".join(f"`{file}::{name}{at}`" for file, name, at in tests) != cells[4]:
        raise ValueError(f"test(={cells[4]!r}) must be `test_file.py::test_name`, <br> between")
    return Row(section, rule[1], rule[2], *cells[1:4], tests)
