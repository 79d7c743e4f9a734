"""Warnings: what the service refuses or ignores of a valid scenario, told with its location."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]

from smssim import cli
from smssim.scenario import Scenario, ScenarioError

SHIPPED = sorted((Path(__file__).parents[1] / "data" / "scenarios").glob("*.yaml"))


def scenario(**changes: Any) -> Scenario:
    source = {"name": "login", "template": "code", "country": "ID", "messages_a_day": 10}
    data = {
        "start": "2026-03-02",
        "days": 10,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "traffic": [source | changes.pop("source", {})],
    }
    return Scenario.model_validate(data | changes)


def warned(**changes: Any) -> list[tuple[str, str]]:
    return [(warning.path, warning.message) for warning in scenario(**changes).warnings]


def task(**changes: Any) -> list[dict[str, Any]]:
    plain = {"name": "offer", "template": "code", "at": "2026-03-04T05:00Z", "countries": {"ID": 5}}
    return [plain | changes]


def application(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "app"} | changes]


def template(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "code", "application": "app"} | changes]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_shipped_scenarios_have_none(file: Path) -> None:
    assert Scenario.load(file).warnings == ()


AFTER = "2026-03-12T00:00Z"
MODE_2 = {"service_mode": "suspend"}
WITH_ID = [{"country": "ID", "segments": 5}]
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "mode 2, unsold": (
        {"account": MODE_2, "source": {"country": "SG"}, "registrations": {"SG": {}}},
        "traffic.0.country",
        "mode 2 reaches only ID, TH, IN, PH (account.package_countries): what 'login' sends to SG",
    ),
    "mode 2, task to an unsold country": (
        {
            "account": MODE_2,
            "packages": WITH_ID,
            "group_tasks": task(countries={"ID": 5, "MY": 5}),
        },
        "group_tasks.0.countries.MY",
        "what 'offer' sends to MY is refused",
    ),
    "mode 2, mainland": (
        {"account": MODE_2, "source": {"country": "CN"}},
        "traffic.0.country",
        "cannot send to CN",
    ),
    "mode 2, nothing bought": ({"account": MODE_2}, "traffic.0.country", "no package for ID"),
    "mode 2 by ticket": (
        {
            "tickets": [{"at": "2026-03-03", "service_mode": "suspend"}],
            "source": {"country": "MY"},
        },
        "traffic.0.country",
        "mode 2 reaches only",
    ),
    "registration": (
        {"source": {"country": "VN"}},
        "traffic.0.country",
        "VN asks for the registration of a brand",
    ),
    "registration of content": (
        {"group_tasks": task(countries={"ID": 5, "TW": 5})},
        "group_tasks.0.countries.TW",
        "TW asks for the registration of the content",
    ),
    "task at night": (
        {"group_tasks": task(at="2026-03-04T16:00Z")},
        "group_tasks.0.at",
        "starts 23:00 in ID (Asia/Jakarta): 08:00 to 22:00",
    ),
    "task early": (
        {"group_tasks": task(at="2026-03-04T00:59:59Z")},
        "group_tasks.0.at",
        "starts 07:59 in ID",
    ),
    "task into the night": (
        {"group_tasks": task(at="2026-03-04T13:00Z", countries={"ID": 9_000}, pace_per_s=1)},
        "group_tasks.0.at",
        "hands numbers over until 22:29 in ID",
    ),
    "task in another zone": (
        {"group_tasks": task(at="2026-03-04T05:00Z", countries={"ID": 5, "BR": 5})},
        "group_tasks.0.at",
        "starts 02:00 in BR (America/Sao_Paulo)",
    ),
    "topic": (
        {"templates": template(text="Your loan is approved")},
        "templates.0.text",
        "may be read as forbidden content: loans",
    ),
    "small letters": (
        {"routes": {"ID": {"outcomes": [{"status": "delivrd", "share": 1}]}}},
        "routes.ID.outcomes.0.status",
        "the status 'delivrd' is in no table of the service (did you mean 'DELIVRD'?)",
    ),
    "misspelt": (
        {"routes": {"ID": {"outcomes": [{"status": "REJECTE", "share": 1}]}}},
        "routes.ID.outcomes.0.status",
        "(did you mean 'REJECTD'?)",
    ),
    "package after the end": (
        {"packages": [{"country": "ID", "segments": 5, "at": AFTER}]},
        "packages.0.at",
        "is after the run, which ends 2026-03-12T00:00:00Z: it is idle",
    ),
    "ticket after the end": (
        {"tickets": [{"at": AFTER, "daily_limit": 900}]},
        "tickets.0.at",
        "is after the run",
    ),
    "outage after the end": (
        {"callback": {"outages": [{"at": AFTER, "minutes": 5}]}},
        "callback.outages.0.at",
        "is after the run",
    ),
    "outage before the start": (
        {"callback": {"outages": [{"at": "2026-03-01", "minutes": 1_440}]}},
        "callback.outages.0.at",
        "the outage is over at 2026-03-02T00:00:00Z, before the run",
    ),
    "frequency without numbers": (
        {"applications": application(frequency={"per_day": 5})},
        "applications.0.frequency",
        "no source of 'app' sends to a number twice",
    ),
    "numbers without frequency": (
        {"source": {"numbers": 50}},
        "traffic.0.numbers",
        "'app' has no frequency",
    ),
    "frequency after the end": (
        {
            "source": {"numbers": 50},
            "applications": application(frequency={"per_day": 5, "saved": AFTER}),
        },
        "applications.0.frequency.saved",
        "is after the run",
    ),
    "whitelist of nothing": (
        {"applications": application(addresses_saved="2026-03-03")},
        "applications.0.addresses_saved",
        "there are no addresses",
    ),
    "suspended after the end": (
        {"applications": application(suspended=AFTER)},
        "applications.0.suspended",
        "is after the run",
    ),
    "frozen without a balance": (
        {"account": {"frozen_status": "E000112"}},
        "account.frozen_status",
        "without a balance nothing freezes",
    ),
    "signature": (
        {"templates": template(text="Hi", signature="Shop")},
        "templates.0.signature",
        "does not go to CN",
    ),
    "review of nothing": ({"review": {"rejection": 0.5}}, "review", "no template is handed in"),
    "handling without reviewers": (
        {"templates": template(submitted="2026-03-02"), "review": {"handling": 60}},
        "review.handling",
        "without reviewers",
    ),
    "urged without reviewers": (
        {"templates": template(submitted="2026-03-02", urged="2026-03-02T02:00Z")},
        "templates.0.urged",
        "without review.reviewers",
    ),
    "batches for no one": (
        {"callback": {"batch_wait_s": 5}},
        "callback.batch_wait_s",
        "no application has a batch_address",
    ),
    "a server without reports": (
        {"callback": {"address": False, "retries_s": [5]}},
        "callback.retries_s",
        "no delivery report is pushed",
    ),
    "retries of nothing": (
        {"callback": {"retries_s": [5]}},
        "callback.retries_s",
        "every push arrives",
    ),
    "zone": ({"source": {"zone": "Asia/Tokyo"}}, "traffic.0.zone", "are alike: its zone is idle"),
    "duplicates": (
        {"source": {"flaws": {"duplicates": 0.5}}},
        "traffic.0.flaws.duplicates",
        "have one number",
    ),
    "route for no one": ({"routes": {"TH": {}}}, "routes.TH", "no source sends to TH"),
    "limit of nothing": (
        {"thresholds": {"countries": {"ID": {}}}},
        "thresholds.countries.ID",
        "neither daily nor monthly",
    ),
    "checking without checks": ({"checking": {}}, "checking", "there are no checks"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_is_warned_of_once_and_alone(name: str) -> None:
    changes, path, message = CASES[name]
    ((where, text),) = warned(**changes)
    assert where == path
    assert message in text


QUIET: dict[str, dict[str, Any]] = {
    "plain": {},
    "mode 2 with a package": {"account": MODE_2, "packages": WITH_ID},
    "mode 2, others sold": {
        "account": MODE_2 | {"package_countries": ["MY"]},
        "source": {"country": "MY"},
        "packages": [{"country": "MY", "segments": 5}],
    },
    "mode 1": {"source": {"country": "MY"}},
    "registered": {"source": {"country": "VN"}, "registrations": {"VN": {}}},
    "onboarding": {"source": {"country": "VN"}, "onboarding": {}},
    "from eight to ten": {"group_tasks": task(at="2026-03-04T01:00Z")},
    "until ten": {
        "group_tasks": task(at="2026-03-04T14:00Z", countries={"ID": 3_601}, pace_per_s=1)
    },
    "cancelled": {
        "group_tasks": task(at="2026-03-04T16:00Z", cancelled="2026-03-03", created="2026-03-02")
    },
    "a status of a supplier": {
        "routes": {"ID": {"outcomes": [{"status": "MK:0012", "share": 1}]}},
    },
    "frequency with resends": {
        "source": {"resend": {}},
        "applications": application(frequency={"per_day": 5}),
    },
    "retries of outages": {
        "callback": {"retries_s": [5], "outages": [{"at": "2026-03-01", "minutes": 2_000}]}
    },
}


@pytest.mark.parametrize("name", QUIET)
def test_what_has_an_effect_is_not_warned_of(name: str) -> None:
    assert warned(**QUIET[name]) == []


def test_countries_of_a_file_of_numbers(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "n.xlsx"))
    book.add_worksheet().write_column(0, 0, ["+60123456789", "+6281234567890"])
    book.close()
    plan = tmp_path / "plan.yaml"
    text = scenario(account=MODE_2, packages=WITH_ID).to_yaml()
    line = "group_tasks: [{name: t, template: code, at: 2026-03-04T05:00Z, file: n.xlsx}]"
    plan.write_text(f"{text}{line}\n", encoding="utf-8")
    (warning,) = Scenario.load(plan).warnings
    assert warning.path == "group_tasks.0.file"
    assert "'t' sends to MY" in warning.message


TEXT = """start: 2026-03-02
days: 10
applications: [{name: app}]
templates: [{name: code, application: app}]
traffic: [{name: login, template: code, country: ID, messages_a_day: 10}]
packages:
- {country: ID, segments: 50, price: 9}
- country: ID
  segments: 5
  at: 2026-04-01
