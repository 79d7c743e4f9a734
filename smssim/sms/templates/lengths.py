"""How many segments the messages of a template take, when its variables vary in length.

A variable counts with the real length of its value (DOMAIN.md section 3).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from math import isfinite

from smssim.sms.segments import (
    GSM7_EXTENSION,
    GSM7_PART,
    GSM7_SINGLE,
    OTHER_PART,
    OTHER_SINGLE,
    VARIABLE,
    Counting,
    check_counting,
    is_gsm7,
)

Lengths = Mapping[str, int | Mapping[int, float]]
_States = dict[tuple[int, int, bool], float]
"""Shares of messages by units, places taken (units and what pairs left empty), and whether the
text is still a GSM-7 one."""

_EXTENSION = re.compile(f"([{re.escape(''.join(sorted(GSM7_EXTENSION)))}])")
_SURROGATES = re.compile("([\U00010000-\U0010ffff])")


def template_segments(
    text: str,
    lengths: Lengths,
    counting: Counting = "huawei",
    outside_gsm7: Collection[str] = (),
) -> dict[int, float]:
    """Return the share of messages by number of segments that the template *text* gives.

    ``lengths[NAME]`` is the length of ``${NAME}``, or the shares (or counts) of its lengths; every
    place is drawn on its own, and the shares that come out sum to 1. Numeric variables hold
    digits, one septet each. Assumption: so do the others, GSM-7 letters of one septet, but for
    the variables of *outside_gsm7*: a value of theirs, unless it is empty, makes its message a
    70/67 text. Raise a ValueError for a variable without a length, and for lengths and shares
    that are negative or all 0.

    >>> template_segments("Your code is ${NUM_6}", {"NUM_6": 6})
    {1: 1.0}
    >>> template_segments("a" * 150 + "${TXT_20}", {"TXT_20": {8: 1, 10: 1, 12: 2}})
    {1: 0.5, 2: 0.5}
    """
    check_counting(counting)
    pieces = VARIABLE.split(text)
    shares = {name: _shares(name, lengths) for name in pieces[1::2]}
    plain = is_gsm7("".join(pieces[::2]))
    mixed = plain and not shares.keys().isdisjoint(outside_gsm7)
    spread: dict[int, float] = {}
    for gsm7 in (True, False) if mixed else (plain,):
        single, part = (GSM7_SINGLE, GSM7_PART) if gsm7 else (OTHER_SINGLE, OTHER_PART)
        states: _States = {(0, 0, plain): 1.0}
        for number, piece in enumerate(pieces):
            if number % 2:
                states = _with_value(states, shares[piece], piece not in outside_gsm7)
            else:
                states = _with_runs(states, _runs(piece, gsm7, counting), part)
        for (units, places, still_gsm7), share in states.items():
            # Of a mixed template either alphabet counts its own messages.
            if still_gsm7 == gsm7:
                count = 1 if units <= single else -(-places // part)
                spread[count] = spread.get(count, 0.0) + share
    return dict(sorted(spread.items()))


def _shares(name: str, lengths: Lengths) -> dict[int, float]:
    """Return the shares of a variable's lengths, sum 1, without those that never occur."""
    if name not in lengths:
        raise ValueError(f"variable(=${{{name}}}) must be one of {sorted(lengths)}")
    given = lengths[name]
    shares = given if isinstance(given, Mapping) else {given: 1.0}
    total = sum(shares.values())
    if any(size < 0 for size in shares) or any(share < 0 for share in shares.values()):
        raise ValueError(f"lengths[{name!r}](={given}) must be >= 0, lengths and shares")
    if not (isfinite(total) and total > 0):
        raise ValueError(f"lengths[{name!r}](={given}) must have a finite share > 0")
    return {size: share / total for size, share in shares.items() if share}


def _runs(piece: str, gsm7: bool, counting: Counting) -> list[str]:
    """Cut fixed text into single characters and pairs by turns, beginning with singles."""
    if gsm7:
        return _EXTENSION.split(piece)
    return _SURROGATES.split(piece) if counting == "3gpp" else [piece]


def _with_value(states: _States, shares: Mapping[int, float], gsm7: bool) -> _States:
    after: _States = {}
    for (units, places, plain), share in states.items():
        for size, of_size in shares.items():
            state = units + size, places + size, plain and (gsm7 or size == 0)
            after[state] = after.get(state, 0.0) + share * of_size
    return after


def _with_runs(states: _States, runs: list[str], part: int) -> _States:
    after: _States = {}
    for (units, places, plain), share in states.items():
        for number, run in enumerate(runs):
            if number % 2:
                units += 2
                # A pair that does not fit leaves the last place of its part empty.
                places += 3 if places % part == part - 1 else 2
            else:
                units += len(run)
                places += len(run)
        state = units, places, plain
        after[state] = after.get(state, 0.0) + share
    return after
