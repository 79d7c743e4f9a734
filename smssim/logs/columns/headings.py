"""Which heading is which field, and so what a record of the table is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from smssim.logs.columns.codes import charged_meaning, count_meaning, country_meaning
from smssim.logs.columns.fields import FIELDS, TIMES, fields_by_heading, plain, zone_of
from smssim.logs.columns.statuses import Meaning, result_meaning, rule_of_stated_status
from smssim.logs.columns.texts import language_parts
from smssim.logs.columns.time_formats import SECONDS, layout_reader, zone
from smssim.logs.columns.times import TimeFormat
from smssim.logs.log import ColumnMappingError
from smssim.sms.phone_numbers import masked

__all__ = [
    "Columns",
    "Matching",
    "StatedColumn",
    "is_heading",
    "key_columns",
    "match",
    "stated_columns",
]

_RecordType = Literal["details", "sends", "reports"]

_REMEDY = (
    "say which column is which with --columns map.yaml (or columns=), a line for each: "
    "`field: heading`"
)
_HEADING = ("id", *TIMES)
_OURS = {"request", "recipient"}, {"resendnumber", "generation"}
"""Headings, as `plain` has them, that tables of ours alone have together."""

Columns = Mapping[str, Any] | str | PathLike[str] | None

_KEYS = ("heading", "format", "zone", "day_first", "values")
_CODES = ("status", "send_status", "result", "type", "charged", "country", "source", "currency")
_READERS: Mapping[str, Callable[[str], Meaning]] = {
    "result": result_meaning,
    "charged": charged_meaning,
    "country": country_meaning(len),
    "source": count_meaning(1, 3),
}


@dataclass(frozen=True)
class Matching:
    """What a table is: what its records are, the heading of each field, the headings that are none.

    `time_formats` are those of the columns of times, by field; `values` what a person states that
    the words of a column mean.
    """

    record_type: _RecordType
    columns: Mapping[str, str]
    passed_over: tuple[str, ...] = ()
    time_formats: Mapping[str, TimeFormat] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def match(headings: Sequence[str], mapping: Columns = None) -> Matching:
    """Match the headings of a table to fields; *mapping* is what a person states of them.

    Raise a ColumnMappingError for a table whose records are nothing known, two columns for one
    field, and a mapping that names a field or a heading that does not exist.
    """
    stated = stated_columns(mapping)
    columns = _matched(headings, stated)
    record_type = _record_type(headings, columns)
    used = set(columns.values())
    return Matching(
        record_type,
        MappingProxyType(columns),
        tuple(heading for heading in headings if heading not in used),
        MappingProxyType(
            {
                name: _time_format(columns[name], stated.get(name))
                for name in TIMES
                if name in columns
            }
        ),
        MappingProxyType({name: column.values for name, column in stated.items()}),
    )


def is_heading(cells: Sequence[str | None], mapping: Columns = None) -> bool:
    """Whether a record is a heading: two fields or more, one of which is a time or an id.

    >>> is_heading(["SMS ID", "Status"]), is_heading(["6281234567890", "Status"])
    (True, False)
    """
    texts = [cell for cell in cells if cell]
    try:
        fields = set(_fields_of(texts, stated_columns(mapping))) - {None}
    except ColumnMappingError:
        fields = set(_fields_of(texts, {})) - {None}
    return len(fields) > 1 and any(name in fields for name in _HEADING)


def key_columns(headings: Sequence[str], mapping: Columns = None) -> tuple[int, ...]:
    """Which headings are those of an id or a number, by index; a row with one is no total."""
    fields = _fields_of(headings, stated_columns(mapping))
    return tuple(index for index, name in enumerate(fields) if name in ("id", "number"))


def _time_format(heading: str, stated: StatedColumn | None) -> TimeFormat:
    """How a column of times is written; the zone that a person states goes before the heading's."""
    time_format = stated.time_format if stated else TimeFormat()
    return time_format._replace(zone=time_format.zone or zone_of(heading))


def _fields_of(headings: Sequence[str], stated: Mapping[str, StatedColumn]) -> list[str | None]:
    by_hand = {plain(one.heading): name for name, one in stated.items() if one.heading}
    fields = _known_fields(headings)
    return [by_hand.get(plain(heading)) or _field_of(heading, fields) for heading in headings]


def _field_of(heading: str, fields: Mapping[str, str]) -> str | None:
    """The field of a heading in one language, or in two that mean the same."""
    name = fields.get(plain(heading))
    if name is not None:
        return name
    names = {fields.get(plain(part)) for part in language_parts(heading)} - {None}
    return names.pop() if len(names) == 1 else None


