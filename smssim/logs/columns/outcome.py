"""What a row's status, result, source and charge say together: its status, its place, or nonsense.

docs/logs.md section 3; places are those of `smssim.record.schema.RefusalStage`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from smssim.logs.columns.codes import (
    DELIVERED,
    FAILURE,
    FLIGHT,
    OUTCOME_OF_RESULT,
    SUCCESS,
    TEMPORARY,
    UNTOLD,
)
from smssim.logs.columns.texts import Flags, Integers
from smssim.logs.join.facts import Labels
from smssim.sms.reference import api_errors, status_codes

_HUAWEI = 3
_NOT_CHARGED = 1
# Outcomes of results, by their code, and of no result.
_OUTCOME = np.array([*OUTCOME_OF_RESULT, -1, -1, -1, SUCCESS, FAILURE, FLIGHT, -1], np.int64)
_UNSAID = -1


class Said(NamedTuple):
    """The statuses with what results add to them, the places, and which rows contradict."""

    status: Integers
    place: Integers
    contradicts: Flags
    uncharged: Flags
    """Rows that say delivered and not charged."""


def of_status(status: str) -> int:
    """The place of a status by itself; -1 where its source decides, -2 for delivered, -3 if it is
    not final.

    >>> of_status("E200041"), of_status("E000620"), of_status("E200032"), of_status("UNDELIV")
    (2, 1, 3, -1)
    """
    if status == DELIVERED:
        return -2
    if status == TEMPORARY:
        return -3
    if status in status_codes():
        return 3 if status_codes()[status].source == "huawei" else -1
    error = api_errors().get(status)
    if error is None or error.level == "http":
        return -1
    return 2 if "status" in error.level else 1


def said_of(
    status: Integers, result: Integers, source: Integers, charged: Integers, labels: Labels
) -> Said:
    """What rows say together; *status* are codes of *labels*, the others -1 where not said."""
    outcome = _OUTCOME[result]
    names: Sequence[str] = labels.names
    kinds = np.array([*(of_status(name) for name in names), 0], np.int64)
    kind = kinds[status]
    has, final = status >= 0, (status >= 0) & (kind != -3)
    delivered = has & (kind == -2)
    contradicts = delivered & (outcome == FAILURE)
    contradicts |= final & ~delivered & (outcome == SUCCESS)
    contradicts |= final & (outcome == FLIGHT)
    if not has.all():
        success, failure = ~has & (outcome == SUCCESS), ~has & (outcome == FAILURE)
        status = status.copy()
        if success.any():
            status[success] = labels.code(DELIVERED)
        if failure.any():
            status[failure] = labels.code(UNTOLD)
        delivered = delivered | success
        final = final | success | failure
        kind = np.where(failure, -1, kind)
    failed = final & ~delivered
    at_huawei = (source == _HUAWEI) | (charged == _NOT_CHARGED)
    place = np.where(failed & (kind > 0), kind, np.where(failed & at_huawei, 3, 0))
    uncharged = delivered & (charged == _NOT_CHARGED) & ~contradicts
    return Said(status, place, contradicts, uncharged)
