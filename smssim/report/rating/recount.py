"""The tallies of a rated month: what holds money is counted again, the rest stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.record.from_frames import tally_frames
from smssim.record.record import Record
from smssim.record.schema import REPORTS, frame
from smssim.record.tallies import NAMES, Tallies
from smssim.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

MONEY = ("money", "templates", "sources", "clock")
"""Tallies that tell what packages covered and what was charged."""


def recounted(record: Record, messages: pd.DataFrame) -> Tallies:
    """The record's tallies with the money of *messages*."""
    none = frame(REPORTS, ()).astype({"state": "category"})
    counted = tally_frames(
        messages, none, record.observed_from, record.observed_until, _servers(record)
    )
    kept = {name: record.tallies.frame(name) for name in NAMES if name not in MONEY}
    return Tallies(record.observed_until, **kept, **{name: counted.frame(name) for name in MONEY})


def _servers(record: Record) -> list[str]:
    """The sources whose resends are a server's."""
    text = record.provenance.get("scenario")
    sources = [] if text is None else Scenario.parse(text).sources
    return [source.name for source in sources if getattr(source, "server_resend", None)]
