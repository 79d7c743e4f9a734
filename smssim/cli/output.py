"""What a command says: its text on stdout, its errors in a few lines on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FAILED, WRONG, INTERRUPTED, PIPE_CLOSED = 1, 2, 130, 141


class WrongInput(Exception):
    """Something the user gave cannot be used; the text is all he needs to see."""


class Unfulfilled(Exception):
    """What the user asked to be so is not; the text says what is instead."""


@contextmanager
def wrong_if(*kinds: type[Exception]) -> Iterator[None]:
    """Take errors of these kinds for the user's."""
    try:
        yield
    except BrokenPipeError:
        raise
    except kinds as error:
        raise WrongInput(_told(error)) from error


def writable(option: str, path: Path | None) -> None:
    """Raise a WrongInput if the file that an option names cannot be written there."""
    if path is not None and not path.resolve().parent.is_dir():
        raise WrongInput(f"{option} {path}: there is no directory {path.resolve().parent}")
    if path is not None and path.is_dir():
        raise WrongInput(f"{option} {path}: is a directory, not a file")


def explain(error: Exception) -> int:
    """Say what went wrong; return the exit code."""
    if isinstance(error, WrongInput | Unfulfilled):
        complain(f"{error}")
        return WRONG if isinstance(error, WrongInput) else FAILED
    told = _told(error).replace("\n", " ")
    complain(f"failed: {type(error).__name__}: {told} (--debug shows where)")
    return FAILED


def complain(text: str) -> None:
    """Say something on stderr; what a terminal would obey is replaced."""
    told = "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
    sys.stderr.write(f"smssim: {told}\n")


def shown(told: str | tuple[str, int]) -> int:
    """Show what a command returned, its text or that with an exit code; return the code."""
    text, code = (told, 0) if isinstance(told, str) else told
    show(text)
    return code


def show(text: str) -> None:
    """Write a command's text to stdout, whatever letters it can hold."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    sys.stdout.write(text)
    sys.stdout.flush()


def closed_pipe() -> int:
    """End quietly when nobody reads on."""
    # Python flushes stdout once more at its end, which would complain again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE_CLOSED


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)
