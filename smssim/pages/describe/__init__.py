"""The whole description, section by section."""

from __future__ import annotations

from pathlib import Path

from smssim.experiment import Comparison, Experiment
from smssim.pages.describe.markdown import plain
from smssim.pages.describe.sections import (
    access,
    appendix,
    data,
    experimentation,
    implementation,
    logic,
    objectives,
    provenance,
)
from smssim.pages.describe.study import Study
from smssim.scenario import Scenario


def describe(
    scenario: Scenario | str | Path, experiment: Experiment | Comparison | None = None
) -> str:
    """Describe a scenario, or the file of one, and the *experiment* made with it, in Markdown.

    First the provenance, then a report by the STRESS guidelines for discrete-event simulation
    (Monks, Currie, Onggo, Robinson, Kunc and Taylor, Journal of Simulation 13, 2019), item by item
    from 1.1 to 6.1, last the scenario itself. What takes a person's prose is marked `[TO WRITE:
    ...]`. The same scenario and experiment give the same text on one installation; the machine
    stands in the provenance alone.

    Raise a ScenarioError if the file cannot be read, a ValueError for an experiment with another
    scenario.
    """
    if not isinstance(scenario, Scenario):
        scenario = Scenario.load(scenario)
    study = Study(scenario, experiment)
    lines = [
        f"# {plain(scenario.name)}: description of the simulation study",
        "",
        "Written from the scenario by `smssim describe`, by the STRESS guidelines for "
        "discrete-event "
        "simulation (Monks et al., Journal of Simulation 13, 2019). `[TO WRITE: ...]` marks what a "
        "person must add.",
        "",
        *provenance(study),
        *objectives(study),
        *logic(study),
        *data(study),
        *experimentation(study),
        *implementation(study),
        *access(study),
        *appendix(study),
    ]
    return "\n".join(lines).rstrip() + "\n"
