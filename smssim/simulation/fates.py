"""Fates: everything that can become of a message, numbered so that one byte a message says it."""

from __future__ import annotations

import numpy as np

from smssim.scenario import Flaws, Scenario, Traffic, registrations
from smssim.simulation.account import account as rules
from smssim.simulation.account.console import ADDRESS, NUMBER, REGION

FROZEN, LIMIT, COUNTRY_LIMIT, TEMPLATE, FULL, NO_QUOTA, WITHDRAWN, EXPIRED, DELIVERED = range(9)
UNBORN = 255
MOST_RECIPIENTS = 500
"""Numbers that one request may have (DOMAIN.md section 6)."""


class Fates:
    """The fates of one scenario: those of the rules, then the statuses of its routes.

    Arrays by fate: `status` (text), `place`, `source` (of the report, 0 without one).
    """

    def __init__(self, scenario: Scenario, countries: list[str]) -> None:
        rows: list[tuple[str, int, int]] = [
            (rules.FROZEN, 1, 0),
            (rules.LIMIT, 1, 0),
            (rules.COUNTRY_LIMIT, 1, 0),
            (rules.TEMPLATE, 2, 0),
            (rules.FULL, 2, 0),
            (rules.NO_QUOTA, 3, 3),
            (scenario.account.frozen_status, 3, 3),
            ("EXPIRED", 0, 1),
            ("DELIVRD", 0, 2),
            *_of_settings(scenario),
        ]
        first_own = len(rows)
        rows += _of_flaws(scenario)
        self._of_flaw = {row[0]: number for number, row in enumerate(rows) if number >= first_own}
        self._numbers = {("DELIVRD", 2): DELIVERED, ("none", 2): EXPIRED}
        outcomes = [
            outcome for country in countries for outcome in scenario.route(country).outcomes
        ]
        drawn = [(outcome.status, 3 if outcome.source == "huawei" else 2) for outcome in outcomes]
        fixed = [
            r.status
            for calls in scenario.calls
            for call in calls.calls
            for r in call.to
            if r.status
        ]
        unregistered = [
            (registration.status, 3 if registration.source == "huawei" else 2)
            for registration in registrations(scenario).values()
        ]
        for status, source in [*drawn, *((status, 2) for status in fixed), *unregistered]:
            if (status, source) not in self._numbers:
                self._numbers[status, source] = len(rows)
                rows.append((status, 3 if source == 3 else 0, source))
        if len(rows) >= UNBORN:
            raise ValueError(f"statuses(={len(rows)}) must be fewer than {UNBORN}")
        self.status = [row[0] for row in rows]
        self.place = np.array([row[1] for row in rows], np.int8)
        self.source = np.array([row[2] for row in rows], np.int8)
        self._of_code: dict[tuple[str, int], int] = {}
        for number, (status, place, _) in enumerate(rows):
            self._of_code.setdefault((status, place), number)
        self.own_place = np.zeros(256, np.int8)
        self.own_place[first_own : len(rows)] = self.place[first_own:]
        """Where a message's own drawn fate refuses it; 0 where none does."""
        self.early, self.platform = (self.own_place % 3) > 0, self.own_place == 3
        """Whether a message's own fate refuses it before acceptance, or after."""
        self.any_own = bool(self._of_flaw)
        """Whether messages can have a flaw that refuses them before acceptance."""
        self.any_platform = bool(self.platform.any())

    def __len__(self) -> int:
        return len(self.status)

    def number(self, status: str, source: str = "supplier") -> int:
        """The fate of a route's status."""
        return self._numbers[status, 3 if source == "huawei" else 2]

    def of_code(self, code: str, place: int) -> int:
        """The fate of a refusal by the rules."""
        return self._of_code[code, place]

    def of_flaw(self, code: str) -> int:
        """The fate of a message that is refused for a flaw of its own."""
        return self._of_flaw[code]


def _of_settings(scenario: Scenario) -> list[tuple[str, int, int]]:
    """The fates that the console's settings can bring to all messages of a class."""
    rows = [(REGION, 3, 3), (NUMBER, 3, 3)]
    if scenario.onboarding is not None:
        rows.append((rules.NOT_ENABLED, 1, 0))
    if scenario.onboarding is not None or any(a.created for a in scenario.applications):
        rows.append((rules.NO_APPLICATION, 1, 0))
    if any(application.frequency is not None for application in scenario.applications):
        rows.append((scenario.account.frequency_code, 2, 0))
    if any(application.addresses for application in scenario.applications):
        rows.append((ADDRESS, 1, 0))
    codes = {a.suspended_code for a in scenario.applications if a.suspended is not None}
    return rows + [(code, 1, 0) for code in sorted(codes)]


def _of_flaws(scenario: Scenario) -> list[tuple[str, int, int]]:
    """The fates that flaws of its own can bring to a message."""
    rows = []
    if any(_is_oversize(source) for source in scenario.traffic):
        rows.append((rules.OVERSIZE, 1, 0))
    if any(source.flaws != Flaws() for source in scenario.traffic):
        rows += [(rules.VARIABLES, 2, 0), (rules.DUPLICATE, 2, 0), (rules.PASSWORD, 3, 3)]
    return rows


def _is_oversize(source: Traffic) -> bool:
    return max(source.recipient_shares()) > MOST_RECIPIENTS
