"""Which countries a scenario's templates go to, by the sources that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.scenario.group_tasks import GroupTask
from smssim.scenario.onboarding import Registration, registration_rules
from smssim.sms.recipients import read_recipients

if TYPE_CHECKING:
    from smssim.scenario.scenario import Scenario, Source

__all__ = ["destinations", "registrations"]


def destinations(scenario: Scenario) -> dict[str, frozenset[str]]:
    """The countries of every template's sources, none for a template without sources.

    Raise a ScenarioError if the file of a group task is not found.
    """
    countries: dict[str, set[str]] = {template.name: set() for template in scenario.templates}
    for source in scenario.sources:
        countries[source.template] |= _countries(scenario, source)
    return {template: frozenset(countries) for template, countries in countries.items()}


def _countries(scenario: Scenario, source: Source) -> set[str]:
    if not isinstance(source, GroupTask):
        return {source.country}
    if source.file is None:
        return set(source.countries)
    return set(read_recipients(scenario.find(source.file)).countries)


def registrations(scenario: Scenario) -> dict[str, Registration]:
    """Every registration of a run by country, in alphabetical order.

    With onboarding, they are also those that the table of sending rules asks for, in countries
    that some source sends to (DOMAIN.md section 11).
    """
    by_country = dict(scenario.registrations)
    if scenario.onboarding is not None:
        for country in set().union(*destinations(scenario).values()) & set(registration_rules()):
            by_country.setdefault(country, Registration())
    return dict(sorted(by_country.items()))
