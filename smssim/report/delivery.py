"""The outcome of the messages, and how long deliveries took."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smssim.arrays import Floats, Ints
from smssim.calendars import DAY, HOUR, SECOND
from smssim.record.record import Record
from smssim.record.schema import REFUSED_AT, RefusalStage, microseconds_of
from smssim.record.tallies import OUTCOMES, outcomes
from smssim.report._record import KEYS, keys_of, recorded, requires, summed
from smssim.report.latency import (
    COLUMNS,
    Uncertain,
    bounded_figures,
    delay_figures,
    resolution_us,
    risks_of,
    timed_by_results,
    validity_bin,
    within_3_min_by_results,
)
from smssim.stats.competing_risks import UNKNOWN, CompetingRisks
from smssim.stats.delay_bins import edges_us
from smssim.stats.intervals import Interval, wilson_with_pending

__all__ = ["SHARES", "MessageGroups", "delivery", "outcome_of", "stage_of", "statuses"]

_REFUSED = {f"refused_{stage.label}": stage.charge for stage in RefusalStage if stage}
SHARES = ("delivered_share", "delivered_low", "delivered_high")
_DELAY_KEYS = {"country", "type"}
_OF_TEMPLATES = {"template", "application", "type"}
"""Keys of the tally by template, which does not show days and countries apart."""


@requires(
    *("money", "latency", "undelivered", "censored", "within_3_min"),
    *("templates", "template_latency", "template_undelivered", "template_censored"),
)
def delivery(record: Record, by: str | Sequence[str] = "country") -> pd.DataFrame:
    """Counts of messages and quantiles of their latency, one row per group.

    *by* is day, country, application or type, or a list of them; or template, alone or with its
    application and type.

    requested = refused_request + refused_number + refused_platform + sent, and sent = delivered +
    failed + expired + in_flight + no_report. Messages pending have no final status by the end
    of the record; in a log those older than 72 h are `no_report` instead, for by then the
    platform makes a report, which must have been lost. `in_flight_expected` is how many of those
    pending are expected to be delivered.

    `delivered_share` is the share of the sent messages that are delivered within their validity,
    `delivered_low` and `delivered_high` its 95% interval. It is the cumulative incidence of
    delivery by Aalen and Johansen, failure and expiry being the other ends, and a lost report one
    that could be any (`smssim.stats.competing_risks`): of those pending as many are expected to
    be delivered as were of those that were pending at their age, which is few.

    Delays are seconds from submission to delivery, of all deliveries, those to come included by
    the same estimate. `latency_p50_s` and so on are their quantiles, `within_10_s`, `within_30_s`
    and `within_3_min` the shares made in less than that, `_low` and `_high` the 95% interval.
    An end that the record cannot bound is NA. In a record shorter than the validity the estimates
    are those of no delivery after the longest age, the intervals hold for any.

    Messages are taken to end independently of each other, and those pending as others of their age:
    where many wait in a queue at the end of the record no interval holds (docs/reports.md,
    section 2).

    Where some deliveries have no time, or a log's times are in whole minutes, the intervals
    hold for any delays that they may have had, and a figure that depends on them is NA. Where
    none has a time all are NA but for `within_3_min` where the sending results of an export
    show it (DOMAIN.md section 9): it is then a share of the deliveries so far. There, and by
    day or application, which delays are not tallied by, those pending are counted by their
    chance in the whole record (none where no delivery has a time), and intervals reach from
    none of them delivered to all. Delays are tallied by country and type, and by template
    alone: by others they are NA, as is `no_report` in a log.
    Raise a ValueError for a template together with day or country, which is tallied nowhere.
    """
    keys = keys_of(by, (*KEYS, "template"))
    if "template" in keys and not _OF_TEMPLATES.issuperset(keys):
        raise ValueError(f"by(={by!r}): template goes with application and type alone")
    labels = _labels(_cells(record, keys), keys)
    groups = MessageGroups(record, keys, len(labels), partial(_group_numbers, labels))
    counts: dict[str, Any] = dict(groups.counts)
    for name in ("in_flight", "no_report"):
        counts[name] = _nullable(getattr(groups, name), len(labels))
    counts["in_flight_expected"] = groups.expected
    shares, delays = (
        zip(SHARES, groups.shares.T, strict=True),
        zip(COLUMNS, groups.delays.T, strict=True),
    )
    return pd.DataFrame({**labels, **counts, **dict(shares), **dict(delays)})


def _labels(cells: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The groups that the cells fall into, one row each in order; NA is a group too, the last."""
    if not keys:
        return pd.DataFrame(index=range(1))
    return cells.groupby(keys, dropna=False, sort=True).size().reset_index()[keys]


def _group_numbers(labels: pd.DataFrame, tally: pd.DataFrame) -> Ints:
    """The row of *labels* that each cell of a tally belongs to."""
    if not len(labels.columns):
        return np.zeros(len(tally), np.int64)
    # A merge finds NA in NA, which an index does not.
    keys = list(labels.columns)
    numbered = tally[keys].merge(labels.assign(group=range(len(labels))), how="left", on=keys)
    return numbered["group"].fillna(-1).to_numpy(np.int64)


