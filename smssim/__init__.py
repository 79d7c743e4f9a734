"""Simulates and analyses international SMS on Huawei Cloud: cost, run-outs, delivery."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smssim import metrics, plots, report, testing
    from smssim.checks import find
    from smssim.checks.check import check
    from smssim.experiment import compare, replicate, sweep
    from smssim.experiment.uncertainty import uncertainty
    from smssim.forecast.backtest import backtest
    from smssim.forecast.fit import Fit, fit
    from smssim.forecast.watch import watch
    from smssim.logs import read_log, write_capture
    from smssim.pages.describe import describe
    from smssim.pages.page import page
    from smssim.pages.panel import panel
    from smssim.pages.summary import summary
    from smssim.record.record import Record
    from smssim.report.rating.rate import rate
    from smssim.scenario import Scenario, ScenarioError
    from smssim.simulation import policies
    from smssim.simulation.as_of import as_of
    from smssim.simulation.opening import opening_at
    from smssim.simulation.simulate import Run, simulate
    from smssim.sms.templates.check import check_template
    from smssim.sms.templates.values import check_values

__all__ = [
    "Fit",
    "Record",
    "Run",
    "Scenario",
    "ScenarioError",
    "as_of",
    "backtest",
    "check",
    "check_template",
    "check_values",
    "compare",
    "describe",
    "find",
    "fit",
    "forecast",
    "metrics",
    "opening_at",
    "page",
    "panel",
    "plots",
    "policies",
    "rate",
    "read_log",
    "replicate",
    "report",
    "simulate",
    "summary",
    "sweep",
    "testing",
    "uncertainty",
    "watch",
    "write_capture",
]

_MODULE_OF = {
    "Fit": "smssim.forecast.fit",
    "Record": "smssim.record.record",
    "Run": "smssim.simulation.simulate",
    "Scenario": "smssim.scenario",
    "ScenarioError": "smssim.scenario",
    "as_of": "smssim.simulation.as_of",
    "backtest": "smssim.forecast.backtest",
    "check": "smssim.checks",
    "check_template": "smssim.sms.templates",
    "check_values": "smssim.sms.templates",
    "compare": "smssim.experiment",
    "describe": "smssim.pages.describe",
    "opening_at": "smssim.simulation.opening",
    "fit": "smssim.forecast.fit",
    "page": "smssim.pages.page",
    "panel": "smssim.pages.panel",
    "rate": "smssim.report.rating",
    "read_log": "smssim.logs",
    "replicate": "smssim.experiment",
    "simulate": "smssim.simulation.simulate",
    "summary": "smssim.pages.summary",
    "sweep": "smssim.experiment",
    "uncertainty": "smssim.experiment",
    "watch": "smssim.forecast.watch",
    "write_capture": "smssim.logs",
}

_NAMESPACES = {
    "find": "smssim.checks.find",
    "forecast": "smssim.forecast",
    "metrics": "smssim.metrics",
    "plots": "smssim.plots",
    "policies": "smssim.simulation.policies",
    "report": "smssim.report",
    "testing": "smssim.testing",
}


def __getattr__(name: str) -> Any:
    # Imports wait until a name is used, so that `import smssim` and `smssim --help` cost nothing.
    if name in _NAMESPACES:
        return import_module(_NAMESPACES[name])
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'smssim' has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
