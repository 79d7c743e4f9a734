"""What a row's status, result, source and charge state together: its status and its stage.

docs/logs.md section 3; stages are those of `smssim.record.schema.RefusalStage`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from smssim.arrays import Ints, Mask
from smssim.logs.columns.statuses import (
    DELIVERED,
    FAILURE,
    FLIGHT,
    OUTCOME_OF_RESULT,
    SUCCESS,
    TEMPORARY,
    UNKNOWN_FAILURE,
)
from smssim.logs.join.facts import Labels
from smssim.sms.reference import api_errors, status_codes

__all__ = ["Outcomes", "outcomes_of"]

_HUAWEI, _NOT_CHARGED = 3, 1
_AT_REQUEST, _AT_NUMBER, _AT_PLATFORM = 1, 2, 3
_UNDECIDED, _DELIVERED, _NOT_FINAL = -1, -2, -3
# Outcomes of results, by their code, and of no result.
_OUTCOME = np.array([*OUTCOME_OF_RESULT, -1, -1, -1, SUCCESS, FAILURE, FLIGHT, -1], np.int64)


class Outcomes(NamedTuple):
    """The statuses with what results add to them, the stages, and which rows contradict."""

    status: Ints
    stage: Ints
    contradicts: Mask
    uncharged: Mask
    """Rows of messages that were delivered and not charged."""


def _stage_of_status(status: str) -> int:
    """The stage that a status shows by itself; -1 where its source decides, -2 for delivered, -3
    if it is not final.

    >>> [_stage_of_status(code) for code in ("E200041", "E000620", "E200032", "UNDELIV")]
    [2, 1, 3, -1]
    """
    if status == DELIVERED:
        return _DELIVERED
    if status == TEMPORARY:
        return _NOT_FINAL
    if status in status_codes():
        return _AT_PLATFORM if status_codes()[status].source == "huawei" else _UNDECIDED
    error = api_errors().get(status)
    if error is None or error.level == "http":
        return _UNDECIDED
    return _AT_NUMBER if "status" in error.level else _AT_REQUEST


def outcomes_of(
    status: Ints, result: Ints, source: Ints, charged: Ints, labels: Labels
) -> Outcomes:
    """What rows state together; *status* are codes of *labels*, the others -1 where missing."""
    outcome = _OUTCOME[result]
    stage = np.array([*map(_stage_of_status, labels.names), 0], np.int64)[status]
    has, final = status >= 0, (status >= 0) & (stage != _NOT_FINAL)
    delivered = has & (stage == _DELIVERED)
    contradicts = delivered & (outcome == FAILURE)
    contradicts |= final & ~delivered & (outcome == SUCCESS)
    contradicts |= final & (outcome == FLIGHT)
    if not has.all():
        success, failure = ~has & (outcome == SUCCESS), ~has & (outcome == FAILURE)
        status = status.copy()
        if success.any():
            status[success] = labels.code(DELIVERED)
        if failure.any():
            status[failure] = labels.code(UNKNOWN_FAILURE)
        delivered = delivered | success
        final = final | success | failure
        stage = np.where(failure, _UNDECIDED, stage)
    failed = final & ~delivered
    at_huawei = (source == _HUAWEI) | (charged == _NOT_CHARGED)
    by_source = np.where(failed & at_huawei, _AT_PLATFORM, 0)
    uncharged = delivered & (charged == _NOT_CHARGED) & ~contradicts
    stages = np.where(failed & (stage > 0), stage, by_source)
    return Outcomes(status, stages, contradicts, uncharged)
