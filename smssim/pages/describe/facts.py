"""The facts of a study that its description (`study.md.j2`) is written with: rows and phrases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from smssim.experiment import Experiment
from smssim.experiment.designs import Design
from smssim.experiment.statistics import QUANTILES, statistics_of
from smssim.formatting import number as rounded
from smssim.metrics import METRICS, Metric, metric_named
from smssim.pages.describe.markdown import counted, delay, listed, number, plain, table, value_text
from smssim.pages.describe.rules import rules
from smssim.pages.describe.study import Parameter, Study, merged, parameters
from smssim.scenario import Calls, Check, GroupTask, Scenario, Source
from smssim.scenario.errors.problems import as_written
from smssim.simulation.simulate import provenance

__all__ = ["Rows", "facts"]

_MAIN = ("cost", "messages.requested", "delivered.share", "runout.any")

Rows = list[tuple[str, ...]]


def facts(study: Study) -> dict[str, Any]:
    """All names that the template uses, but for its filters and `table`."""
    scenario, experiment = study.scenario, study.experiment
    every = parameters(scenario, study.countries)
    inputs = [parameter for parameter in every if not parameter.assumed]
    assumed = [parameter for parameter in every if parameter.assumed]
    software = provenance(scenario, study.rng, ())
    designs = () if experiment is None else experiment.designs
    return {
        "scenario": scenario,
        "experiment": experiment,
        "rng": study.rng,
        "designs": designs,
        "design_rows": [_design(study, n, design) for n, design in enumerate(designs)],
        "provenance": _provenance(study, software),
        "software": software,
        "versions": [f"{name} {version}" for name, version in software["versions"].items()],
        "parameters": every,
        "plan_inputs": [parameter for parameter in inputs if "." not in parameter.path],
        "nested_inputs": _by_section(inputs),
        "assumed": assumed,
        "assumptions": merged(assumed),
        "promises": [_promise(scenario, check) for check in scenario.checks],
        "metrics": [_metric(name, scenario.currency) for name in METRICS],
        "traffic_types": _traffic_types(scenario),
        "rules": rules(study),
        "resends": study.again("resend") or study.again("server_resend"),
        "sources": [_source(study, source) for source in scenario.sources],
        "templates": _templates(scenario),
        "routes": [_route(scenario, country) for country in study.countries],
        "packages": _packages(scenario),
        "queues": _queues(study),
        "recipient_files": [str(task.file) for task in scenario.group_tasks if task.file],
        "usable_templates": _usable_templates(scenario),
        "start": as_written(scenario.start),
        "end": as_written(scenario.start + timedelta(days=scenario.days)),
        "figures": [] if experiment is None else _figures(study, experiment),
        "figure_header": _FIGURE_HEADER,
        "parameter_table": _parameter_table,
    }


def _provenance(study: Study, software: dict[str, Any]) -> Rows:
    versions = {**software["versions"], "python": software["python"]}
    return [
        ("scenario", plain(study.scenario.name)),
        ("digest", f"`{software['digest']}`"),
        ("rng", number(study.rng)),
        ("replications", _replications(study)),
        *((name, plain(version)) for name, version in versions.items()),
        ("machine", plain(software["machine"])),
    ]


def _replications(study: Study) -> str:
    if study.experiment is None or not study.experiment.results:
        return "none described"
    tasks = study.experiment.results
    numbers = sorted({task.replication for task in tasks})
    runs = f"{numbers[0]:,} to {numbers[-1]:,}, {len(tasks):,} runs"
    designs = len(study.experiment.designs)
    return runs + (f" of {designs:,} designs" if designs > 1 else "")


def _design(study: Study, n: int, design: Design) -> tuple[str, ...]:
    """A design in a table; one without changes is this scenario, or another one as a whole."""
    digest = design.scenario.digest()
    same = "none" if digest == study.scenario.digest() else "another scenario"
    changes = ", ".join(f"{path} = {value}" for path, value in design.changes.items())
    return f"{n:,}", plain(design.scenario.name), f"`{digest}`", plain(changes) or same


def _promise(scenario: Scenario, check: Check) -> tuple[str, ...]:
    side = "below" if check.above is None else "above"
    meaning = "whether the comparisons hold in a month"
    if check.condition is None:
        meaning = _meaning(metric_named(check.metric, scenario.currency))
    return (
        plain(check.name),
        f"{check.statistic_name} of `{check.figure}` {side} {number(check.bound)}",
        scenario.currency if check.unit == "currency" else check.unit,
        number(check.margin),
        meaning,
    )


def _metric(name: str, currency: str) -> tuple[str, ...]:
    metric = METRICS[name]
    return f"`{name}`", _unit(metric, currency), _meaning(metric)


def _unit(metric: Metric, currency: str) -> str:
    return currency if metric.unit == "currency" else metric.unit


def _meaning(metric: Metric) -> str:
    return metric.meaning + (f"; one value a {metric.per}" if metric.per else "")


def _traffic_types(scenario: Scenario) -> list[str]:
    types = {
        "API traffic": scenario.traffic,
        "calls": scenario.calls,
        "group tasks": scenario.group_tasks,
    }
    return [name for name, sources in types.items() if sources]


def _source(study: Study, source: Source) -> tuple[str, ...]:
    if isinstance(source, GroupTask):
        source_type = "group task"
    elif isinstance(source, Calls):
        source_type = "calls written out"
    else:
        source_type = "API traffic" + (", fraudulent" if source.fraudulent else "")
    names = plain(source.name), source_type, plain(source.template)
    return *names, study.to(source), study.expected(source)


def _templates(scenario: Scenario) -> Rows:
    return [
        (plain(t.name), plain(t.application), t.type, _segments(t.segment_shares()))
        for t in scenario.templates
    ]


def _segments(shares: dict[int, float]) -> str:
    total = sum(shares.values())
    if len(shares) == 1:
        return f"{next(iter(shares))}: all"
    return ", ".join(f"{n}: {share / total:.4g}" for n, share in shares.items())


def _route(scenario: Scenario, country: str) -> tuple[str, ...]:
    route = scenario.route(country)
    outcomes = ", ".join(
        f"{o.status} {number(o.share)}" + ("" if o.latency is None else f" ({delay(o.latency)})")
        for o in route.outcomes
    )
    default = "" if country in scenario.routes else " (default route)"
    return country + default, route.price_text, outcomes, delay(route.latency)


def _packages(scenario: Scenario) -> Rows:
    return [
        (
            f"{index}",
            package.country,
            number(package.segments),
            number(package.price_micro / 1e6),
            "start of the run" if package.at is None else value_text(package.at),
            counted(package.valid_days, "day")
            if package.valid_days is not None
            else counted(package.valid_months or 1, "month"),
        )
        for index, package in enumerate(scenario.purchases)
    ]


def _queues(study: Study) -> str:
    applications = (application.name for application in study.scenario.applications)
    return {
        "shared": "one, of all messages",
        "application": f"one of each application: {listed(applications)}",
        "route": f"one of each country: {listed(study.countries)}",
    }[study.scenario.queue.scope]


def _by_section(inputs: Sequence[Parameter]) -> dict[str, list[Parameter]]:
    """The parameters below each section of the file that has any, in its order."""
    sections: dict[str, list[Parameter]] = {}
    for parameter in inputs:
        if "." in parameter.path:
            sections.setdefault(parameter.section, []).append(parameter)
    order = dict.fromkeys(parameter.section for parameter in inputs)
    return {name: merged(sections[name]) for name in order if name in sections}


def _parameter_table(rows: Iterable[Parameter]) -> str:
    """Parameters as a table, a row each."""
    cells = [(f"`{row.path}`", row.value, row.origin, _cell(row.meaning)) for row in rows]
    return table(("parameter", "value", "origin", "what it is"), cells)


def _cell(meaning: str) -> str:
    escaped = meaning.replace("|", "\\|")
    return escaped[:1].upper() + escaped[1:]


def _usable_templates(scenario: Scenario) -> list[str]:
    """Templates that are usable at the start; none where the account is yet to be opened."""
    if scenario.onboarding is not None:
        return []
    created = {a.name for a in scenario.applications if a.created is None}
    return [t.name for t in scenario.templates if not t.submitted and t.application in created]


_FIGURE_HEADER = ("figure", "unit", "statistic", "estimate", "low", "high", *QUANTILES, "n")


def _figures(study: Study, experiment: Experiment) -> list[tuple[Design, Rows]]:
    """The figures of each design; of several designs the main ones and those promised."""
    names: Sequence[str] = experiment.kpi_names
    if len(experiment.designs) > 1:
        promised = (one.figure for check in study.scenario.checks for one in check.measures)
        wanted = {*_MAIN, *promised}
        names = [name for name in names if name in wanted]
    return [
        (design, [row for name in names if (row := _figure(experiment, name, index))])
        for index, design in enumerate(experiment.designs)
    ]


def _figure(experiment: Experiment, name: str, design: int) -> tuple[str, ...] | None:
    """A row of a figure's table; None if no run has it."""
    statistics = statistics_of(name, experiment.values(name, design), 0.95)
    by_name = {statistic.statistic: statistic for statistic in statistics}
    first = next(iter(by_name.values()))
    if not first.n:
        return None
    values = [rounded(value) for value in (first.estimate, first.low, first.high)]
    quantiles = [rounded(by_name[q].estimate) if q in by_name else "" for q in QUANTILES]
    unit = experiment.unit(name)
    return f"`{name}`", unit, first.statistic, *values, *quantiles, f"{first.n:,}"
