"""What the customer's staff do when the account notifies them, as a scenario file has it.

Each class has the fields of the ready-made policy of its name (`smssim.policies`), which simulates
it; docs/how_to_write_a_policy.md says what each does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic import WithJsonSchema as Schema

from smssim.scenario.errors.problems import Violation
from smssim.scenario.fields import (
    Count,
    Country,
    Float,
    Int,
    Money,
    Name,
    ScenarioModel,
    Zone,
    micro,
)

__all__ = [
    "PlannedPolicy",
    "RaiseLimit",
    "StopSource",
    "SwitchMode",
    "TopUpBalance",
    "TopUpQuota",
]

_Reaction = Annotated[Float, Field(ge=0, le=1e9)]
_Times = Annotated[Int, Field(ge=0, le=10**12)]
_Hour = Annotated[Int, Field(ge=0, le=24)]
_HOURS_SCHEMA = {
    "type": "array",
    "prefixItems": [{"type": "integer"}, {"type": "integer"}],
    "minItems": 2,
    "maxItems": 2,
}


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple | dict) else (value,)


_Values = Annotated[
    tuple[Count, ...],
    BeforeValidator(_listed),
    Schema({"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]}),
]
"""One number, or several in a list."""


class _Attended(ScenarioModel):
    """A policy of people who work at certain hours."""

    after_s: _Reaction = 3_600
    """Assumption: how long they take to react, in seconds; an hour."""
    zone: Zone = "Asia/Shanghai"
    """The time zone of the office."""
    days: Literal["weekdays", "chinese_workdays", "every_day"] = "weekdays"
    """The days on which the office is open."""

    def violations(self) -> Iterator[Violation]:
        """Office hours rise."""
        hours = getattr(self, "hours", None)
        if hours is not None and not hours[0] < hours[1]:
            yield ("hours",), f"hours(={hours[0]}, {hours[1]}) must rise within a day"


class TopUpQuota(ScenarioModel):
    """Buys a package when the quota of its country is low, or has run out."""

    country: Country
    """The country of the packages."""
    segments: Count
    """How many segments each package holds."""
    price: Money = 0
    """What each package costs, in the scenario's currency."""
    price_per_segment: Money | None = None
    """What each of its segments costs, instead of a price of the whole."""
    on: Literal["low_quota", "run_out"] = "low_quota"
    """The notice that is acted on; low_quota needs the country in account.low_quota."""
    after_s: _Reaction = 3_600
    """Assumption: how long it takes to react, in seconds; an hour."""
    at_most: _Times | None = None
    """How often it buys at most; as often as it is told, if nothing is said."""
    valid_months: Annotated[Count, Field(le=120)] | None = None
    """Each package ends on the same day this many months later; one if nothing is said."""
    valid_days: Annotated[Count, Field(le=3_660)] | None = None
    """Each package ends this many days later, instead of months."""

    def violations(self) -> Iterator[Violation]:
        """One validity, one price."""
        if self.price_per_segment is not None and "price" in self.model_fields_set:
            yield ("price_per_segment",), "give price or price_per_segment, not both"
        if self.valid_months is not None and self.valid_days is not None:
            yield ("valid_days",), "give valid_months or valid_days, not both"

    def arguments(self) -> dict[str, Any]:
        """The arguments of the ready-made policy."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        per_segment = fields.pop("price_per_segment")
        if per_segment is not None:
            fields["price"] = self.segments * micro(per_segment) / 1e6
        return fields


class TopUpBalance(_Attended):
    """Pays in when the account is frozen, or before that, when little is left."""

    amount: Annotated[Money, Field(gt=0)]
    """What is paid in, in the scenario's currency."""
    below: Money | None = None
    """Pays when the balance less what accrued is below this at a full hour; without it, when the
    account is frozen."""
    at_most: _Times | None = None
    """How often it pays at most; as often as it is needed, if nothing is said."""
    hours: Annotated[tuple[_Hour, _Hour] | None, Schema(_HOURS_SCHEMA)] = None
    """Local hours from and to at which the office is open; always, if nothing is said."""


class RaiseLimit(_Attended):
    """Raises a daily or monthly limit that tripped, or whose alarm went off, in working hours."""

    factor: Annotated[Float, Field(gt=1, le=1e12)] | None = None
    """The limit is multiplied by this."""
    daily_limit: _Values = ()
    """The daily limit is set to the next higher of these, instead of a factor."""
    monthly_limit: _Values = ()
    """The monthly limit is set to the next higher of these, instead of a factor."""
    on: Literal["limit", "alarm"] = "limit"
    """The notice that is acted on."""
    hours: Annotated[tuple[_Hour, _Hour] | None, Schema(_HOURS_SCHEMA)] = (9, 18)
    """Local hours from and to at which the office is open."""
    at_most: _Times | None = None
    """How often it acts at most; as often as it is told, if nothing is said."""

    def violations(self) -> Iterator[Violation]:
        """A factor or values, one of the two."""
        yield from super().violations()
        if (self.factor is None) == (not self.daily_limit and not self.monthly_limit):
            have = "neither" if self.factor is None else "both"
            yield (), f"give factor, or daily_limit and monthly_limit, one of the two, not {have}"


class SwitchMode(ScenarioModel):
    """Files a ticket for the other service mode when a package ran out or sending is suspended."""

    to: Literal["pay_per_use", "suspend"] = "pay_per_use"
    """The mode to switch to."""
    on: Literal["run_out", "suspended"] = "run_out"
    """The event that is acted on."""
    after_s: _Reaction = 3_600
    """Assumption: how long it takes to react, in seconds; an hour."""
    at_most: _Times | None = None
    """How often it acts at most; as often as it is told, if nothing is said."""


class StopSource(_Attended):
    """Stops a source of traffic for good after an alarm, such as an attack that was noticed."""

    name: Name
    """The source that is stopped."""
    on: Literal["alarm", "limit", "country_limit"] = "alarm"
    """The first event of this kind is acted on."""
    hours: Annotated[tuple[_Hour, _Hour] | None, Schema(_HOURS_SCHEMA)] = None
    """Local hours from and to at which the office is open; always, if nothing is said."""


class PlannedPolicy(ScenarioModel):
    """One ready-made policy: its name, with its fields below it."""

    top_up_quota: TopUpQuota | None = None
    """Buys a package when quota is low, or has run out."""
    top_up_balance: TopUpBalance | None = None
    """Pays in when the account is frozen, or little is left."""
    raise_limit: RaiseLimit | None = None
    """Raises a limit that tripped, or whose alarm went off."""
    switch_mode: SwitchMode | None = None
    """Switches the service mode when a package ran out."""
    stop_source: StopSource | None = None
    """Stops a source of traffic after an alarm."""

    def violations(self) -> Iterator[Violation]:
        """One policy, so that their order is that of the file."""
        names = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(names) != 1:
            have = " and ".join(names) or "none"
            names = list(type(self).model_fields)
            yield (), f"an entry must be exactly one of {', '.join(names)}, not {have}"

    @property
    def name(self) -> str:
        """Which policy it is."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def fields(self) -> Any:
        """The policy's own fields."""
        return getattr(self, self.name)

    def arguments(self) -> dict[str, Any]:
        """The arguments of the ready-made policy of this name."""
        policy = self.fields
        if isinstance(policy, TopUpQuota):
            return policy.arguments()
        return {name: getattr(policy, name) for name in type(policy).model_fields}