def _nullable(counts: Ints | None, length: int) -> Any:
    return pd.array([pd.NA] * length if counts is None else counts, dtype="Int64")


@requires("money")
def statuses(record: Record, by: str | Sequence[str] = "country") -> pd.DataFrame:
    """Messages by final status or refusal code, one row per group, stage and status;
    `refused_at` is empty for what was sent.

    The status of messages pending is NA; `share` is of the group's requested messages.
    """
    keys = keys_of(by)
    money = record.tallies.money
    cells = money[[*keys, "status", "messages"]].assign(
        refused_at=pd.Categorical.from_codes(stage_of(money), pd.Index(REFUSED_AT))
    )
    counts = summed(cells, [*keys, "refused_at", "status"]).reset_index()
    groups = counts.groupby(keys or np.zeros(len(counts), np.int8), dropna=False)
    counts["share"] = counts["messages"] / groups["messages"].transform("sum")
    return counts[[*keys, "status", "refused_at", "messages", "share"]]


# The numbers of groups of messages, which the frame of `delivery` and the KPIs are made of.


class MessageGroups:
    """Counts, delivered shares and delays of a record's messages, one value per group.

    *keys* are what the groups are told apart by, and *numbers* maps the cells of a tally to their
    group, 0 to *length* - 1; the cells of no group are -1.
    """

    def __init__(
        self,
        record: Record,
        keys: Collection[str],
        length: int,
        numbers: Callable[[pd.DataFrame], Ints],
    ) -> None:
        self.record, self.keys, self.length = record, list(keys), length
        self._numbers = numbers

    @cached_property
    def counts(self) -> dict[str, Ints]:
        """Messages by outcome; `in_flight` are all without a final status."""
        cells = _cells(self.record, self.keys)
        numbers = self._numbers(cells)
        return {
            name: _sums(numbers, messages, self.length)
            for name, messages in _counts_of(cells).items()
        }

    @property
    def no_report(self) -> Ints | None:
        """Messages whose report a log should have had by its end; None where it is not tallied."""
        if not recorded(self.record):
            return np.zeros(self.length, np.int64)
        return self._bins[2][:, validity_bin() :].sum(axis=1) if self._has_delays else None

    @property
    def in_flight(self) -> Ints | None:
        """Messages that may still be delivered; None where `no_report` is not tallied."""
        late = self.no_report
        return None if late is None else self.counts["in_flight"] - late

    @cached_property
    def shares(self) -> Floats:
        """The share delivered of the sent, and its interval."""
        values = [
            risks.share() if risks is not None else self._share_of_counts(group)
            for group, risks in enumerate(self._risks)
        ]
        return np.array(values, np.float64).reshape(-1, 3)

    @property
    def expected(self) -> Floats:
        """How many of those pending are expected to be delivered; NaN where that is not known."""
        pending = self._pending
        by_chance = np.where(pending > 0, self._chance * pending, 0.0)
        risks = self._risks
        values = [by_chance[i] if one is None else one.expected() for i, one in enumerate(risks)]
        return np.array(values, np.float64)

    @property
    def delays(self) -> Floats:
        """The columns of delays; NaN where they are not tallied."""
        values = np.full((self.length, len(COLUMNS)), np.nan)
        if not self._has_delays:
            return values
        timed, soon = self._results
        for group, risks in enumerate(self._risks):
            uncertain = self._uncertain(group)
            if risks is not None and not uncertain:
                values[group] = delay_figures(risks)
                continue
            if self._bins[0][group].any():
                values[group] = self._bounded(group, uncertain)
            by_results = within_3_min_by_results(
                self._bins[0][group],
                self._bins[2][group],
                int(self.counts["delivered"][group]),
                int(timed[group]),
                int(soon[group]),
            )
            if uncertain.untimed:
                known = ~np.isnan(by_results)
                values[group][known] = np.array(by_results)[known]
        return values

    def _uncertain(self, group: int) -> Uncertain:
        """What is not known of the delays of a group."""
        timed = int(self._bins[0][group].sum())
        untimed = int(self.counts["delivered"][group]) - timed
        return Uncertain(max(untimed, 0), resolution_us(self.record) if timed else SECOND)

    def _bounded(self, group: int, uncertain: Uncertain) -> list[float]:
        delivered, undelivered, censored = (ends[group] for ends in self._bins)
        counts = self.counts["failed"][group] + self.counts["expired"][group]
        untimed = int(counts - undelivered.sum())
        return bounded_figures(
            self.record, delivered, undelivered, censored, uncertain, untimed=untimed
        )

    def _share_of_counts(self, group: int) -> Interval:
        """A share whose delays are not known: those pending may all be delivered, or none."""
        delivered = int(self.counts["delivered"][group])
        final = delivered + int(self.counts["failed"][group] + self.counts["expired"][group])
        pending = int(self._pending[group])
        if not final:
            return UNKNOWN
        _, low, high = wilson_with_pending(delivered, final, pending)
        arriving = 0.0 if self._whole is None else self._chance * pending
        value = (delivered + arriving) / (final + pending)
        return Interval(value, low, high)

    @cached_property
    def _risks(self) -> list[CompetingRisks | None]:
        """The ends of the messages of each group by delay; None where they are not known."""
        if not self._has_delays:
            return [None] * self.length
        delivered, undelivered, censored = self._bins
        timed = delivered.sum(axis=1) >= self.counts["delivered"]
        untimed = self.counts["failed"] + self.counts["expired"] - undelivered.sum(axis=1)
        return [
            risks_of(
                self.record, delivered[i], undelivered[i], censored[i], untimed=int(untimed[i])
            )
            if timed[i]
            else None
            for i in range(self.length)
        ]

    @cached_property
    def _whole(self) -> CompetingRisks | None:
        """The ends of all messages of the record by delay; None where they are not known."""
        whole = MessageGroups(self.record, (), 1, lambda tally: np.zeros(len(tally), np.int64))
        return whole._risks[0]

    @property
    def _chance(self) -> float:
        """The chance of a message pending to be delivered, over the whole record; NaN unknown."""
        if self._whole is None:
            return math.nan
        pending = int(self._whole.censored.sum())
        return self._whole.expected() / pending if pending else 0.0

    @cached_property
    def _pending(self) -> Floats:
        """Messages that are not lost reports, as far as the age of those pending shows it."""
        if self._has_delays or not recorded(self.record):
            in_flight = self.in_flight
            assert in_flight is not None
            return in_flight.astype(np.float64)
        cells = _cells(self.record, self.keys)
        flying = _counts_of(cells)["in_flight"]
        if "day" in cells:
            # By 72 h after the end of a day, all its messages have a report or have lost it.
            ends = microseconds_of(cells["day"]) + DAY + 72 * HOUR
            flying = np.where(ends > self.record.observed_until, flying, 0)
        return _sums(self._numbers(cells), flying, self.length).astype(np.float64)

    @property
    def _has_delays(self) -> bool:
        return self.keys == ["template"] or _DELAY_KEYS.issuperset(self.keys)

    @cached_property
    def _bins(self) -> tuple[Ints, Ints, Ints]:
        """Messages by group and bin: the delays of those delivered and of those undelivered, the
        ages of those pending.
        """
        prefix = "template_" if "template" in self.keys else ""
        delivered, undelivered, censored = (
            self._by_bin(self.record.tallies.frame(prefix + name))
            for name in ("latency", "undelivered", "censored")
        )
        return delivered, undelivered, censored

    @property
    def _results(self) -> tuple[Ints, Ints]:
        """The deliveries that sending results time, by country and type alone, and the quick."""
        if not _DELAY_KEYS.issuperset(self.keys):
            return (np.zeros(self.length, np.int64),) * 2
        numbers = self._numbers(self.record.tallies.within_3_min)
        timed, soon = timed_by_results(self.record)
        return _sums(numbers, timed, self.length), _sums(numbers, soon, self.length)

    def _by_bin(self, tally: pd.DataFrame) -> Ints:
        bins = len(edges_us())
        cells = self._numbers(tally) * bins + tally["bin"].to_numpy(np.int64)
        messages = tally["messages"].to_numpy(np.int64)
        return _sums(cells, messages, self.length * bins).reshape(self.length, bins)


