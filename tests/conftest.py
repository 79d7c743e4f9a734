"""Options of the test run, and how invented worlds are tried.

`--long` runs the long studies, `--ci` what `.ci/run` adds to the default run; `--worlds N` says how
many worlds are invented, `--shrink` lets Hypothesis make a failing world small (minutes).
`--browser` opens JupyterLab in Chromium, which must be there then; `--shots DIR` keeps screenshots
and times.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

OPTIONAL = {
    "browser": "the tests in a browser",
    "ci": "what takes minutes: notebooks, whole projects",
    "long": "the long studies",
}
"""Marked tests that the default run leaves out, by the option that asks for them."""
WORLDS, LONG_WORLDS = 150, 2_000


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the project's own options."""
    group = parser.getgroup("smssim")
    for name, text in OPTIONAL.items():
        group.addoption(f"--{name}", action="store_true", help=f"run {text}, too")
    text = f"invented worlds of the identity test (default {WORLDS}; {LONG_WORLDS} with --long)"
    group.addoption("--worlds", type=int, help=text)
    group.addoption("--shots", help="a directory for screenshots and times of the browser")
    group.addoption("--shrink", action="store_true", help="make failing worlds small (minutes)")


def pytest_configure(config: pytest.Config) -> None:
    """Register the profile `worlds`: nothing is remembered, a failing world is shown as it is."""
    phases = [Phase.explicit, Phase.generate]
    settings.register_profile(
        "worlds",
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        phases=[*phases, Phase.shrink] if config.getoption("--shrink") else phases,
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave marked tests out unless they are asked for."""
    for name in OPTIONAL:
        asked = config.getoption(f"--{name}")
        for item in () if asked else items:
            if item.get_closest_marker(name):
                item.add_marker(pytest.mark.skip(reason=f"ask for it with --{name}"))


@pytest.fixture(scope="session")
def n_worlds(pytestconfig: pytest.Config) -> int:
    """How many worlds to invent where engine and oracle are compared."""
    asked: int | None = pytestconfig.getoption("--worlds")
    return asked or (LONG_WORLDS if pytestconfig.getoption("--long") else WORLDS)
