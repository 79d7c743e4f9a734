"""Runs on disk, so that an experiment that is started again computes only what is missing.

A directory of small files of JSON, one a run, named by the digest of all that its figures hang on:
scenario, policies, rng, replication, the version of the rules, and which parts of the month have
figures of their own. Each is written whole or not at all, and holds a checksum: a damaged one is as
good as none.
"""

from __future__ import annotations

import inspect
import json
import math
import os
import secrets
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from smssim.experiment.designs import Design
from smssim.experiment.worker import Result, Task, parts_of
from smssim.scenario import Scenario
from smssim.simulation.policies.account_view import Policy

RULES_VERSION = 2
"""Counts up when a change of the library changes any figure of any run."""
PACK = 1_000
"""Loose files from which on they are packed into one, unless a store is told otherwise."""


@dataclass(frozen=True)
class Stored:
    """What is kept of a run: its figures by name, or its error, and the CPU seconds it took."""

    figures: dict[str, float]
    error: str
    seconds: float


class Store:
    """Keeps and finds runs by their digests; a directory may be shared by several processes.

    *pack* is how many files may lie about before they are put into one. Raise an OSError for a
    directory that cannot be made or written, a ValueError unless pack > 0.
    """

    def __init__(self, directory: str | Path, *, pack: int = PACK) -> None:
        if pack < 1:
            raise ValueError(f"pack(={pack}) must be >= 1")
        self.directory, self._most, self._new = Path(directory), pack, 0
        self._loose, self._packs = self.directory / "runs", self.directory / "packs"
        for folder in (self._loose, self._packs):
            folder.mkdir(parents=True, exist_ok=True)
        self._known: dict[str, Stored] = {}
        self._read_packs: set[Path] = set()
        self._learn()

    def get(self, digest: str) -> Stored | None:
        """A run by its digest; None if it is not here, or damaged."""
        if digest in self._known:
            return self._known[digest]
        found = _read(_text(self._file(digest)))
        if found is not None and found[0] == digest:
            return found[1]
        # Another process may have packed it since.
        self._learn()
        return self._known.get(digest)

    def put(self, digest: str, run: Stored) -> None:
        """Keep a run. After a crash at any moment it is here whole, or not at all."""
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
                self._known.update(found for found in map(_read, lines) if found is not None)
            self._read_packs.add(pack)


def digest_of(
    scenario: str, policies: list[str], rng: int, replication: int, parts: Sequence[str] = ()
) -> str:
    """The name of a run: *scenario* and *policies* by their own digests; *parts* are the figures
    that it has of parts of the month, in order.
    """
    said = [RULES_VERSION, scenario, policies, rng, replication]
    return _hash(json.dumps([*said, list(parts)] if parts else said))


def _line(digest: str, run: Stored) -> str:
    # JSON knows no NaN: a figure that a run does not have is null.
    figures = {name: None if math.isnan(x) else x for name, x in run.figures.items()}
    body = {"run": digest, "figures": figures, "error": run.error, "seconds": run.seconds}
    text = json.dumps(body, allow_nan=True)
    return json.dumps({"sum": _hash(text), "body": text}) + "\n"


def _read(line: str) -> tuple[str, Stored] | None:
    try:
        outer = json.loads(line)
        if outer["sum"] != _hash(outer["body"]):
            return None
        body = json.loads(outer["body"])
        figures = {
            sys.intern(name): math.nan if value is None else float(value)
            for name, value in body["figures"].items()
        }
        return body["run"], Stored(figures, body["error"], body["seconds"])
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


# The digest of a policy: of its source, and of everything plain that its source refers to.

_PLAIN = (bool, int, float, str, bytes, type(None))


class NoDigestError(ValueError):
    """What a policy does cannot be told from its text."""


def digests_of(policies: Sequence[Any]) -> list[str]:
    """The digests of policies, in order. Raise a NoDigestError for the first that has none."""
    return [digest_of_sources(policy) for policy in policies]


def digest_of_sources(policy: Any) -> str:
    """The digest of a policy: a function, a bound method, a partial, or an object that is called.

    Raise a NoDigestError if it has none.
    """
    return blake2b(json.dumps(_said(policy, ())).encode(), digest_size=16).hexdigest()


