"""The terms of a bill: packages that were bought, and the account's rules of their use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from smssim.calendars import to_datetime, to_us
from smssim.scenario import Account, ScenarioError
from smssim.scenario import Package as Planned
from smssim.scenario.consistency_console import package_countries
from smssim.scenario.errors.messages import problems_of
from smssim.scenario.errors.problems import Violation
from smssim.scenario.errors.yaml_locations import in_order, located, mapping_of, text_of
from smssim.scenario.fields import ScenarioModel
from smssim.sms.packages import Package as Bought
from smssim.sms.packages import ends_us

__all__ = ["RULES", "Terms", "check_terms", "read_terms"]

RULES = ("service_mode", "straddle", "package_order", "expiry_zone", "package_countries")
"""The fields of an account that a bill depends on."""


class Terms(ScenarioModel):
    """The parts of a scenario that a bill depends on, with the same rules and errors."""

    account: Account = Account()
    """Service mode, order of use, straddling message, zone in which packages end."""
    packages: tuple[Planned, ...] = ()
    """Packages that are bought, each in force from `at`."""

    def violations(self) -> Iterator[Violation]:
        """Packages are for countries that they are sold for."""
        yield from package_countries(self)

    @property
    def suspends(self) -> bool:
        """Whether it is mode 2, which never charges what no package covers."""
        return self.account.service_mode == "suspend"

    def bought(self, start_us: int, until_us: int) -> list[Bought]:
        """The packages bought before *until_us*, numbered by purchase; from *start_us* without a
        date.
        """
        start, until, zone = to_datetime(start_us), to_datetime(until_us), self.account.expiry_zone
        packages = [one for p in self.packages for one in p.dated(start, until, zone)]
        dated = [(start_us if p.at is None else to_us(p.at), p) for p in packages]
        dated = sorted((d for d in dated if d[0] < until_us), key=lambda purchase: purchase[0])
        return [
            Bought(
                number,
                p.country,
                p.segments,
                p.price_micro,
                at_us,
                ends_us(at_us, zone, valid_days=p.valid_days, valid_months=p.valid_months),
                left=p.segments,
            )
            for number, (at_us, p) in enumerate(dated)
        ]


def check_terms(packages: Sequence[Planned | Mapping[str, Any]], account: dict[str, Any]) -> Terms:
    """Check the terms as a scenario's are; raise a ScenarioError that names all that is wrong."""
    plain = [p.model_dump(exclude_none=True) if isinstance(p, Planned) else p for p in packages]
    data = {"account": account, "packages": plain}
    try:
        return Terms.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(problems_of(error, Terms, data)) from error


def read_terms(path: str | Path) -> dict[str, Any]:
    """The terms in a YAML file, as arguments of `rate`: `packages`, and what `account` states.

    Raise a ScenarioError with file, line and column for all that is wrong in it.
    """
    source = mapping_of(text_of(Path(path)), str(path))
    problems = list(source.duplicates)
    try:
        terms = Terms.model_validate(source.data)
    except ValidationError as error:
        problems += [located(one, source) for one in problems_of(error, Terms, source.data)]
    if problems:
        raise ScenarioError(in_order(problems))
    rules = {name: getattr(terms.account, name) for name in RULES}
    return {"packages": terms.packages, "mode": rules.pop("service_mode"), **rules}
