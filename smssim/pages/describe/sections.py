"""Section 2 of STRESS-DES: how the model works, by the rules that this scenario switches on."""

from __future__ import annotations

from smssim.experiment.designs import Design
from smssim.pages.describe.components import components
from smssim.pages.describe.markdown import bullets, gap, paragraph, plain, table
from smssim.pages.describe.rules import rules
from smssim.pages.describe.study import Study

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
