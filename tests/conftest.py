"""Options of the test run: `--long` for long studies, `--worlds N` for how many are invented."""

from __future__ import annotations

import pytest

WORLDS, LONG_WORLDS = 150, 2_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the project's own options."""
    group = parser.getgroup("smssim")
    group.addoption("--long", action="store_true", help="run the tests marked long, too")
    text = f"invented worlds of the identity test (default {WORLDS}; {LONG_WORLDS} with --long)"
    group.addoption("--worlds", type=int, help=text)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long tests out unless they are asked for."""
    if config.getoption("--long"):
        return
    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.skip(reason="a long study: ask for it with --long"))


@pytest.fixture(scope="session")
def n_worlds(pytestconfig: pytest.Config) -> int:
    """How many worlds to invent where engine and oracle are compared."""
    asked: int | None = pytestconfig.getoption("--worlds")
    return asked or (LONG_WORLDS if pytestconfig.getoption("--long") else WORLDS)
