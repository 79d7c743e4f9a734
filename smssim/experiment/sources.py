"""The digest of a policy: of its source, and of everything plain that its source refers to.

A policy whose text cannot be had, or that refers to what has no text of its own, has none.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from hashlib import blake2b
from typing import Any

_PLAIN = (bool, int, float, str, bytes, type(None))


class NoDigestError(ValueError):
    """What a policy does cannot be told from its text."""


def digests_of(policies: Sequence[Any]) -> list[str]:
    """The digests of policies, in order. Raise a NoDigestError for the first that has none."""
    return [digest_of(policy) for policy in policies]


def digest_of(policy: Any) -> str:
    """The digest of a policy: a function, a bound method, a partial, or an object that is called.

    Raise a NoDigestError if it has none.
    """
    return blake2b(json.dumps(_said(policy, ())).encode(), digest_size=16).hexdigest()


def _said(value: Any, above: tuple[int, ...]) -> Any:
    """A value as lists of plain texts; *above* are the ids of the values that it is part of."""
    if isinstance(value, _PLAIN):
        return [type(value).__name__, repr(value)]
    if id(value) in above:
        return "above"
    inside = (*above, id(value))
    if isinstance(value, list | tuple):
        return [type(value).__name__, *(_said(part, inside) for part in value)]
    if isinstance(value, set | frozenset):
        return ["set", *sorted(json.dumps(_said(part, inside)) for part in value)]
    if isinstance(value, dict):
        return ["dict", *([_said(k, inside), _said(v, inside)] for k, v in value.items())]
    if isinstance(value, partial):
        return ["partial", *(_said(p, inside) for p in (value.func, value.args, value.keywords))]
    if inspect.ismodule(value):
        return ["module", value.__name__]
    if inspect.isbuiltin(value):
        return ["builtin", value.__qualname__]
    if inspect.ismethod(value):
        return ["method", value.__name__, _said(value.__self__, inside)]
    if inspect.isfunction(value):
        return ["function", _text(value), _referred(value, inside)]
    if inspect.isclass(value):
        return ["class", _text(value)]
    return ["object", _said(type(value), inside), _state(value, inside)]


def _state(value: Any, inside: tuple[int, ...]) -> Any:
    if is_dataclass(value):
        return [[f.name, _said(getattr(value, f.name), inside)] for f in fields(value)]
    if hasattr(value, "__dict__"):
        return [[name, _said(part, inside)] for name, part in sorted(vars(value).items())]
    raise NoDigestError(f"{value!r} must be plain, or made of what is")


def _referred(function: Callable[..., Any], inside: tuple[int, ...]) -> Any:
    """What a function refers to beyond its own text: closure, globals and defaults."""
    found = inspect.getclosurevars(function)
    own: Any = function
    names = {**found.nonlocals, **found.globals}
    said = [[name, _said(value, inside)] for name, value in sorted(names.items())]
    return [said, _said(own.__defaults__, inside), _said(own.__kwdefaults__, inside)]


def _text(value: Any) -> str:
    if (value.__module__ or "").partition(".")[0] in ("builtins", "smssim", "simpy"):
        # These are the library's own: its version of the rules speaks for them.
        return f"{value.__module__}.{value.__qualname__}"
    try:
        return inspect.getsource(value)
    except (OSError, TypeError) as error:
        raise NoDigestError(f"{value!r} must have a source that can be read: {error}") from error
