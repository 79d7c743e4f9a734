"""Which files a path holds: itself, or everything below it by name.

Files and directories whose names begin with a dot or an underscore are no logs.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple


class Found(NamedTuple):
    """The files to read, in order of their paths, and those passed over."""

    files: tuple[Path, ...]
    passed_over: tuple[Path, ...]


def found(path: Path) -> Found:
    """The files of a path. Raise an OSError for one that does not exist or cannot be listed.

    Links to directories are not followed: they could lead round in a circle.
    """
    if not path.is_dir():
        path.stat()
        return Found((path,), ())
    files: list[Path] = []
    passed_over: list[Path] = []
    for folder, folders, names in os.walk(path, onerror=_raise):
        hidden = [name for name in folders if name.startswith((".", "_"))]
        passed_over += [Path(folder, name) for name in hidden]
        folders[:] = [name for name in folders if name not in hidden]
        for name in names:
            (passed_over if name.startswith((".", "_")) else files).append(Path(folder, name))
    return Found(tuple(sorted(files)), tuple(sorted(passed_over)))


def _raise(error: OSError) -> None:
    raise error
