"""What a rule is to the simulation: one that refuses classes of messages, or one that counts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from smssim.arrays import Mask
from smssim.scenario import Application, Opening, Scenario
from smssim.simulation.account.account import Account, MessageClass
from smssim.simulation.account.events import EventPriority
from smssim.simulation.compiled import CompiledScenario
from smssim.simulation.window import MessageBatch, MessageWindow

__all__ = ["CountingRule", "Ranks", "Rule"]

_ClassLimits = NDArray[np.int64]


class Rule(ABC):
    """A rule that refuses all messages of a class alike until the account changes.

    `stage` is 1 for a whole request before acceptance, 2 for one of its numbers before
    acceptance, 3 for a number after it. A rule is made anew for each run, from the settings in
    force at the start.
    """

    stage: ClassVar[int]

    def __init__(self, account: Account) -> None:
        self.account = account

    @classmethod
    @abstractmethod
    def codes(cls, scenario: Scenario) -> Iterable[str]:
        """The codes by which it can refuse a message of a scenario; none if it never does."""

    @property
    @abstractmethod
    def active(self) -> bool:
        """Whether it refuses any message now; False is certain."""

    @abstractmethod
    def refuse(self, message_class: MessageClass) -> str | None:
        """The code that refuses messages of a class now, or None."""

    def replace(self, message_class: MessageClass) -> str | None:
        """The status that is reported of messages of a class instead of theirs, or None."""
        return None

    def plan_application(self, application: Application) -> None:
        """Schedule what the scenario sets of an application after the start: here nothing."""
        return

    def plan(self) -> None:
        """Schedule what the scenario sets of the account after the start: here nothing."""
        return

    def schedule(self, when_us: int, setting: Callable[..., None], *args: Any) -> None:
        """Let a setting take effect; one that is earlier than the start is in force from it on."""
        if not self.account.scenario.is_past(when_us):
            self.account.agenda.schedule(when_us, EventPriority.SETTING, setting, *args)


class Ranks(Protocol):
    """What a counting rule finds in a block: `refused` is a mask, None where it refuses none."""

    refused: Mask | None


class CountingRule(Rule):
    """A rule whose verdict depends on the messages before: stage 2, after the template.

    Its settings are arrays by class (`limits`). Blocks are ranked at once and committed when their
    verdicts are final; messages that change the account are asked and entered one by one.
    """

    stage = 2

    @abstractmethod
    def bind(self, compiled: CompiledScenario, window: MessageWindow) -> None:
        """Learn the classes and the messages of the run, before its first block."""

    @abstractmethod
    def restore(self, opening: Opening) -> None:
        """Take over what was counted before the run."""

    @property
    @abstractmethod
    def code(self) -> str:
        """The code that it refuses by."""

    @abstractmethod
    def limits(self) -> _ClassLimits | None:
        """Its settings by class now, None if it limits nothing."""

    @abstractmethod
    def rank(self, batch: MessageBatch, limits: _ClassLimits, open_: Mask | None) -> Any:
        """`Ranks` of those *open_* (None: all), None if no limit holds for any of them."""

    @abstractmethod
    def commit(self, batch: MessageBatch, ranks: Any, begin: int, end: int) -> None:
        """Count the messages at indexes *begin* up to *end* that passed."""

    @abstractmethod
    def refuses(self, message: MessageBatch) -> bool:
        """Whether it refuses one message by itself."""

    @abstractmethod
    def enter(self, message: MessageBatch) -> None:
        """Count one judged message if it passed."""

    def refuse(self, message_class: MessageClass) -> str | None:
        """None: a class alone decides nothing."""
        return None
