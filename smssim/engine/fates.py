"""Fates: everything that can become of a message, numbered so that one byte a message says it."""

from __future__ import annotations

import numpy as np

from smssim.model import account as rules
from smssim.scenario import Scenario

FROZEN, LIMIT, COUNTRY_LIMIT, TEMPLATE, FULL, NO_QUOTA, WITHDRAWN, EXPIRED, DELIVERED = range(9)
UNBORN = 255
FIRST_DRAWN = DELIVERED


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
        ]
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
        for status, source in [*drawn, *((status, 2) for status in fixed)]:
            if (status, source) not in self._numbers:
                self._numbers[status, source] = len(rows)
                rows.append((status, 3 if source == 3 else 0, source))
        if len(rows) >= UNBORN:
            raise ValueError(f"statuses(={len(rows)}) must be fewer than {UNBORN}")
        self.status = [row[0] for row in rows]
        self.place = np.array([row[1] for row in rows], np.int8)
        self.source = np.array([row[2] for row in rows], np.int8)
        self.platform = np.zeros(256, bool)
        self.platform[FIRST_DRAWN : len(rows)] = self.place[FIRST_DRAWN:] == 3

    def __len__(self) -> int:
        return len(self.status)

    def number(self, status: str, source: str = "supplier") -> int:
        """The fate of a route's status."""
        return self._numbers[status, 3 if source == "huawei" else 2]

    def of_code(self, code: str) -> int:
        """The fate of a refusal by the rules."""
        return self.status.index(code)
