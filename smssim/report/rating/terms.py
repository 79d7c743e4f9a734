"""The terms that a recorded month is rated by: service mode, packages and their rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from smssim.calendars import to_us
from smssim.scenario import Account, ScenarioError, micro
from smssim.scenario import Package as Planned
from smssim.scenario.consistency_console import package_countries
from smssim.scenario.errors.messages import problems_of
from smssim.scenario.errors.problems import Found
from smssim.scenario.fields import Part
from smssim.sms.packages import Package as Bought
from smssim.sms.packages import ends_us


class Terms(Part):
    """The parts of a scenario that a bill hangs on, with the same rules and the same errors."""

    account: Account = Account()
    """Service mode, order of use, straddling message, zone in which packages end."""
    packages: tuple[Planned, ...] = ()
    """Packages that are bought, each in force from `at`."""

    def broken(self) -> Iterator[Found]:
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
        dated = [(start_us if p.at is None else to_us(p.at), p) for p in self.packages]
        dated = sorted((d for d in dated if d[0] < until_us), key=lambda own: own[0])
        zone = self.account.expiry_zone
        return [
            Bought(
                number,
                p.country,
                p.segments,
                micro(p.price),
                at_us,
                ends_us(at_us, zone, valid_days=p.valid_days, valid_months=p.valid_months),
                left=p.segments,
            )
            for number, (at_us, p) in enumerate(dated)
        ]


def terms_of(packages: Sequence[Planned | Mapping[str, Any]], account: dict[str, Any]) -> Terms:
    """Check the terms as a scenario's are; raise a ScenarioError that names all that is wrong."""
    plain = [p.model_dump(exclude_none=True) if isinstance(p, Planned) else p for p in packages]
    data = {"account": account, "packages": plain}
    try:
        return Terms.model_validate(data)
    except ValidationError as error:
        raise ScenarioError(problems_of(error, Terms, data)) from error
