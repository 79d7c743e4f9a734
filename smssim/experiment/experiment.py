"""An experiment: the runs of one or more designs, and the statistics of their figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim.experiment.designs import Design, frontier_of, sign_of
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
    from matplotlib.axes import Axes

__all__ = ["Experiment"]

_SHARES = {"least": 0.0, **QUANTILES, "most": 1.0}
_KEYS = ("scenario", "replication")


@dataclass(frozen=True, repr=False)
class Experiment:
    """Runs by (scenario, replication): `scenario` numbers the designs from 0.

    The same designs, rng and replications make the same frames, in whatever order and wherever they
    were run; only `cpu_seconds` differ.
    """

    designs: Sequence[Design]
    rng: int
    results: Mapping[Task, Result] = field(default_factory=dict)

    @property
    def runs(self) -> pd.DataFrame:
        """One row per run: scenario, replication, error ("" if it did not fail), and its figures.

        A figure that a run does not have is NaN, as all of a failed run are.
        """
        tasks = sorted(self.results)
        columns: dict[str, Any] = {
            "scenario": np.array([task.design for task in tasks], np.int64),
            "replication": np.array([task.replication for task in tasks], np.int64),
            "error": pd.array([self.results[task].error for task in tasks], dtype="str"),
        }
        return pd.DataFrame(columns | {name: self._column(name, tasks) for name in self.kpi_names})

    @property
    def cpu_seconds(self) -> pd.Series[float]:
        """CPU seconds of each run, by scenario and replication."""
        tasks = sorted(self.results)
        index = pd.MultiIndex.from_tuples([tuple(task) for task in tasks], names=list(_KEYS))
        return pd.Series([self.results[task].seconds for task in tasks], index, dtype="float64")

    @cached_property
    def kpi_names(self) -> list[str]:
        """The names of all figures, in the order of `smssim.metrics`, then of subjects or parts."""
        order = {name: n for n, name in enumerate(METRICS)}
        names = dict.fromkeys(name for task in self.results for name in self.results[task].figures)
        return sorted(names, key=lambda name: (order[metric_of(name)], _natural(subject_of(name))))

    @property
    def changes(self) -> pd.DataFrame:
        """One row per design: its number as `scenario`, its name as `design` if it has one, and its
        values by path.
        """
        rows = [
            {"scenario": n, **({"design": point.name} if point.name else {}), **point.changes}
            for n, point in enumerate(self.designs)
        ]
        return pd.DataFrame(rows)

    @property
    def failed(self) -> int:
        """How many runs failed; statistics leave them out."""
        return sum(bool(result.error) for result in self.results.values())

    def values(self, figure: str, design: int = 0, *, drop_missing: bool = False) -> Values:
        """One figure over the runs of a design that did not fail, by replication.

        A run that does not have it is NaN, or left out with *drop_missing*. Raise a ValueError for
        a figure that no run has: of a part of the month, as `latency.p95[template=login]`, runs
        have those that a check of their scenario is about.
        """
        if figure not in self.kpi_names:
            names = ", ".join(self.kpi_names)
            of_part = "=" in subject_of(figure)
            needed = ": a check of the scenario must be about that part" if of_part else ""
            raise ValueError(f"figure(={figure!r}) must be one of {names}{needed}")
        values = self._column(figure, self._succeeded.get(design, []))
        return values[np.isfinite(values)] if drop_missing else values

    def by_replication(self, figure: str, design: int = 0) -> dict[int, float]:
        """The values of `values` by their replications."""
        tasks = self._succeeded.get(design, [])
        replications = [task.replication for task in tasks]
        return dict(zip(replications, self.values(figure, design).tolist(), strict=True))

    def summary(
        self, figures: str | Iterable[str] | None = None, *, confidence: float = 0.95
    ) -> pd.DataFrame:
        """One row per scenario, figure and statistic, with its interval at that confidence.

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
            for name in self._select(figures)
            for statistic in statistics_of(name, self.values(name, design), confidence)
        ]
        return summary_frame(rows, ["scenario"])

    def rank_of(
        self,
        record: Record,
        figures: str | Iterable[str] | None = None,
        *,
        design: int = 0,
    ) -> pd.DataFrame:
        """Where a record, such as last month's log, lies among the runs of a design: one row per
        figure, as in `summary`.

        `value` is the record's (NaN if it cannot know it), `least`, `p10`, `p50`, `p90` and `most`
        are those of the *n* runs that have one, and `below` is the share of these runs with less,
        ties counted half. A model that fits makes values of 0 or 1 rare: about 1 / (n + 1) each.
        Money is not converted: the record's currency must be the scenario's, else a ValueError.
        """
        currency = self.designs[design].scenario.currency
        if record.currency not in (None, currency):
            raise ValueError(f"currency(={record.currency!r}) of the record must be {currency}")
        names = self._select(figures)
        values = {name: self.values(name, design, drop_missing=True) for name in names}
        return _ranks(figures_in(record), values, {name: self.unit(name) for name in names})

    def unit(self, figure: str) -> str:
        """The unit of a figure; money is in the base's currency."""
        unit = METRICS[metric_of(figure)].unit
        return self.designs[0].scenario.currency if unit == "currency" else unit

    def plot(
        self, figure: str = "cost", *, compare_to: Record | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw a figure on Axes: its runs, or with several designs the estimate of each.

        *compare_to* is a record, such as last month's log, that is drawn among the runs. Raise a
        ValueError for a figure that no run has, that the record cannot know, and for a record with
        several designs.
        """
        from smssim.plots import experiments

        unit = self.unit(figure)
        estimates = [estimate_of(figure, self.values(figure, n)) for n in range(len(self.designs))]
        if len(estimates) == 1:
            value = None if compare_to is None else self._value_in(compare_to, figure)
            values = self.values(figure, drop_missing=True)
            return experiments.runs(values, figure, unit, estimates[0], compare_to=value, ax=ax)
        if compare_to is not None:
            n = len(estimates)
            raise ValueError(f"compare_to(={compare_to!r}) must go with one design, not {n}")
        labels = [design.label for design in self.designs]
        return experiments.designs(labels, estimates, figure, unit, ax=ax)

    def frontier(self, across: str, up: str, *, confidence: float = 0.95) -> pd.DataFrame:
        """One row per design: two figures with their intervals, and whether no design beats it.

        One beats another if it is certainly better in one figure, by the interval of their paired
        difference, and on average not worse in the other. A design that has no value in one figure
        (it never ran out, say) neither beats another nor is beaten. Raise a ValueError for a figure
        of which no way is the better one.
        """
        signs = {name: sign_of(name) for name in (across, up)}
        designs = range(len(self.designs))
        figures = {name: [self.by_replication(name, n) for n in designs] for name in (across, up)}
        return frontier_of(self.changes, figures, signs, confidence)

    def plot_frontier(self, across: str, up: str, *, ax: Axes | None = None) -> Axes:
        """Draw two figures of all designs against each other on Axes, as `frontier` has them."""
        from smssim.plots import experiments as frontier

        axes = [frontier.Axis(name, self.unit(name)) for name in (across, up)]
        labels = [design.label for design in self.designs]
        return frontier.frontier(self.frontier(across, up), labels, *axes, ax=ax)

    def _value_in(self, record: Record, figure: str) -> float:
        value = float(self.rank_of(record, figure)["value"].item())
        if np.isnan(value):
            raise ValueError(f"compare_to(={record!r}) must be a record that can know {figure}")
        return value

    def __repr__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        name = self.designs[0].scenario.name
        return f"<Experiment {name}: {len(self.designs)} designs, {len(self.results)} runs{failed}>"

    @cached_property
    def _succeeded(self) -> dict[int, list[Task]]:
        """The tasks that did not fail, by design, in order of replications."""
        by_design: dict[int, list[Task]] = {}
        for task in sorted(task for task in self.results if not self.results[task].error):
            by_design.setdefault(task.design, []).append(task)
        return by_design

    def _why_none(self) -> str:
        errors = [result.error for _, result in sorted(self.results.items()) if result.error]
        return f"none: {len(errors)} of {len(self.results)} runs failed, first with {errors[0]}"

    def _column(self, name: str, tasks: Sequence[Task]) -> Values:
        missing = float("nan")
        return np.array([self.results[task].figures.get(name, missing) for task in tasks])

    def _select(self, figures: str | Iterable[str] | None) -> list[str]:
        """The names of these figures, or of all figures of these metrics, in order."""
        if figures is None:
            return self.kpi_names
        wanted = [figures] if isinstance(figures, str) else list(figures)
        names = [name for name in self.kpi_names if name in wanted or metric_of(name) in wanted]
        unknown = sorted(set(wanted) - set(names) - set(map(metric_of, names)))
        if unknown:
            metrics = ", ".join(dict.fromkeys(map(metric_of, self.kpi_names))) or self._why_none()
            raise ValueError(f"figures(={unknown}) must be some of {metrics}")
        return names


def _natural(subject: str) -> tuple[int, int, str]:
    return (0, int(subject), "") if subject.isdigit() else (1, 0, subject)


def _ranks(
    figures: dict[str, float], values: dict[str, Values], units: dict[str, str]
) -> pd.DataFrame:
    """One row per figure: that of a record, and how the *values* of runs are spread around it."""
    rows = [
        {
            "metric": metric_of(name),
            "of": subject_of(name),
            "unit": units[name],
            "n": len(of_runs),
            "value": figures.get(name, np.nan),
            **_spread(of_runs),
            "below": _below(of_runs, figures.get(name, np.nan)),
        }
        for name, of_runs in values.items()
    ]
    columns = ["metric", "of", "unit", "n", "value", *_SHARES, "below"]
    numbers = dict.fromkeys(("value", *_SHARES, "below"), "float64")
    texts = dict.fromkeys(("metric", "of", "unit"), "str")
    return pd.DataFrame(rows, columns=columns).astype(texts | {"n": "int64"} | numbers)


def _spread(values: Values) -> dict[str, float]:
    if not len(values):
        return dict.fromkeys(_SHARES, np.nan)
    return dict(zip(_SHARES, np.quantile(values, list(_SHARES.values())).tolist(), strict=True))


def _below(values: Values, value: float) -> float:
    """The share of runs with less; those with the same count half."""
    if not len(values) or np.isnan(value):
        return np.nan
    return float((values < value).mean() + (values == value).mean() / 2)
