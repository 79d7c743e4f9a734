"""Runs on disk, so that an experiment that is started again computes only what is missing.

A directory of small files of JSON, one a run, named by the digest of all that its figures hang on:
scenario, policies, rng, replication, the version of the rules, and which parts of the month have
figures of their own. Each is written whole or not at all, and holds a checksum: a damaged one is as
good as none.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

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