def _sums(index: Ints, messages: Ints, length: int) -> Ints:
    """Messages by index; those below 0 are of none. Exact, as there are fewer than 2**53."""
    inside = index >= 0
    return np.bincount(index[inside], messages[inside], length).astype(np.int64)


def _cells(record: Record, keys: Collection[str]) -> pd.DataFrame:
    """The tally that counts messages by some keys."""
    return record.tallies.templates if "template" in keys else record.tallies.money


def _counts_of(cells: pd.DataFrame) -> dict[str, Ints]:
    """The messages of each cell of a tally by charge and status, by their outcome."""
    outcome, stage = outcome_of(cells), stage_of(cells)
    charge, messages = cells["charge"].to_numpy(), cells["messages"].to_numpy(np.int64)
    masks = {"requested": np.ones(len(stage), bool)}
    masks |= {name: charge == refused for name, refused in _REFUSED.items()}
    masks["sent"] = stage == 0
    for name in ("delivered", "failed", "expired", "in_flight"):
        masks[name] = outcome == OUTCOMES.index(name)
    return {name: np.where(mask, messages, 0) for name, mask in masks.items()}


def stage_of(cells: pd.DataFrame) -> Ints:
    """The RefusalStage of each cell's messages."""
    stages = {stage.charge: int(stage) for stage in RefusalStage if stage}
    return np.array([stages.get(name, 0) for name in cells["charge"].tolist()], np.int64)


def outcome_of(cells: pd.DataFrame) -> NDArray[Any]:
    """The outcome of each cell's messages, by the tallies' own rule."""
    status = cells["status"].tolist()
    names = sorted({name for name in status if isinstance(name, str)})
    codes = {name: code for code, name in enumerate(names)}
    coded = np.array([codes.get(name, -1) for name in status], np.int64)
    return outcomes({"status": coded, "refused_at": stage_of(cells)}, names)
