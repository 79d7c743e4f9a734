"""Records on disk: a directory of Parquet files, written whole or not at all.

`messages.parquet` and `reports.parquet` hold one row group per chunk, small tables are next to
them, the tallies in `tallies/`, and what is no table in `provenance.json`.
"""

from __future__ import annotations

import glob
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from smssim.record.cells import Columns
from smssim.record.parquet import TableWriter, column_types, compact, frame_types, read_table
from smssim.record.record import Record
from smssim.record.schema import MESSAGES, REPORTS, TABLES
from smssim.record.tallies import NAMES as TALLIES
from smssim.record.tallies import Tallies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["ParquetSink", "about", "is_record", "load", "save", "whole_file"]


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path to write a file to, which becomes *path* when the context ends without an error.

    Whatever was at *path* stays as it was until then. A device or a pipe is written to directly.
    Raise an OSError that names *path*, whichever library failed to write.
    """
    path = Path(path)
    with _errors_named(path):
        final = path.resolve()
        # /dev/stdout leads to the file that a shell has opened, which must stay that file.
        if path.parts[:2] == ("/", "dev") or (final.exists() and not final.is_file()):
            yield path
            return
        new = final.with_name(f".{secrets.token_hex(4)}.new{final.suffix}")
        try:
            yield new
            if final.exists():
                shutil.copymode(final, new)
            os.replace(new, final)
        finally:
            with suppress(OSError):
                new.unlink(missing_ok=True)


@contextmanager
def _errors_named(path: str | Path) -> Iterator[None]:
    """OSErrors that name no file, such as those of a full disk, name *path*.

    An error that names a temporary file next to it names *path*, too.
    """
    try:
        yield
    except OSError as error:
        named = error.filename is not None and not Path(str(error.filename)).name.startswith(".")
        if named or error.errno is None or isinstance(error, BrokenPipeError):
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


_FORMAT = "smssim record 6"
_ROW_GROUP = 200_000
"""Rows of a row group, where a whole frame is written."""
_LARGE = {"messages": MESSAGES, "reports": REPORTS}
_ABOUT = "provenance.json"
_FILES = {_ABOUT, "tallies", *(f"{name}.parquet" for name in TABLES)}


def save(record: Record, directory: str | Path) -> None:
    """Write a record to a directory; another record there is replaced.

    Raise a FileExistsError for a directory that holds anything else.
    """
    with _NewDirectory(directory) as new:
        counts = {}
        for name in _LARGE:
            frame = getattr(record, name)
            if frame is not None:
                with TableWriter(_file(new.path, name), frame_types(frame)) as writer:
                    for start in range(0, len(frame), _ROW_GROUP):
                        writer.add(compact(frame.iloc[start : start + _ROW_GROUP]))
                counts[name] = writer.rows
        _write_rest(record, counts, new.path)
        new.keep()


def is_record(path: str | Path) -> bool:
    """Whether a path is a directory that holds a record."""
    return Path(_present(Path(path)), _ABOUT).is_file()


def load(directory: str | Path, *, rows: bool = True) -> Record:
    """Read a saved record; without *rows* its messages and reports are None.

    Raise an OSError for a directory that cannot be read, a ValueError for one that holds no record.
    """
    directory = _present(Path(directory))
    header = about(directory)
    large: dict[str, Any] = {
        name: read_table(_file(directory, name)) for name in header["counts"] if rows
    }
    small: dict[str, Any] = {
        name: _read_small(_file(directory, name))
        for name in TABLES
        if name not in _LARGE and _file(directory, name).exists()
    }
    tallies = {name: _read_small(_file(directory / "tallies", name)) for name in TALLIES}
    return Record(
        **{
            name: header[name]
            for name in ("name", "observed_from", "observed_until", "currency", "provenance")
        },
        tallies=Tallies(header["observed_until"], **tallies),
        **large,
        **small,
    )


class ParquetSink:
    """Takes a run chunk by chunk into a directory, in memory that does not grow with the messages.

    The directory appears when `finish` was called and the context ends; until then, and after an
    error, nothing of it is there. *lists* are the categories of the coded columns.
    """

    def __init__(self, directory: str | Path, lists: Mapping[str, Sequence[Any]]) -> None:
        self._new = _NewDirectory(directory)
        self._lists = lists

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            new = stack.enter_context(self._new)
            self._messages, self._reports = (
                stack.enter_context(
                    TableWriter(_file(new.path, name), column_types(columns, self._lists))
                )
                for name, columns in _LARGE.items()
            )
            self._stack = stack.pop_all()
        return self

    def add(self, messages: Columns, reports: Columns) -> None:
        """Write one chunk; `reports["message"]` numbers its messages from 0."""
        numbered = (reports["message"] + self._messages.rows).astype(np.int32)
        self._messages.add(messages)
        self._reports.add({**reports, "message": numbered})

    def finish(self, record: Record) -> None:
        """Write everything but messages and reports, once all of them were added."""
        if record.packages is not None:
            self._messages.types["package"] = column_types(
                MESSAGES, {"package": range(len(record.packages))}
            )["package"]
        counts = {"messages": self._messages.rows, "reports": self._reports.rows}
        _write_rest(record, counts, self._new.path)
        self._new.keep()

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)


class _NewDirectory:
    """A directory that appears with all its files or not at all: until `keep` they are in `path`.

    Raise a FileExistsError at once if it is there and is neither empty nor a record.
    """

    def __init__(self, directory: str | Path) -> None:
        self._final = Path(directory).resolve()
        _check_replaceable(self._final)
        self.path = self._sibling("new")
        self._complete = False

    def keep(self) -> None:
        """Let the directory appear when the context ends."""
        self._complete = True

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True)
        return self

    def __exit__(
        self, error: type[BaseException] | None, value: object, trace: TracebackType | None
    ) -> None:
        try:
            with _errors_named(self._final):
                if isinstance(value, OSError):
                    raise value
                if self._complete and error is None:
                    self._replace()
        finally:
            shutil.rmtree(self.path, ignore_errors=True)

    def _replace(self) -> None:
        _check_replaceable(self._final)
        if self._final.exists():
            old = self._sibling("old")
            os.rename(self._final, old)
            # Who is killed here leaves the record as `old`, where `_present` finds it.
            try:
                os.rename(self.path, self._final)
            except OSError:
                os.rename(old, self._final)
                raise
        else:
            os.rename(self.path, self._final)
        for old in _replaced(self._final):
            shutil.rmtree(old, ignore_errors=True)

    def _sibling(self, what: str) -> Path:
        return self._final.with_name(f".{self._final.name}.{what}-{secrets.token_hex(4)}")


def _replaced(directory: Path) -> list[Path]:
    """Former records of a path that were moved aside, the youngest first."""
    try:
        siblings = list(directory.parent.glob(f".{glob.escape(directory.name)}.old-*"))
    except OSError:
        return []
    return sorted(siblings, key=lambda path: path.stat().st_mtime, reverse=True)


def _present(directory: Path) -> Path:
    """The directory, or the record that was there until a writer was killed between two renames."""
    if os.path.lexists(directory):
        return directory
    return next(iter(_replaced(directory.resolve())), directory)


def _check_replaceable(directory: Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        raise FileExistsError(f"{directory} is a file; a record needs a directory")
    names = {path.name for path in directory.iterdir()}
    if names and (_ABOUT not in names or names - _FILES):
        foreign = min(names - _FILES, default=min(names))
        raise FileExistsError(
            f"{directory} holds {foreign}, which is not part of a record; name another directory"
        )


def _write_rest(record: Record, counts: dict[str, int], directory: Path) -> None:
    """The small tables, the tallies, and what is no table."""
    for name in TABLES:
        if name not in _LARGE and getattr(record, name) is not None:
            _write_small(getattr(record, name), _file(directory, name))
    (directory / "tallies").mkdir()
    for name in TALLIES:
        _write_small(getattr(record.tallies, name), _file(directory / "tallies", name))
    about = {
        "format": _FORMAT,
        "name": record.name,
        "observed_from": record.observed_from,
        "observed_until": record.observed_until,
        "currency": record.currency,
        "counts": counts,
        "provenance": record.provenance,
    }
    (directory / _ABOUT).write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def about(directory: Path) -> dict[str, Any]:
    """What a record states next to its tables: its name, its period, its provenance.

    Raise a ValueError for a directory that holds no record.
    """
    file = directory / _ABOUT
    if directory.is_dir() and not file.exists():
        raise ValueError(f"{directory} holds no {_ABOUT}: it must be a directory that smssim wrote")
    try:
        header: Any = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file}: must be JSON ({error})") from error
    if isinstance(header, dict) and header.get("format") == _FORMAT:
        _check_header(file, header)
        return header
    format_ = header.get("format") if isinstance(header, dict) else header
    rule = f"must be {_FORMAT!r}: write the record again with this version"
    raise ValueError(f"{file}: format(={format_!r}) {rule}")


def _check_header(file: Path, header: dict[str, Any]) -> None:
    """Raise a ValueError for what this module would not have written."""
    for name, (is_right, rule) in _HEADER.items():
        if name not in header or not is_right(header[name]):
            value = repr(header.get(name))[:80]
            raise ValueError(f"{file}: {name}(={value}) must be {rule}; was it changed by hand?")
    if header["observed_from"] > header["observed_until"]:
        rule = f"observed_until(={header['observed_until']})"
        raise ValueError(f"{file}: observed_from(={header['observed_from']}) must be <= {rule}")


def _is_time(value: object) -> bool:
    return type(value) is int and abs(value) < 2**62


def _is_counts(value: object) -> bool:
    return isinstance(value, dict) and all(
        name in _LARGE and type(count) is int and count >= 0 for name, count in value.items()
    )


_HEADER: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (lambda value: isinstance(value, str), "a text"),
    "observed_from": (_is_time, "microseconds since 1970"),
    "observed_until": (_is_time, "microseconds since 1970"),
    "currency": (lambda value: value is None or isinstance(value, str), "a text or null"),
    "counts": (_is_counts, "the rows of messages and reports"),
    "provenance": (lambda value: isinstance(value, dict), "an object"),
}


def _file(directory: Path, name: str) -> Path:
    return directory / f"{name}.parquet"


def _write_small(frame: pd.DataFrame, file: Path) -> None:
    frame.to_parquet(file, compression="zstd", index=False)


def _read_small(file: Path) -> pd.DataFrame:
    return pd.read_parquet(file)