"""


def test_a_text_has_lines_and_columns() -> None:
    (warning,) = Scenario.parse(TEXT, "plan.yaml").warnings
    assert str(warning).startswith("plan.yaml:10:7: packages.1.at: 2026-04-01")
    assert (warning.line, warning.column) == (10, 7)


def test_a_change_is_looked_at_anew() -> None:
    plan = Scenario.parse(TEXT)
    assert plan.change(days=60).warnings == ()
    assert plan == Scenario.parse(TEXT)
    assert plan.digest() == Scenario.parse(TEXT).digest()


def test_another_size_at_the_old_price_is_warned_of() -> None:
    plan = Scenario.parse(TEXT).change(days=60)
    (warning,) = plan.change(**{"packages.0.segments": 500}).warnings
    assert warning.path == "packages.0.segments"
    assert "keeps its price(=9)" in warning.message
    assert "price_per_segment" in warning.message
    both = {"packages.0.segments": 500, "packages.0.price": 90}
    assert plan.change(**both).warnings == ()


def test_a_price_per_segment_grows_with_the_package() -> None:
    packages = [{"country": "ID", "segments": 50, "price_per_segment": 0.1}]
    plan = scenario(packages=packages)
    assert plan.packages[0].price_micro == 5_000_000
    larger = plan.change(**{"packages.0.segments": 500})
    assert larger.packages[0].price_micro == 50_000_000
    assert larger.warnings == ()
    with pytest.raises(ScenarioError, match="give price or price_per_segment, not both"):
        scenario(packages=[packages[0] | {"price": 3}])


def test_commands_warn_on_stderr_and_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(TEXT, encoding="utf-8")
    assert cli.main(["run", str(plan), "--quiet"]) == 0
    assert capsys.readouterr().err.startswith(f"smssim: warning: {plan}:10:7: packages.1.at:")
    sizes = ["--set", "packages.0.segments=50,500", "--n", "1", "--workers", "1", "--no-progress"]
    assert cli.main(["sweep", str(plan), *sizes]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len([line for line in lines if "keeps its price" in line]) == 1


def test_a_notebook_shows_them() -> None:
    card = Scenario.parse(TEXT, "plan.yaml")._repr_html_()
    assert "plan.yaml:10:7: packages.1.at" in card
    assert "warnings" not in scenario()._repr_html_()
