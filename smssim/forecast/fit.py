"""A scenario fitted to a record: 199 sets of parameters, each a whole scenario, and a best one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from smssim.calendars import DAY, to_datetime, to_us
from smssim.experiment.runner import Progress
from smssim.forecast.assembly import Demand, ParameterSet, assembled, plain_names
from smssim.forecast.cells import Cells
from smssim.forecast.delays import Delays, nowcast_of
from smssim.forecast.forecast import SETS, Forecast, forecast
from smssim.forecast.mix import Mix
from smssim.forecast.parameter_table import parameter_table
from smssim.forecast.priors import Growth, Swing, generator
from smssim.forecast.rhythm import HourProfile, LocalDays, daily_counts, hour_profiles
from smssim.forecast.sizes import Sizes, dispersion_of_clock, two_sizes
from smssim.forecast.volume import Volume, VolumeDraw
from smssim.record.record import Record
from smssim.scenario import Scenario
from smssim.scenario.fields import STATUS

__all__ = ["Fit", "FitError", "fit"]

_FORMAT = "smssim fit 1"
_LEAST_DAYS, _TWO_WEEKS = 7, 14
_OTHER = "UNDELIV"
"""The status of failures that have none, or one that a scenario cannot have."""
_STATUS_PRIOR = 0.2
_SAME_TEXT = 0.9


class FitError(ValueError):
    """A record that nothing can be fitted to; the message says what is missing."""


def fit(
    record: Record,
    terms: Scenario | str | Path | None = None,
    *,
    until: datetime | str | None = None,
    growth: Growth | None = None,
    swing: Swing | None = None,
    seed: int = 1,
) -> Fit:
    """Fit a scenario to a record, of a log or a simulation: demand, segments, outcomes and delays.

    *terms* is a scenario, or its file, from which everything is taken that a record cannot show:
    prices, packages, service mode, thresholds, queue, planned group tasks, policies. *until* is
    when the log was exported, on which the age of pending messages depends; without it, its last
    time. *growth* and *swing* are what is taken for likely beforehand. Raise a FitError, a
    ValueError, for a record with fewer than seven whole local days (docs/fit.md).
    """
    plan = None if terms is None else Scenario.of(terms)
    cells = Cells.of(record)
    if until is not None:
        moment = datetime.fromisoformat(until) if isinstance(until, str) else until
        cells = cells.aged(to_us(moment))
    assumed = until is None and "scenario" not in record.provenance
    return Fit(cells, plan, growth, swing, seed, end_is_assumed=assumed)


class Fit:
    """What a record says about the scenario behind it, as cells, a posterior and sentences.

    `scenario()` is the best one, `scenario(draw=17)` one of its `SETS` sets: the same however many
    are asked for. Nothing of single messages is stored.
    """

    def __init__(
        self,
        cells: Cells,
        terms: Scenario | None = None,
        growth: Growth | None = None,
        swing: Swing | None = None,
        seed: int = 1,
        *,
        end_is_assumed: bool = False,
    ) -> None:
        self.cells, self.terms, self.seed = cells, terms, seed
        self._end_is_assumed = end_is_assumed
        days = {country: LocalDays.of(cells, country) for country in cells.countries}
        _refuse_too_little(days)
        self.sizes = _sizes(cells, days)
        dispersion = {country: self.sizes.dispersion(country) for country in days}
        self.hours: Mapping[str, HourProfile] = hour_profiles(days, dispersion)
        counts = daily_counts(days, dispersion, cells.until)
        self.volume = Volume(counts, growth, swing, seed)
        self.mix = Mix(cells, self.sizes)
        self.delays = Delays(cells, cells.resolution_s, seed)
        self._days = days

    @property
    def cut(self) -> int:
        """The end of the record, from which a forecast goes on, in microseconds since 1970 UTC."""
        return self.cells.until

    def __repr__(self) -> str:
        period = f"{to_datetime(self.cells.since):%Y-%m-%d} to {to_datetime(self.cut):%Y-%m-%d}"
        messages = int(self.cells.slots["messages"].sum())
        return f"Fit({', '.join(self.cells.countries)}; {period}; {messages:,} messages)"

    def parameters(self, draw: int | None = None) -> ParameterSet:
        """Set *draw* of the parameters, from 0; the best one without it."""
        if draw is not None and draw < 0:
            raise ValueError(f"draw(={draw}) must be >= 0")
        volume = self.volume.mode if draw is None else self.volume.draw(draw)
        delays = self.delays.by_country
        return ParameterSet(
            demand=tuple(self._demand(volume, draw)),
            swing=volume.swing,
            shared_swing=volume.shared_swing,
            delays={
                country: of.mode if draw is None else of.draw(self.seed, draw)
                for country, of in delays.items()
            },
            failures={country: self._failing_shares(country, draw) for country in delays},
            template_names=self._template_names,
            kinds=self._kinds,
            same_text=self._same_text,
        )

    def scenario(
        self,
        draw: int | None = None,
        *,
        days: int = 30,
        opening: Mapping[str, Any] | None = None,
    ) -> Scenario:
        """The scenario of the next *days* from the end of the record, and three days without new
        messages, so that every message has its end.
        """
        until = self.cut + days * DAY
        return assembled(self.parameters(draw), self.cut, until, self.terms, opening)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per parameter: name, subject, estimate, its 90% interval, and the share of the
        interval's square that was there before the record was seen (prior_share).
        """
        growth = sum(weight * sd**2 for sd, weight in self.volume.growth.weights.items()) ** 0.5
        prior_sds = {
            "growth": growth,
            "swing of one country": _sd(self.volume.swing.by_country),
            "swing of all countries": _sd(self.volume.swing.shared),
        }
        sets = (self.parameters(draw) for draw in range(SETS))
        return parameter_table(self.parameters(), sets, prior_sds)

    def forecast(
        self,
        until: datetime | date | str,
        *,
        n: int = SETS,
        level: float = 0.9,
        rng: int | None = None,
        opening: Mapping[str, Any] | None = None,
        executor: Executor | None = None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> Forecast:
        """The figures from the end of the record *until* an instant (a date is its midnight in
        UTC): one run per set of parameters, from the state *opening*.
        """
        return forecast(
            self,
            until,
            n=n,
            level=level,
            rng=rng,
            opening=opening,
            executor=executor,
            workers=workers,
            progress=progress,
        )

    def nowcast(self) -> pd.DataFrame:
        """What messages pending at the end of the record will still become: one row per country
        with pending, and mid, low and high (90 %) of those that will be delivered.
        """
        by_country = self.delays.by_country
        rows = [nowcast_of(of, self.seed, SETS) for of in by_country.values()]
        return pd.DataFrame(rows, columns=["country", "pending", "mid", "low", "high"])

    def save(self, path: str | Path) -> None:
        """Write the fit as JSON: cells, terms and priors, from which `load` makes the same sets."""
        growth, swing = self.volume.growth, self.volume.swing
        plain = {
            "format": _FORMAT,
            "seed": self.seed,
            "end_is_assumed": self._end_is_assumed,
            "terms": self.terms.to_yaml() if self.terms else None,
            "growth": [growth.none, growth.modest, growth.strong, *growth.sd_per_month],
            "swing": [list(swing.by_country.items()), list(swing.shared.items())],
            "cells": self.cells.to_json(),
        }
        Path(path).write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Fit:
        """Read a fit that `save` wrote. Raise a FitError for a file of another kind."""
        try:
            plain = json.loads(Path(path).read_text(encoding="utf-8"))
            stated = plain.get("format")
        except (ValueError, AttributeError) as error:
            raise FitError(f"{path}: not a fit of smssim, as it is not JSON: {error}") from None
        if stated != _FORMAT:
            raise FitError(f"{path}: format(={stated!r}) must be {_FORMAT!r}")
        none, modest, strong, *sds = plain["growth"]
        return cls(
            Cells.from_json(plain["cells"]),
            Scenario.parse(plain["terms"], str(path)) if plain["terms"] else None,
            Growth(none, modest, strong, (sds[0], sds[1])),
            Swing(*(dict(map(tuple, weights)) for weights in plain["swing"])),
            plain["seed"],
            end_is_assumed=plain["end_is_assumed"],
        )

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """What does not fit, what is missing and what was assumed, in sentences."""
        return tuple(self._findings())

    def _findings(self) -> Iterator[str]:
        seen = int(max(_whole_days(days) for days in self._days.values()))
        if seen < _TWO_WEEKS:
            once = max(_TWO_WEEKS - seen, 0)
            yield (
                f"{seen} days are seen: {once} weekdays once only; their level is mostly that of "
                "the other days, and intervals are wide"
            )
        if self._end_is_assumed and (pending := int(self.cells.pending["messages"].sum())):
            end = f"{to_datetime(self.cut):%Y-%m-%d %H:%M} UTC"
            yield (
                f"{pending:,} messages are pending and it is not stated when the log was exported "
                f"(until=): their age is taken to its last time, {end}, which makes them younger "
                "than they are"
            )
        yield from self.delays.findings()
        refused = self.cells.slots["outcome"].isin(["refused", "refused_platform"])
        if n := int(self.cells.slots.loc[refused, "messages"].sum()):
            yield f"{n:,} refused messages are demand that the scenario asks for again"
        if self.terms is None:
            yield "no prices are known: the forecast has messages and segments, no money (terms=)"

    def _demand(self, volume: VolumeDraw, draw: int | None) -> Iterator[Demand]:
        # A shared swing is drawn as a factor of mean 1, and was fitted as a normal log of mean 0.
        lifted = float(np.exp(volume.shared_swing**2 / 2))
        for i, country in enumerate(self.volume.countries):
            profile = self.hours[country]
            hours = profile.mean if draw is None else profile.draw(self.seed, draw)
            for template, share in self._shares(country, draw).items():
                yield Demand(
                    country=country,
                    template=template,
                    messages_per_day=float(volume.level[i]) * share * lifted,
                    growth_per_day=float(volume.growth[i]),
                    weekdays=volume.weekdays[i],
                    hours=hours,
                    recipients=self._recipients(country, template, draw),
                    segments=self._segments(country, template, draw),
                )

    def _shares(self, country: str, draw: int | None) -> dict[str, float]:
        if draw is None:
            return self.mix.shares(country)
        return self.mix.draw_shares(country, self.seed, draw)

    def _recipients(self, country: str, template: str, draw: int | None) -> dict[int, float]:
        if draw is None:
            shares = self.sizes.concentration(country, template)
            shares = shares / shares.sum()
        else:
            shares = self.sizes.draw(country, template, self.seed, draw)
        return {size: float(share) for size, share in enumerate(shares) if share}

    def _segments(self, country: str, template: str, draw: int | None) -> dict[int, float]:
        mix = self.mix.segments_of(country, template)
        return mix.mean if draw is None else mix.draw(self.seed, draw)

    def _failing_shares(self, country: str, draw: int | None) -> dict[str, float]:
        """The share of the failed by status; that of all countries where none failed."""
        weights = self._failures.get(country) or self._failures[""]
        values = np.array(list(weights.values()))
        if draw is None:
            shares = values / values.sum()
        else:
            shares = generator(self.seed, f"statuses/{country}", draw).dirichlet(values)
        return dict(zip(weights, shares.tolist(), strict=True))

    @cached_property
    def _failures(self) -> dict[str, dict[str, float]]:
        """Failed messages by country and status, with a little for chance; "" is all countries."""
        rows = self.cells.statuses
        rows = rows.assign(status=rows["status"].where(rows["status"].str.match(STATUS), _OTHER))
        groups = {"": rows, **dict(tuple(rows.groupby("country")))}
        sums = {country: of.groupby("status")["messages"].sum() for country, of in groups.items()}
        if not len(sums[""]):
            return {"": {_OTHER: 1.0}}
        return {
            str(country): {str(status): float(n) + _STATUS_PRIOR for status, n in of.items()}
            for country, of in sums.items()
        }

    @cached_property
    def _kinds(self) -> dict[str, tuple[str, str]]:
        """The application and type of each template, "" where they are not known."""
        rows = self.cells.templates[["template", "application", "type"]].astype(object)
        plain = rows.where(rows.notna(), "").itertuples(index=False)
        return {template: (application, type_) for template, application, type_ in plain}

    @cached_property
    def _same_text(self) -> bool:
        """Whether nine in ten requests of two numbers or more have equal segments."""
        several = self.cells.sizes[self.cells.sizes["size"] > 1]
        requests = int(several["requests"].sum())
        return bool(requests) and int(several["same_text"].sum()) >= _SAME_TEXT * requests

    @cached_property
    def _template_names(self) -> dict[tuple[str, str], str]:
        """The scenario's template of each (country, template): one each where segments differ."""
        names = {}
        plain_of = plain_names(template for _, template in self.mix.pairs)
        for country, template in self.mix.pairs:
            alone = len(self.mix.segments_of(country, template).countries) == 1
            shared = sum(mix.template == template for mix in self.mix.segments) == 1
            plain = plain_of[template]
            names[country, template] = plain if shared or not alone else f"{plain} {country}"
        return names


def _sd(weights: Mapping[float, float]) -> float:
    """The sd of a number that is one of these with their weights."""
    values, shares = np.array(list(weights)), np.array(list(weights.values()))
    mean = float(values @ shares)
    return float(((values - mean) ** 2 @ shares) ** 0.5)


def _refuse_too_little(days: Mapping[str, LocalDays]) -> None:
    if not days:
        raise FitError("the record has no message with a country: nothing can be fitted to it")
    country, most = max(days.items(), key=lambda item: _whole_days(item[1]))
    if (n := _whole_days(most)) < _LEAST_DAYS:
        raise FitError(
            f"the record has {n} whole local days of {country}: a fit needs {_LEAST_DAYS}; "
            f"{_TWO_WEEKS} tell weekdays apart"
        )


def _whole_days(days: LocalDays) -> int:
    _, quarters = np.unique(days.day[days.seen], return_counts=True)
    return int((quarters == 96).sum())


def _sizes(cells: Cells, days: Mapping[str, LocalDays]) -> Sizes:
    """Sizes that are stated; else, for every country, two sizes of its scatter by the clock."""
    stated = Sizes.of(cells)
    if stated.counts:
        return stated
    counts = {}
    pairs = cells.mix[["country", "template"]].drop_duplicates()
    for country, template in pairs.itertuples(index=False):
        if country in days:
            shares = two_sizes(dispersion_of_clock(days[country]))
            requests = days[country].messages.sum() / float(shares @ np.arange(len(shares)))
            counts[str(country), "" if pd.isna(template) else str(template)] = shares * requests
    return Sizes(counts)
