"""The tables of a record for the laws of conservation, and the comparison of a law's two sides.

A record that was read knows less than a simulated one, and what it does not know breaks no law.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from smssim.record.tallies import REFUSED
from smssim.scenario import Scenario

if TYPE_CHECKING:
    from smssim.record.record import Record

__all__ = ["RecordTables", "RuleViolation", "row_of", "strays", "summed", "unequal", "unlike"]


class RuleViolation(NamedTuple):
    """A law that does not hold: its name, both sides with their numbers, the first row or key."""

    law: str
    sides: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.law}: {self.sides}" + (f"; first at {self.where}" if self.where else "")


class RecordTables:
    """A record, and the scenario that it was simulated from, if it was."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.tallies = record.tallies

    @cached_property
    def scenario(self) -> Scenario | None:
        """The simulated scenario; None for a record that was read."""
        text = self.record.provenance.get("scenario")
        return None if text is None else Scenario.model_validate(json.loads(text))

    @property
    def simulated(self) -> bool:
        """Whether the record is as the simulation left it, so that it knows everything."""
        return "scenario" in self.record.provenance and "rating" not in self.record.provenance

    @cached_property
    def servers(self) -> list[str]:
        """The sources whose resends are a server's."""
        sources = self.scenario.sources if self.scenario else ()
        return [source.name for source in sources if getattr(source, "server_resend", None)]

    @property
    def tasks(self) -> list[str]:
        """The sources that are group tasks."""
        return [task.name for task in self.scenario.tasks] if self.scenario else []

    @cached_property
    def pushed(self) -> list[str]:
        """The sources whose delivery reports are pushed, to whatever address."""
        scenario = self.scenario
        if scenario is None:
            return []
        batched = {a.name for a in scenario.applications if a.batch_address}
        return [
            source.name
            for source in scenario.sources
            if scenario.callback.is_named(source.status_callback)
            or scenario.template(source.template).application in batched
        ]

    def money(self, *keys: str, measure: str = "messages", sent: bool = False) -> pd.Series[int]:
        """A sum of the tally `money` by some keys, of what was sent alone if that is asked for."""
        frame = self.tallies.money
        return summed(frame[~frame["charge"].isin(REFUSED)] if sent else frame, keys, measure)


def summed(frame: pd.DataFrame, keys: tuple[str, ...], measure: str) -> pd.Series[int]:
    """A measure of a frame by some keys as plain values, NA as an empty text."""
    plain = [frame[key].astype(object).where(frame[key].notna(), "") for key in keys]
    labels = pd.MultiIndex.from_arrays(plain, names=list(keys))
    values = pd.Series(frame[measure].to_numpy("int64", na_value=0), labels)
    return values.groupby(level=list(range(len(keys)))).sum()


def unlike(
    law: str, left: tuple[str, pd.Series[int]], right: tuple[str, pd.Series[int]]
) -> Iterator[RuleViolation]:
    """The law broken if two series by the same keys differ, with the first key at which they do."""
    (name, a), (other, b) = left, right
    a, b = a.align(b, fill_value=0)
    wrong = (a != b).to_numpy().nonzero()[0]
    if not len(wrong):
        return
    text = f"{name} is {int(a.sum()):,}, {other} is {int(b.sum()):,}"
    first = int(wrong[0])
    where = f"{_keys(a, first)}: {int(a.iloc[first]):,} and {int(b.iloc[first]):,}"
    yield RuleViolation(law, text, where)


def unequal(law: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[RuleViolation]:
    """The law broken if the terms of both sides have different sums."""
    if sum(left.values()) != sum(right.values()):
        yield RuleViolation(law, f"{_terms(left)}, but {_terms(right)}")


def row_of(frame: pd.DataFrame, wrong: Any) -> str:
    """The first row of a table that a mask of rows finds, with its values."""
    position = int(wrong.to_numpy().nonzero()[0][0])
    values = ", ".join(f"{name} {value}" for name, value in frame.iloc[position].items())
    return f"row {int(frame.index[position])} ({values})"


def strays(messages: pd.DataFrame, reports: pd.DataFrame) -> pd.DataFrame:
    """The reports of no message."""
    return reports[~reports["message"].between(0, len(messages) - 1)]


def _terms(side: Mapping[str, Any]) -> str:
    text = " + ".join(f"{name} {int(value):,}" for name, value in side.items())
    return text if len(side) == 1 else f"{text} = {int(sum(side.values())):,}"


def _keys(series: pd.Series[int], position: int) -> str:
    key = series.index[position]
    values = key if isinstance(key, tuple) else (key,)
    plain = [value.item() if hasattr(value, "item") else value for value in values]
    return ", ".join(f"{n} {v!r}" for n, v in zip(series.index.names, plain, strict=True))
