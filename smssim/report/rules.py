"""The scenario of a record, and the rule of its thresholds that several reports follow."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smssim.record.record import Record
from smssim.report._record import recorded
from smssim.scenario import Scenario
from smssim.sms.reference import MAINLAND

if TYPE_CHECKING:
    import pandas as pd


def scenario_of(record: Record) -> Scenario | None:
    """The scenario a record was simulated from; None for a log."""
    text = None if recorded(record) else record.provenance.get("scenario")
    return None if text is None else _parsed(text)


def counted(scenario: Scenario, money: pd.DataFrame) -> NDArray[np.int64]:
    """What thresholds counted in each cell of the money tally, in messages or segments.

    Sent messages count; those that the platform refused do if the scenario says so. A message
    that failed with a freeze was sent by then, and stays counted.
    """
    rules = scenario.thresholds
    charge = money["charge"].to_numpy()
    counts = (charge != "refused_1") & (charge != "refused_2")
    if not rules.counts_refused:
        frozen = money["status"].to_numpy() == scenario.account.frozen_status
        counts &= (charge != "refused_3") | frozen
    weights = money["segments" if rules.unit == "segment" else "messages"].to_numpy(np.int64)
    return np.where(counts, weights, 0)


def of_side(frame: pd.DataFrame, mainland: bool) -> pd.DataFrame:
    """The cells of messages to mainland China, which count by themselves, or all others."""
    return frame[(frame["country"] == MAINLAND) == mainland]


@lru_cache(maxsize=8)
def _parsed(text: str) -> Scenario:
    # Reading YAML takes longer than most reports, and several reports of a record ask for it.
    return Scenario.parse(text)
