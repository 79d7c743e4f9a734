"""What was known of a record at an earlier instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from smssim.calendars import DAY, to_datetime, to_us
from smssim.record.as_of import log_as_of
from smssim.record.record import Record
from smssim.scenario import Scenario
from smssim.simulation.policies.account_view import Policy
from smssim.simulation.simulate import simulate

__all__ = ["as_of"]


def as_of(record: Record, cut: date | datetime | str, *, policies: Sequence[Policy] = ()) -> Record:
    """The record as it looked at *cut*: what was submitted before, without what came later.

    *cut* is an instant, UTC without a zone, or a day, its midnight. Of a log, messages and reports
    must have been stored. A status is known from its time on; one without a time from 72 h after
    its message was submitted, when the platform has made one of every message. A report is known
    from when it was received. A bill is not cut: rate the result.

    A run is simulated again for the days up to the cut, a whole number of them, since its tables do
    not show what a later freeze took back; *policies* must be those that it was made with. It is
    equal to `simulate` of that many days. Raise a ValueError if the record does not allow it.

    >>> import smssim
    >>> plan = smssim.Scenario.parse('''
    ... start: 2026-03-01
    ... days: 9
    ... applications: [{name: shop}]
    ... templates: [{name: code, application: shop}]
    ... traffic: [{name: a, template: code, country: ID, messages_a_day: 50}]
    ... ''')
    >>> week = smssim.as_of(smssim.simulate(plan), "2026-03-08")
    >>> week.messages.equals(smssim.simulate(plan.change(days=7)).messages)
    True
    """
    cut_us = to_us(_instant(cut))
    text, rated = record.provenance.get("scenario"), "rating" in record.provenance
    if text is None and not (rated and record.provenance["rating"].get("of") != "log"):
        return log_as_of(record, cut_us)
    if rated:
        raise ValueError(f"{record.name!r} was rated: rate what was known at the cut instead")
    days, rest = divmod(cut_us - record.observed_from, DAY)
    if (
        rest
        or not 0 < cut_us - record.observed_from <= record.observed_until - record.observed_from
    ):
        start, end = (to_datetime(us) for us in (record.observed_from, record.observed_until))
        rule = f"whole days after {start}, the start of the run, and not after {end}"
        raise ValueError(f"cut(={to_datetime(cut_us)}) must be {rule}")
    names = [getattr(policy, "__qualname__", repr(policy)) for policy in policies]
    if names != record.provenance["policies"]:
        made = ", ".join(record.provenance["policies"]) or "none"
        raise ValueError(f"policies(={names}) must be those of the run: {made}")
    return simulate(
        Scenario.parse(str(text)).change(days=days),
        rng=record.provenance["rng"],
        replication=record.provenance["replication"],
        policies=policies,
        rows=record.messages is not None,
    )


def _instant(cut: date | datetime | str) -> date:
    if not isinstance(cut, str):
        return cut
    try:
        instant = datetime.fromisoformat(cut)
    except ValueError:
        raise ValueError(f"cut(={cut!r}) must be a date or an instant, as 2026-03-15") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
