"""Section 2 of STRESS-DES: how the model works, by the rules that this scenario switches on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta

from smssim.experiment import Experiment
from smssim.experiment.designs import Design
from smssim.experiment.statistics import QUANTILES, statistics_of
from smssim.metrics import METRICS, Metric, metric_named
from smssim.pages.describe.markdown import (
    bullets,
    counted,
    delay,
    gap,
    listed,
    number,
    paragraph,
    plain,
    shown,
    table,
)
from smssim.pages.describe.rules import rules
from smssim.pages.describe.study import Parameter, Study, parameters, together
from smssim.scenario import Calls, Check, GroupTask, Scenario, Source
from smssim.scenario.errors.problems import as_written
from smssim.simulation.simulate import provenance as of_run
from smssim.simulation.simulate import provenance as provenance_simulate

# Item 2.5 of STRESS-DES: entities, activities, resources, queues, where messages come and go.


def components(study: Study) -> list[str]:
    """Items 2.5.1 to 2.5.5."""
    return [
        "### 2.5 Components",
        "",
        *_entities(study),
        *_activities(study),
        *_resources(study),
        *_queues(study),
        *_ways(),
    ]


def _entities(study: Study) -> list[str]:
    rows = [
        (
            plain(source.name),
            _kind(source),
            plain(source.template),
            study.to(source),
            study.expected(source),
        )
        for source in study.scenario.sources
    ]
    templates = [
        (plain(t.name), plain(t.application), t.type, _segments(t.segment_shares()))
        for t in study.scenario.templates
    ]
    return [
        "#### 2.5.1 Entities",
        "",
        *paragraph(
            "The entity is a message to one number, with its country, template, segments and "
            "place in",
            "its request. Copies that are sent again are entities of their own, not counted here.",
        ),
        *table(("source", "kind", "template", "to", "messages planned"), rows),
        *paragraph("Templates, which say how many segments a message has:"),
        *table(("template", "application", "type", "share by segments"), templates),
    ]


def _kind(source: Source) -> str:
    if isinstance(source, GroupTask):
        return "group task"
    if isinstance(source, Calls):
        return "calls written out"
    return "API traffic" + (", fraudulent" if source.fraudulent else "")


def _segments(shares: dict[int, float]) -> str:
    total = sum(shares.values())
    if len(shares) == 1:
        return f"{next(iter(shares))}: all"
    return ", ".join(f"{n}: {share / total:.4g}" for n, share in shares.items())


def _activities(study: Study) -> list[str]:
    scenario = study.scenario
    rows = []
    for country in study.countries:
        route = scenario.route(country)
        outcomes = ", ".join(f"{o.status} {number(o.share)}" for o in route.outcomes)
        own = "" if country in scenario.routes else " (default route)"
        rows.append((country + own, number(route.price), outcomes, delay(route.latency)))
    price = f"price a segment, {scenario.currency}"
    return [
        "#### 2.5.2 Activities",
        "",
        *paragraph(
            "Delivery is the activity of a sent message: from leaving the queue to its final "
            "status.",
            "`none` is a message without any report. Pushes of status reports and the review of",
            "templates are activities beside it.",
        ),
        *table(("country", price, "shares of final statuses", "delay"), rows),
    ]


def _resources(study: Study) -> list[str]:
    scenario = study.scenario
    quota, limits = scenario.quota, scenario.thresholds
    lines = ["#### 2.5.3 Resources", ""]
    if scenario.packages:
        rows = [
            (
                f"{place}",
                package.country,
                number(package.segments),
                number(package.price),
                "start of the run" if package.at is None else shown(package.at),
                counted(package.valid_days, "day")
                if package.valid_days is not None
                else counted(package.valid_months or 1, "month"),
            )
            for place, package in enumerate(scenario.packages)
        ]
        price = f"price, {scenario.currency}"
        header = (
            "package",
            "country",
            "segments",
            price,
            "bought at, at the earliest",
            "valid for",
        )
        lines += paragraph("Packages of segments, used up by messages; one is bought when a first")
        lines[-2] += " template is approved, if that is later:"
        lines += table(header, rows)
    else:
        lines += paragraph("There is no package in the plan.")
    reviewers = scenario.review.reviewers
    desk = "without a bound" if reviewers is None else f"of {counted(reviewers, 'reviewer')}"
    return lines + paragraph(
        f"Limits of {number(limits.daily_limit)} messages a day and "
        f"{number(limits.monthly_limit)} a",
        f"month (upper bounds {number(quota.daily_limit)} and {number(quota.monthly_limit)}), a",
        f"review desk {desk}, and the throughput of the queue.",
    )


def _queues(study: Study) -> list[str]:
    queue, scenario = study.scenario.queue, study.scenario
    which = {
        "shared": "one, of all messages",
        "application": f"one of each application: {listed(a.name for a in scenario.applications)}",
        "route": f"one of each country: {listed(study.countries)}",
    }[queue.scope]
    room = "unbounded" if queue.capacity is None else f"{number(queue.capacity)} messages"
    return [
        "#### 2.5.4 Queues",
        "",
        *paragraph(
            f"Queues of accepted messages: {which}. First in, first out; room: {room}; from one",
            f"message to the next pass {number(queue.gap_us)} microseconds at least. Submitted "
            f"templates wait for",
            "the review desk.",
        ),
    ]


def _ways() -> list[str]:
    return [
        "#### 2.5.5 Entry and exit points",
        "",
        *paragraph(
            "A message enters when its request or task is submitted. It leaves when it is refused,",
            "or with its final status; its status reports leave when they are received or lost. "
            "What",
            "is under way at the end of the run is counted as in flight or pending.",
        ),
    ]


# Section 3 of STRESS-DES: the data, every value with its origin, and what is assumed.


def data(study: Study) -> list[str]:
    """Items 3.1 to 3.4."""
    return ["## 3. Data", "", *_sources(), *_prepared(study), *_inputs(study), *_assumed(study)]


def _sources() -> list[str]:
    return [
        "### 3.1 Data sources",
        "",
        *bullets(
            [
                "The service's rules: Huawei Cloud's public documents of Message & SMS, as "
                "collected "
                "with their dates in smssim's `docs/domain.md`, whose sections this text cites.",
                "Workdays of the review desk: the Chinese calendar with its make-up days.",
                "Zones, capitals and calling codes of countries: tables that travel with smssim.",
            ]
        ),
        *gap(
            "where the plan's own numbers come from: traffic, prices, package sizes, shares of "
            "statuses, delays"
        ),
    ]


def _prepared(study: Study) -> list[str]:
    files = [
        str(task.file)
        for task in study.scenario.group_tasks
        if isinstance(task, GroupTask) and task.file is not None
    ]
    told = (
        f"Recipient files ({listed(files)}) are read as the Group SMS Assistant does: numbers in "
        "column A, duplicates and invalid numbers dropped and counted."
        if files
        else "None: the scenario's values are used as they are given."
    )
    scaled = "Of weights of hours and weekdays, and of shares of sizes, only the proportions count."
    return ["### 3.2 Pre-processing", "", *paragraph(told, scaled)]


def _inputs(study: Study) -> list[str]:
    found = [one for one in parameters(study.scenario, study.countries) if not one.assumed]
    parts = dict.fromkeys(one.part for one in found)
    lines = paragraph(
        "*given*: the scenario says so. *default*: the scenario says nothing, and this is what "
        "then",
        "holds. Values that are assumptions stand in item 3.4. Lists are numbered from 0.",
    )
    plan = [one for one in found if "." not in one.path]
    lines += _table(plan)
    for part in parts:
        own = [one for one in found if one.part == part and "." in one.path]
        if own:
            lines += [f"#### {part.replace('_', ' ').capitalize()}", "", *_table(together(own))]
    return ["### 3.3 Input parameters", "", *lines]


def _assumed(study: Study) -> list[str]:
    found = [one for one in parameters(study.scenario, study.countries) if one.assumed]
    return [
        "### 3.4 Assumptions",
        "",
        *paragraph(
            f"Huawei's public documents do not settle {counted(len(found), 'value')} of this "
            f"scenario;",
            "whatever hangs on one of them hangs on an assumption. smssim's `docs/domain.md`, "
            "section",
            "14, says what was looked for and not found.",
        ),
        *_table(together(found)),
    ]


def _table(found: Iterable[Parameter]) -> list[str]:
    rows = [(f"`{one.path}`", one.value, one.origin, _cell(one.meaning)) for one in found]
    return table(("parameter", "value", "origin", "what it is"), rows)


def _cell(meaning: str) -> str:
    told = meaning.replace("|", "\\|")
    return told[:1].upper() + told[1:]


# Section 4 of STRESS-DES: how runs begin, how long they are, how figures are estimated.

_MAIN = ("cost", "messages.requested", "delivered.share", "runout.any")


def experimentation(study: Study) -> list[str]:
    """Items 4.1 to 4.3."""
    scenario = study.scenario
    end = scenario.start + timedelta(days=scenario.days)
    return [
        "## 4. Experimentation",
        "",
        "### 4.1 Initialisation",
        "",
        *paragraph(
            "A run begins with empty queues, counters at 0 and no message in flight; there is no",
            "warm-up, for the period is the one that is asked about, and it ends.",
            _ready(scenario),
        ),
        "### 4.2 Run length",
        "",
        *paragraph(
            f"From {as_written(scenario.start)} up to {as_written(end)}, "
            f"{counted(scenario.days, 'day')} of 24",
            "hours, the end excluded. What is not known by then stays open and is counted so.",
        ),
        "### 4.3 Estimation approach",
        "",
        *_promised(scenario),
        *(_no_runs() if study.experiment is None else _estimated(study, study.experiment)),
    ]


def _ready(scenario: Scenario) -> str:
    """Which templates are usable at the start; where the account is to be made, none is."""
    if scenario.onboarding is not None:
        return ""
    made = {a.name for a in scenario.applications if a.created is None}
    own = [t.name for t in scenario.templates if t.submitted is None and t.application in made]
    return f"Usable before the start: {listed(own)}." if own else ""


def _promised(scenario: Scenario) -> list[str]:
    if not scenario.checks:
        return []
    rule = scenario.checking
    return paragraph(
        f"Item 1.2 has {counted(len(scenario.checks), 'promise')}, decided by `smssim check`:",
        "replications are looked at one by one until each verdict is certain, however often one",
        f"looks. What is kept fails with probability {number(rule.false_alarm)} at most; what is",
        f"broken by more than its margin passes with probability {number(rule.miss)} at most, all",
        f"promises together. After {counted(rule.most_runs, 'run')} a verdict stays open. Promises",
        "of a mean keep these risks as far as they were measured (smssim's `docs/checks.md`).",
    )


def _no_runs() -> list[str]:
    return paragraph(
        "No runs are part of this description: `smssim describe SCENARIO --n 200` makes 200 and "
        "adds",
        "their figures.",
    )


def _estimated(study: Study, experiment: Experiment) -> list[str]:
    runs, failed = len(experiment.results), experiment.failed
    several = len(experiment.designs) > 1
    lines = paragraph(
        f"{counted(runs, 'run')} with rng {number(experiment.rng)}, each replication with random",
        "numbers of its own.",
        "Designs share those of a replication, so that differences are paired." if several else "",
        f"{counted(failed, 'run')} failed and are left out." if failed else "No run failed.",
        "Intervals are at 95 % for each figure by itself. *n* counts the runs that have the "
        "figure.",
    )
    promised = [check.figure for check in study.scenario.checks]
    for place, design in enumerate(experiment.designs):
        if several:
            lines += paragraph(f"Design {place:,}, {plain(design.label)}:")
        names = experiment.kpi_names
        if several:
            names = [name for name in names if name in (*_MAIN, *promised)]
        lines += _figures(experiment, names, place)
    return lines


def _figures(experiment: Experiment, names: Sequence[str], design: int) -> list[str]:
    rows = []
    for name in names:
        own = {s.statistic: s for s in statistics_of(name, experiment.values(name, design), 0.95)}
        first = next(iter(own.values()))
        if not first.n:
            continue
        quantiles = [_rounded(own[q].estimate) if q in own else "" for q in QUANTILES]
        values = [_rounded(value) for value in (first.estimate, first.low, first.high)]
        rows.append(
            (
                f"`{name}`",
                experiment.unit(name),
                first.statistic,
                *values,
                *quantiles,
                f"{first.n:,}",
            )
        )
    header = ("figure", "unit", "statistic", "estimate", "low", "high", *QUANTILES, "n")
    return table(header, rows)


def _rounded(value: float) -> str:
    """A figure with four digits that count, or whole if large; a dash if nothing bounds it."""
    if not math.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


# Sections 5 and 6 of STRESS-DES: the software, the random numbers, and where it all is.


def implementation(study: Study) -> list[str]:
    """Items 5.1 to 5.4."""
    made = provenance_simulate(study.scenario, study.rng, ())
    versions = [f"{name} {version}" for name, version in made["versions"].items()]
    return [
        "## 5. Implementation",
        "",
        "### 5.1 Software or programming language",
        "",
        *paragraph(f"Python {plain(made['python'])}; {plain(', '.join(versions))}."),
        "### 5.2 Random sampling",
        "",
        *paragraph(
            "Every random number is a 64-bit mixing function of a key (seed, replication, name "
            "of the",
            "source, UTC hour, purpose) and a counter (request, recipient, copy); no generator "
            "has a",
            f"state. The seed is {number(study.rng)}. Runs of the same replication share all "
            f"random",
            "numbers of what they have in common, which are common random numbers by construction.",
        ),
        "### 5.3 Model execution",
        "",
        *paragraph(
            "Event-driven in continuous time, in whole microseconds: the account's events are "
            "those of",
            "a SimPy environment, and the messages between two of them are judged as arrays, "
            "with the",
            "same result as one by one. Ties are ordered by time, source, request, recipient "
            "and copy,",
            "events of the account before messages. Money is in whole millionths of the currency.",
        ),
        "### 5.4 System specification",
        "",
        *paragraph(
            "The machine stands in the provenance above. It changes how long a run takes, and no",
            "figure.",
        ),
    ]


def access(study: Study) -> list[str]:
    """Item 6.1."""
    version = provenance_simulate(study.scenario, study.rng, ())["versions"]["smssim"]
    return [
        "## 6. Code access",
        "",
        "### 6.1 Computer model sharing statement",
        "",
        *paragraph(
            f"The model is smssim {plain(version)}, under the Apache License 2.0. The scenario "
            f"is the",
            "appendix of this text; saved as `scenario.yaml`, with the files that it names "
            "beside it,",
            f"`smssim run scenario.yaml --rng {study.rng}` makes its replication 0, without "
            f"policies, again.",
        ),
    ]


def appendix(study: Study) -> list[str]:
    """The scenario itself, without the secrets of its applications."""
    text = study.scenario.to_yaml()
    fence = "```"
    while fence in text:
        fence += "`"
    return ["## Appendix: the scenario", "", f"{fence}yaml", *text.splitlines(), fence]


# Section 1 of STRESS-DES: what the model is for, what it measures, what was asked of it.


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
        f"{check.statistic_name} of `{check.figure}` {side} {number(check.bound)}",
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


# Provenance: what it takes to make the runs again, and what the service's documents say.


def provenance(study: Study) -> list[str]:
    """Digest, versions, seed, machine, and how much of the scenario is assumed."""
    scenario = study.scenario
    made = of_run(scenario, study.rng, ())
    versions = {**made["versions"], "python": made["python"]}
    rows = [
        ("scenario", plain(scenario.name)),
        ("digest", f"`{made['digest']}`"),
        ("rng", number(study.rng)),
        ("replications", _replications(study)),
        *((name, plain(version)) for name, version in versions.items()),
        ("machine", plain(made["machine"])),
    ]
    return ["## Provenance", "", *table(("", ""), rows), *_seeds(), *_documented(study)]


def _replications(study: Study) -> str:
    if study.experiment is None:
        return "none described"
    tasks = sorted(study.experiment.results)
    if not tasks:
        return "none described"
    numbers = sorted({task.replication for task in tasks})
    span = f"{numbers[0]:,} to {numbers[-1]:,}"
    designs = len(study.experiment.designs)
    return f"{span}, {len(tasks):,} runs" + (f" of {designs:,} designs" if designs > 1 else "")


def _seeds() -> list[str]:
    return paragraph(
        "The digest is a fingerprint of everything in the scenario that can change a result; the",
        "seed and the promises are left out of it. A run is a function of scenario, rng, "
        "replication",
        "number and policies: the same four give the same tables, on any number of processes.",
        "Policies are programs and no part of a scenario file.",
    )


def _documented(study: Study) -> list[str]:
    found = parameters(study.scenario, study.countries)
    assumed = [one for one in found if one.assumed]
    return paragraph(
        f"Of the {len(found):,} values of the scenario, {len(assumed):,} stand where Huawei's "
        f"public",
        "documents are silent or are read in one of several ways; they are assumptions, listed in",
        "item 3.4. All others are the plan's own or the service's documented rules, listed in item",
        "3.3.",
    ) + bullets(
        [
            f"assumed and given by the scenario: {sum(one.given for one in assumed):,}",
            f"assumed by default: {sum(not one.given for one in assumed):,}",
        ]
    )


_DIAGRAM = """```
{sources}
   |
   v
request judged (place 1) --> refused: its code, all or nothing
   v
number judged (place 2)  --> refused: the number's status in the answer
   v
accepted
   v
platform (place 3)       --> refused: status report of source 3
   v
packages and charge
   v
queue, first in first out
   v
counted against alarm and limit values
   v
carrier's route: status and delay, or no report in time: EXPIRED
   v
status reports, one a segment --> the customer's server, if it has named an address
```"""


def logic(study: Study) -> list[str]:
    """Items 2.1 to 2.5."""
    return [
        "## 2. Logic",
        "",
        "### 2.1 Base model overview diagram",
        "",
        *_diagram(study),
        "",
        "### 2.2 Base model logic",
        "",
        *paragraph(
            "The rules are those of smssim's `docs/model.md`, to the letter. In this scenario they",
            "come to this:",
        ),
        *bullets(rules(study)),
        *_scenarios(study),
        *_algorithms(study),
        *components(study),
    ]


def _diagram(study: Study) -> list[str]:
    scenario = study.scenario
    kinds = {
        "API traffic": scenario.traffic,
        "calls": scenario.calls,
        "group tasks": scenario.group_tasks,
    }
    named = ", ".join(kind for kind, sources in kinds.items() if sources) or "none"
    return _DIAGRAM.format(sources=f"sources: {named}").splitlines()


def _scenarios(study: Study) -> list[str]:
    lines = ["### 2.3 Scenario logic", ""]
    designs = () if study.experiment is None else study.experiment.designs
    if len(designs) > 1 or any(design.changes for design in designs):
        lines += paragraph("The designs, with the values in which they differ from this scenario:")
        rows = [_design(study, n, design) for n, design in enumerate(designs)]
        lines += table(("design", "scenario", "digest", "changes"), rows)
    else:
        lines += paragraph("There is one plan, the scenario of this text.")
    return lines + gap(
        "which plan is the base case and what it stands for; the policies that acted in the runs, "
        "if there were any"
    )


def _design(study: Study, n: int, design: Design) -> tuple[str, ...]:
    """A design in a table; one without changes is this scenario, or another one as a whole."""
    digest = design.scenario.digest()
    same = "none" if digest == study.scenario.digest() else "another scenario"
    changes = ", ".join(f"{path} = {value}" for path, value in design.changes.items())
    return f"{n:,}", plain(design.scenario.name), f"`{digest}`", plain(changes) or same


def _algorithms(study: Study) -> list[str]:
    items = [
        "Random numbers are functions of seed, replication, source, purpose and place, turned into "
        "values by inverse tables: nothing is drawn in an order.",
        "Delays and statuses come from the inverse of their distribution, in whole microseconds.",
        "The queue is the recursion leave = max(arrive, free), free = leave + gap.",
    ]
    if study.scenario.traffic:
        items.insert(
            0,
            "The number of requests of API traffic in a UTC hour is Poisson, its mean by the "
            "weights "
            "of hour and weekday in the source's zone; each request sits anywhere in its hour, on "
            "the source's grid.",
        )
    if study.again("resend") or study.again("server_resend"):
        items.append(
            "Copies that are sent again are predicted, judged and corrected up to the first wrong "
            "guess, so that their effect on everything else is exact."
        )
    return ["### 2.4 Algorithms", "", *bullets(items)]
