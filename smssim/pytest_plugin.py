"""The plugin of pytest: promises of listed scenario files as tests, and fixtures for one's own.

Where a project lists nothing and asks for no fixture, nothing but this file is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from smssim.simulation.simulate import Run
    from smssim.testing.promise_tests import AssertPromise

__all__ = ["assert_promise", "pytest_addoption", "pytest_sessionstart", "simulate"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings of a project."""
    scenarios = "scenario files whose promises are tests: globs from this file's directory, ** too"
    parser.addini("smssim_scenarios", scenarios, type="linelist", default=[])
    undecided = "what a promise that stays undecided counts as: fail (default) or pass"
    parser.addini("smssim_undecided", undecided, type="string", default="fail")
    workers = "processes that simulate: 1 under xdist if nothing is said, else one a core"
    # Whole numbers in TOML came with pytest 8.4; an older one would refuse the type.
    ini_type: Any = "int" if pytest.version_tuple >= (8, 4) else "string"
    parser.addini("smssim_workers", workers, type=ini_type, default=None)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Collect scenario files, if any are listed, before workers of xdist start."""
    if session.config.getini("smssim_scenarios"):
        from smssim.testing.promise_tests import ListedScenarios

        session.config.pluginmanager.register(
            ListedScenarios.of(session.config), "smssim-scenarios"
        )


@pytest.fixture(scope="session")
def simulate(pytestconfig: pytest.Config) -> Callable[..., Run]:
    """`smssim.simulate`, whose relative paths start at the directory of the ini file."""
    from smssim.simulation.simulate import simulate as run
    from smssim.testing.promise_tests import Settings

    settings = Settings.of(pytestconfig)

    def simulated(scenario: Any, **how: Any) -> Run:
        if how.get("out") is not None:
            how["out"] = settings.placed(how["out"])
        return run(settings.placed(scenario), **how)

    return simulated


@pytest.fixture(scope="session")
def assert_promise(pytestconfig: pytest.Config) -> AssertPromise:
    """Asserts that a scenario keeps a promise, at a stated risk; `AssertPromise` says how."""
    from smssim.testing.promise_tests import AssertPromise, Settings

    return AssertPromise(Settings.of(pytestconfig))
