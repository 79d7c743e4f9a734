"""Every parameter of a scenario with its value, its meaning, and where the value comes from.

They are walked as the scenario's own classes declare them, so that none can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from smssim.pages.describe.markdown import counted, number, shown
from smssim.scenario import Call, Delay, Route, Scenario
from smssim.scenario.fields import Part

ASSUMPTION = "Assumption: "
_NO_INPUT = ("rng", "checks", "checking")
_NOTHING: tuple[Any, ...] = (None, (), {}, "")
_LISTS = {"applications", "templates", "packages", "tickets", "traffic", "calls", "group_tasks"}
_LISTS |= {"routes", "registrations"}
MOST = 50
"""Requests of a source that are written out one by one and shown so."""


class Parameter(NamedTuple):
    """One value of a scenario: where it stands, what it is, what it means.

    *assumed* says whether the service's documents are silent, *given* whether the file gives it.
    """

    path: str
    value: str
    meaning: str
    assumed: bool
    given: bool

    @property
    def part(self) -> str:
        """The part of the scenario that it belongs to."""
        return self.path.partition(".")[0]

    @property
    def origin(self) -> str:
        """Where the value comes from, in a word."""
        return "given" if self.given else "default"


def parameters(scenario: Scenario, countries: Iterable[str] = ()) -> list[Parameter]:
    """All parameters that have a value, in the order of the file's format.

    If any of the *countries* has no route of its own, the default one stands as `routes.default`.
    """
    found = list(_of_part(scenario, "", skip=_NO_INPUT))
    if set(countries) - set(scenario.routes):
        found += _of_part(Route(), "routes.default", given=False)
    return found


def _of_part(
    part: Part, path: str, *, given: bool = True, skip: tuple[str, ...] = ()
) -> Iterator[Parameter]:
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if name in skip or field.exclude or value in _NOTHING:
            continue
        where = f"{path}.{name}" if path else name
        about = " ".join((field.description or "").split())
        own = Parameter(
            where,
            shown(value) if not _has_parts(value) else "",
            about.removeprefix(ASSUMPTION),
            about.startswith(ASSUMPTION),
            given and name in part.model_fields_set,
        )
        yield from [own] if own.value else _of_value(value, own)


def _of_value(value: Any, own: Parameter) -> Iterator[Parameter]:
    """What is in a part, or in a list or mapping of some."""
    if isinstance(value, Part):
        yield from _of_part(value, own.path, given=own.given)
        return
    for key, child in _children(value):
        path = f"{own.path}.{key}"
        if isinstance(child, Call):
            yield from [own._replace(path=path, value=_call(child))] if int(key) < MOST else []
        elif own.assumed or not isinstance(child, Part) or isinstance(child, Delay):
            yield own._replace(path=path, value=_fields(child))
        else:
            yield from _of_part(child, path, given=own.given)
    if isinstance(value, tuple) and isinstance(value[0], Call) and len(value) > MOST:
        more = f"{number(len(value) - MOST)} more requests, which stand in the appendix"
        yield own._replace(value=more)


def _has_parts(value: Any) -> bool:
    if isinstance(value, Delay):
        return False
    return isinstance(value, Part) or any(isinstance(own, Part) for _, own in _children(value))


def _children(value: Any) -> list[tuple[str, Any]]:
    """What is in a list or mapping, by its key."""
    if isinstance(value, Mapping):
        return [(str(key), own) for key, own in value.items()]
    if isinstance(value, tuple | list):
        return [(str(place), own) for place, own in enumerate(value)]
    return []


def _fields(part: Any) -> str:
    """The values of a small part by name."""
    if isinstance(part, Delay) or not isinstance(part, Part):
        return shown(part)
    values = {name: getattr(part, name) for name in type(part).model_fields}
    return ", ".join(f"{n} {_fields(v)}" for n, v in values.items() if v not in _NOTHING)


def _call(call: Call) -> str:
    """A request that is written out: when, how many numbers, and what is fixed of them."""
    kinds: dict[str, int] = {}
    for recipient in call.to:
        told = _fields(recipient) or "by chance"
        kinds[told] = kinds.get(told, 0) + 1
    numbers = "; ".join(f"{counted(n, 'number')} ({told})" for told, n in kinds.items())
    return f"at {shown(call.at)}: {numbers}"


def together(found: Iterable[Parameter]) -> list[Parameter]:
    """Items of a list that share a value of the same name as one row: `traffic.0, 2.hours`."""
    rows: dict[tuple[Any, ...], list[Parameter]] = {}
    for one in found:
        head, place, name = _split(one.path)
        rows.setdefault((head, name, *one[1:]), []).append(one._replace(path=place))
    return [
        own[0]._replace(path=_joined(key[0], [one.path for one in own], key[1]))
        for key, own in rows.items()
    ]


def _split(path: str) -> tuple[str, str, str]:
    """The list or mapping that a path leads into, the item, and the rest.

    >>> _split("traffic.0.flaws.password"), _split("queue.scope")
    (('traffic', '0', 'flaws.password'), ('queue.scope', '', ''))
    """
    head, _, rest = path.partition(".")
    place, _, name = rest.partition(".")
    return (head, place, name) if head in _LISTS and name else (path, "", "")


def _joined(head: str, places: list[str], name: str) -> str:
    return f"{head}.{', '.join(places)}.{name}" if name else head
