"""Provenance: what it takes to make the runs again, and what the service's documents say."""

from __future__ import annotations

from smssim.pages.describe.markdown import bullets, number, paragraph, plain, table
from smssim.pages.describe.parameters import parameters
from smssim.pages.describe.study import Study
from smssim.simulation.simulate import provenance as of_run


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
