"""Ranges: numbers of a scenario that are not known exactly, drawn once per replication.

docs/model.md, "Ranges", is the specification. A scenario with ranges is the scenario in which each
of them is its middle, and the ranges next to it: no other rule has to know of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, product
from typing import Any

from pydantic import BaseModel, ValidationError

from smssim.formatting import number
from smssim.scenario.distributions import Distribution, Number
from smssim.scenario.errors import partial
from smssim.scenario.errors.messages import problems_of
from smssim.scenario.errors.problems import (
    KeyPath,
    Problem,
    as_written,
    dotted,
    problem_at,
    value_at,
)
from smssim.stats.keyed_random import KeyedRandom

__all__ = ["Range", "lift_ranges", "problems_at_ends", "put", "settled"]

_NEVER = ("days", "rng", "checks", "checking")
"""Fields of the scenario that are the same in all replications."""
_MOST_TOGETHER = 4
"""Ranges of one part of a scenario whose ends are all combined with each other."""


@dataclass(frozen=True)
class Range:
    """One number that is a range: its path, the key of its draws, and its distribution."""

    steps: KeyPath
    key: str
    """Its path, with the names of list entries in place of their positions."""
    distribution: Distribution
    whole: bool
    """Whether only whole numbers may be there."""

    @property
    def path(self) -> str:
        """Its path as `Scenario.change` takes it."""
        return dotted(self.steps)

    @property
    def ends(self) -> tuple[Number, Number]:
        """The least and the greatest value."""
        return self.distribution.ends(self.whole)

    @property
    def data(self) -> dict[str, Any]:
        """The range as a scenario file has it."""
        data: dict[str, Any] = _as_written(self.distribution.model_dump(exclude_none=True))
        return data

    def at(self, u: float) -> Number:
        """The value of which the share *u* of all draws is below; the middle is at 1/2."""
        return self.distribution.at(u, self.whole)

    def draw(self, rng: int, replication: int) -> Number:
        """The value of a replication."""
        word = KeyedRandom(rng, replication).word(self.key, "range", 0, 0)
        return self.at(((word >> 11) + 0.5) / 2**53)

    def __str__(self) -> str:
        if self.distribution.one_of is not None:
            return f"one of {', '.join(map(number, self.distribution.one_of))}"
        (name,) = self.data
        return " to ".join(map(number, self.ends)) + ("" if name == "between" else f", {name}")


def lift_ranges(data: Any, root: type[BaseModel]) -> tuple[Any, tuple[Range, ...], list[Problem]]:
    """The data of a *root* with the middle of each range in its place; the ranges in the order of
    the data; and what is wrong with them.
    """
    problems: list[Problem] = []
    ranges: list[Range] = []
    for steps, key, node in _candidates(data, root, (), ()):
        try:
            ranges.append(_range_of(node, steps, key, root))
        except _NoRange as error:
            problems += error.problems
    return settled(data, ranges, {one.steps: one.at(0.5) for one in ranges}), (*ranges,), problems


def settled(data: Any, ranges: Iterable[Range], values: Mapping[KeyPath, Number]) -> Any:
    """Plain data with these values, and the outcomes of each route scaled to sum to 1.

    Where the share of an outcome is a range, those of the route that are none share the rest, in
    the proportions that they are written with.
    """
    for steps, value in values.items():
        data = put(data, steps, value)
    shares = [one.steps[:-2] for one in ranges if one.steps[-1] == "share"]
    for steps in dict.fromkeys(steps for steps in shares if steps[-1:] == ("outcomes",)):
        ranged = {one.steps[-2] for one in ranges if one.steps[:-2] == steps}
        data = put(data, steps, _summing_to_1(value_at(data, steps), ranged))
    return data


def put(data: Any, steps: KeyPath, value: Any) -> Any:
    """A copy of plain data with another value at the end of these steps."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(data, list | tuple):
        return [put(each, rest, value) if i == step else each for i, each in enumerate(data)]
    key = step if step in data else str(step)  # Keys of JSON are texts.
    return {**data, key: put(data[key], rest, value)}


