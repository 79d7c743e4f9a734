"""The part of a run that a customer's own server sees: API requests, and reports that arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from smssim.arrays import Ints
from smssim.calendars import SECOND
from smssim.record.record import Record
from smssim.record.schema import refusal_stages
from smssim.scenario import Scenario
from smssim.scenario.templates import Template
from smssim.sms.templates.variables import Variable, read_variables

__all__ = [
    "MOST_IN_A_BATCH",
    "NOTHING",
    "PASSWORD",
    "Codes",
    "Parameters",
    "ReportArrivals",
    "Sent",
    "sent_and_arrived",
]

MOST_IN_A_BATCH = 50

_DUPLICATE = "E200041"

_PASSWORD_DIGITS, _TEXT_LENGTH = 6, 4
_FIXED = {
    "DATE": "2026/01/31",
    "TIME": "10:00",
    "DATETIME": "2026-01-31 10:00",
    "MONEY": "10.00",
    "PHONE": "00000000000",
}


@dataclass(frozen=True)
class Codes:
    """A categorical column: a code per row into sorted labels, -1 where it is NA."""

    codes: Ints
    labels: list[str]

    def where(self, label: str) -> npt.NDArray[np.bool_]:
        """Return which rows have that label."""
        code = self.labels.index(label) if label in self.labels else -2
        return np.equal(self.codes, code)


# The values of a template's variables, as many and as long as the API accepts them.


@dataclass(frozen=True)
class Parameters:
    """The values of a template's variables: texts, or numbers of digits of a password."""

    values: tuple[str | int, ...]

    def written(self, password: str) -> str:
        """The values as a JSON array, which the API takes as a text."""
        texts = [
            value if isinstance(value, str) else (password * value)[:value] for value in self.values
        ]
        return json.dumps(texts, separators=(",", ":"))


PASSWORD, NOTHING = Parameters((_PASSWORD_DIGITS,)), Parameters(())
"""The values of a template without a text: a one-time password, or none."""


def _parameters_of(template: Template) -> Parameters | None:
    """The values for the text of *template*; None where it has no text."""
    if template.text is None:
        return None
    return Parameters(tuple(_value(one, template) for one in read_variables(template.text)))


def _value(variable: Variable, template: Template) -> str | int:
    lengths = template.variables.get(variable.name)
    if isinstance(lengths, dict):
        lengths = max(lengths, key=lengths.__getitem__)
    if variable.type == "NUM" or (template.type == "otp" and variable.type in ("numbered", "")):
        most = _PASSWORD_DIGITS if variable.most is None else variable.most
        return most if lengths is None else lengths
    if variable.type in _FIXED:
        return _FIXED[variable.type]
    most = _TEXT_LENGTH if variable.most is None else min(variable.most, _TEXT_LENGTH)
    return "x" * (most if lengths is None else lengths)


# Messages and reports as the customer's server sees them.


@dataclass(frozen=True)
class Sent:
    """The messages that went through the API, as columns, and the first row of each request.

    Times are microseconds since 1970 UTC, the smallest int64 where there is none. `number` is the
    recipient of its request whose phone number a message goes to: itself, or the one it repeats.
    `extends` follows the labels of `source`, `channels` those of `application`, `parameters` those
    of `template`; `org_codes` are by country and status;
    `callback` is whether the request names an address for its reports.
    """

    starts: Ints
    submitted: Ints
    request: Ints
    recipient: Ints
    number: Ints
    resend_number: Ints
    segments: Ints
    stage: Ints
    final: Ints
    source: Codes
    application: Codes
    template: Codes
    type: Codes
    country: Codes
    status: Codes
    report_source: Codes
    callback: npt.NDArray[np.bool_]
    extends: list[str | None]
    channels: list[str | None]
    parameters: list[Parameters | None]
    org_codes: Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class ReportArrivals:
    """The reports that arrived, copies apart, in order of arrival: row in Sent, part, report.

    `line` counts the callbacks that brought them and `instant` is when each came.
    """

    message: Ints
    segment: Ints
    report: Ints
    line: Ints
    instant: Ints


def sent_and_arrived(run: Record, *, batch: bool) -> tuple[Sent, ReportArrivals]:
    """Return what the customer's server sees of *run*; group tasks go through the console.

    A batch holds up to 50 consecutive reports of one second and comes with the last of them.
    Raise a ValueError when *run* did not keep its messages and reports, or has no scenario.
    """
    if run.messages is None or run.reports is None:
        raise ValueError(f"run(={run.name!r}) must have kept its messages and reports")
    text = run.provenance.get("scenario")
    if not isinstance(text, str):
        raise ValueError(f"run(={run.name!r}).provenance must hold its scenario as YAML text")
    scenario = Scenario.parse(text, f"scenario of {run.name}")
    tasks = [task.name for task in scenario.tasks]
    rows = np.flatnonzero(~run.messages["source"].isin(tasks).to_numpy())
    sent = _sent(run.messages.iloc[rows], scenario)
    return sent, _arrivals(run.reports, rows, len(run.messages), batch=batch)