def _known_fields(headings: Iterable[str]) -> Mapping[str, str]:
    """The fields by plain heading, of our own tables if these are the headings of one."""
    names = {plain(heading) for heading in headings}
    all_of, one_of = _OURS
    return fields_by_heading(names >= all_of and bool(names & one_of))


def _matched(headings: Sequence[str], stated: Mapping[str, StatedColumn]) -> dict[str, str]:
    repeated = sorted({heading for heading in headings if list(headings).count(heading) > 1})
    by_hand = {
        name: _stated_heading(headings, column.heading, column.location)
        for name, column in stated.items()
        if column.heading
    }
    columns: dict[str, list[str]] = {name: [heading] for name, heading in by_hand.items()}
    fields = _known_fields(headings)
    taken = set(by_hand.values())
    for heading in headings:
        name = _field_of(heading, fields)
        if name and name not in by_hand and heading not in taken:
            columns.setdefault(name, []).append(heading)
    for name in stated.keys() - columns.keys():
        raise ColumnMappingError(
            f"{stated[name].location}: no heading is recognised as {name}: state its heading, too"
        )
    several = {name: matches for name, matches in columns.items() if len(matches) > 1}
    if several or set(repeated) & taken:
        problems = [
            f"{name} is matched by {' and '.join(map(repr, matches))}"
            for name, matches in several.items()
        ] or [f"the heading {repeated[0]!r} appears twice"]
        raise ColumnMappingError(f"{'; '.join(problems)}: {_REMEDY}")
    order = {heading: i for i, heading in enumerate(headings)}
    first = {name: matches[0] for name, matches in columns.items()}
    return dict(sorted(first.items(), key=lambda column: order[column[1]]))


def _stated_heading(headings: Sequence[str], stated: str, location: str) -> str:
    if stated in headings:
        return stated
    like = [heading for heading in headings if heading.strip() == stated.strip()]
    like = like or [heading for heading in headings if plain(heading) == plain(stated)]
    if len(like) == 1:
        return like[0]
    hint = masked(_suggestion(stated, headings))
    raise ColumnMappingError(f"{location}: the heading {stated!r} is not in the file: {hint}")


def _record_type(headings: Sequence[str], columns: Mapping[str, str]) -> _RecordType:
    outcome = any(name in columns for name in ("status", "send_status", "result"))
    who = "number" in columns or "country" in columns
    if "submitted" in columns and who:
        return "details" if outcome else "sends"
    if "submitted" not in columns and "id" in columns and "status" in columns:
        return "reports"
    if "submitted" in columns:
        missing = "a number or a country is missing"
    elif "id" in columns:
        missing = "submitted is missing, or status for a table of reports"
    else:
        missing = "submitted is missing, or id and status for a table of reports"
    matches = ", ".join(f"{name} by {heading!r}" for name, heading in columns.items())
    fields = (
        f"say {matches}, but {missing}" if matches else f"say no field that is known: {missing}"
    )
    # A file without headings has its first row there, phone numbers too.
    texts = masked(", ".join(map(repr, headings)))
    raise ColumnMappingError(f"the headings {texts} {fields}: {_REMEDY}")


class StatedColumn(NamedTuple):
    """One column as a person stated it: its heading, how its times are written, what words mean.

    Without a heading it is the column that is recognised as the field.

    `location` is where he stated it, for errors.
    """

    heading: str | None
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


def _suggestion(name: object, names: Iterable[str]) -> str:
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
            rule = f"the field {name!r} does not exist: {_suggestion(name, FIELDS)}"
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
    return StatedColumn(value.get("heading"), time_format, words, location)


def _formats_of(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _problems_of(field: str, value: Mapping[Any, Any], locations: _Locations) -> Iterator[str]:
    for key in value:
        if key not in _KEYS:
            rule = f"the key {key!r} does not exist: {_suggestion(key, _KEYS)}"
            yield f"{locations.at((field, str(key)), of_key=True)}: {rule}"
    heading = value.get("heading", field)
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
        return
    if not isinstance(words, Mapping):
        yield f"values(={words!r}) must be a mapping of words to what they mean"
        return
    for word, meaning in words.items():
        if not isinstance(meaning, str | int) or isinstance(meaning, bool) or meaning == "":
            yield f"values[{word!r}](={meaning!r}) must be a text"
        elif rule := _rule_of_meaning(field, str(meaning)):
            yield f"values[{word!r}](={meaning!r}) {rule}"


def _rule_of_meaning(field: str, text: str) -> str:
    """The rule that a stated meaning breaks, "" for none: it is read as a cell of the column is."""
    if field in ("status", "send_status"):
        return rule_of_stated_status(text)
    return _READERS[field](text).rule if field in _READERS else ""
