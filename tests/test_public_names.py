"""The public names, read aloud once: all say what they are, and one word means one thing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import smssim
from smssim import plots, report, testing
from smssim.checks import find
from smssim.simulation import policies

MODULES = (smssim, find, plots, policies, report, testing)
ONE_MEANING = ("ax", "by", "confidence", "executor", "most", "policies", "rng")
ONE_MEANING += ("rows", "store", "workers", "zone")
"""Arguments that are the same wherever they stand."""


def spoken() -> Iterator[tuple[str, Any]]:
    """Each public class, function, method and property by its full name."""
    for module in MODULES:
        for name in module.__all__:
            own = getattr(module, name)
            if inspect.ismodule(own):
                continue
            yield f"{module.__name__}.{name}", own
            for part, value in vars(own).items() if inspect.isclass(own) else ():
                inner = getattr(value, "fget", None) or getattr(value, "__func__", value)
                inner = getattr(inner, "func", inner)
                if not part.startswith("_") and inspect.isfunction(inner):
                    yield f"{module.__name__}.{name}.{part}", inner


SPOKEN = dict(spoken())


def arguments(own: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(own).parameters)


def test_what_is_public_says_what_it_is() -> None:
    """Not by a base class's words, nor those that a dataclass makes of its fields."""
    silent = [name for name, own in SPOKEN.items() if not vars(own).get("__doc__", own.__doc__)]
    made = [n for n, own in SPOKEN.items() if (own.__doc__ or "").startswith(f"{own.__name__}(")]
    assert len(SPOKEN) > 80
    assert [*silent, *made] == []


def test_what_is_public_has_types() -> None:
    functions = {name: own for name, own in SPOKEN.items() if inspect.isfunction(own)}
    bare = [
        (name, argument)
        for name, own in functions.items()
        for argument, found in arguments(own).items()
        if found.annotation is found.empty and argument not in ("self", "cls")
    ]
    assert bare == []
    empty = inspect.Signature.empty
    assert not [
        n for n, own in functions.items() if inspect.signature(own).return_annotation is empty
    ]


@pytest.mark.parametrize("argument", ONE_MEANING)
def test_one_word_means_one_thing(argument: str) -> None:
    """The same argument takes the same type in every verb."""
    found = {
        name: arguments(own)[argument].annotation
        for name, own in SPOKEN.items()
        if inspect.isfunction(own) and argument in arguments(own)
    }
    assert found
    assert len(set(found.values())) == 1, found


def test_dir_lists_what_is_meant_for_users_and_nothing_else() -> None:
    """Namespaces are among them; each name can be fetched, and no method presents a record."""
    assert dir(smssim) == sorted(smssim.__all__)
    assert {"find", "metrics", "plots", "policies", "report", "testing"} <= set(dir(smssim))
    assert all(getattr(smssim, name) is not None for name in dir(smssim))
    assert not hasattr(smssim.Record, "report")