def _sent(messages: pd.DataFrame, scenario: Scenario) -> Sent:
    source, status = _codes(messages["source"]), _codes(messages["status"])
    request, resend_number = _integers(messages["request"]), _integers(messages["resend_number"])
    recipient = _integers(messages["recipient"])
    first = np.ones(len(messages), np.bool_)
    same = (source.codes[1:] == source.codes[:-1]) & (request[1:] == request[:-1])
    first[1:] = ~same | (resend_number[1:] > 0) | (resend_number[:-1] > 0)
    country = _codes(messages["country"])
    application, template = _codes(messages["application"]), _codes(messages["template"])
    channels = {one.name: one.channel for one in scenario.applications}
    parameters = {one.name: _parameters_of(one) for one in scenario.templates}
    extends = {stream.name: stream.extend for stream in scenario.traffic}
    extends |= {call.name: call.extend for call in scenario.calls}
    return Sent(
        starts=np.flatnonzero(first),
        submitted=_microseconds(messages["submitted_at"]),
        request=request,
        recipient=recipient,
        number=_numbers(
            first, recipient, status.where(_DUPLICATE), (source, request, resend_number)
        ),
        resend_number=resend_number,
        segments=_integers(messages["segments"]),
        stage=refusal_stages(messages["refused_at"]).astype(np.int64),
        final=_microseconds(messages["final_at"]),
        source=source,
        application=application,
        template=template,
        type=_codes(messages["type"]),
        country=country,
        status=status,
        report_source=_codes(messages["report_source"]),
        callback=_names_address(scenario, source),
        extends=[extends.get(name) for name in source.labels],
        channels=[channels.get(name) for name in application.labels],
        parameters=[parameters.get(name) for name in template.labels],
        org_codes=_org_codes(scenario, country.labels),
    )


def _org_codes(scenario: Scenario, countries: list[str]) -> dict[tuple[str, str], str]:
    return {
        (country, outcome.status): outcome.org_code
        for country in countries
        for outcome in scenario.route(country).outcomes
        if outcome.org_code is not None
    }


def _numbers(
    first: npt.NDArray[np.bool_],
    recipient: Ints,
    duplicate: npt.NDArray[np.bool_],
    copies: tuple[Codes, Ints, Ints],
) -> Ints:
    """Return whose number each row bears: a duplicate's is that of the last one before it.

    Resends go where their first copy went; *copies* are source, request and resend_number.
    """
    source, request, resend_number = copies
    rows = np.arange(len(recipient))
    number = recipient[np.maximum.accumulate(np.where(duplicate & ~first, 0, rows))]
    repeats = np.flatnonzero((number != recipient) & (resend_number == 0))
    resent = np.flatnonzero((resend_number > 0) & np.isin(request, request[repeats]))
    keys = source.codes, request, recipient
    borne = dict(zip(_triples(keys, repeats), number[repeats].tolist(), strict=True))
    first_copies = zip(_triples(keys, resent), recipient[resent].tolist(), strict=True)
    number[resent] = [borne.get(key, usual) for key, usual in first_copies]
    return number


def _triples(keys: tuple[Ints, Ints, Ints], rows: Ints) -> Iterator[tuple[int, int, int]]:
    a, b, c = (key[rows].tolist() for key in keys)
    return zip(a, b, c, strict=True)


def _arrivals(reports: pd.DataFrame, rows: Ints, n: int, *, batch: bool) -> ReportArrivals:
    row_of = np.full(n, -1, np.int64)
    row_of[rows] = np.arange(len(rows))
    message = row_of[_integers(reports["message"])]
    received_rows = np.flatnonzero((reports["state"] == "received").to_numpy() & (message >= 0))
    received = _microseconds(reports["received_at"])[received_rows]
    order = received_rows[np.argsort(received, kind="stable")]
    order = np.repeat(order, _integers(reports["deliveries"])[order])
    line, at = _callbacks(_microseconds(reports["received_at"])[order], batch)
    return ReportArrivals(message[order], _integers(reports["part"])[order], order, line, at)


def _callbacks(at: Ints, batch: bool) -> tuple[Ints, Ints]:
    """Return the callback of each arrival and when it comes, arrivals being in order."""
    if not batch:
        return np.arange(len(at)), at
    second = at // SECOND
    begins = np.ones(len(at), np.bool_)
    begins[1:] = second[1:] != second[:-1]
    positions = np.arange(len(at))
    within = positions - np.maximum.accumulate(np.where(begins, positions, 0))
    line = np.cumsum(within % MOST_IN_A_BATCH == 0) - 1
    last = np.append(np.flatnonzero(np.diff(line)), len(line) - 1)
    return line, at[last[line]]


def _codes(column: pd.Series[Any]) -> Codes:
    held = pd.Categorical(column)
    present = np.unique(np.asarray(held.codes, np.int64))
    used = present[present >= 0]
    labels, position = np.unique([str(held.categories[code]) for code in used], return_inverse=True)
    new = np.full(len(held.categories) + 1, -1, np.int64)
    new[used] = position
    return Codes(new[np.asarray(held.codes, np.int64)], labels.tolist())


def _integers(column: pd.Series[Any]) -> Ints:
    return column.to_numpy(dtype=np.int64)


def _microseconds(column: pd.Series[Any]) -> Ints:
    naive: Ints = column.dt.tz_convert(None).to_numpy("datetime64[us]").view(np.int64)
    return naive


def _names_address(scenario: Scenario, source: Codes) -> npt.NDArray[np.bool_]:
    """Whether each message's request names an address for its reports."""
    callback = scenario.callback
    addresses = {of.name: of.status_callback for of in scenario.sources}
    named = [callback.is_named(addresses.get(name)) for name in source.labels]
    return np.array(named, np.bool_)[source.codes]
