"""Mutations of what happens to messages: requests, frequency, queue, delivery, reports, resends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from mutant_plugin import Mutation
from mutation_kit import after, returns, sets, then, value

from smssim.simulation.account.account import SendingQueue
from smssim.simulation.arrivals.marks import NEVER, PASSWORD, VARIABLES
from smssim.simulation.compiled import DELIVERED
from smssim.stats import inverse_cdf as inverse

_CODES = "smssim.simulation.compiled:OutcomeCodes.__init__"
_MARKER = "smssim.simulation.arrivals.marks:Marker"
_SERVER = "smssim.simulation.callbacks.server:CallbackServer.__init__"
_COMPILED = "smssim.simulation.compiled:CompiledScenario"


def _spares(code: str) -> Any:
    """Messages keep their outcome where one flaw would have spoilt it."""

    def make(original: Any) -> Any:
        def spoil(self: Any, sampled: Any, word: Any) -> None:
            before = sampled.copy()
            original(self, sampled, word)
            spoilt = sampled == self._code_of(code)
            sampled[spoilt] = before[spoilt]

        return spoil

    return make


def _without_limit(place: int) -> Any:
    def make(original: Any) -> Any:
        def limits(self: Any) -> Any:
            own = list(original.fget(self))
            own[place] = 10**9
            return tuple(own)

        return property(limits)

    return make


def _platform_as_supplier(codes: Any, *args: Any) -> None:
    numbers = [n for (_, source), n in codes._numbers.items() if source == 3]
    codes.stage[numbers] = codes.sampled_stage[numbers] = 0
    codes.platform_refused = codes.sampled_stage == 3
    codes.any_platform_refused = bool(codes.platform_refused.any())


def _one_source(codes: Any, *args: Any) -> None:
    codes.source[codes.source > 0] = 2


def _for_free(compiled: Any, *args: Any) -> None:
    compiled.price_micro[:] = 0


def _at_acceptance(compiled: Any, *args: Any) -> None:
    compiled.price_micro += compiled.delivery_price_micro
    compiled.delivery_price_micro[:] = 0


def _on_delivery_alone(original: Any) -> Any:
    def charges(compiled: Any, window: Any, straddling: Any, batch: Any, *rest: Any) -> Any:
        covered, cost = original(compiled, window, straddling, batch, *rest)
        cost[window.outcome_code.reshape(-1)[batch.where] != DELIVERED] = 0
        return covered, cost

    return charges


def _as_if_sent(original: Any) -> Any:
    """Charges of refused messages, too."""

    def charges(compiled: Any, window: Any, odd: Any, batch: Any, stage: Any, package: Any) -> Any:
        return original(compiled, window, odd, batch, np.zeros_like(stage), package)

    return charges


def _endless_queues(original: Any) -> Any:
    def make_queues(self: Any) -> Any:
        return {name: SendingQueue(self.scenario.queue.gap_us, None) for name in self.queues}

    return make_queues


def _no_waiting(original: Any) -> Any:
    return lambda t_us, free_us, gap_us, longest_wait_us: (t_us.copy(), None)


def _one_part(original: Any) -> Any:
    def push(self: Any, finished: Any) -> Any:
        return original(self, replace(finished, segments=np.ones_like(finished.segments)))

    return push


def _waits(wait_us: int | None = None, size: int | None = None) -> Any:
    def make(original: Any) -> Any:
        def init(self: Any, own_us: int, own_size: int) -> None:
            original(self, own_us if wait_us is None else wait_us, size or own_size)

        return init

    return make


def _blank(original: Any) -> Any:
    return lambda sent, rows, *args: [""] * len(rows)


def _never_learns(original: Any) -> Any:

    def learnt_us(self: Any, *args: Any) -> Any:
        found = original(self, *args)
        return np.full_like(found, NEVER)

    return learnt_us


def _flat(original: Any) -> Any:
    return lambda rate, start_us, first_hour, n: np.ones(n)


SENDING = {
    "growth": Mutation("smssim.simulation.arrivals.traffic:growth_factors", _flat),
    "swings": Mutation("smssim.simulation.arrivals.traffic:gamma_factor", returns(1.0)),
    "occasions": Mutation("smssim.simulation.arrivals.traffic:occasion_factors", returns(1.0)),
    "same text": Mutation(
        "smssim.simulation.arrivals.marks:_FIRST_RECIPIENT", value(np.uint64(2**64 - 1))
    ),
    "delay curve": Mutation("smssim.stats.inverse_cdf:curve", returns(inverse.fixed(5_000_000))),
    "delay of an outcome": Mutation(
        f"{_MARKER}._latencies",
        lambda original: lambda self, drawn, word, fixed: self._latency.take(word),
    ),
    "500 numbers": Mutation(
        "smssim.simulation.arrivals.traffic:TrafficSource._refuse_oversize", returns(None)
    ),
    "wrong variables": Mutation(f"{_MARKER}._spoil", _spares(VARIABLES)),
    "password content": Mutation(f"{_MARKER}._spoil", _spares(PASSWORD)),
    "duplicates in a request": Mutation(f"{_MARKER}.repeat", returns(None)),
    "frequency, a minute": Mutation("smssim.scenario.account:Frequency.limits", _without_limit(0)),
    "frequency, an hour": Mutation("smssim.scenario.account:Frequency.limits", _without_limit(1)),
    "frequency, a day": Mutation(
        "smssim.simulation.rules.frequency:_WINDOWS", value(((0, 1), (0, 60), (0, 1440)))
    ),
    "full queue": Mutation(f"{_COMPILED}.make_queues", _endless_queues),
    "status of the platform": Mutation(_CODES, then(_platform_as_supplier)),
    "deducted at acceptance": Mutation("smssim.simulation.commit:Committer._charge", returns(None)),
    "mode 1": Mutation(f"{_COMPILED}.__init__", then(_for_free)),
    "mainland is billed on delivery": Mutation(f"{_COMPILED}.__init__", then(_at_acceptance)),
    "queue": Mutation("smssim.simulation.judge:line_up", _no_waiting),
    "scope of the queue": Mutation(
        f"{_COMPILED}._message_class", after(lambda cls: cls._replace(queue=""))
    ),
    "manual review": Mutation(f"{_MARKER}.__init__", sets(_reviewed=None)),
    "72 hours": Mutation(f"{_MARKER}.expire", returns(None)),
    "final statuses and delays": Mutation(f"{_MARKER}.__init__", sets(_latency=inverse.fixed(0))),
    "billed at sending": Mutation("smssim.simulation.finished:_charges", _on_delivery_alone),
    "states and results of tasks": Mutation("smssim.simulation.tables:_state", returns("finished")),
    "pace": Mutation(
        "smssim.simulation.arrivals.listed:GroupTaskSource._offsets",
        lambda original: lambda self, i: np.zeros_like(i),
    ),
    "one report per segment": Mutation("smssim.simulation.callbacks.push:Pusher.push", _one_part),
    "no address": Mutation(
        "smssim.simulation.callbacks.push:Pusher.__init__", sets(_none=False, _named=None)
    ),
    "which address": Mutation("smssim.scenario.network:Callback.is_named", returns(False)),
    "batch address": Mutation("smssim.simulation.simulate:batched_applications", returns([])),
    "batches of 50": Mutation(
        "smssim.simulation.callbacks.batches:Waiting.__init__", _waits(size=10**6)
    ),
    "aggregation": Mutation(
        "smssim.simulation.callbacks.batches:Waiting.__init__", _waits(wait_us=0)
    ),
    "no second push": Mutation(_SERVER, sets(delays_us=[0, 60_000_000])),
    "outages": Mutation("smssim.simulation.callbacks.server:outages", returns([])),
    "error answers": Mutation(_SERVER, sets(error_answer=0)),
    "lost answers": Mutation(_SERVER, sets(lost_answer=0)),
    "source of a report": Mutation(_CODES, then(_one_source)),
    "updateTime": Mutation("smssim.logs.captures.write:_PLATFORM", value("no one")),
    "orgCode": Mutation("smssim.logs.captures.write:_org_codes", _blank),
    "extend": Mutation("smssim.logs.captures.write:_echoed", _blank),
    "resends": Mutation(
        f"{_MARKER}.next_t",
        lambda original: lambda self, hours, counts, counters, t, *rest: np.full(len(t), NEVER),
    ),
    "server resends": Mutation(
        "smssim.simulation.resends:ServerResends._hears",
        lambda original: lambda self, source, outcome_code: np.zeros(len(outcome_code), bool),
    ),
    "server learns": Mutation("smssim.simulation.resends:ServerResends._learnt_us", _never_learns),
    "line in the bill": Mutation("smssim.simulation.tables:Categories.__init__", sets(resent=None)),
    "refusals are free": Mutation("smssim.simulation.finished:_charges", _as_if_sent),
    "captures": Mutation("smssim.logs.captures.write:_statuses", _blank),
}
