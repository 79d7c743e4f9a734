"""Files that appear whole or not at all, and errors of writing that name their file."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path to write a file to, which becomes *path* when the context ends without an error.

    Whatever was at *path* stays as it was until then. A device or a pipe is written to directly.
    Raise an OSError that names *path*, whichever library failed to write.
    """
    path = Path(path)
    with errors_named(path):
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
def errors_named(path: str | Path) -> Iterator[None]:
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
