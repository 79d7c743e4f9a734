"""Switches one rule of the library off in this process, before any test runs.

A function is replaced wherever it was imported to, other things where they stand alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import pytest


class Mutation(NamedTuple):
    """Where a rule stands, as `module:name` or `module:Class.name`, and what stands there instead,
    made from what stood there.
    """

    target: str
    instead: Callable[[Any], Any]


class Mutant:
    """A pytest plugin that applies one mutation and remembers what failed first."""

    def __init__(self, mutation: Mutation | None) -> None:
        self._mutation = mutation
        self.failed = ""
        self.seen: dict[str, str] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """All modules are imported by now, those of the tests too."""
        if self._mutation is not None and session.items:
            apply(self._mutation)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the outcome of each test, and why the first one failed."""
        name = report.nodeid.partition("[")[0]
        if report.failed:
            self.seen[name] = "failed"
            crash = getattr(report.longrepr, "reprcrash", None)
            said = crash.message.splitlines()[0] if crash and crash.message else "error"
            self.failed = self.failed or f"{name.rpartition('::')[2]}: {said}"
        elif report.when == "call" and report.passed:
            self.seen.setdefault(name, "passed")


def apply(mutation: Mutation) -> None:
    """Put the mutation in place; raise an AttributeError if there is nothing at its target."""
    module_name, _, path = mutation.target.partition(":")
    *classes, name = path.split(".")
    owner: Any = import_module(module_name)
    for step in classes:
        owner = getattr(owner, step)
    original = vars(owner)[name]
    replacement = mutation.instead(original)
    setattr(owner, name, replacement)
    if not classes and getattr(original, "__module__", None) == module_name:
        for module in list(sys.modules.values()):
            for key, value in list(vars(module).items()) if module else ():
                if value is original and _is_ours(module):
                    setattr(module, key, replacement)


def _is_ours(module: Any) -> bool:
    name = module.__name__
    return name.startswith(("smssim", "test_"))
