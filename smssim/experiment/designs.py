"""Designs: the scenarios of a sweep, and which of them no other beats (the frontier)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from smssim.experiment.statistics import Values, estimate_of, mean_of, metric_of
from smssim.metrics import METRICS
from smssim.scenario import Scenario
from smssim.scenario.errors.problems import without_secrets

__all__ = ["Design", "Replications", "designs_of", "frontier_of", "sign_of"]

_MAX_DESIGNS = 10_000
"""Scenarios of one sweep at most; each is validated before the first run."""


@dataclass(frozen=True)
class Design:
    """One scenario of an experiment, and the values by path that make it differ from the base.

    *name* is what the caller calls it, "" if he does not.
    """

    scenario: Scenario
    changes: Mapping[str, Any]
    """Secrets among their values are masked."""
    name: str = ""

    def __post_init__(self) -> None:
        # Changes are printed and written to files, which a secret never is.
        changes = {
            path: without_secrets(value, path.rpartition(".")[2])
            for path, value in self.changes.items()
        }
        object.__setattr__(self, "changes", changes)

    @property
    def label(self) -> str:
        """Its name, or what makes it differ: the last steps of its paths and their values."""
        if self.name:
            return self.name
        parts = [f"{_short(path)} {_value_text(value)}" for path, value in self.changes.items()]
        return ", ".join(parts) or self.scenario.name


def designs_of(base: Scenario, designs: Mapping[str, Sequence[Any]] | pd.DataFrame) -> list[Design]:
    """Every combination of the values of a mapping by path, or one design per row of a frame.

    The last path changes fastest; a frame's index of texts names its designs. Raise a
    ScenarioError for a path that does not exist or a value that is refused, which names all of
    them of that design; a ValueError for no design at all.
    """
    changes = _rows(designs)
    if not changes:
        raise ValueError("designs must hold at least one value for each path, or one row")
    names = _names(designs) or [""] * len(changes)
    return [
        Design(base.change(**values), values, name)
        for values, name in zip(changes, names, strict=True)
    ]


def _names(designs: Mapping[str, Sequence[Any]] | pd.DataFrame) -> list[str]:
    """The texts of a frame's index, none if it holds anything else."""
    labels = [] if isinstance(designs, Mapping) else designs.index.tolist()
    return labels if all(isinstance(label, str) for label in labels) else []


def _rows(designs: Mapping[str, Sequence[Any]] | pd.DataFrame) -> list[dict[str, Any]]:
    if isinstance(designs, Mapping):
        for path, values in designs.items():
            if isinstance(values, str) or not isinstance(values, Sequence):
                raise ValueError(f"designs[{path!r}](={values!r}) must be a list of values")
        n = math.prod(map(len, designs.values()))
        if n > _MAX_DESIGNS:
            raise ValueError(f"designs must make {_MAX_DESIGNS:,} combinations at most, not {n:,}")
        return [dict(zip(designs, row, strict=True)) for row in product(*designs.values())]
    columns = [str(name) for name in designs.columns]
    return [
        dict(zip(columns, map(_plain, row), strict=True))
        for row in designs.itertuples(index=False, name=None)
    ]


def _plain(value: Any) -> Any:
    """A number of NumPy as Python's own, whole ones as integers: a count may come from a sample."""
    value = value.item() if hasattr(value, "item") else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _short(path: str) -> str:
    """The end of a path that identifies it: an item of a list with its index, and the last step, or
    two where it lies deep: the price of which country, which time that is exponential.

    >>> _short("packages.0.segments"), _short("account.service_mode"), _short("routes.ID.price")
    ('packages.0.segments', 'service_mode', 'ID.price')
    """
    steps = path.split(".")
    index = next((i for i, step in enumerate(steps) if step.isdigit()), len(steps) - 1)
    if index < len(steps) - 1:
        return ".".join(steps[max(0, index - 1) :])
    return ".".join(steps[-2:] if len(steps) > 2 else steps[-1:])


def _value_text(value: Any) -> str:
    """A value as a person reads it, those of a list one after the other.

    >>> _value_text(90_000), _value_text((60, 3_600)), _value_text([])
    ('90,000', '60 / 3,600', 'none')
    """
    if isinstance(value, list | tuple):
        return " / ".join(map(_value_text, value)) or "none"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


Replications = Mapping[int, float]
"""A figure of one design by replication."""


def frontier_of(
    changes: pd.DataFrame,
    figures: Mapping[str, Sequence[Replications]],
    signs: Mapping[str, int],
    confidence: float,
) -> pd.DataFrame:
    """One row per design: its *changes*, each figure with `_low` and `_high`, and `best`.

    *figures* are two by name, each with the values of every design by replication; *signs* are
    those of `sign_of`. `best` is false where another design is certainly better in one of the
    figures and on average not worse in the other; a design without a value in one of them neither
    beats another nor is beaten.
    """
    frame = changes
    for name, designs in figures.items():
        intervals = [
            estimate_of(name, np.array(list(values.values())), confidence) for values in designs
        ]
        ends = zip(("", "_low", "_high"), zip(*intervals, strict=True), strict=True)
        frame = frame.assign(**{f"{name}{end}": list(column) for end, column in ends})
    series = [
        [signs[name] * pd.Series(dict(values), dtype="float64") for values in designs]
        for name, designs in figures.items()
    ]
    numbers = range(len(frame))
    beaten = [any(_beats(series, rival, n, confidence) for rival in numbers) for n in numbers]
    return frame.assign(best=np.logical_not(beaten))


def sign_of(name: str) -> int:
    """1 where less of a figure is better, -1 where more of it is; else raise a ValueError."""
    better = getattr(METRICS.get(metric_of(name)), "better", None)
    if better is None:
        names = ", ".join(metric.name for metric in METRICS.values() if metric.better)
        raise ValueError(f"figure(={name!r}) must be one of which less or more is better: {names}")
    return 1 if better == "less" else -1


def _beats(figures: list[list[pd.Series[float]]], rival: int, n: int, confidence: float) -> bool:
    """Whether design *rival* beats design *n* in figures of which less is better."""
    if rival == n:
        return False
    differences = [mean_of(_paired(by[rival] - by[n]), confidence) for by in figures]
    if not all(difference.estimate <= 0 for difference in differences):
        return False
    return any(difference.high < 0 for difference in differences)


def _paired(differences: pd.Series[float]) -> Values:
    """The differences of the replications in which both designs have a value."""
    return np.asarray(differences.dropna(), np.float64)
