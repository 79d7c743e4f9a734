"""An experiment: the runs of one or more designs, and what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from smssim.experiment.designs import Design
from smssim.experiment.frontier import frontier_of
from smssim.experiment.statistics import (
    QUANTILES,
    Values,
    estimate_of,
    metric_of,
    statistics_of,
    subject_of,
    summary_frame,
)
from smssim.experiment.worker import Result, Task, figures_in
from smssim.metrics import METRICS
from smssim.record.record import Record

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


# Where a record, such as last month's log, lies among the runs of an experiment.

SHARES = {"least": 0.0, **QUANTILES, "most": 1.0}


def beside(
    told: dict[str, float], known: dict[str, Values], units: dict[str, str], figures: Iterable[str]
) -> pd.DataFrame:
    """One row a figure: what is *told*, and how the *known* values of runs are spread."""
    import pandas as pd

    rows = [
        {
            "metric": metric_of(name),
            "of": subject_of(name),
            "unit": units[name],
            "n": len(known[name]),
            "value": told.get(name, np.nan),
            **_spread(known[name]),
            "below": _below(known[name], told.get(name, np.nan)),
        }
        for name in figures
    ]
    columns = ["metric", "of", "unit", "n", "value", *SHARES, "below"]
    numbers = dict.fromkeys(("value", *SHARES, "below"), "float64")
    texts = dict.fromkeys(("metric", "of", "unit"), "str")
    return pd.DataFrame(rows, columns=columns).astype(texts | {"n": "int64"} | numbers)


def _spread(values: Values) -> dict[str, float]:
    if not len(values):
        return dict.fromkeys(SHARES, np.nan)
    return dict(zip(SHARES, np.quantile(values, list(SHARES.values())).tolist(), strict=True))


def _below(values: Values, value: float) -> float:
    """The share of runs with less; those with the same count half."""
    if not len(values) or np.isnan(value):
        return np.nan
    return float((values < value).mean() + (values == value).mean() / 2)


KEYS = ("scenario", "replication")


@dataclass(frozen=True, repr=False)
class Experiment:
    """Runs by (scenario, replication): `scenario` numbers the designs from 0.

    Whatever order they were run in, and wherever, the same designs, rng and replications make the
    same frames; only `seconds` differ.
    """

    designs: Sequence[Design]
    rng: int
    results: Mapping[Task, Result] = field(default_factory=dict)

    @property
    def runs(self) -> pd.DataFrame:
        """One row a run: scenario, replication, error ("" if it did not fail), and its figures.

        A figure that a run does not have is NaN, as all of a failed run are.
        """
        import pandas as pd

        tasks = sorted(self.results)
        columns: dict[str, Any] = {
            "scenario": np.array([task.design for task in tasks], np.int64),
            "replication": np.array([task.replication for task in tasks], np.int64),
            "error": pd.array([self.results[task].error for task in tasks], dtype="str"),
        }
        return pd.DataFrame(columns | {name: self._column(name, tasks) for name in self.figures})

    @property
    def seconds(self) -> pd.Series[float]:
        """CPU seconds of each run, by scenario and replication."""
        import pandas as pd

        tasks = sorted(self.results)
        index = pd.MultiIndex.from_tuples([tuple(task) for task in tasks], names=list(KEYS))
        return pd.Series([self.results[task].seconds for task in tasks], index, dtype="float64")

    @cached_property
    def figures(self) -> list[str]:
        """The names of all figures, in the order of `smssim.metrics`, then of subjects or parts."""
        order = {name: place for place, name in enumerate(METRICS)}
        names = dict.fromkeys(name for task in self.results for name in self.results[task].figures)
        return sorted(names, key=lambda name: (order[metric_of(name)], _natural(subject_of(name))))

    @property
    def changes(self) -> pd.DataFrame:
        """One row a design: its number as `scenario`, its name as `design` if it has one, and its
        values by path.
        """
        import pandas as pd

        rows = [
            {"scenario": n, **({"design": own.name} if own.name else {}), **own.changes}
            for n, own in enumerate(self.designs)
        ]
        return pd.DataFrame(rows)

    @property
    def failed(self) -> int:
        """How many runs failed; statistics leave them out."""
        return sum(bool(result.error) for result in self.results.values())

    def values(self, figure: str, design: int = 0) -> Values:
        """One figure over the runs of a design that did not fail, by replication.

        Raise a ValueError for a figure that no run has: of a part of the month, as
        `latency.p95[template=login]`, runs have those that a check of their scenario is about.
        """
        if figure not in self.figures:
            known = ", ".join(self.figures)
            of_part = "=" in subject_of(figure)
            needed = ": a check of the scenario must be about that part" if of_part else ""
            raise ValueError(f"figure(={figure!r}) must be one of {known}{needed}")
        return self._column(figure, self._succeeded.get(design, []))

    def by_replication(self, figure: str, design: int = 0) -> dict[int, float]:
        """The values of `values` by their replications."""
        tasks = self._succeeded.get(design, [])
        replications = [task.replication for task in tasks]
        return dict(zip(replications, self.values(figure, design).tolist(), strict=True))

    def known(self, figure: str, design: int = 0) -> Values:
        """The values of a figure in the runs that have one."""
        values = self.values(figure, design)
        return values[np.isfinite(values)]

    def summary(
        self, figures: str | Iterable[str] | None = None, *, confidence: float = 0.95
    ) -> pd.DataFrame:
        """One row a scenario, figure and statistic, with its interval at that confidence.

        *figures* are names as in `runs`, or metrics, which stand for all their subjects and
        parts; all of them if None. `n` counts the runs that have a value.
        """
        rows = [
            {
                "scenario": design,
                "metric": metric_of(name),
                "of": subject_of(name),
                "unit": self.unit(name),
                **statistic._asdict(),
            }
            for design in range(len(self.designs))
            for name in self._asked(figures)
            for statistic in statistics_of(name, self.values(name, design), confidence)
        ]
        return summary_frame(rows, ["scenario"])

    def beside(
        self,
        record: Record,
        figures: str | Iterable[str] | None = None,
        *,
        design: int = 0,
    ) -> pd.DataFrame:
        """Where a record, such as last month's log, lies among the runs of a design: one row a
        figure of both, as in `summary`.

        `value` is the record's (NaN if it cannot know it), `least`, `p10`, `p50`, `p90` and `most`
        are those of the *n* runs that have one, and `below` is the share of these runs with less,
        ties counted half. A model that fits makes values of 0 or 1 rare: about 1 / (n + 1) each.
        Money is compared as it is: the record's currency must be the scenario's, else a ValueError.
        """
        own = self.designs[design].scenario.currency
        if record.currency not in (None, own):
            raise ValueError(f"currency(={record.currency!r}) of the record must be {own}")
        names = self._asked(figures)
        known = {name: self.known(name, design) for name in names}
        return beside(figures_in(record), known, {n: self.unit(n) for n in names}, names)

    def unit(self, figure: str) -> str:
        """The unit of a figure; money is in the base's currency."""
        unit = METRICS[metric_of(figure)].unit
        return self.designs[0].scenario.currency if unit == "currency" else unit

    def plot(
        self, figure: str = "cost", *, beside: Record | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw a figure on Axes: its runs, or with several designs the estimate of each.

        *beside* is a record, such as last month's log, that is drawn among the runs. Raise a
        ValueError for a figure that no run has, that the record cannot know, and for a record
        beside several designs.
        """
        from smssim.plots import experiments

        unit = self.unit(figure)
        estimates = [estimate_of(figure, self.values(figure, n)) for n in range(len(self.designs))]
        if len(estimates) == 1:
            own = None if beside is None else self._own(beside, figure)
            values = self.known(figure)
            return experiments.runs(values, figure, unit, estimates[0], beside=own, ax=ax)
        if beside is not None:
            raise ValueError(f"beside(={beside!r}) must go with one design, not {len(estimates)}")
        labels = [design.label for design in self.designs]
        return experiments.designs(labels, estimates, figure, unit, ax=ax)

    def frontier(self, across: str, up: str, *, confidence: float = 0.95) -> pd.DataFrame:
        """One row a design: two figures with their intervals, and whether no other design beats it.

        One beats another that is surely better in one figure, by the interval of their paired
        difference, and on average not worse in the other. A design that has no value in one figure
        (it never ran out, say) neither beats another nor is beaten. Raise a ValueError for a figure
        of which no way is the better one.
        """
        return frontier_of(self, across, up, confidence)

    def plot_frontier(self, across: str, up: str, *, ax: Axes | None = None) -> Axes:
        """Draw two figures of all designs against each other on Axes, as `frontier` has them."""
        from smssim.plots import experiments as frontier

        axes = [frontier.Axis(name, self.unit(name)) for name in (across, up)]
        labels = [design.label for design in self.designs]
        return frontier.frontier(self.frontier(across, up), labels, *axes, ax=ax)

    def _own(self, record: Record, figure: str) -> float:
        value = float(self.beside(record, figure)["value"].item())
        if np.isnan(value):
            raise ValueError(f"beside(={record!r}) must be a record that can know {figure}")
        return value

    def __repr__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        name = self.designs[0].scenario.name
        return f"<Experiment {name}: {len(self.designs)} designs, {len(self.results)} runs{failed}>"

    @cached_property
    def _succeeded(self) -> dict[int, list[Task]]:
        """The tasks that did not fail, by design, in order of replications."""
        found: dict[int, list[Task]] = {}
        for task in sorted(task for task in self.results if not self.results[task].error):
            found.setdefault(task.design, []).append(task)
        return found

    def _why_none(self) -> str:
        errors = [result.error for _, result in sorted(self.results.items()) if result.error]
        return f"none: {len(errors)} of {len(self.results)} runs failed, first with {errors[0]}"

    def _column(self, name: str, tasks: Sequence[Task]) -> Values:
        missing = float("nan")
        return np.array([self.results[task].figures.get(name, missing) for task in tasks])

    def _asked(self, figures: str | Iterable[str] | None) -> list[str]:
        if figures is None:
            return self.figures
        asked = [figures] if isinstance(figures, str) else list(figures)
        found = [name for name in self.figures if name in asked or metric_of(name) in asked]
        unknown = sorted(set(asked) - set(found) - set(map(metric_of, found)))
        if unknown:
            known = ", ".join(dict.fromkeys(map(metric_of, self.figures))) or self._why_none()
            raise ValueError(f"figures(={unknown}) must be some of {known}")
        return found


def _natural(subject: str) -> tuple[int, int, str]:
    return (0, int(subject), "") if subject.isdigit() else (1, 0, subject)
