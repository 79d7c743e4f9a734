"""Differences of two scenarios: paths, with the value of each scenario there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from smssim.scenario.errors.problems import KeyPath, dotted, without_secrets
from smssim.scenario.scenario import Scenario

__all__ = ["ABSENT", "Change", "differences"]


class Change(NamedTuple):
    """One path at which two scenarios differ, as plain data; ABSENT where one has nothing."""

    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.path}: {_shown(self.old)} -> {_shown(self.new)}"


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
"""Stands for a key or entry that a scenario does not have."""


def differences(old: Scenario, new: Scenario) -> list[Change]:
    """The paths at which two scenarios differ, in the order of a scenario's keys; secrets hidden.

    Entries of a list are compared with the entry of the same name, or of the same index if they
    have no names; indices in paths are those of *new*, or of *old* where only that has the entry.
    The content of a group task's file is not compared.
    """
    old_data, new_data = (
        without_secrets(scenario.with_ranges(scenario.model_dump(mode="json")))
        for scenario in (old, new)
    )
    return list(_differing(old_data, new_data, ()))


def _differing(old: Any, new: Any, path: KeyPath) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _differing(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif _is_list_of_parts(old) and _is_list_of_parts(new):
        for index, before, after in _pairs(old, new):
            yield from _differing(before, after, (*path, index))
    elif old != new:
        yield Change(dotted(path), old, new)


def _is_list_of_parts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def _pairs(old: Sequence[Any], new: Sequence[Any]) -> Iterator[tuple[int, Any, Any]]:
    """The index of each entry, and the entry in either list."""
    if not all("name" in entry for entry in (*old, *new)):
        for index, (before, after) in enumerate(zip_longest(old, new, fillvalue=ABSENT)):
            yield index, before, after
        return
    before = {entry["name"]: entry for entry in old}
    for index, entry in enumerate(new):
        yield index, before.pop(entry["name"], ABSENT), entry
    for index, entry in enumerate(old):
        if entry["name"] in before:
            yield index, entry, ABSENT


def _shown(value: Any) -> str:
    """A value in few words: an entry by its name, if it has one."""
    if value is ABSENT:
        return "nothing"
    if isinstance(value, Mapping) and "name" in value:
        return f"a part named {value['name']}"
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
