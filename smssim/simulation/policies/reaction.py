"""What all ready-made policies do: take their turns, and let their reaction time pass.

Reaction times are seconds; the clock of the simulation counts microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable
from itertools import repeat
from typing import Any

from smssim.calendars import SECOND

Steps = Generator[Any, Any, None]


def turns(at_most: int | None) -> Iterable[None]:
    """As many turns as a policy may take; without an end if None."""
    return repeat(None) if at_most is None else repeat(None, at_most)


def react(env: Any, after_s: float, opener: Callable[[int], int] = int) -> Steps:
    """Let the reaction time pass, and then what is missing until the office is open."""
    acts_us = opener(int(env.now) + round(after_s * SECOND))
    if acts_us > env.now:
        yield env.timeout(acts_us - env.now)


def check_one_of(name: str, value: str, *allowed: str) -> None:
    """Raise a ValueError unless *value* is allowed."""
    if value not in allowed:
        raise ValueError(f"{name}(={value!r}) must be one of {', '.join(allowed)}")


def check_reaction(after_s: float, at_most: int | None) -> None:
    """Raise a ValueError unless a reaction time and a number of turns are possible."""
    if not (math.isfinite(after_s) and after_s >= 0):
        raise ValueError(f"after_s(={after_s}) must be >= 0 and finite")
    if at_most is not None and at_most < 0:
        raise ValueError(f"at_most(={at_most}) must be >= 0")
