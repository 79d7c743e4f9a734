"""Files that a scenario names: where they are, and what tells their content from another."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from smssim.scenario.consistency import Find


def finder(folder: Path | None) -> Find:
    """What says where a file is; None where no folder is known to look in."""
    return None if folder is None else lambda file: found_beside(file, folder)


def found_beside(file: Path, folder: Path) -> Path | None:
    """Where a file is, in a folder or in one above it; None if it is not there."""
    folder = folder.resolve()
    return next((p / file for p in (folder, *folder.parents) if (p / file).is_file()), None)


def content_of(file: Path) -> str:
    """The fingerprint of a file, made once as long as it does not change."""
    stat = file.stat()
    return _content(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _content(file: Path, size: int, changed_ns: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
