"""What does not change during a run, as arrays: classes of messages, their countries, templates,
queues, prices.
"""

from __future__ import annotations

import numpy as np

from smssim import codes
from smssim.engine.fates import Fates
from smssim.marks import Marks
from smssim.model.queue import SendingQueue
from smssim.recipients import Recipients, read_recipients
from smssim.scenario import GroupTask, Scenario, Source, micro

SEGMENT_CELLS = 9
"""Segments a message can have, and 0."""


class World:
    """A scenario's classes: a class is what all messages of one source to one country have in
    common.

    Arrays by class: `source`, `country`, `template`, `queue` (numbers of the lists of those names)
    and `price_micro`.
    """

    def __init__(self, scenario: Scenario, marks: Marks) -> None:
        self.scenario = scenario
        self.marks = marks
        self.sources = scenario.sources
        self.files = {
            s.name: read_recipients(scenario.find(s.file))
            for s in self.sources
            if isinstance(s, GroupTask) and s.file is not None
        }
        self.pairs = [(i, c) for i, s in enumerate(self.sources) for c in self._countries_of(s)]
        self.countries = sorted({country for _, country in self.pairs} | _named_countries(scenario))
        self.templates = [template.name for template in scenario.templates]
        self.fates = Fates(scenario, self.countries)
        self.source = np.array([i for i, _ in self.pairs], np.int16)
        self.country = np.array([self.countries.index(c) for _, c in self.pairs], np.int16)
        self.template = np.array(
            [self.templates.index(self.sources[i].template) for i, _ in self.pairs], np.int16
        )
        self.price_micro = np.array(
            [micro(scenario.route(c).price) for _, c in self.pairs], np.int64
        )
        names = [self._queue_of(i, c) for i, c in self.pairs]
        self.queues = sorted(set(names))
        self.queue = np.array([self.queues.index(name) for name in names], np.int16)
        fixed = (
            r.segments or 1 for calls in scenario.calls for call in calls.calls for r in call.to
        )
        drawn = (max(template.segment_shares()) for template in scenario.templates)
        self.most_segments = max(*fixed, *drawn, 1)
        """The most segments that a message of this scenario has."""
        self.group = np.array([isinstance(s, GroupTask) for s in self.sources])
        rules = [s.resend for s in self.sources if not isinstance(s, GroupTask) and s.resend]
        self.generations = 1 + max((rule.at_most for rule in rules), default=0)
        """Copies that a message can have, the first included."""

    def make_queues(self) -> dict[str, SendingQueue]:
        """Fresh queues, by name."""
        rule = self.scenario.queue
        return {name: SendingQueue(rule.gap_us, rule.capacity) for name in self.queues}

    def zone(self, country: str) -> str:
        """The time zone of a country's capital."""
        return codes.countries()[country].zone if country in codes.countries() else "UTC"

    def recipients(self, task: GroupTask) -> Recipients | None:
        """The recipients of a task's file, or None for a task given by count."""
        return self.files.get(task.name)

    def _countries_of(self, source: Source) -> list[str]:
        if not isinstance(source, GroupTask):
            return [source.country]
        read = self.files.get(source.name)
        return list(read.countries) if read else list(source.countries)

    def _queue_of(self, source: int, country: str) -> str:
        scope = self.scenario.queue.scope
        template = self.scenario.template(self.sources[source].template)
        return {"shared": "", "application": template.application, "route": country}[scope]


def _named_countries(scenario: Scenario) -> set[str]:
    named = {package.country for package in scenario.packages} | set(scenario.routes)
    return named | set(scenario.account.low_quota) | set(scenario.thresholds.countries)
