"""A study described in Markdown: what was simulated, from what, and how sure its figures are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from smssim.experiment import Comparison, Experiment
from smssim.pages.describe.facts import facts
from smssim.pages.describe.markdown import counted, fenced, listed, number, plain, table, unwrapped
from smssim.pages.describe.study import Study
from smssim.scenario import Scenario

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = [
    "Comparison",
    "Experiment",
    "Path",
    "Scenario",
    "Study",
    "counted",
    "describe",
    "facts",
    "fenced",
    "listed",
    "lru_cache",
    "number",
    "plain",
    "table",
    "unwrapped",
]


def describe(
    scenario: Scenario | str | Path, experiment: Experiment | Comparison | None = None
) -> str:
    """Describe a scenario, or the file of one, and the *experiment* made with it, in Markdown.

    First the provenance, then a report by the STRESS guidelines for discrete-event simulation
    (Monks, Currie, Onggo, Robinson, Kunc and Taylor, Journal of Simulation 13, 2019), item by item
    from 1.1 to 6.1, last the scenario itself without the secrets of its applications. What takes a
    person's prose is marked `[TO WRITE: ...]`. The same scenario and experiment give the same text
    on one installation; the machine is in the provenance alone.

    Raise a ScenarioError if the file cannot be read, a ValueError for an experiment with another
    scenario.
    """
    scenario = Scenario.of(scenario)
    text = _template().render(facts(Study(scenario, experiment)))
    return unwrapped(text) + "\n" + fenced(scenario.to_yaml(), "yaml")


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("smssim.pages", "template"),
        autoescape=False,  # In Markdown the filter `plain` escapes texts.
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "counted": counted,
        "listed": listed,
        "number": number,
        "plain": plain,
    }
    environment.globals["table"] = table
    return environment.get_template("study.md.j2")
