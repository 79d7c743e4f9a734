"""New messages of every kind of source, with their marks."""

from __future__ import annotations

from smssim.scenario import Calls, Traffic
from smssim.simulation.arrivals.listed import CallSource, GroupTaskSource
from smssim.simulation.arrivals.messages import MessageSource
from smssim.simulation.arrivals.traffic import TrafficSource
from smssim.simulation.compiled import CompiledScenario

__all__ = [
    "CallSource",
    "Calls",
    "CompiledScenario",
    "GroupTaskSource",
    "MessageSource",
    "Traffic",
    "TrafficSource",
    "message_sources",
]


def message_sources(compiled: CompiledScenario, from_us: int) -> list[MessageSource]:
    """The message source of every source of the scenario, in their order, from an instant on."""
    sources: list[MessageSource] = []
    for number, source in enumerate(compiled.sources):
        first_class = int(compiled.source.searchsorted(number))
        if isinstance(source, Traffic):
            sources.append(TrafficSource(compiled, source, first_class, from_us))
        elif isinstance(source, Calls):
            sources.append(CallSource(compiled, source, first_class, from_us))
        else:
            sources.append(GroupTaskSource(compiled, source, first_class, from_us))
    return sources
