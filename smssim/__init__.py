"""Simulates and analyses international SMS on Huawei Cloud: cost, run-outs, delivery."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smssim import find, metrics, plots, policies, report
    from smssim.checks import check
    from smssim.description import describe
    from smssim.experiment import compare, replicate, sweep
    from smssim.face import panel
    from smssim.logs import read_log, write_capture
    from smssim.rating import rate
    from smssim.record import Record
    from smssim.run import Run, simulate
    from smssim.scenario import Scenario, ScenarioError
    from smssim.templates import check_template, check_values

__all__ = [
    "Record",
    "Run",
    "Scenario",
    "ScenarioError",
    "check",
    "check_template",
    "check_values",
    "compare",
    "describe",
    "find",
    "metrics",
    "panel",
    "plots",
    "policies",
    "rate",
    "read_log",
    "replicate",
    "report",
    "simulate",
    "sweep",
    "write_capture",
]

_HOMES = {
    "Record": "smssim.record",
    "Run": "smssim.run",
    "Scenario": "smssim.scenario",
    "ScenarioError": "smssim.scenario",
    "check": "smssim.checks",
    "check_template": "smssim.templates",
    "check_values": "smssim.templates",
    "compare": "smssim.experiment",
    "describe": "smssim.description",
    "panel": "smssim.face",
    "rate": "smssim.rating",
    "read_log": "smssim.logs",
    "replicate": "smssim.experiment",
    "simulate": "smssim.run",
    "sweep": "smssim.experiment",
    "write_capture": "smssim.logs",
}


def __getattr__(name: str) -> Any:
    # Imports wait until a name is used, so that `import smssim` and `smssim --help` cost nothing.
    if name in ("find", "metrics", "plots", "policies", "report"):
        return import_module(f"smssim.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'smssim' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
