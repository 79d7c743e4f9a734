"""Problems of a scenario with their locations, and the error that carries them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from smssim.errors import UserFacing

__all__ = [
    "KEY",
    "KeyPath",
    "Problem",
    "ScenarioError",
    "Violation",
    "ViolationsError",
    "as_written",
    "dotted",
    "hint",
    "is_secret",
    "problem_at",
    "value_at",
    "without_secrets",
]

KeyPath = tuple[str | int, ...]
Violation = tuple[KeyPath, str]
"""Path of a broken rule, and the sentence that explains it."""


@dataclass(frozen=True)
class Problem:
    """One validation error: location, offending value, and a sentence with the rule.

    Lines and columns count from 1; they are None where a scenario was not read from a text.
    """

    message: str
    path: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    value: Any = None
    of_key: bool = False
    """Whether the key itself is wrong, and the location is the key's."""
    steps: KeyPath = field(default=(), repr=False, compare=False)
    """The steps of the path, as keys may have dots in them."""

    def __str__(self) -> str:
        spot = [str(piece) for piece in (self.file, self.line, self.column) if piece is not None]
        return ": ".join(piece for piece in (":".join(spot), self.path, self.message) if piece)


class ScenarioError(UserFacing, ValueError):
    """A scenario that cannot be used. `problems` lists everything wrong, its text one per line."""

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        super().__init__(problems)
        as_problems = [Problem(problems)] if isinstance(problems, str) else problems
        self.problems = tuple(as_problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ViolationsError(ValueError):
    """Rules that one model breaks on its own; pydantic passes them on to `problems_of`."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(message for _, message in violations))
        self.violations = tuple(violations)


_MASK = "**********"
_LONGEST_NAME = 100
"""Characters of a name that similar ones are looked for."""
KEY = "[key]"
"""Last step of a path whose key is wrong; it is not displayed."""


def problem_at(path: KeyPath, message: str, data: Any) -> Problem:
    """A problem without file, line and column, with the value that *data* has at its path."""
    of_key = path[-1:] == (KEY,)
    path = path[:-1] if of_key else path
    value = without_secrets(value_at(data, path), path[-1] if path else None)
    return Problem(message, dotted(path), value=value, of_key=of_key, steps=path)


def without_secrets(value: Any, key: object = None) -> Any:
    """A value with everything masked under a key that is `secret`, or probably meant to be."""
    if isinstance(key, str) and is_secret(key):
        return _MASK
    if isinstance(value, Mapping):
        return {name: without_secrets(below, name) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(below) for below in value]
    return value


@lru_cache(maxsize=1024)
def is_secret(key: str) -> bool:
    """Whether a key is `secret`, or probably meant to be."""
    return "secret" in key.lower() or bool(hint(key, ["secret"]))


def value_at(data: Any, path: KeyPath) -> Any:
    """The value at a path of plain data or of models, None if there is none."""
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(step, data.get(str(step)))
        elif isinstance(data, Sequence) and not isinstance(data, str):
            data = data[step] if isinstance(step, int) and step < len(data) else None
        else:
            data = getattr(data, str(step), None)
    return data


def dotted(path: Iterable[str | int]) -> str:
    """A path as messages and `change` write it: `packages.0.segments`."""
    return ".".join(str(step) for step in path)


def hint(name: object, candidates: Iterable[str]) -> str:
    """The candidate that *name* probably meant, in brackets, or an empty text."""
    if not isinstance(name, str) or len(name) > _LONGEST_NAME:
        return ""
    by_lower = {str(word).lower(): str(word) for word in candidates}
    near = get_close_matches(name.lower(), by_lower, 1, 0.6)
    return f" (did you mean {by_lower[near[0]]!r}?)" if near else ""


def as_written(value: object) -> str:
    """A value in the notation of a scenario file."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    try:
        text = repr(value)
    except ValueError:  # Python writes no integer of more than 4,300 digits.
        return "a number of thousands of digits"
    return text if len(text) <= 60 else f"{text[:50]}...{text[-1]}"