def problems_at_ends(
    data: Any, ranges: Sequence[Range], problems_with: Callable[[Any], Iterable[Problem]]
) -> list[Problem]:
    """What is wrong with data where its ranges are at an end, each path once, with the values.

    Each range is tried at both ends with all others in the middle, then all of them together, and
    all combinations of those of one part, if it has four at most.
    """
    problems: dict[KeyPath, Problem] = {}
    middles = {one.steps: one.at(0.5) for one in ranges}
    for corner in dict.fromkeys(_corners(ranges)):
        ends = dict(corner)
        for problem in problems_with(settled(data, ranges, middles | ends)):
            # The middle of a range is not in the file: its ends show what is wrong with it.
            if problem.steps in problems or problem.steps in middles.keys() - ends:
                continue
            where = ", ".join(f"{dotted(steps)} is {as_written(end)}" for steps, end in corner)
            reason = "an end of its range" if problem.steps in ends else f"where {where}"
            message = f"{problem.message} ({reason})"
            problems[problem.steps] = replace(problem, message=message)
    return list(problems.values())


def _corners(ranges: Sequence[Range]) -> Iterator[tuple[tuple[KeyPath, Number], ...]]:
    def corner(group: Sequence[Range], which: Iterable[int]) -> tuple[tuple[KeyPath, Number], ...]:
        return tuple((one.steps, one.ends[end]) for one, end in zip(group, which, strict=True))

    for one in ranges:
        yield from (corner([one], [end]) for end in (0, 1))
    for _, part in groupby(ranges, key=lambda one: one.steps[0]):
        group = list(part)
        if 1 < len(group) <= _MOST_TOGETHER:
            yield from (corner(group, which) for which in product((0, 1), repeat=len(group)))
    if ranges:
        yield from (corner(ranges, [end] * len(ranges)) for end in (0, 1))


class _NoRange(Exception):
    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


def _candidates(
    data: Any, root: type[BaseModel], steps: KeyPath, key: tuple[str, ...]
) -> Iterator[tuple[KeyPath, str, Mapping[Any, Any]]]:
    """The mappings that look like a range, with their steps and the keys of their draws."""
    if isinstance(data, Mapping):
        if _looks_like_range(data, steps, root):
            yield steps, ".".join(key), data
            return
        for step, below in data.items():
            yield from _candidates(below, root, (*steps, step), (*key, str(step)))
    elif isinstance(data, list | tuple):
        for i, below in enumerate(data):
            name = below.get("name", i) if isinstance(below, Mapping) else i
            yield from _candidates(below, root, (*steps, i), (*key, str(name)))


def _looks_like_range(node: Mapping[Any, Any], steps: KeyPath, root: type[BaseModel]) -> bool:
    """Whether a mapping names a distribution where no part of the scenario has such a key."""
    names = set(Distribution.model_fields) & {key for key in node if isinstance(key, str)}
    model = partial.model_of(partial.type_at(root, steps)) if names else None
    return bool(names) and not (model is not None and names & set(model.model_fields))


def _range_of(node: Mapping[Any, Any], steps: KeyPath, key: str, root: type[BaseModel]) -> Range:
    """The range that a mapping is. Raise a _NoRange for one that is none."""
    types = partial.number_types(partial.type_at(root, steps))
    name = steps[-1] if steps else "the scenario"
    if not types or steps[0] in _NEVER:
        rule = "is not a number" if not types else "is the same in all replications"
        message = f"{name} cannot be a range, as it {rule}"
        raise _NoRange(Problem(message, dotted(steps), value=dict(node), steps=steps))
    whole = float not in types
    try:
        distribution = Distribution.model_validate(dict(node))
        fractions = distribution.fractions() if whole else ()
        problems = [problem_at(path, message, node) for path, message in fractions]
    except ValidationError as error:
        problems = problems_of(error, Distribution, node)
    if not problems:
        return Range(steps, key, distribution, whole)
    below = [(problem, (*steps, *problem.steps)) for problem in problems]
    raise _NoRange(*(replace(each, path=dotted(path), steps=path) for each, path in below))


def _as_written(data: Any) -> Any:
    """Plain data whose whole numbers have no decimals."""
    if isinstance(data, Mapping):
        return {key: _as_written(value) for key, value in data.items()}
    if isinstance(data, tuple):
        return [_as_written(value) for value in data]
    return int(data) if data == int(data) else data


def _summing_to_1(outcomes: Any, ranged: set[str | int]) -> Any:
    """Outcomes of which those that are no range are scaled; what cannot be is left to its rule."""
    try:
        shares = [float(outcome["share"]) for outcome in outcomes]
    except (TypeError, KeyError, ValueError):
        return outcomes
    total = sum(share for i, share in enumerate(shares) if i not in ranged)
    rest = 1 - sum(share for i, share in enumerate(shares) if i in ranged)
    if rest < 0 or total <= 0 or abs(total - rest) <= 1e-9:
        return outcomes
    return [
        outcome if i in ranged else {**outcome, "share": outcome["share"] * rest / total}
        for i, outcome in enumerate(outcomes)
    ]
