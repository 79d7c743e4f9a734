"""JSON lines that hold a flat object each, as a table of texts.

Numbers stay as they are written, so no digit of an id is lost.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.logs.files.bytes import Lines, as_utf8, blocks, line_text, whole_lines
from smssim.logs.files.csv import starts_of
from smssim.logs.files.table import BLANK, Batch, Keys, RecordFilter, Table
from smssim.logs.join.facts import RejectedRow

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]


# Blocks of JSON lines that Arrow can read as they should be read, which is ten times faster.

_LF, _CR, _OPENING, _CLOSING = b"\n\r{}"

KeyTypes = Mapping[str, set[type]]
"""The types that the values of each key have in the first objects."""


def plain_columns(data: bytes, key_types: KeyTypes) -> dict[str, pa.Array] | None:
    """The columns of whole lines as texts, or None where one by one they may say something else.

    Other keys, other types, blank and broken lines do; so do decimals, whose digits Arrow rounds.
    """
    import pyarrow as pa
    import pyarrow.json as pj  # type: ignore[import-untyped]

    schema = _schema(key_types)
    if schema is None or not _is_an_object_a_line(data):
        return None
    try:
        parsed = pj.read_json(
            pa.BufferReader(data),
            read_options=pj.ReadOptions(use_threads=False, block_size=len(data) + 1),
            parse_options=pj.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="error"
            ),
        )
    except pa.ArrowException:
        return None
    if parsed.num_rows != data.count(b"\n"):
        return None
    texts = parsed.cast(pa.schema([(name, pa.string()) for name in schema.names]))
    return {name: texts[name].combine_chunks() for name in schema.names}


def _schema(key_types: KeyTypes) -> pa.Schema | None:
    import pyarrow as pa

    of = {str: pa.string(), int: pa.int64(), bool: pa.bool_(), type(None): pa.string()}
    fields = []
    for name, types in key_types.items():
        value_types = types - {type(None)} or {str}
        if len(value_types) > 1 or not value_types <= of.keys():
            return None
        fields.append((name, of[value_types.pop()]))
    return pa.schema(fields)


def _is_an_object_a_line(data: bytes) -> bool:
    """Whether each line begins and ends as an object: a flat one then ends in its line."""
    if not data.startswith(b"{") or (not data.isascii() and not _decodes(data)):
        return False
    text = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(text == _LF)
    last = text[ends - 1]
    last = np.where(last == _CR, text[ends - 2], last)
    return bool((last == _CLOSING).all() and (text[ends[:-1] + 1] == _OPENING).all())


def _decodes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


DECIDING = 1_000
"""Objects whose keys are the headings."""

LATER_KEY = "value of a later key"
"""What `passed_over` calls a value whose key is none of the first objects'."""

_SMALL = 2 << 20
"""Bytes of a block: an object in Python takes several times those of its text."""


class NotFlatError(ValueError):
    """A line that is no flat object."""


def flat(line: bytes) -> dict[str, str | None]:
    """The object of a line, its values as texts. Raise a NotFlatError for anything else.

    >>> flat(b'{"id": "a", "cost": 1.50, "charged": true}')
    {'id': 'a', 'cost': '1.50', 'charged': 'true'}
    """
    try:
        values = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise NotFlatError(_reason(error)) from None
    if not isinstance(values, dict):
        raise NotFlatError("must be a JSON object")
    for key, value in values.items():
        if isinstance(value, str):
            if not value.isascii() and _has_half(value):
                raise NotFlatError(f"{key} must be Unicode text, not half a character")
        elif isinstance(value, bool):
            values[key] = "true" if value else "false"
        elif value is not None:
            raise NotFlatError(f"{key} must be a text or a number, not nested")
    return values


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "bytes do not decode as UTF-8"
    return "line cut or no JSON" if isinstance(error, ValueError) else "nested too deep"


def _has_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def table(path: Path, encoding: str, detected: dict[str, str], keys: Keys) -> Table:
    """The table in a file of JSON lines."""
    key_types = _key_types(path, encoding)
    headings = tuple(key_types)
    not_records: Counter[str] = Counter()

    def batches() -> Iterator[Batch]:
        not_records.clear()
        record_filter = RecordFilter(headings, keys(headings), not_records)
        for lines in all_lines(path, encoding):
            yield from _batches(lines, key_types, record_filter)

    return Table(str(path), headings, batches, {**detected, "encoding": encoding}, not_records)


def all_lines(path: Path, encoding: str) -> Iterator[Lines]:
    """The lines of a file of JSON lines; a CR ends none."""
    return whole_lines(as_utf8(blocks(path, _SMALL), encoding), cr=False)


def _key_types(path: Path, encoding: str) -> dict[str, set[type]]:
    """The keys of the first objects, each with the types of its values."""
    types: dict[str, set[type]] = {}
    for line in islice(_flat_lines(all_lines(path, encoding)), DECIDING):
        for key, value in json.loads(line).items():
            types.setdefault(key, set()).add(type(value))
    return types


def _flat_lines(blocks: Iterable[Lines]) -> Iterator[bytes]:
    for lines in blocks:
        for line in lines.data.split(b"\n"):
            try:
                flat(line)
            except NotFlatError:
                continue
            yield line


def _batches(lines: Lines, key_types: KeyTypes, record_filter: RecordFilter) -> Iterator[Batch]:
    import pyarrow as pa

    parsed = plain_columns(lines.data, key_types)
    if parsed is not None:
        rows = np.arange(lines.first, lines.first + lines.data.count(b"\n"))
        yield from record_filter.batches(parsed, rows, lines.rejected, _texts(lines), ())
        return
    rejected = list(lines.rejected)
    numbers: list[int] = []
    objects: list[dict[str, str | None]] = []
    for row, line in enumerate(lines.data.split(b"\n")[:-1], lines.first):
        if not line.strip():
            record_filter.not_records[BLANK] += 1
            continue
        try:
            values = flat(line)
        except NotFlatError as error:
            rejected.append(RejectedRow(row, (str(error),), line_text(line)))
            continue
        objects.append(values)
        numbers.append(row)
    _count_later(objects, record_filter)
    columns = {
        heading: pa.array([values.get(heading) for values in objects], pa.string())
        for heading in record_filter.headings
    }
    if objects or rejected:
        rows = np.array(numbers, np.int64)
        yield from record_filter.batches(columns, rows, rejected, _texts(lines), ())


def _texts(lines: Lines) -> Any:
    starts: list[Any] = []

    def text(row: int) -> str:
        if not starts:
            starts.append(starts_of(lines.data))
        begin, end = starts[0][row - lines.first], starts[0][row - lines.first + 1]
        return line_text(lines.data[begin : end - 1])

    return text


def _count_later(objects: list[dict[str, str | None]], record_filter: RecordFilter) -> None:
    headings = set(record_filter.headings)
    later = sum(
        len(values.keys() - headings) for values in objects if not values.keys() <= headings
    )
    if later:
        record_filter.not_records[LATER_KEY] += later
