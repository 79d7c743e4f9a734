"""What a person states of the columns: `columns=` as a mapping, or a YAML file of the same form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from smssim.logs.columns.fields import FIELDS, TIMES
from smssim.logs.columns.time_formats import SECONDS, layout_reader, zone
from smssim.logs.columns.times import TimeFormat
from smssim.logs.log import ColumnMappingError

__all__ = ["Columns", "StatedColumn", "stated_columns", "suggestion"]

Columns = Mapping[str, Any] | str | PathLike[str] | None

_KEYS = ("heading", "format", "zone", "day_first", "values")
_CODES = ("status", "send_status", "result", "type", "charged", "country", "source", "currency")


class StatedColumn(NamedTuple):
    """One column as a person stated it: its heading, how its times are written, what words mean.

    `location` is where he stated it, for errors.
    """

    heading: str
    time_format: TimeFormat = TimeFormat()
    values: Mapping[str, str] = {}
    location: str = "columns"


def stated_columns(columns: Columns) -> dict[str, StatedColumn]:
    """The columns that *columns* names, by field; a text or path is a YAML file.

    Raise a ColumnMappingError that names all that is wrong, with file, line and column for a file.
    """
    if columns is None:
        return {}
    if isinstance(columns, Mapping):
        if all(isinstance(value, StatedColumn) for value in columns.values()):
            return dict(columns)
        return _checked(columns, _Locations())
    return _read(Path(columns))


def suggestion(name: object, names: Iterable[str]) -> str:
    """The end of an error: what may have been meant, and all that there is."""
    names = list(names)
    close = get_close_matches(str(name).casefold(), [one.casefold() for one in names], 1, 0.5)
    meant = next((one for one in names if close and one.casefold() == close[0]), None)
    hint = f"did you mean {meant!r}? " if meant else ""
    return f"{hint}There are {', '.join(names)}"


class _Locations:
    """Locations in a mapping that was not read from a file."""

    def at(self, path: tuple[str, ...], of_key: bool = False) -> str:
        return ".".join(("columns", *path))


class _FileLocations(_Locations):
    """Locations in a file of YAML."""

    def __init__(self, text: Any) -> None:
        self._text = text

    def at(self, path: tuple[str, ...], of_key: bool = False) -> str:
        location = self._text.location(path, of_key)
        if not location:
            return str(self._text.file)
        return f"{self._text.file}:{location.line}:{location.column}"


def _read(path: Path) -> dict[str, StatedColumn]:
    from smssim.scenario import ScenarioError
    from smssim.scenario.errors.yaml_locations import Text

    try:
        text = Text(path.read_bytes().decode("utf-8-sig"), str(path))
    except OSError as error:
        raise ColumnMappingError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ColumnMappingError(f"{path}: must be UTF-8") from error
    except ScenarioError as error:
        raise ColumnMappingError(str(error)) from error
    if text.duplicates:
        raise ColumnMappingError("\n".join(str(problem) for problem in text.duplicates))
    if not isinstance(text.data, dict):
        raise ColumnMappingError(f"{path}:1:1: must be a mapping of fields to headings")
    return _checked(text.data, _FileLocations(text))


def _checked(columns: Mapping[Any, Any], locations: _Locations) -> dict[str, StatedColumn]:
    problems: list[str] = []
    stated: dict[str, StatedColumn] = {}
    for name, value in columns.items():
        field = str(name)
        if name not in FIELDS:
            rule = f"the field {name!r} does not exist: {suggestion(name, FIELDS)}"
            problems.append(f"{locations.at((field,), of_key=True)}: {rule}")
        elif isinstance(value, Mapping):
            problems += _problems_of(field, value, locations)
            if not problems:
                stated[field] = _stated_column(value, locations.at((field, "heading")))
        elif isinstance(value, str) and value.strip():
            stated[field] = StatedColumn(value, location=locations.at((field,)))
        else:
            rule = f"{name}(={value!r}) must be a heading, or a mapping of heading and format"
            problems.append(f"{locations.at((field,))}: {rule}")
    if problems:
        raise ColumnMappingError("\n".join(problems))
    return stated


def _stated_column(value: Mapping[Any, Any], location: str) -> StatedColumn:
    time_format = TimeFormat(
        tuple(_formats_of(value.get("format"))), value.get("zone"), value.get("day_first")
    )
    words = {str(word): str(meaning) for word, meaning in (value.get("values") or {}).items()}
    return StatedColumn(str(value["heading"]), time_format, words, location)


def _formats_of(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _problems_of(field: str, value: Mapping[Any, Any], locations: _Locations) -> Iterator[str]:
    for key in value:
        if key not in _KEYS:
            rule = f"the key {key!r} does not exist: {suggestion(key, _KEYS)}"
            yield f"{locations.at((field, str(key)), of_key=True)}: {rule}"
    heading = value.get("heading")
    if not isinstance(heading, str) or not heading.strip():
        yield f"{locations.at((field, 'heading'))}: heading(={heading!r}) must be a text"
    for key in ("format", "zone", "day_first"):
        if value.get(key) is None:
            continue
        if field not in TIMES:
            rule = f"only times have a {key}: {', '.join(TIMES)}"
            yield f"{locations.at((field, key), of_key=True)}: {rule}"
        for error in _errors_of_times(key, value[key]):
            yield f"{locations.at((field, key))}: {error}"
    words = value.get("values")
    if words is not None:
        for error in _errors_of_words(field, words):
            yield f"{locations.at((field, 'values'))}: {error}"


def _errors_of_times(key: str, value: Any) -> Iterator[str]:
    """What is wrong with the value of a key that only times have."""
    try:
        if key == "zone":
            zone(value if isinstance(value, str) else repr(value))
        elif key == "format":
            for form in _formats_of(value):
                if form != SECONDS:
                    layout_reader(form if isinstance(form, str) else repr(form))
        elif not isinstance(value, bool):
            yield f"day_first(={value!r}) must be true or false"
    except ValueError as error:
        yield str(error)


def _errors_of_words(field: str, words: Any) -> Iterator[str]:
    if field not in _CODES:
        yield f"only codes have values: {', '.join(_CODES)}"
    if not isinstance(words, Mapping):
        yield f"values(={words!r}) must be a mapping of words to what they mean"
        return
    for word, meaning in words.items():
        if not isinstance(meaning, str | int) or isinstance(meaning, bool) or meaning == "":
            yield f"values[{word!r}](={meaning!r}) must be a text"
