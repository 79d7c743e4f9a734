"""Looking ahead before a block is judged: which copies come, and where the account will change."""

from __future__ import annotations

from smssim.simulation.account.account import Account
from smssim.simulation.compiled import CompiledScenario
from smssim.simulation.judge import preview, state_change_if_sent
from smssim.simulation.resends import Resends
from smssim.simulation.snapshot import RuleSnapshot, as_reported, never_delivered
from smssim.simulation.window import MessageBatch, MessageWindow

__all__ = ["Lookahead"]


class Lookahead:
    """Predicts resends by the account's present rules, and how far a block can reach.

    A position in the run is an instant and how many of its copies are judged already (*skip*).
    """

    def __init__(
        self, compiled: CompiledScenario, account: Account, window: MessageWindow, resends: Resends
    ) -> None:
        self._compiled, self._account, self._window = compiled, account, window
        self._users, self._servers = resends.users, resends.servers
        self._previewed_us = compiled.scenario.begin_us

    def look(
        self, from_us: int, skip: int, bound_us: int, stopped: dict[int, int], rules: RuleSnapshot
    ) -> tuple[MessageBatch, int]:
        """Guess what arrives before *bound_us*, or before a nearer bound; return both."""
        if self._window.generations > 1:
            open_us = from_us + (skip > 0)  # Those skipped are judged.
            in_vain = never_delivered(rules)
            self._users.guess(self._window, open_us, bound_us, stopped, in_vain)
        if self._servers is not None and bound_us > self._previewed_us:
            batch = self._batch(from_us, skip, bound_us, stopped, rules)
            self._preview(batch, rules, bound_us)
        first = self._window.first_copies(from_us, bound_us).take(slice(skip, None))
        nearer_us = self._nearer(first, bound_us, rules, 0)
        batch = self._batch(from_us, skip, nearer_us, stopped, rules)
        if nearer_us == bound_us:
            return batch, bound_us
        # Resends only bring a change nearer; messages refused for other reasons delay it a little.
        bound_us = self._nearer(batch, nearer_us, rules, len(batch) // 64)
        return batch.take(slice(0, int(batch.t.searchsorted(bound_us)))), bound_us

    def _batch(
        self, from_us: int, skip: int, until_us: int, stopped: dict[int, int], rules: RuleSnapshot
    ) -> MessageBatch:
        """The copies that arrive, as far as is known, with what is reported of them."""
        batch = self._window.batch(from_us, until_us, stopped)
        if skip:
            batch = batch.take(slice(skip, None))
        return as_reported(self._compiled, batch, rules)

    def _nearer(self, batch: MessageBatch, bound_us: int, rules: RuleSnapshot, later: int) -> int:
        """The bound, or when the account would change if *batch* were all, and *later* more
        have arrived.
        """
        index = later + state_change_if_sent(self._compiled, self._account, batch, rules)
        return bound_us if index >= len(batch) else min(bound_us, int(batch.t[index]) + 1)

    def _preview(self, batch: MessageBatch, rules: RuleSnapshot, until_us: int) -> None:
        """Guess when servers send again by how long new messages would wait."""
        assert self._servers is not None
        previewed = preview(self._compiled, self._account, batch, rules)
        self._window.speculate(batch, previewed.outcome_code, previewed.sent_us)
        self._servers.first_wrong(self._window, batch, until_us)
        self._previewed_us = until_us
