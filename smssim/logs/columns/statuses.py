"""Statuses, results and send statuses: what their codes and words mean for a message's outcome.

A status is a code of the tables, a code of a form that carriers use, or a word of this module.
Anything else is rejected by name: a person states what it means, and it is never counted silently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from smssim.arrays import Ints, Mask
from smssim.logs.columns.texts import SMALL, language_parts
from smssim.logs.join.facts import Labels
from smssim.sms.reference import api_errors, status_codes

__all__ = [
    "DELIVERED",
    "NOT_A_STATUS",
    "NO_CODE",
    "TEMPORARY",
    "Meaning",
    "Outcomes",
    "bare",
    "outcomes_of",
    "result_meaning",
    "rule_of_stated_status",
    "send_status_meaning",
    "status_meaning",
    "whole",
    "without_explanation",
]

_UNKNOWN_FAILURE = "FAILED"
"""Status of a failure whose code is unknown; it is ours."""
DELIVERED, TEMPORARY = "DELIVRD", "ACCEPTD"
_ACCEPTED_BY_API = "000000"

NO_CODE = -1
_SUCCESS, _FAILURE, _FLIGHT = range(3)
"""Outcomes that a word states."""
_OUTCOME_OF_RESULT = (_SUCCESS, _FAILURE, _FLIGHT, _SUCCESS, _FAILURE)
_RESULT_WORD = 8
"""A result that a word states, which does not show whether it took 3 minutes: 8 + outcome."""

# Words of exports and consoles, without their blanks, hyphens and underscores, in lower case.
_DELIVERED = (
    *("delivered", "deliveredtohandset", "deliveredtoterminal", "deliveredtorecipient", "read"),
    *("seen", "arrived", "succeed", "deliverysuccess", "deliverysuccessful", "deliverysucceeded"),
    *("已送达", "送达"),
    *("送达成功", "接收成功", "投递成功", "已接收", "已读"),
)
_SUCCEEDED = (
    *("success", "successful", "succeeded", "sentsuccessfully", "sendingsucceeded", "sendsuccess"),
    *("成功", "发送成功"),
)
_FAILED = (
    *("failed", "failure", "fail", "sendingfailed", "sendfailed", "undelivered", "notdelivered"),
    *("undeliverable", "nondelivered", "deliveryfailed", "deliveryfailure", "notsent", "unsent"),
    *("失败", "发送失败", "未送达", "送达失败", "接收失败", "投递失败", "发送未成功"),
)
_WAITING = (
    *("sending", "inprogress", "waiting", "pending", "queued", "enqueued", "accepted", "sent"),
    *("submitted", "scheduled", "processing", "dispatched", "enroute", "buffered", "intransit"),
    *("noreport", "noreportyet", "nostatus", "nostatusyet", "notyetdelivered", "awaitingreport"),
    *("waitingforreport", "waitingforreceipt", "waitingforcarrierreport", "new", "created"),
    *("发送中", "等待", "等待回执", "等待发送", "待发送", "待回执", "已提交", "提交成功", "已发送"),
    *("处理中", "排队中", "未返回", "无回执", "未回执", "暂无回执"),
)
_MISSING = ("na", "none", "unset", "无", "空", "暂无")
_OUTCOMES = dict.fromkeys((*_DELIVERED, *_SUCCEEDED), _SUCCESS)
_CODE_OF_WORD = {
    **{"rejected": "REJECTD", "expired": "EXPIRED", "deleted": "DELETED", "unknown": "UNKNOWN"},
    **{"已拒绝": "REJECTD", "已过期": "EXPIRED", "过期": "EXPIRED"},
}
_KNOWN = frozenset((*status_codes(), *api_errors(), _UNKNOWN_FAILURE))
# Codes as carriers write them: MK:0012, E200999, RTE_ERR, or seven capitals as in SMPP.
_CARRIER = re.compile(
    r"[A-Z]{1,4}[:_\-.][A-Z0-9]{1,5}|[A-Z]{1,3}[0-9]{2,6}|[A-Z]{7}|(?=.*[0-9])(?=.*[A-Z])[A-Z0-9]{5,7}"
)
_CODE = re.compile(r"[!-~]{1,7}")
_HEAD = re.compile(r"\s*(?:[(（\[【:：,，;；]|\s[-–—]+\s).*", re.DOTALL)
_MARKS = " \t()（）[]【】:：,，;；-–—"
_GAPS = re.compile(r"[\s_]+|(?<=[^\W\d])-")
_INTEGER = re.compile(r"[0-9]{1,18}(?:\.0+)?")
_EXPLAINED = re.compile(r"([0-9])\s*[-:：.(（\[【]\s*[^\W\d].*", re.DOTALL)
NOT_A_STATUS = (
    "is neither a status code nor a word that is known: state what it means with --columns "
    "map.yaml (columns=), as in `status: {heading: Status, values: {Done: DELIVRD}}`"
)

_SLIP = 0.8
"""How like a documented code a stated one is that was probably meant to be it."""

_HUAWEI, _NOT_CHARGED = 3, 1
_AT_REQUEST, _AT_NUMBER, _AT_PLATFORM = 1, 2, 3
_UNDECIDED, _ARRIVED, _NOT_FINAL = -1, -2, -3
# Outcomes of results, by their code, and of no result.
_OUTCOME = np.array([*_OUTCOME_OF_RESULT, -1, -1, -1, _SUCCESS, _FAILURE, _FLIGHT, -1], np.int64)


class Meaning(NamedTuple):
    """What one value means: its code, a rule that it breaks, the repairs it took."""

    code: int
    rule: str = ""
    repairs: tuple[str, ...] = ()


_OUTCOMES |= dict.fromkeys(_FAILED, _FAILURE) | dict.fromkeys(_WAITING, _FLIGHT)


def status_meaning(
    label: Callable[[str], int], stated: Collection[str] = (), *, verbatim: bool = False
) -> Callable[[str], Meaning]:
    """How statuses are read; *label* gives each its code, *stated* are codes that a person named.

    Statuses of our own tables are codes *verbatim*, for a scenario may have codes of its own.
    """

    def read(text: str) -> Meaning:
        if verbatim and _CODE.fullmatch(text):
            return Meaning(label(text))
        code, repairs = _code_of(text, frozenset(stated))
        if code is None:
            return Meaning(NO_CODE, NOT_A_STATUS)
        return Meaning(label(code) if code else NO_CODE, "", repairs)

    return read


def rule_of_stated_status(text: str) -> str:
    """The rule that what a person states as a status breaks, "" for none.

    A code of its own is one, but not if it looks like a documented one with a slip of the pen.
    """
    if _code_of(text, ())[0] is not None:
        return ""
    meant = get_close_matches(text.upper(), status_codes(), 1, _SLIP)
    if meant:
        return f"must be a status: did you mean {meant[0]!r}?"
    return "" if _CODE.fullmatch(text) else "must be a status code of 1 to 7 characters, or a word"


def send_status_meaning(
    label: Callable[[str], int], stated: Collection[str] = ()
) -> Callable[[str], Meaning]:
    """How a send status is read: a success means that the API took the message, nothing more."""
    read_status = status_meaning(label, stated)

    def read(text: str) -> Meaning:
        parts = (text, *language_parts(text), _HEAD.sub("", text))
        if any(bare(part) in _SUCCEEDED for part in parts):
            return Meaning(NO_CODE)
        return read_status(text)

    return read


def result_meaning(text: str) -> Meaning:
    """How results are read: 0 to 4, or RESULT_WORD and the outcome that a word states."""
    number = whole(without_explanation(text))
    if number is not None and number < len(_OUTCOME_OF_RESULT):
        return Meaning(number)
    code, _ = _code_of(text, frozenset())
    if code is None or code not in ("", DELIVERED, _UNKNOWN_FAILURE):
        return Meaning(NO_CODE, "must be 0 to 4, or success, failed or sending")
    if not code and bare(text) in _MISSING:
        return Meaning(NO_CODE)
    outcome = {DELIVERED: _SUCCESS, _UNKNOWN_FAILURE: _FAILURE}.get(code, _FLIGHT)
    return Meaning(_RESULT_WORD + outcome)


def _code_of(text: str, stated: Collection[str]) -> tuple[str | None, tuple[str, ...]]:
    """The status code that a text states, "" where the message waits, None for what is unknown."""
    code, repairs = _code_of_word(text, stated)
    if code is not None:
        return code, repairs
    head = _HEAD.sub("", text)
    if head != text:
        code, repairs = _code_of_word(head, stated)
        more, _ = _code_of_word(text[len(head) :].strip(_MARKS), stated)
        if code is not None:
            return _agreed(code, more), repairs
    codes = [_code_of_word(part, stated)[0] for part in language_parts(text)]
    known = [one for one in codes if one is not None]
    if known and all(one == known[0] for one in known):
        return known[0], ()
    # A code may be followed by a description without any mark, if it is written as a code.
    first = text.split(None, 1)[0] if text.strip() else ""
    is_code = first in _KNOWN or _CARRIER.fullmatch(first) is not None
    if is_code and bare(first) not in _OUTCOMES and first != text:
        return _code_of_word(first, stated)
    return None, ()


def _agreed(code: str, more: str | None) -> str | None:
    """The code of a word with what stands behind it: the more exact of the two, if they agree."""
    if more is None or more == code:
        return code
    return more if code == _UNKNOWN_FAILURE and more not in ("", DELIVERED) else None


def _code_of_word(text: str, stated: Collection[str]) -> tuple[str | None, tuple[str, ...]]:
    word = bare(text)
    outcome = _OUTCOMES.get(word)
    if outcome is not None:
        return {_SUCCESS: DELIVERED, _FAILURE: _UNKNOWN_FAILURE}.get(outcome, ""), ()
    if text == _ACCEPTED_BY_API or word in _MISSING:
        return "", ()
    upper = text.upper()
    if upper in _KNOWN:
        return upper, (SMALL,) if upper != text else ()
    if word in _CODE_OF_WORD:
        return _CODE_OF_WORD[word], ()
    is_code = _CODE.fullmatch(text) is not None and _CARRIER.fullmatch(text) is not None
    return (text if is_code or text in stated else None), ()


def without_explanation(text: str) -> str:
    """A digit alone where words explain it, as in "0 (success)"."""
    match = _EXPLAINED.fullmatch(text)
    return match[1] if match else text


def bare(text: str) -> str:
    """A word without blanks, underscores and hyphens, in lower case."""
    return _GAPS.sub("", text).casefold()


def whole(text: str) -> int | None:
    """A whole number, with zeros behind its point or without; None for what is none."""
    return int(text.partition(".")[0]) if _INTEGER.fullmatch(text) else None


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
        return _ARRIVED
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
    delivered = has & (stage == _ARRIVED)
    contradicts = delivered & (outcome == _FAILURE)
    contradicts |= final & ~delivered & (outcome == _SUCCESS)
    contradicts |= final & (outcome == _FLIGHT)
    if not has.all():
        success, failure = ~has & (outcome == _SUCCESS), ~has & (outcome == _FAILURE)
        status = status.copy()
        if success.any():
            status[success] = labels.code(DELIVERED)
        if failure.any():
            status[failure] = labels.code(_UNKNOWN_FAILURE)
        delivered = delivered | success
        final = final | success | failure
        stage = np.where(failure, _UNDECIDED, stage)
    failed = final & ~delivered
    at_huawei = (source == _HUAWEI) | (charged == _NOT_CHARGED)
    by_source = np.where(failed & at_huawei, _AT_PLATFORM, 0)
    uncharged = delivered & (charged == _NOT_CHARGED) & ~contradicts
    stages = np.where(failed & (stage > 0), stage, by_source)
    return Outcomes(status, stages, contradicts, uncharged)
