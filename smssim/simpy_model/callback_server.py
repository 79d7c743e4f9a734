"""The customer's callback server: when it is down, and which pushes it takes.

A server of one's own is a subclass with its own `accepts`, given to the model as its
`callback_server`.
"""

from __future__ import annotations

from itertools import count

from smssim.calendars import to_us
from smssim.scenario import Scenario, microseconds
from smssim.simpy_model.environment import OUTAGE, Environment, Moment, Process
from smssim.simpy_model.inverse_tables import below, delay_table
from smssim.simpy_model.push import Push
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["CallbackServer"]


class CallbackServer:
    """Takes as many pushes at once as come, unless it is down.

    So it is no Resource: nothing waits for it. One that can take only so many is a Resource in a
    subclass (docs/how_to_change_the_model.md).
    """

    def __init__(self, env: Environment, scenario: Scenario, marks: KeyedRandom) -> None:
        self.env, self.rules, self.marks = env, scenario.callback, marks
        self.outages = 0
        """How many outages there are at this instant."""
        for outage in self.rules.outages:
            begins = to_us(outage.at)
            env.process(self._outage(begins, begins + microseconds(outage.minutes * 60)))
        if self.rules.random_outages is not None:
            env.process(self._random_outages())

    def accepts(self, push: Push) -> bool:
        """Whether it takes an attempt of a push that is made now."""
        attempt = push.attempts - 1
        if self.outages or below(push.mark(attempt * 2 + 1), self.rules.no_answer_share):
            return False
        return not below(push.mark(33 + attempt), self.rules.error_answer_share)

    def answer_is_lost(self, push: Push) -> bool:
        """Whether the platform never gets the answer 200 to an attempt that was taken."""
        return below(push.mark((push.attempts - 1) * 2 + 2), self.rules.lost_answer_share)

    def _outage(self, begins: int, ends: int) -> Process:
        """One outage: down at its first instant, up again at its last."""
        if ends <= self.env.now:
            return
        yield Moment(self.env, max(begins, self.env.now), OUTAGE)
        self.outages += 1
        yield Moment(self.env, ends, OUTAGE)
        self.outages -= 1

    def _random_outages(self) -> Process:
        """Up and down by turns, from the start on."""
        random = self.rules.random_outages
        assert random is not None
        for n in count():
            for purpose, delay, change in (("up", random.up, 1), ("down", random.down, -1)):
                takes = delay_table(delay).of(self.marks.word("callback", purpose, 0, n))
                yield Moment(self.env, self.env.now + takes, OUTAGE)
                self.outages += change