def _said(value: Any, above: tuple[int, ...]) -> Any:
    """A value as lists of plain texts; *above* are the ids of the values that it is part of."""
    if isinstance(value, _PLAIN):
        return [type(value).__name__, repr(value)]
    if id(value) in above:
        return "above"
    inside = (*above, id(value))
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(_said(part, inside) for part in value)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(json.dumps(_said(part, inside)) for part in value)]
    if isinstance(value, dict):
        return ["dict", *([_said(k, inside), _said(v, inside)] for k, v in value.items())]
    if isinstance(value, partial):
        return ["partial", *(_said(p, inside) for p in (value.func, value.args, value.keywords))]
    if inspect.ismodule(value):
        return ["module", value.__name__]
    if inspect.isbuiltin(value):
        return ["builtin", value.__qualname__]
    if inspect.ismethod(value):
        return ["method", value.__name__, _said(value.__self__, inside)]
    if inspect.isfunction(value):
        return ["function", _text_sources(value), _referred(value, inside)]
    if inspect.isclass(value):
        return ["class", _text_sources(value)]
    return ["object", _said(type(value), inside), _state(value, inside)]


def _state(value: Any, inside: tuple[int, ...]) -> Any:
    if is_dataclass(value):
        return [[f.name, _said(getattr(value, f.name), inside)] for f in fields(value)]
    if hasattr(value, "__dict__"):
        return [[name, _said(part, inside)] for name, part in sorted(vars(value).items())]
    raise NoDigestError(f"{value!r} must be plain, or made of what is")


def _referred(function: Callable[..., Any], inside: tuple[int, ...]) -> Any:
    """What a function refers to beyond its own text: closure, globals and defaults."""
    found = inspect.getclosurevars(function)
    own: Any = function
    names = {**found.nonlocals, **found.globals}
    said = [[name, _said(value, inside)] for name, value in sorted(names.items())]
    return [said, _said(own.__defaults__, inside), _said(own.__kwdefaults__, inside)]


def _text_sources(value: Any) -> str:
    if (value.__module__ or "").partition(".")[0] in ("builtins", "smssim", "simpy"):
        # These are the library's own: its version of the rules speaks for them.
        return f"{value.__module__}.{value.__qualname__}"
    try:
        return inspect.getsource(value)
    except (OSError, TypeError) as error:
        raise NoDigestError(f"{value!r} must have a source that can be read: {error}") from error


# Runs of an experiment in a store: found before they are computed, kept when they are done.


class Kept:
    """Finds and keeps results by what they hang on; nothing without a *store*.

    Policies without a digest cannot be told apart: then nothing is found or kept, and a warning
    says so. Failed runs are not kept, for memory or a cluster may have been the cause. Which parts
    of the month have figures hangs on the scenario's checks, and on their bounds nothing does.
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
                self._policies = digests_of(policies)
            except NoDigestError as error:
                warnings.warn(f"runs are not stored: {error}", UserWarning, stacklevel=4)
                self._store = None

    def find(self, tasks: Sequence[Task], designs: Sequence[Design]) -> dict[Task, Result]:
        """The results of those tasks that are in the store."""
        if self._store is None:
            return {}
        found = {task: self._store.get(self._name(task, designs)) for task in tasks}
        return {
            task: Result(task, run.figures, run.error, run.seconds)
            for task, run in found.items()
            if run is not None
        }

    def keep(self, result: Result, designs: Sequence[Design]) -> None:
        """Keep the result of a run that did not fail."""
        if self._store is not None and not result.error:
            run = Stored(result.figures, result.error, result.seconds)
            self._store.put(self._name(result.task, designs), run)

    def close(self) -> None:
        """Put what was kept in order."""
        if self._store is not None:
            self._store.pack()

    def _name(self, task: Task, designs: Sequence[Design]) -> str:
        scenario, parts = self._told(task.design, designs[task.design].scenario)
        return digest_of(scenario, self._policies, self._rng, task.replication, parts)

    def _told(self, design: int, scenario: Scenario) -> tuple[str, list[str]]:
        """The digest of a design's scenario, and its figures of parts of the month."""
        if design not in self._scenarios:
            self._scenarios[design] = scenario.digest(), sorted(parts_of(scenario))
        return self._scenarios[design]
