"""When the customer's server for status reports is down."""

from __future__ import annotations

from smssim.calendars import MINUTE, to_us
from smssim.scenario import Scenario
from smssim.stats.keyed_random import Marks


def outages(scenario: Scenario, marks: Marks, until_us: int) -> list[tuple[int, int]]:
    """The windows [down, up) that begin before *until_us*, sorted and merged, in microseconds.

    Planned windows are the scenario's; random ones take turns with times up, from the start of the
    run, however far one looks ahead. Nothing the account does can change them.
    """
    windows = [
        (to_us(o.at), to_us(o.at) + round(o.minutes * MINUTE)) for o in scenario.callback.outages
    ]
    if scenario.callback.random_outages is not None:
        windows += _random(scenario, marks, until_us)
    return _merged(sorted(window for window in windows if window[0] < until_us))


def _random(scenario: Scenario, marks: Marks, until_us: int) -> list[tuple[int, int]]:
    rule = scenario.callback.random_outages
    assert rule is not None
    up, down = rule.up.table(), rule.down.table()
    now, turn, windows = scenario.start_us, 0, []
    while now < until_us:
        begin = now + max(1, up.of(marks.word("callback", "up", 0, turn)))
        now = begin + max(1, down.of(marks.word("callback", "down", 0, turn)))
        windows.append((begin, now))
        turn += 1
    return windows


def _merged(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in windows:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((begin, end))
    return merged
