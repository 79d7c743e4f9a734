"""What is wrong with a scenario: problems with their place, and the error that holds them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from smssim.errors import UserFacing

Path = tuple[str | int, ...]
Violation = tuple[Path, str]
"""Where a rule is broken, and the sentence that says so."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where it stands, the value, and a sentence with the rule.

    Lines and columns count from 1; they are None where a scenario was not read from a text.
    """

    message: str
    path: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    value: Any = None
    of_key: bool = False
    """Whether the key is what is wrong, and the place is the key's."""
    steps: Path = field(default=(), repr=False, compare=False)
    """The steps of the path, as keys may have dots in them."""

    def __str__(self) -> str:
        spot = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return ": ".join(part for part in (":".join(spot), self.path, self.message) if part)


class ScenarioError(UserFacing, ValueError):
    """A scenario that cannot be used. `problems` holds all that is wrong, its text a line each."""

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        super().__init__(problems)
        told = [Problem(problems)] if isinstance(problems, str) else problems
        self.problems = tuple(told)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class ViolationsError(ValueError):
    """The rules that a part breaks by itself; pydantic hands them on to `problems_of`."""

    def __init__(self, found: Sequence[Violation]) -> None:
        super().__init__("; ".join(message for _, message in found))
        self.found = tuple(found)


MASK = "**********"
KEY = "[key]"
"""The last step of a path whose key is what is wrong; it is not shown."""


def problem_at(path: Path, message: str, data: Any) -> Problem:
    """A problem without file, line and column, with the value that *data* has at its path."""
    of_key = path[-1:] == (KEY,)
    path = path[:-1] if of_key else path
    value = value_at(data, path)
    shown = without_secrets(value, path[-1] if path else None)
    return Problem(message, dotted(path), value=shown, of_key=of_key, steps=path)


def without_secrets(value: Any, key: object = None) -> Any:
    """A value without what stands under a key that is `secret`, or was probably meant to be."""
    if isinstance(key, str) and _is_secret(key):
        return MASK
    if isinstance(value, Mapping):
        return {name: without_secrets(below, name) for name, below in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(below) for below in value]
    return value


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return "secret" in key.lower() or bool(hint(key, ["secret"]))


def value_at(data: Any, path: Path) -> Any:
    """What stands at a path of plain data or of parts, None if nothing does."""
    for step in path:
        if isinstance(data, Mapping):
            data = data.get(step, data.get(str(step)))
        elif isinstance(data, Sequence) and not isinstance(data, str):
            data = data[step] if isinstance(step, int) and step < len(data) else None
        else:
            data = getattr(data, str(step), None)
    return data


def dotted(path: Iterable[str | int]) -> str:
    """A path as it is written in messages and in `change`: `packages.0.segments`."""
    return ".".join(str(step) for step in path)


def hint(name: object, readable: Iterable[str]) -> str:
    """What was probably meant by *name*, in brackets, or nothing."""
    by_lower = {str(word).lower(): str(word) for word in readable}
    near = get_close_matches(str(name).lower(), by_lower, 1, 0.6)
    return f" (did you mean {by_lower[near[0]]!r}?)" if near else ""


def as_written(value: object) -> str:
    """A value as the writer of a file knows it."""
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
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:50]}...{text[-1]}"
