"""A scenario's text: read from its file, and its problems told by line and column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.scenario.errors.problems import Problem, ScenarioError

if TYPE_CHECKING:
    from smssim.scenario.errors.yaml_locations import Text


def text_of(path: Path) -> str:
    """The text of a file. Raise a ScenarioError if it cannot be read, or is no text in UTF-8."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ScenarioError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        problem = Problem("this is no text in UTF-8", "", str(path), line, column)
        raise ScenarioError([problem]) from error


def mapping_of(text: str, file: str) -> Text:
    """The text with the places of its values. Raise a ScenarioError unless it is a mapping."""
    from smssim.scenario.errors.yaml_locations import Text

    read = Text(text, file)
    if not isinstance(read.data, dict):
        what = "is empty" if read.data is None else "must be a mapping of keys to values"
        raise ScenarioError([Problem(f"the scenario {what}", "", file, 1, 1)])
    return read


def placed(problem: Problem, read: Text) -> Problem:
    """A problem with its file, line and column."""
    spot = read.spot(problem.steps, of_key=problem.of_key)
    line, column = spot or (None, None)
    return replace(problem, file=read.file, line=line, column=column)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """By place; what anchors repeat is told once."""
    once: dict[object, Problem] = {}
    for problem in sorted(problems, key=lambda p: (p.line or 0, p.column or 0)):
        once.setdefault((problem.line, problem.column, problem.message), problem)
    return list(once.values())
