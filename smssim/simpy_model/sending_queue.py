"""The queue that messages leave the platform through: a SimPy Resource with one slot.

A queue of one's own is a subclass with another `resource` or `request`, given to the model as its
`sending_queue`.
"""

from __future__ import annotations

from typing import ClassVar

import simpy

from smssim.scenario import Scenario
from smssim.simpy_model.environment import Environment, Process
from smssim.simpy_model.message import Message

__all__ = ["SendingQueue"]


class SendingQueue:
    """Each message holds the slot for the gap between two messages, `gap_us`."""

    resource: ClassVar[type[simpy.Resource]] = simpy.Resource

    def __init__(self, env: Environment, scenario: Scenario) -> None:
        self.env, self.rules = env, scenario.queue
        self.slot = self.resource(env, capacity=1)

    @property
    def is_full(self) -> bool:
        """Whether as many messages wait as it has room for; none waits while the slot is free."""
        busy = self.slot.count == self.slot.capacity
        room = self.rules.capacity
        return room is not None and busy and len(self.slot.queue) >= room

    def request(self, message: Message) -> simpy.resources.resource.Request:
        """Ask for the slot; whoever asked first leaves first."""
        return self.slot.request()

    def hold(self, request: simpy.resources.resource.Request) -> Process:
        """Keep the slot for the gap, then let the next message have it."""
        yield self.env.timeout(self.rules.gap_us)
        self.slot.release(request)

    @staticmethod
    def name(scenario: Scenario, message: Message) -> str:
        """Which queue a message takes: one for all, per application or per route."""
        names = {"application": message.template.application, "route": message.country}
        return names.get(scenario.queue.scope, "")
