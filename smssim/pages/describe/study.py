"""What a description is made of: the scenario, the runs, and who sends what where."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from smssim.experiment import Comparison, Experiment
from smssim.pages.describe.markdown import number, plain, shown
from smssim.scenario import Calls, GroupTask, Scenario, ScenarioError, Source
from smssim.scenario.destinations import destinations


class Study:
    """A scenario, and the experiment that was made with it, if there is one.

    Raise a ValueError for an experiment whose first design is not made from the scenario.
    """

    def __init__(
        self, scenario: Scenario, experiment: Experiment | Comparison | None = None
    ) -> None:
        if isinstance(experiment, Comparison):
            experiment = experiment.experiment
        self.scenario, self.experiment = scenario, experiment
        if experiment is not None:
            first = experiment.designs[0]
            made = scenario.change(**first.changes).digest()
            if made != first.scenario.digest():
                told = f"experiment(={experiment!r}) must be of the scenario {scenario.name!r}"
                raise ValueError(f"{told}: {first.scenario.digest()} is not {made}")

    @property
    def rng(self) -> int:
        """The seed that runs have."""
        return self.scenario.rng if self.experiment is None else self.experiment.rng

    @cached_property
    def countries(self) -> list[str]:
        """The countries that somebody sends to, as far as files of group tasks are at hand."""
        try:
            return sorted(set().union(*destinations(self.scenario).values()))
        except (ScenarioError, ValueError):
            sources = self.scenario.sources
            return sorted(
                {
                    c
                    for s in sources
                    for c in (s.countries if isinstance(s, GroupTask) else [s.country])
                }
            )

    def expected(self, source: Source) -> str:
        """How many messages of a source are born in a run, resends left out."""
        scenario = self.scenario
        if isinstance(source, GroupTask):
            total = sum(source.countries.values())
            if source.cancelled is not None:
                return "none: it is cancelled"
            return (
                number(total)
                if source.file is None
                else f"the numbers of {plain(str(source.file))}"
            )
        found = source.expected(scenario.start_us, scenario.end_us)
        exact = isinstance(source, Calls)
        return number(int(found)) if exact else f"{found:,.1f} on average"

    def to(self, source: Source) -> str:
        """Where a source sends to."""
        if isinstance(source, GroupTask):
            return shown(source.countries) if source.countries else "as in its file"
        return source.country

    def has(self, kind: type) -> bool:
        """Whether any source is of a kind."""
        return any(isinstance(source, kind) for source in self.scenario.sources)

    def again(self, name: str) -> Sequence[str]:
        """The sources whose messages are sent again, by users or by servers."""
        return [s.name for s in self.scenario.sources if getattr(s, name, None) is not None]
