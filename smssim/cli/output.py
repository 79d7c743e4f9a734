"""Output of a command: text on stdout, short errors on stderr, and the exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smssim.scenario import Scenario

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
