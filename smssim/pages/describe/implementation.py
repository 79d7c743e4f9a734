"""Sections 5 and 6 of STRESS-DES: the software, the random numbers, and where it all is."""

from __future__ import annotations

from smssim.pages.describe.markdown import number, paragraph, plain
from smssim.pages.describe.study import Study
from smssim.simulation.simulate import provenance


def implementation(study: Study) -> list[str]:
    """Items 5.1 to 5.4."""
    made = provenance(study.scenario, study.rng, ())
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
    version = provenance(study.scenario, study.rng, ())["versions"]["smssim"]
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
