"""Runs on disk, so that an experiment that is started again computes only what is missing.

A directory of small JSON files, one per run, named by the digest of all that its figures depend on:
scenario, policies, rng, replication, the version of the rules, and which parts of the month have
figures of their own. Each is written whole or not at all, and holds a checksum: a damaged one is
ignored.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from smssim.experiment.designs import Design
from smssim.experiment.policy_digest import NoDigestError, policy_digests
from smssim.experiment.worker import Result, Task, parts_of
from smssim.scenario import Scenario
from smssim.simulation.policies.account_view import Policy

__all__ = ["RULES_VERSION", "Store", "StoredRun", "StoredRuns", "run_digest"]

RULES_VERSION = 3
"""Counts up when a change of the library changes any figure of any run."""
_PACK = 1_000
"""Loose files that are packed into one, unless a store is created with another number."""


@dataclass(frozen=True)
class StoredRun:
    """What is stored of a run: its figures by name, or its error, and the CPU seconds it took."""

    figures: dict[str, float]
    error: str
    seconds: float


class Store:
    """Stores and finds runs by their digests; a directory may be shared by several processes.

    *pack* is how many loose files there may be before they are put into one. Raise an OSError for a
    directory that cannot be made or written, a ValueError unless pack > 0.
    """

    def __init__(self, directory: str | Path, *, pack: int = _PACK) -> None:
        if pack < 1:
            raise ValueError(f"pack(={pack}) must be >= 1")
        self.directory, self._most, self._new = Path(directory), pack, 0
        self._loose, self._packs = self.directory / "runs", self.directory / "packs"
        for folder in (self._loose, self._packs):
            folder.mkdir(parents=True, exist_ok=True)
        self._read_runs: dict[str, StoredRun] = {}
        self._read_packs: set[Path] = set()
        self._learn()

    def get(self, digest: str) -> StoredRun | None:
        """A run by its digest; None if it is not here, or damaged."""
        if digest in self._read_runs:
            return self._read_runs[digest]
        entry = _read(_text(self._file(digest)))
        if entry is not None and entry[0] == digest:
            return entry[1]
        # Another process may have packed it since.
        self._learn()
        return self._read_runs.get(digest)

    def put(self, digest: str, run: StoredRun) -> None:
        """Store a run. After a crash at any moment it is here whole, or not at all."""
        _write(self._file(digest), _line(digest, run))
        self._new += 1
        if self._new >= self._most:
            self.pack()

    def pack(self) -> None:
        """Put loose files together if there are many: ten thousand runs are ten files."""
        loose = sorted(self._loose.glob("*.json"))
        self._new = 0
        if len(loose) < self._most:
            return
        # One that another process packs meanwhile has gone: then it is in that one's pack.
        whole = [line for line in map(_text, loose) if _read(line) is not None]
        _write(self._packs / f"{secrets.token_hex(8)}.jsonl", "".join(whole))
        self._learn()
        # Only now, when all of them can be found in the pack.
        for file in loose:
            file.unlink(missing_ok=True)

    def _file(self, digest: str) -> Path:
        return self._loose / f"{digest}.json"

    def _learn(self) -> None:
        """Read the packs that were not read yet."""
        for pack in sorted(set(self._packs.glob("*.jsonl")) - self._read_packs):
            with pack.open(encoding="utf-8", errors="replace") as lines:
                self._read_runs.update(entry for entry in map(_read, lines) if entry is not None)
            self._read_packs.add(pack)


def run_digest(
    scenario: str, policies: list[str], rng: int, replication: int, parts: Sequence[str] = ()
) -> str:
    """The name of a run: *scenario* and *policies* by their own digests; *parts* are the figures
    that it has of parts of the month, in order.
    """
    key = [RULES_VERSION, scenario, policies, rng, replication]
    return _hash(json.dumps([*key, list(parts)] if parts else key))


def _line(digest: str, run: StoredRun) -> str:
    # JSON knows no NaN: a figure that a run does not have is null.
    figures = {name: None if math.isnan(x) else x for name, x in run.figures.items()}
    body = {"run": digest, "figures": figures, "error": run.error, "seconds": run.seconds}
    text = json.dumps(body, allow_nan=True)
    return json.dumps({"sum": _hash(text), "body": text}) + "\n"


def _read(line: str) -> tuple[str, StoredRun] | None:
    try:
        outer = json.loads(line)
        if outer["sum"] != _hash(outer["body"]):
            return None
        body = json.loads(outer["body"])
        figures = {
            sys.intern(name): math.nan if value is None else float(value)
            for name, value in body["figures"].items()
        }
        return body["run"], StoredRun(figures, body["error"], body["seconds"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _text(file: Path) -> str:
    """A file's text, "" if it is not there; what is damaged does not raise an error."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _write(file: Path, text: str) -> None:
    """Let a file appear with all its text, on disk, or not at all."""
    new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with new.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()


class StoredRuns:
    """Finds and stores results by all that they depend on; nothing without a *store*.

    Policies without a digest cannot be distinguished: then nothing is found or stored, with a
    warning. Failed runs are not stored, as memory or a cluster may have been the cause. Which parts
    of the month have figures depends on the scenario's checks; nothing depends on their bounds.
    """

    def __init__(
        self, store: Store | str | Path | None, policies: Sequence[Policy], rng: int
    ) -> None:
        self._store = store if store is None or isinstance(store, Store) else Store(store)
        self._policies: list[str] = []
        self._rng = rng
        self._scenarios: dict[int, tuple[str, list[str]]] = {}
        if self._store is not None:
            try:
                self._policies = policy_digests(policies)
            except NoDigestError as error:
                warnings.warn(f"runs are not stored: {error}", UserWarning, stacklevel=4)
                self._store = None

    def find(self, tasks: Sequence[Task], designs: Sequence[Design]) -> dict[Task, Result]:
        """The results of those tasks that are in the store."""
        if self._store is None:
            return {}
        runs = {task: self._store.get(self._name(task, designs)) for task in tasks}
        return {
            task: Result(task, run.figures, run.error, run.seconds)
            for task, run in runs.items()
            if run is not None
        }

    def keep(self, result: Result, designs: Sequence[Design]) -> None:
        """Store the result of a run that did not fail."""
        if self._store is not None and not result.error:
            run = StoredRun(result.figures, result.error, result.seconds)
            self._store.put(self._name(result.task, designs), run)

    def close(self) -> None:
        """Pack the stored runs if there are many loose files."""
        if self._store is not None:
            self._store.pack()

    def _name(self, task: Task, designs: Sequence[Design]) -> str:
        scenario, parts = self._scenario_key(task.design, designs[task.design].scenario)
        return run_digest(scenario, self._policies, self._rng, task.replication, parts)

    def _scenario_key(self, design: int, scenario: Scenario) -> tuple[str, list[str]]:
        """The digest of a design's scenario, and its figures of parts of the month."""
        if design not in self._scenarios:
            self._scenarios[design] = scenario.digest(), sorted(parts_of(scenario))
        return self._scenarios[design]
