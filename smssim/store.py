"""Runs on disk, so that an experiment that is started again computes only what is missing.

A directory of small files of JSON, one a run, named by the digest of all that its figures hang on:
scenario, policies, rng, replication and the version of the rules. Each is written whole or not at
all, and holds a checksum: a damaged one is as good as none.
"""

from __future__ import annotations

import json
import math
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

RULES_VERSION = 1
"""Counts up when a change of the library changes any figure of any run."""
PACK = 1_000
"""Loose files from which on they are packed into one."""


@dataclass(frozen=True)
class Stored:
    """What is kept of a run: its figures by name, or its error, and the CPU seconds it took."""

    figures: dict[str, float]
    error: str
    seconds: float


class Store:
    """Keeps and finds runs by their digests; a directory may be shared by several processes.

    Raise an OSError for a directory that cannot be made or written.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)
        self._loose, self._packs = self.directory / "runs", self.directory / "packs"
        for folder in (self._loose, self._packs):
            folder.mkdir(parents=True, exist_ok=True)
        self._known = dict(self._packed())

    def get(self, digest: str) -> Stored | None:
        """A run by its digest; None if it is not here, or damaged."""
        if digest in self._known:
            return self._known[digest]
        try:
            line = self._file(digest).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        found = _read(line)
        return found[1] if found is not None and found[0] == digest else None

    def put(self, digest: str, run: Stored) -> None:
        """Keep a run. After a crash at any moment it is here whole, or not at all."""
        _write(self._file(digest), _line(digest, run))

    def pack(self) -> None:
        """Put loose files together if there are many: ten thousand runs are ten files."""
        loose = sorted(self._loose.glob("*.json"))
        if len(loose) < PACK:
            return
        lines = [file.read_text(encoding="utf-8", errors="replace") for file in loose]
        whole = [line for line in lines if _read(line) is not None]
        _write(self._packs / f"{secrets.token_hex(8)}.jsonl", "".join(whole))
        self._known = dict(self._packed())
        # Only now, when all of them can be found in the pack.
        for file in loose:
            file.unlink(missing_ok=True)

    def _file(self, digest: str) -> Path:
        return self._loose / f"{digest}.json"

    def _packed(self) -> Iterator[tuple[str, Stored]]:
        for pack in sorted(self._packs.glob("*.jsonl")):
            with pack.open(encoding="utf-8", errors="replace") as lines:
                yield from (found for found in map(_read, lines) if found is not None)


def digest_of(scenario: str, policies: list[str], rng: int, replication: int) -> str:
    """The name of a run: *scenario* and *policies* by their own digests."""
    said = [RULES_VERSION, scenario, policies, rng, replication]
    return _hash(json.dumps(said))


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
            name: math.nan if value is None else float(value)
            for name, value in body["figures"].items()
        }
        return body["run"], Stored(figures, body["error"], body["seconds"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


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
