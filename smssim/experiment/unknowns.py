"""What samples of a scenario with ranges show: chance, what is not known, and what is worth asking.

docs/experiments.md, section 6, is the specification.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from smssim.arrays import Mask
from smssim.experiment.designs import Design
from smssim.experiment.experiment import Experiment
from smssim.experiment.statistics import Values
from smssim.experiment.worker import Task
from smssim.stats.sensitivity import (
    Redrawn,
    chance_share,
    effect,
    resampled,
    total_share,
    worth,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from smssim.scenario.ranges import Range

__all__ = ["CHANCE", "Uncertainty"]

CHANCE = ""
"""Names the samples in which chance alone is drawn anew."""
_GRID = 400
"""Equally likely values that stand for the distribution of an unknown."""
_P10, _P90 = _GRID // 10, _GRID - 1 - _GRID // 10


@dataclass(frozen=True, repr=False)
class Uncertainty:
    """The samples of one or more designs, and what they show.

    *designs* have the ranges; *experiment* has all runs, those of each design first; *n* samples
    were made of each.
    """

    designs: Sequence[Design]
    figures: Sequence[str]
    loss: Mapping[str, float]
    experiment: Experiment
    samples: Mapping[tuple[int, str], Sequence[Task | None]]
    n: int

    @cached_property
    def split(self) -> pd.DataFrame:
        """One row per design and figure: `mean`, `sd`, and `chance`, the share of the variance
        that is left if all ranges were known, with its 95% interval; the rest is not knowing.
        """
        return pd.DataFrame([self._split(d, figure) for d, figure in self._pairs()])

    @cached_property
    def shares(self) -> pd.DataFrame:
        """One row per design, figure and unknown, the largest first: `first`, the share of the
        variance that goes if it becomes known, and `total`, the share that is left if all else is
        known (Sobol indices), with 95% intervals; all of variance is 1.
        """
        rows = [row for d, figure in self._pairs() for row in self._shares(d, figure)]
        return pd.DataFrame(rows)

    @cached_property
    def worth(self) -> pd.DataFrame:
        """One row per unknown, the one worth most first: what it is worth to know it before a
        design is chosen, in the currency, with its 95% interval.

        Raise a ValueError for fewer than two designs: without a choice nothing is worth knowing.
        """
        if len(self.designs) < 2:
            raise ValueError("worth needs two designs at least: give uncertainty() designs=")
        losses = [self._loss(d) for d in range(len(self.designs))]
        rows = [self._worth(path, losses) for path in self._unknowns]
        frame = pd.DataFrame(rows)
        return frame.sort_values("worth", ascending=False, kind="stable", ignore_index=True)

    @property
    def best(self) -> Design:
        """The design that loses least on average."""
        losses = [np.nanmean(self._loss(d)) for d in range(len(self.designs))]
        return self.designs[int(np.argmin(losses))]

    def tornado(self, figure: str | None = None, design: int = 0) -> pd.DataFrame:
        """One row per unknown, the widest first: its `p10` and `p90`, and the mean of the figure
        at each, `at_p10` and `at_p90`, everything else as uncertain as it is.
        """
        figure = self.figures[0] if figure is None else figure
        middle = float(np.nanmean(self._values(figure, design)))
        rows = []
        for one in self.designs[design].scenario.ranges:
            unknown, valid, change = self._change(figure, design, one.path)
            curve = middle + effect(_of(unknown, valid), change[valid])
            rows.append(
                {
                    "unknown": one.path,
                    "p10": unknown.distribution[_P10],
                    "p90": unknown.distribution[_P90],
                    "at_p10": curve[_P10],
                    "at_p90": curve[_P90],
                }
            )
        frame = pd.DataFrame(rows)
        widest = (frame["at_p90"] - frame["at_p10"]).abs().sort_values(ascending=False)
        return frame.loc[widest.index].reset_index(drop=True)

    def plot(self, figure: str | None = None, design: int = 0, *, ax: Axes | None = None) -> Axes:
        """Draw the `tornado` of a figure on Axes."""
        from smssim.plots.tornado import tornado

        figure = self.figures[0] if figure is None else figure
        middle = float(np.nanmean(self._values(figure, design)))
        chance = self._split(design, figure)["chance"]
        unit = self.experiment.unit(figure)
        return tornado(self.tornado(figure, design), figure, unit, middle, chance, ax=ax)

    def __repr__(self) -> str:
        runs = f"{len(self.experiment.results):,} runs"
        return f"<Uncertainty of {self.designs[0].scenario.name}: {self.n:,} samples, {runs}>"

    def _pairs(self) -> list[tuple[int, str]]:
        return [(d, figure) for d in range(len(self.designs)) for figure in self.figures]

    @cached_property
    def _unknowns(self) -> list[str]:
        """The paths of all ranges of any design."""
        return list(dict.fromkeys(r.path for p in self.designs for r in p.scenario.ranges))

    def _values(self, figure: str, design: int) -> Values:
        return self._of_tasks(figure, [Task(design, i) for i in range(self.n)])

    def _of_tasks(self, figure: str, tasks: Iterable[Task | None]) -> Values:
        """A figure of runs; NaN where there is none, it failed, or it does not have the figure."""
        results = self.experiment.results
        runs = [None if task is None else results[task] for task in tasks]
        return np.array([run.figures.get(figure, np.nan) if run else np.nan for run in runs])

    def _redrawn(self, figure: str, design: int, name: str) -> Values:
        return self._of_tasks(figure, self.samples[design, name])

    def _loss(self, design: int) -> Values:
        return sum(
            (w * self._values(figure, design) for figure, w in self.loss.items()), np.zeros(self.n)
        )

    def _draws(self, one: Range) -> Redrawn:
        draws = np.array([one.draw(self.experiment.rng, i) for i in range(2 * self.n)], float)
        grid = np.array([one.at((i + 0.5) / _GRID) for i in range(_GRID)], float)
        return Redrawn(draws[: self.n], draws[self.n :], np.sort(grid))

    def _change(
        self, figure: str | Mapping[str, float], design: int, path: str
    ) -> tuple[Redrawn, Mask, Values]:
        """An unknown, which samples have a value with it redrawn, and the figure's differences."""
        weights = {figure: 1.0} if isinstance(figure, str) else figure
        change = np.zeros(self.n)
        for name, weight in weights.items():
            other = self._redrawn(name, design, path)
            change += weight * (self._values(name, design) - other)
        (one,) = (r for r in self.designs[design].scenario.ranges if r.path == path)
        return self._draws(one), np.isfinite(change), change

    def _about(self, design: int, figure: str) -> dict[str, Any]:
        label = {"design": self.designs[design].label} if len(self.designs) > 1 else {}
        return {**label, "figure": figure, "unit": self.experiment.unit(figure)}

    def _split(self, design: int, figure: str) -> dict[str, Any]:
        value, rerun = self._values(figure, design), self._redrawn(figure, design, CHANCE)
        valid = np.isfinite(value) & np.isfinite(rerun)
        a, b = value[valid], rerun[valid]
        low, high = resampled(lambda i: chance_share(a[i], b[i]), len(a), self.experiment.rng)
        return {
            **self._about(design, figure),
            "n": len(a),
            "mean": float(value[np.isfinite(value)].mean()),
            "sd": float(value[np.isfinite(value)].std(ddof=1)),
            "chance": _at_most_1(chance_share(a, b)),
            "low": _at_most_1(low),
            "high": _at_most_1(high),
        }

    def _shares(self, design: int, figure: str) -> list[dict[str, Any]]:
        rows = []
        for one in self.designs[design].scenario.ranges:
            unknown, valid, change = self._change(figure, design, one.path)
            value = self._values(figure, design)[valid]
            of, change = _of(unknown, valid), change[valid]

            def first(i: Any, of: Redrawn = of, v: Values = value, c: Values = change) -> float:
                variance = v[i].var(ddof=1)
                curve = effect(Redrawn(of.first[i], of.second[i], of.distribution), c[i])
                return float(curve.var() / variance) if variance > 0 else np.nan

            def total(i: Any, v: Values = value, c: Values = change) -> float:
                return total_share(v[i], (v - c)[i])

            all_samples = np.arange(len(change))
            row = {**self._about(design, figure), "unknown": one.path, "range": str(one)}
            for name, share in (("first", first), ("total", total)):
                low, high = resampled(share, len(change), self.experiment.rng)
                numbers = (share(all_samples), low, high)
                ends = (name, f"{name}_low", f"{name}_high")
                row |= {end: _at_most_1(one) for end, one in zip(ends, numbers, strict=True)}
            rows.append(row)
        return sorted(rows, key=lambda row: -row["total"] if row["total"] == row["total"] else 0)

    def _worth(self, path: str, losses: Sequence[Values]) -> dict[str, Any]:
        """A row of `worth`; a design without the range does not depend on it."""
        parts = []
        text = ""
        for design, point in enumerate(self.designs):
            of = [one for one in point.scenario.ranges if one.path == path]
            text = text or (str(of[0]) if of else "")
            parts.append(self._change(self.loss, design, path) if of else None)
        valid = np.isfinite(np.array(losses)).all(axis=0)
        for part in parts:
            valid = valid & (part[1] if part is not None else True)
        rows = np.flatnonzero(valid)

        def value(i: Any) -> float:
            chosen = rows[i]
            means = [float(loss[chosen].mean()) for loss in losses]
            curves = [
                np.zeros(_GRID) if part is None else effect(_of(part[0], chosen), part[2][chosen])
                for part in parts
            ]
            return worth(means, curves)

        low, high = resampled(value, len(rows), self.experiment.rng)
        unit = self.designs[0].scenario.currency
        numbers = {"worth": value(np.arange(len(rows))), "low": low, "high": high}
        return {"unknown": path, "range": text, "unit": unit, **numbers}


def _of(unknown: Redrawn, rows: Any) -> Redrawn:
    return Redrawn(unknown.first[rows], unknown.second[rows], unknown.distribution)


def _at_most_1(share: float) -> float:
    """A share, whose estimate may be above 1; NaN stays, which Python's min takes for 1."""
    return float(np.minimum(1.0, share))
