"""Getting started: the account's steps until it may send, and the registrations of countries."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

from smssim.scenario.delays import Delay
from smssim.scenario.errors.problems import Violation
from smssim.scenario.fields import Instant, ScenarioModel
from smssim.scenario.network import Status
from smssim.sms.reference import reference

__all__ = ["Onboarding", "Registration", "Rule", "Step", "registration_rules", "registration_type"]

_WORKDAY_S = 9 * 3_600
"""A workday of the Chinese calendar in seconds of working time, 09:00-18:00 GMT+8."""
Step = Literal[
    "email",
    "mobile_number",
    "registration",
    "payment_method",
    "authentication",
    "enabling",
    "details",
]
_RegistrationType = Literal["sender_id", "brand", "content"]


class Rule(NamedTuple):
    """What a country wants registered, and whether before application and template."""

    kind: _RegistrationType
    first: bool


@cache
def registration_rules() -> dict[str, Rule]:
    """The registrations that Huawei's table of sending rules asks for, by country (DOMAIN.md
    section 11).

    >>> registration_rules()["VN"], registration_rules()["TW"]
    (Rule(kind='brand', first=True), Rule(kind='content', first=False))
    """
    rules = {}
    for row in reference("sending_rules"):
        sender, content = row["sender_id_rule"], row["content_rule"]
        if row["verified"] != "yes":
            continue
        if sender:
            kind: _RegistrationType = "brand" if "brand" in sender.lower() else "sender_id"
            rules[row["iso2"]] = Rule(kind, "before creating app/template" in sender)
        elif content.startswith("Content must be filed"):
            rules[row["iso2"]] = Rule("content", False)
    return rules


class Onboarding(ScenarioModel):
    """The account's way from registration to its details, step by step (DOMAIN.md section 12).

    Each step follows as soon as the one before it is done, unless it is tried at a given moment.
    Since 2025-01-10 Huawei enables no new users of the service.
    """

    account_type: Literal["enterprise", "personal", "unincorporated"] = "enterprise"
    """International SMS is for enterprises: a personal account is refused at its authentication,
    an unincorporated business (sole proprietor, partnership) when the service is enabled."""
    begins: Instant | None = None
    """When the first steps begin; without it, at the start of the run."""
    email: Delay | None = None
    """Assumption: how long the email address takes that the registration needs, in seconds; part
    of the registration by default."""
    mobile_number: Delay | None = None
    """Assumption: how long the mobile number takes that the registration needs, in seconds; part
    of the registration by default."""
    registration: Delay = Delay(fixed_s=3_600)
    """Assumption: email, mobile number, complete information and payment method, in seconds; an
    hour."""
    payment_method: Delay | None = None
    """Assumption: how long the payment method takes that applications need, in seconds from the
    registration on; part of the registration by default."""
    authentication: Delay = Delay(uniform_s=(_WORKDAY_S, 3 * _WORKDAY_S))
    """Assumption: where within its documented one to three workdays the real-name authentication
    ends, in seconds of working time (32,400 a workday); anywhere."""
    enabling: Delay = Delay(fixed_s=_WORKDAY_S)
    """Assumption: the review of the application for the service, whose agreement is accepted, in
    seconds of working time; a workday."""
    details: Delay = Delay(fixed_s=600)
    """Assumption: account details completed and service mobile number bound, in seconds; ten
    minutes."""
    application_setup: Delay = Delay(fixed_s=600)
    """Assumption: how long it takes to create an application, in seconds; ten minutes each."""
    credentials: Delay | None = None
    """Assumption: how long it takes to obtain an application's key, secret, access address and
    channel number, which its messages need, in seconds; none by default."""
    attempts: dict[Step, Instant] = {}
    """Steps that are tried at a given moment; one that is tried before the step before it is done
    is refused, and so is all that needs it."""

    def violations(self) -> Iterator[Violation]:
        """The registration has one beginning."""
        if self.begins is not None and "registration" in self.attempts:
            message = "give begins or attempts.registration, not both"
            yield ("attempts", "registration"), message


class Registration(ScenarioModel):
    """A registration with a country's carriers or authorities: sender ID, brand or content
    (DOMAIN.md section 11)."""

    applied: Instant | None = None
    """When it is applied for; without it as soon as the account's details are complete, or never
    where the scenario has no onboarding."""
    duration: Delay = Delay(fixed_s=10 * _WORKDAY_S)
    """Assumption: from application to registration, in seconds of working time (32,400 a workday);
    ten workdays."""
    kind: _RegistrationType | None = None
    """What is registered; without it, what the table of sending rules names for the country."""
    status: Status = "REJECTD"
    """Assumption: the status of messages to the country while it is not registered."""
    source: Literal["supplier", "huawei"] = "supplier"
    """Assumption: who makes that status; the platform's own are not charged and take no queue
    slot."""

    def violations(self) -> Iterator[Violation]:
        """Messages to an unregistered country are not delivered, and are reported."""
        if self.status in ("DELIVRD", "EXPIRED", "none"):
            yield ("status",), f"the status(={self.status!r}) must be one of a failure"


def registration_type(country: str, registration: Registration) -> _RegistrationType:
    """What is registered in a country: by the scenario, else the table, else a sender ID."""
    rule = registration_rules().get(country)
    return registration.kind or (rule.kind if rule else "sender_id")
