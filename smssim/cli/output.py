"""Output of a command: its text, short errors, exit codes, and files that are no input of it."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smssim.scenario import Scenario

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "PIPE_CLOSED",
    "WRONG",
    "Unfulfilled",
    "WrongInput",
    "check_paths",
    "check_text",
    "check_writes",
    "closed_pipe",
    "complain",
    "explain",
    "files_of",
    "show_result",
    "warn_of",
    "wrong_if",
]

FAILED, WRONG, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141


class WrongInput(Exception):
    """Something the user gave cannot be used; the text is all that is needed."""


class Unfulfilled(Exception):
    """What the user required does not hold; the text says what does."""


@contextmanager
def wrong_if(*types: type[Exception]) -> Iterator[None]:
    """Take errors of these types for the user's."""
    try:
        yield
    except BrokenPipeError:
        raise
    except types as error:
        raise WrongInput(_text(error)) from error


def explain(error: Exception) -> int:
    """Report what went wrong; return the exit code."""
    if isinstance(error, WrongInput | Unfulfilled):
        complain(f"{error}")
        return WRONG if isinstance(error, WrongInput) else FAILED
    text = _text(error).replace("\n", " ")
    complain(f"failed: {type(error).__name__}: {text} (--debug shows where)")
    return FAILED


def warn_of(*scenarios: Scenario) -> None:
    """Write the warnings of scenarios to stderr, one line each, and none twice."""
    seen = set()
    for warning in (warning for scenario in scenarios for warning in scenario.warnings):
        if (warning.path, warning.message) not in seen:
            seen.add((warning.path, warning.message))
            complain(f"warning: {warning}")


def complain(text: str) -> None:
    """Write a message to stderr; what a terminal would obey is replaced."""
    text = "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
    sys.stderr.write(f"smssim: {text}\n")


def show_result(result: str | tuple[str, int]) -> int:
    """Show what a command returned, its text or that with an exit code; return the code."""
    text, code = (result, 0) if isinstance(result, str) else result
    _show(text)
    return code


def _show(text: str) -> None:
    """Write a command's text to stdout, whatever letters it can hold."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(text)
    sys.stdout.flush()


def closed_pipe() -> int:
    """End quietly when no one reads on."""
    # Python flushes stdout once more at its end, which would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _text(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


_UNUSABLE = (errno.ELOOP, errno.ENAMETOOLONG)


def check_text(arguments: Iterable[str]) -> None:
    """Raise a WrongInput for an argument that is not text: it could be neither shown nor stored."""
    for argument in arguments:
        if "\0" in argument or any("\ud800" <= letter <= "\udfff" for letter in argument):
            raise WrongInput(f"argument {argument!a}: must be text in UTF-8, without NUL")


def check_paths(options: argparse.Namespace) -> None:
    """Raise a WrongInput for a path that no file can have: too long, or a circle of links."""
    for value in vars(options).values():
        for path in value if isinstance(value, list) else [value]:
            if isinstance(path, Path):
                _check_path(path)


def _check_path(path: Path) -> None:
    try:
        os.stat(path)
    except OSError as error:
        if error.errno in _UNUSABLE:
            raise WrongInput(f"{_short(path)}: {error.strerror}") from error


def _short(path: Path) -> str:
    text = str(path)
    return text if len(text) <= 200 else f"{text[:200]}..."


def check_writes(writes: Mapping[str, Path | None], reads: Iterable[Path | None]) -> None:
    """Raise a WrongInput, before the work begins, for a file that cannot be written after it.

    *writes* are paths by option, *reads* what the command reads: no command writes over that, by
    whatever path or link it is named, nor two results to one file.
    """
    sources = [path for path in reads if path is not None]
    named: dict[str, Path] = {option: path for option, path in writes.items() if path is not None}
    for option, path in named.items():
        _check_writable(option, path)
        for source in sources:
            if _is_part_of(path, source):
                rule = f"is part of {source}, which is read; name another file"
                raise WrongInput(f"{option} {path}: {rule}")
        for other in named:
            if other != option and _is_same(path, named[other]):
                raise WrongInput(f"{option} {path}: is the file of {other}, too")


def files_of(scenario: Scenario) -> list[Path]:
    """The files that a scenario names: numbers of group tasks."""
    return [scenario.find(task.file) for task in scenario.tasks if task.file is not None]


def _check_writable(option: str, path: Path) -> None:
    parent = path.resolve().parent
    if not parent.is_dir():
        raise WrongInput(f"{option} {path}: there is no directory {parent}")
    if path.is_dir():
        raise WrongInput(f"{option} {path}: is a directory, not a file")


def _is_part_of(path: Path, source: Path) -> bool:
    """Whether writing *path* changes *source*, a file or a directory of some."""
    if not path.exists():
        return False
    if not source.is_dir():
        return _is_same(path, source)
    return any(_is_same(path, Path(folder, name)) for folder, name in _files_in(source))


def _files_in(directory: Path) -> Iterable[tuple[Any, str]]:
    for folder, _, names in os.walk(directory):
        yield from ((folder, name) for name in names)


def _is_same(path: Path, other: Path) -> bool:
    """Whether two paths lead to one file, by links of either kind."""
    try:
        return os.path.samefile(path, other) and not _is_device(path)
    except OSError:
        return path.resolve() == other.resolve() and not _is_device(path)


def _is_device(path: Path) -> bool:
    return path.exists() and not path.is_file()
