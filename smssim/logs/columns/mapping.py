"""What a person says of the columns: `columns=` as a mapping, or a YAML file of the same form.

`field: heading`, or `field: {heading: ..., format: "%d/%m/%Y %H:%M"}` for a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from smssim.logs.columns.synonyms import FIELDS, TIMES
from smssim.logs.columns.written import reader_of
from smssim.logs.wrong import WrongColumns

Columns = Mapping[str, Any] | str | PathLike[str] | None

_KEYS = ("heading", "format")


class Given(NamedTuple):
    """One column as a person named it: its heading, the format of its times, where he said so."""

    heading: str
    format: str | None = None
    where: str = "columns"


def given(columns: Columns) -> dict[str, Given]:
    """The columns that *columns* names, by field; a text or path is a YAML file.

    Raise a WrongColumns that names all that is wrong, with file, line and column for a file.
    """
    if columns is None:
        return {}
    if isinstance(columns, Mapping):
        if all(isinstance(value, Given) for value in columns.values()):
            return dict(columns)
        return _checked(columns, _Nowhere())
    return _read(Path(columns))


def suggested(name: object, known: Iterable[str]) -> str:
    """The end of an error: what may have been meant, and all that there is."""
    known = list(known)
    close = get_close_matches(str(name).casefold(), [k.casefold() for k in known], 1, 0.5)
    meant = next((k for k in known if close and k.casefold() == close[0]), None)
    hint = f"did you mean {meant!r}? " if meant else ""
    return f"{hint}There are {', '.join(known)}"


class _Nowhere:
    """Places of a mapping that was not read from a file."""

    def at(self, path: tuple[str, ...], of_key: bool = False) -> str:
        return ".".join(("columns", *path))


class _File(_Nowhere):
    """Places in a file of YAML."""

    def __init__(self, read: Any) -> None:
        self._read = read

    def at(self, path: tuple[str, ...], of_key: bool = False) -> str:
        spot = self._read.spot(path, of_key)
        return f"{self._read.file}:{spot.line}:{spot.column}" if spot else str(self._read.file)


def _read(path: Path) -> dict[str, Given]:
    from smssim.scenario import ScenarioError
    from smssim.scenario.errors.yaml_locations import Text

    try:
        read = Text(path.read_bytes().decode("utf-8-sig"), str(path))
    except OSError as error:
        raise WrongColumns(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WrongColumns(f"{path}: must be UTF-8") from error
    except ScenarioError as error:
        raise WrongColumns(str(error)) from error
    if read.duplicates:
        raise WrongColumns("\n".join(str(problem) for problem in read.duplicates))
    if not isinstance(read.data, dict):
        raise WrongColumns(f"{path}:1:1: must be a mapping of fields to headings")
    return _checked(read.data, _File(read))


def _checked(columns: Mapping[Any, Any], places: _Nowhere) -> dict[str, Given]:
    problems: list[str] = []
    found: dict[str, Given] = {}
    for field, value in columns.items():
        key = str(field)
        if field not in FIELDS:
            told = f"the field {field!r} does not exist: {suggested(field, FIELDS)}"
            problems.append(f"{places.at((key,), of_key=True)}: {told}")
        elif isinstance(value, Mapping):
            problems += _of_mapping(key, value, places)
            if not problems:
                heading = str(value["heading"])
                found[key] = Given(heading, value.get("format"), places.at((key, "heading")))
        elif isinstance(value, str) and value.strip():
            found[key] = Given(value, None, places.at((key,)))
        else:
            told = f"{field}(={value!r}) must be a heading, or a mapping of heading and format"
            problems.append(f"{places.at((key,))}: {told}")
    if problems:
        raise WrongColumns("\n".join(problems))
    return found


def _of_mapping(field: str, value: Mapping[Any, Any], places: _Nowhere) -> Iterable[str]:
    for key in value:
        if key not in _KEYS:
            told = f"the key {key!r} does not exist: {suggested(key, _KEYS)}"
            yield f"{places.at((field, str(key)), of_key=True)}: {told}"
    heading, form = value.get("heading"), value.get("format")
    if not isinstance(heading, str) or not heading.strip():
        yield f"{places.at((field, 'heading'))}: heading(={heading!r}) must be a text"
    if form is None:
        return
    if field not in TIMES:
        told = f"only times have a format: {', '.join(TIMES)}"
        yield f"{places.at((field, 'format'), of_key=True)}: {told}"
    try:
        reader_of(form if isinstance(form, str) else repr(form))
    except ValueError as error:
        yield f"{places.at((field, 'format'))}: {error}"
