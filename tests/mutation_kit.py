"""What mutations are made of: makers of replacements, each from what stood there before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Maker = Callable[[Any], Any]


def value(new: Any) -> Maker:
    """Another value in its place."""
    return lambda original: new


def returns(result: Any) -> Maker:
    """A function that gives always the same."""
    return lambda original: lambda *args, **named: result


def nothing(original: Any) -> Any:
    """A generator that yields nothing."""
    return lambda *args, **named: (never for never in ())


def without(code: str) -> Maker:
    """A function that never gives one code."""

    def make(original: Any) -> Any:
        def judge(*args: Any) -> Any:
            found = original(*args)
            return None if found == code else found

        return judge

    return make


def quiet(*rules: str) -> Maker:
    """A check of templates or values without the findings of some rules."""

    def make(original: Any) -> Any:
        def check(*args: Any) -> Any:
            return (found for found in original(*args) if _rule(found) not in rules)

        return check

    return make


def _rule(found: Any) -> str:
    rule: str = found[0] if isinstance(found, tuple) else found.rule
    return rule


def then(change: Callable[..., Any]) -> Maker:
    """A function as it was, and *change* of the same arguments after it (a constructor's, say)."""

    def make(original: Any) -> Any:
        def act(*args: Any, **named: Any) -> Any:
            result = original(*args, **named)
            change(*args)
            return result

        return act

    return make


def after(change: Callable[[Any], Any]) -> Maker:
    """A function whose result is changed."""
    return lambda original: lambda *args, **named: change(original(*args, **named))


def sets(**values: Any) -> Maker:
    """A constructor after which the object has these values."""

    def change(made: Any, *args: Any) -> None:
        for name, new in values.items():
            setattr(made, name, new)

    return then(change)
