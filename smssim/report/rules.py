"""The rules of a record's scenario that reports hang on; a log has the service's defaults."""

from __future__ import annotations

from functools import lru_cache

from smssim.record import Record
from smssim.scenario import Scenario, Thresholds


def scenario_of(record: Record) -> Scenario | None:
    """The scenario a record was simulated from; None for a log."""
    text = record.provenance.get("scenario")
    return None if text is None else _parsed(text)


def thresholds_of(record: Record) -> Thresholds:
    """How thresholds count, from the record's scenario; for a log as the service does by default."""
    scenario = scenario_of(record)
    return Thresholds() if scenario is None else scenario.thresholds


@lru_cache(maxsize=8)
def _parsed(text: str) -> Scenario:
    # Reading YAML takes longer than most reports, and several reports of a record ask for it.
    return Scenario.parse(text)
