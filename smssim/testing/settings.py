"""What a project says about promises in its ini file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from smssim.checks.verdict import Undecided


@dataclass(frozen=True)
class Settings:
    """The settings of a project; *folder* is the directory of its ini file."""

    folder: Path
    undecided: Undecided
    workers: int | None

    @classmethod
    def of(cls, config: pytest.Config) -> Settings:
        """The settings of a run of pytest. Raise a UsageError for a wrong one."""
        undecided = config.getini("smssim_undecided")
        if undecided not in ("fail", "pass"):
            raise pytest.UsageError(f"smssim_undecided(={undecided!r}) must be fail or pass")
        folder = config.rootpath if config.inipath is None else config.inipath.parent
        return cls(folder, undecided, _workers(config))

    def placed(self, path: Any) -> Any:
        """A path from the directory of the ini file on; anything else stays as it is."""
        return self.folder / path if isinstance(path, str | os.PathLike) else path

    def files(self, pattern: str) -> list[Path]:
        """The files that a glob names, in order. Raise a UsageError if there is none."""
        found = glob(pattern, root_dir=self.folder, recursive=True)
        places = [Path(os.path.abspath(self.folder / name)) for name in sorted(found)]
        files = [place for place in places if place.is_file()]
        if not files:
            told = f"smssim_scenarios: {pattern!r} must match a file in {self.folder}"
            raise pytest.UsageError(told)
        return files


def _workers(config: pytest.Config) -> int | None:
    """None is one a core; a worker of xdist has its core already."""
    try:
        given = config.getini("smssim_workers")
        workers = None if given in (None, "") else int(given)
    except (TypeError, ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"smssim_workers must be a whole number: {error}") from error
    if workers is not None and workers < 1:
        raise pytest.UsageError(f"smssim_workers(={workers}) must be >= 1")
    if workers is None and hasattr(config, "workerinput"):
        return 1
    return workers
