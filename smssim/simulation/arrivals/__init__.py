"""The model's rules on arrays: whole blocks of messages at once, exactly as one by one."""

from __future__ import annotations

from smssim.scenario import Calls, Traffic
from smssim.simulation.arrivals.listed import CallBirths, GroupBirths
from smssim.simulation.arrivals.messages import SourceBirths
from smssim.simulation.arrivals.traffic import TrafficBirths
from smssim.simulation.compiled import World

# The births of every source of a world.


def source_births(world: World) -> list[SourceBirths]:
    """The births of every source, in the order of their names."""
    made: list[SourceBirths] = []
    for number, source in enumerate(world.sources):
        first_class = int(world.source.searchsorted(number))
        if isinstance(source, Traffic):
            made.append(TrafficBirths(world, source, first_class))
        elif isinstance(source, Calls):
            made.append(CallBirths(world, source, first_class))
        else:
            made.append(GroupBirths(world, source, first_class))
    return made
