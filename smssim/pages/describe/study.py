"""What a description is made of: the scenario, the runs, and who sends what where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from smssim.experiment import Comparison, Experiment
from smssim.pages.describe.markdown import counted, number, plain, value_text
from smssim.scenario import Call, Calls, Delay, GroupTask, Route, Scenario, ScenarioError, Source
from smssim.scenario.destinations import destinations
from smssim.scenario.fields import ScenarioModel

__all__ = ["MOST", "Parameter", "Study", "merged", "parameters"]


class Study:
    """A scenario, and the experiment that was made with it, if there is one.

    Raise a ValueError for an experiment whose first design is not made from the scenario.
    """

    def __init__(
        self, scenario: Scenario, experiment: Experiment | Comparison | None = None
    ) -> None:
        if isinstance(experiment, Comparison):
            experiment = experiment.experiment
        self.scenario, self.experiment = scenario, experiment
        if experiment is not None:
            first = experiment.designs[0]
            digest = scenario.change(**first.changes).digest()
            if digest != first.scenario.digest():
                message = f"experiment(={experiment!r}) must be of the scenario {scenario.name!r}"
                raise ValueError(f"{message}: {first.scenario.digest()} is not {digest}")

    @property
    def rng(self) -> int:
        """The seed that runs have."""
        return self.scenario.rng if self.experiment is None else self.experiment.rng

    @cached_property
    def countries(self) -> list[str]:
        """The countries that somebody sends to, as far as files of group tasks are at hand."""
        try:
            return sorted(set().union(*destinations(self.scenario).values()))
        except (ScenarioError, ValueError):
            sources = self.scenario.sources
            return sorted(
                {
                    c
                    for s in sources
                    for c in (s.countries if isinstance(s, GroupTask) else [s.country])
                }
            )

    def expected(self, source: Source) -> str:
        """How many messages of a source are born in a run, resends left out."""
        scenario = self.scenario
        if isinstance(source, GroupTask):
            total = sum(source.countries.values())
            if source.cancelled is not None:
                return "none: it is cancelled"
            return (
                number(total)
                if source.file is None
                else f"the numbers of {plain(str(source.file))}"
            )
        mean = scenario.expected_messages(source)
        exact = isinstance(source, Calls)
        return number(int(mean)) if exact else f"{mean:,.1f} on average"

    def to(self, source: Source) -> str:
        """Where a source sends to."""
        if isinstance(source, GroupTask):
            return value_text(source.countries) if source.countries else "as in its file"
        return source.country

    def has(self, source_type: type) -> bool:
        """Whether any source is of a kind."""
        return any(isinstance(source, source_type) for source in self.scenario.sources)

    def again(self, name: str) -> Sequence[str]:
        """The sources whose messages are sent again, by users or by servers."""
        return [s.name for s in self.scenario.sources if getattr(s, name, None) is not None]


# Every parameter of a scenario with its value, its meaning, and where the value comes from.

_ASSUMPTION = "Assumption: "
_NO_INPUT = ("rng", "checks", "checking")
_NOTHING: tuple[Any, ...] = (None, (), {}, "")
_LISTS = {"applications", "templates", "packages", "tickets", "traffic", "calls", "group_tasks"}
_LISTS |= {"routes", "registrations"}
MOST = 50
"""Requests of a source that are written out one by one and shown so."""


class Parameter(NamedTuple):
    """One value of a scenario: where it stands, what it is, what it means.

    *assumed* says whether the service's documents are silent, *in_file* whether the file gives it.
    """

    path: str
    value: str
    meaning: str
    assumed: bool
    in_file: bool

    @property
    def section(self) -> str:
        """The part of the scenario that it belongs to."""
        return self.path.partition(".")[0]

    @property
    def origin(self) -> str:
        """Where the value comes from, in a word."""
        return "given" if self.in_file else "default"


def parameters(scenario: Scenario, countries: Iterable[str] = ()) -> list[Parameter]:
    """All parameters that have a value, in the order of the file's format.

    If any of the *countries* has no route of its own, the default one stands as `routes.default`.
    """
    every = [_ranged(scenario, parameter) for parameter in _of_model(scenario, "", skip=_NO_INPUT)]
    if set(countries) - set(scenario.routes):
        every += _of_model(Route(), "routes.default", in_file=False)
    return every


def _ranged(scenario: Scenario, parameter: Parameter) -> Parameter:
    """A parameter with the ranges of its numbers instead of, or next to, their middles."""
    for one in scenario.ranges:
        if one.path == parameter.path:
            return parameter._replace(value=f"range: {plain(str(one))}")
        if one.path.startswith(f"{parameter.path}."):
            rest = one.path.removeprefix(f"{parameter.path}.")
            value = f"{parameter.value}; {plain(rest)} is a range: {plain(str(one))}"
            parameter = parameter._replace(value=value)
    return parameter


def _of_model(
    model: ScenarioModel, path: str, *, in_file: bool = True, skip: tuple[str, ...] = ()
) -> Iterator[Parameter]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if name in skip or field.exclude or value in _NOTHING:
            continue
        where = f"{path}.{name}" if path else name
        about = " ".join((field.description or "").split())
        parameter = Parameter(
            where,
            value_text(value) if not _has_models(value) else "",
            about.removeprefix(_ASSUMPTION),
            about.startswith(_ASSUMPTION),
            in_file and name in model.model_fields_set,
        )
        yield from [parameter] if parameter.value else _of_value(value, parameter)


def _of_value(value: Any, parent: Parameter) -> Iterator[Parameter]:
    """What is in a part, or in a list or mapping of some."""
    if isinstance(value, ScenarioModel):
        yield from _of_model(value, parent.path, in_file=parent.in_file)
        return
    for key, child in _children(value):
        path = f"{parent.path}.{key}"
        if isinstance(child, Call):
            yield from [parent._replace(path=path, value=_call(child))] if int(key) < MOST else []
        elif parent.assumed or not isinstance(child, ScenarioModel) or isinstance(child, Delay):
            yield parent._replace(path=path, value=_fields(child))
        else:
            yield from _of_model(child, path, in_file=parent.in_file)
    if isinstance(value, tuple) and isinstance(value[0], Call) and len(value) > MOST:
        more = f"{number(len(value) - MOST)} more requests, which stand in the appendix"
        yield parent._replace(value=more)


def _has_models(value: Any) -> bool:
    if isinstance(value, Delay):
        return False
    return isinstance(value, ScenarioModel) or any(
        isinstance(child, ScenarioModel) for _, child in _children(value)
    )


def _children(value: Any) -> list[tuple[str, Any]]:
    """What is in a list or mapping, by its key."""
    if isinstance(value, Mapping):
        return [(str(key), child) for key, child in value.items()]
    if isinstance(value, tuple | list):
        return [(str(index), child) for index, child in enumerate(value)]
    return []


def _fields(model: Any) -> str:
    """The values of a small part by name."""
    if isinstance(model, Delay) or not isinstance(model, ScenarioModel):
        return value_text(model)
    values = {name: getattr(model, name) for name in type(model).model_fields}
    return ", ".join(f"{n} {_fields(v)}" for n, v in values.items() if v not in _NOTHING)


def _call(call: Call) -> str:
    """A request that is written out: when, how many numbers, and what is fixed of them."""
    counts: dict[str, int] = {}
    for recipient in call.to:
        text = _fields(recipient) or "by chance"
        counts[text] = counts.get(text, 0) + 1
    numbers = "; ".join(f"{counted(n, 'number')} ({text})" for text, n in counts.items())
    return f"at {value_text(call.at)}: {numbers}"


def merged(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Items of a list that share a value of the same name as one row: `traffic.0, 2.hours`."""
    rows: dict[tuple[Any, ...], list[Parameter]] = {}
    for parameter in parameters:
        head, item, name = _split(parameter.path)
        rows.setdefault((head, name, *parameter[1:]), []).append(parameter._replace(path=item))
    return [
        same[0]._replace(path=_joined(key[0], [row.path for row in same], key[1]))
        for key, same in rows.items()
    ]


def _split(path: str) -> tuple[str, str, str]:
    """The list or mapping that a path leads into, the item, and the rest.

    >>> _split("traffic.0.flaws.password"), _split("queue.scope")
    (('traffic', '0', 'flaws.password'), ('queue.scope', '', ''))
    """
    head, _, rest = path.partition(".")
    item, _, name = rest.partition(".")
    return (head, item, name) if head in _LISTS and name else (path, "", "")


def _joined(head: str, items: list[str], name: str) -> str:
    return f"{head}.{', '.join(items)}.{name}" if name else head
