"""Section 1 of STRESS-DES: what the model is for, what it measures, what was asked of it."""

from __future__ import annotations

from smssim.metrics import METRICS, Metric, metric_named
from smssim.pages.describe.markdown import counted, gap, number, paragraph, plain, table
from smssim.pages.describe.study import Study
from smssim.scenario import Check, Scenario


def objectives(study: Study) -> list[str]:
    """Items 1.1 to 1.3."""
    return ["## 1. Objectives", "", *_purpose(study), *_outputs(study.scenario), *_aims(study)]


def _purpose(study: Study) -> list[str]:
    scenario = study.scenario
    return [
        "### 1.1 Purpose of the model",
        "",
        *paragraph(
            "The model simulates the sending of international SMS through Huawei Cloud Message "
            "& SMS:",
            "what is accepted, what packages cover and what is billed, when messages and their "
            "status",
            f"reports arrive. This study simulates {counted(scenario.days, 'day')} with",
            f"{counted(len(scenario.sources), 'source')} of messages and",
            f"{counted(len(scenario.packages), 'package')} in the plan.",
        ),
        *gap("the background of the study, the question it answers, and for whom"),
    ]


def _outputs(scenario: Scenario) -> list[str]:
    lines = ["### 1.2 Model outputs", ""]
    if scenario.checks:
        lines += paragraph("The scenario promises:")
        header = ("promise", "what must hold", "unit", "margin", "the metric is")
        lines += table(header, [_promise(scenario, check) for check in scenario.checks])
    lines += paragraph(
        "Every run has these figures, computed once, when it has ended, from its tables and",
        "tallies. A figure that a run does not have (nothing was delivered, nothing ran out) is "
        "left",
        "out of means.",
    )
    rows = [
        (f"`{name}`", _unit(metric, scenario.currency), _told(metric))
        for name, metric in METRICS.items()
    ]
    lines += table(("figure", "unit", "what it is"), rows)
    return lines + paragraph(
        "Means have Student's t intervals, probabilities Wilson's, quantiles those of order",
        "statistics, all over independent runs.",
    )


def _promise(scenario: Scenario, check: Check) -> tuple[str, ...]:
    metric = metric_named(check.metric, scenario.currency)
    side = "below" if check.above is None else "above"
    return (
        plain(check.name),
        f"{check.kind} of `{check.figure}` {side} {number(check.bound)}",
        _unit(metric, scenario.currency),
        number(check.margin),
        _told(metric),
    )


def _unit(metric: Metric, currency: str) -> str:
    return currency if metric.unit == "currency" else metric.unit


def _told(metric: Metric) -> str:
    return metric.meaning + (f"; one value a {metric.per}" if metric.per else "")


def _aims(study: Study) -> list[str]:
    scenario, experiment = study.scenario, study.experiment
    lines = ["### 1.3 Experimentation aims", ""]
    designs = () if experiment is None else experiment.designs
    if scenario.checks:
        n = counted(len(scenario.checks), "promise")
        lines += paragraph(f"The plan is held to {n} (item 1.2).")
    if len(designs) > 1:
        lines += paragraph(
            f"{len(designs):,} designs are compared, which differ as item 2.3 says, by their",
            "figures over replications that share their random numbers.",
        )
        return lines + gap("why these designs were chosen")
    if experiment is None:
        return lines + paragraph("One plan is described, and no experiment with it.")
    return lines + paragraph("The figures of one plan are estimated from many runs (item 4.3).")
