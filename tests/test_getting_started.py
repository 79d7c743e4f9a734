"""Getting started, rule by rule: prerequisites, durations, refusals, events."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from smssim.scenario import Scenario, ScenarioError, registration_rules, registration_type
from smssim.scenario.onboarding import Registration
from smssim.simulation.account.account import Account
from smssim.simulation.setup.review import SetupTimeline, setup_timeline
from smssim.simulation.simulate import Run, simulate
from smssim.sms.reference import reference
from smssim.stats.keyed_random import KeyedRandom

STEPS = ["registration", "authentication", "enabling", "details"]
QUICK = {"registration": 0, "authentication": 0, "enabling": 0, "details": 0}
MONDAY = "2026-03-02T01:00:00Z"
"""09:00 in GMT+8."""


def scenario(country: str = "ID", **changes: Any) -> Scenario:
    """A company that registers on a Monday at 09:00 GMT+8 and sends passwords to one country."""
    made: dict[str, Any] = {
        "start": MONDAY,
        "days": 30,
        "onboarding": QUICK | {"application_setup": 0} | changes.pop("onboarding", {}),
        "applications": [{"name": "shop"}],
        "templates": [{"name": "login", "application": "shop"}],
        "review": {"decision": 3_600, "next_workday": 0},
        "traffic": [{"name": "api", "template": "login", "country": country, "messages_a_day": 50}],
    }
    return Scenario.model_validate(made | changes)


def table(made: Scenario) -> pd.DataFrame:
    """The steps of a run, by step and subject."""
    found = simulate(made, rows=False).onboarding
    assert found is not None
    return found.set_index(["step", "subject"])


def events(run: Run) -> list[tuple[str, str, str]]:
    """When, what, to what."""
    assert run.events is not None
    told = run.events[~run.events["event"].isin(["alarm", "limit"])]
    times = told["at"].dt.strftime("%d %H:%M")
    return list(zip(times, told["event"], told["subject"], strict=True))


def known(made: Scenario) -> SetupTimeline:
    return setup_timeline(made, KeyedRandom(1))


def test_a_step_follows_when_the_one_before_it_is_done() -> None:
    onboarding = {
        "registration": 3_600,
        "authentication": 9 * 3_600,
        "enabling": 4 * 3_600,
        "details": 600,
        "application_setup": 1_200,
    }
    found = table(scenario(onboarding=onboarding))
    assert list(found.index.get_level_values("step")) == [*STEPS, "application", "template"]
    done = found["done_at"].dt.strftime("%a %H:%M").tolist()
    # Nine hours of working time from Monday 10:00 GMT+8 end on Tuesday at 10:00, four at 14:00.
    assert done[:4] == ["Mon 02:00", "Tue 02:00", "Tue 06:00", "Tue 06:10"]
    assert done[4:] == ["Tue 06:30", "Tue 07:35"], "an hour of review, and usable in five minutes"
    assert found["began_at"].tolist()[1:5] == found["done_at"].tolist()[:4]
    assert found["began_at"].iloc[5] == found["done_at"].iloc[4]


@pytest.mark.parametrize("step", ["authentication", "enabling"])
def test_authentication_and_enabling_rest_over_the_holidays(step: str) -> None:
    """From Wednesday, 30 September 2026, 18:00 on, no one works until Thursday, 8 October."""
    late = {"begins": "2026-09-30T17:00:00+08:00", step: 2 * 3_600}
    found = table(scenario(start="2026-09-30", onboarding=late))
    done = found.loc[(step, ""), "done_at"].tz_convert("Asia/Shanghai")
    assert f"{done:%m-%d %H:%M}" == "10-08 10:00"


def test_a_day_off_of_the_scenario_counts() -> None:
    review = {"decision": 3_600, "next_workday": 0, "extra_holidays": ["2026-03-02"]}
    found = table(scenario(onboarding={"enabling": 3_600}, review=review))
    assert str(found.loc[("enabling", ""), "done_at"]) == "2026-03-03 02:00:00+00:00"


def test_durations_are_chances_with_marks_of_their_own() -> None:
    """Within one to three workdays, another one for another seed, none of them moved by others."""
    rules = {"begins": MONDAY, "authentication": {"uniform_s": [32_400, 97_200]}}
    made = scenario(onboarding=rules)
    found = [setup_timeline(made, KeyedRandom(seed)).steps[1].done_us or 0 for seed in range(40)]
    hours = [(us - made.start_us) / 3.6e9 for us in found]
    assert len(set(found)) == 40
    assert 9 <= min(hours) < max(hours) <= 57
    other = scenario(onboarding=rules | {"registration": {"uniform_s": [0, 0]}, "details": 60})
    assert [
        setup_timeline(other, KeyedRandom(seed)).steps[1].done_us for seed in range(40)
    ] == found


@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_step_out_of_order_is_refused_and_so_is_all_that_needs_it(place: int) -> None:
    step, before = STEPS[place], STEPS[place - 1]
    tried = {before: 3_600, "attempts": {step: "2026-03-02T01:59:59Z"}}
    made = scenario(onboarding=tried)
    found = table(made)
    assert found.loc[(step, ""), "refused"] == f"needs {before}, which is not done"
    assert str(found.loc[(step, ""), "began_at"]) == "2026-03-02 01:59:59+00:00"
    assert found["done_at"].isna().tolist() == [False] * place + [True] * (6 - place)
    assert found["began_at"].isna().tolist()[place + 1 :] == [True] * (5 - place)
    assert (found["refused"] != "").tolist() == [False] * place + [True] * (6 - place)
    assert found["refused"].iloc[-1] == "needs application shop, which was refused"
    told = ("02 01:59", "step_refused", f"{step}: needs {before}, which is not done")
    assert told in events(simulate(made))
    assert made.templates[0].name not in simulate(made).reviews["template"].tolist()


def test_a_step_in_time_is_done() -> None:
    """At the very instant at which what it needs is done, or later: nothing is refused."""
    for at in ("2026-03-02T02:00:00Z", "2026-03-04T02:00:00Z"):
        found = table(scenario(onboarding={"registration": 3_600, "attempts": {STEPS[1]: at}}))
        assert found["done_at"].notna().all()
        assert found.loc[(STEPS[1], ""), "began_at"] == pd.Timestamp(at)


def test_a_refusal_is_not_known_before_it_happens() -> None:
    late = scenario(onboarding={"registration": 10**6, "attempts": {"details": "2026-03-04"}})
    for days, refused in ((30, "needs enabling, which is not done"), (1, "")):
        found = table(late.change(days=days, traffic=()))
        assert found.loc[("details", ""), "refused"] == refused
        chained = "needs details, which was refused" if refused else ""
        assert found.loc[("application", "shop"), "refused"] == chained


def test_a_personal_account_is_refused() -> None:
    made = scenario(onboarding={"account_type": "personal", "registration": 3_600})
    run = simulate(made)
    told = "authentication: a personal account cannot be authenticated as an enterprise"
    assert events(run) == [("02 02:00", "step_refused", told)]
    assert (run.messages["refused_at"] != "").all()
    assert known(made).enabled_us is None
    assert known(made).application_us == {"shop": None}


def test_an_unincorporated_business_is_refused() -> None:
    run = simulate(scenario(onboarding={"account_type": "unincorporated", "registration": 3_600}))
    reason = "enabling: an unincorporated business cannot enable the service"
    assert events(run) == [("02 02:00", "step_refused", reason)]
    assert set(run.messages["status"]) == {"E000109"}


def test_email_number_and_payment_are_needed() -> None:
    """Each is a step of its own where it is given: the registration needs two, applications one."""
    steps = {"email": 600, "mobile_number": 1_200, "registration": 60, "payment_method": 86_400}
    made = scenario(onboarding=steps | {"begins": "2026-03-02T02:00Z"})
    done = table(made)["done_at"].dt.strftime("%d %H:%M")
    assert done.index.get_level_values("step").tolist()[:4] == list(steps)
    assert done.tolist()[:4] == ["02 02:10", "02 02:20", "02 02:21", "03 02:21"]
    assert done["application", "shop"] == "03 02:21"
    late = {"payment_method": "2026-03-20"}
    assert table(scenario(onboarding={"attempts": late})).loc[
        ("application", "shop"), "done_at"
    ] == pd.Timestamp("2026-03-20", tz="UTC")
    early = {"email": 7_200, "attempts": {"registration": "2026-03-02T02:00Z"}}
    refused = table(scenario(onboarding=early))["refused"]
    assert refused["registration", ""] == "needs email, which is not done"
    assert refused["application", "shop"] == "needs details, which was refused"


def test_an_application_sends_with_its_credentials() -> None:
    run = simulate(scenario(onboarding={"credentials": 5 * 86_400}))
    obtained = pd.Timestamp("2026-03-07T01:00", tz="UTC")
    assert ("07 01:00", "credentials_obtained", "shop") in events(run)
    before = run.messages[run.messages["submitted_at"] < obtained]
    assert set(before["status"]) == {"E000102"}
    after = run.messages[run.messages["submitted_at"] >= obtained]
    assert "E000102" not in set(after["status"])
    assert "DELIVRD" in set(after["status"])


def test_without_money_nothing_is_added() -> None:
    """Neither applications nor templates; those that are there from the start are not touched."""
    made = scenario(account={"balance": 0}, onboarding={"registration": 3_600})
    found = table(made)
    assert found.loc[("application", "shop"), "refused"] == "the balance is insufficient"
    assert (
        found.loc[("template", "login"), "refused"] == "needs application shop, which was refused"
    )
    handed_in = [{"name": "login", "application": "shop", "submitted": MONDAY}]
    late = scenario(account={"balance": 0}, templates=handed_in).change(onboarding=None)
    assert table(late).loc[("template", "login"), "refused"] == "the balance is insufficient"
    for rich in (
        made.change(**{"account.balance": 0.01}),
        made.change(**{"account.balance": None}),
    ):
        assert (table(rich)["refused"] == "").all()


def test_an_application_before_the_details_is_refused() -> None:
    early = scenario(
        onboarding={"details": 3_600}, applications=[{"name": "shop", "created": MONDAY}]
    )
    told = "needs details, which is not done"
    assert table(early).loc[("application", "shop"), "refused"] == told
    assert known(early).application_us == {"shop": None}


def test_a_template_before_its_application_is_never_handed_in() -> None:
    templates = [{"name": "login", "application": "shop", "submitted": "2026-03-03"}]
    early = scenario(
        templates=templates, applications=[{"name": "shop", "created": "2026-03-03T00:00:01"}]
    )
    run = simulate(early)
    refused = run.onboarding.set_index("step").loc["template", "refused"]
    assert refused == "needs application shop, which is not done"
    assert run.reviews.empty
    assert set(run.messages["status"]) <= {"E000102", "E200030"}, (
        "first no application, then no template"
    )


def test_above_the_quota_is_refused_with_the_reason() -> None:
    many = [{"name": name} for name in ("a", "b", "shop")]
    with pytest.raises(ScenarioError, match=r"3 applications: at most 2 \(quota.applications"):
        scenario(applications=many)
    assert len(table(scenario(applications=many, quota={"applications": 3}))) == 8
    templates = [{"name": name, "application": "shop"} for name in ("login", "news")]
    with pytest.raises(ScenarioError, match=r"at most 1 \(quota.templates, raised by ticket"):
        scenario(templates=templates, quota={"templates": 1})


def test_events_tell_what_is_done_after_the_start() -> None:
    rules = {"registration": 3_600, "enabling": 3_600}
    made = scenario("VN", onboarding=rules, registrations={"VN": {"duration": 3_600}})
    assert events(simulate(made)) == [
        ("02 03:00", "enabled", ""),
        ("02 04:00", "registered", "VN"),
        ("02 04:00", "application_created", "shop"),
        ("02 05:05", "template_usable", "login"),
    ]
    before = made.change(**{"onboarding.begins": "2026-02-23"})
    assert events(simulate(before)) == []
    assert (simulate(before).messages["refused_at"] == "").all()


def test_without_onboarding_everything_is_there_from_the_start() -> None:
    made = scenario("VN").change(onboarding=None)
    run = simulate(made)
    assert run.onboarding.empty
    assert (run.messages["refused_at"] == "").all()
    assert known(made).enabled_us == made.start_us
    assert known(made).application_us == {"shop": made.start_us}
    assert known(made).registered_us == {}


@pytest.mark.parametrize("country", ["VN", "US", "CA"])
def test_some_countries_register_before_application_and_template(country: str) -> None:
    made = scenario(country, registrations={country: {"duration": 9 * 3_600}})
    found = table(made)
    registered = found.loc[("country_registration", country), "done_at"]
    assert registered == pd.Timestamp("2026-03-02T10:00:00Z")
    assert found.loc[("application", "shop"), "began_at"] == registered
    # Whose application goes elsewhere does not wait.
    apart = [{"name": "shop"}, {"name": "other"}]
    templates = [{"name": "login", "application": "shop"}, {"name": "id", "application": "other"}]
    found = table(made.change(applications=apart, templates=templates))
    assert found.loc[("application", "shop"), "began_at"] == registered
    assert found.loc[("application", "other"), "began_at"] == pd.Timestamp(MONDAY)


def test_the_application_of_a_group_task_waits_for_its_countries() -> None:
    task = {"name": "t", "template": "login", "at": "2026-03-09", "countries": {"ID": 5, "VN": 5}}
    found = table(scenario(traffic=[], group_tasks=[task]))
    registered = found.loc[("country_registration", "VN"), "done_at"]
    assert found.loc[("application", "shop"), "began_at"] == registered


@pytest.mark.parametrize("country", ["GB", "SG", "TW"])
def test_other_countries_register_beside_application_and_template(country: str) -> None:
    found = table(scenario(country))
    registered = found.loc[("country_registration", country), "done_at"]
    assert registered == pd.Timestamp("2026-03-13T10:00:00Z"), "ten workdays"
    assert found.loc[("application", "shop"), "began_at"] == pd.Timestamp(MONDAY)


@pytest.mark.parametrize("country", ["ID", "IN", "MY", "TH", "AE"])
def test_countries_that_ask_for_nothing_are_registered(country: str) -> None:
    assert "country_registration" not in table(scenario(country)).index
    assert known(scenario(country)).registered_us == {}


def test_a_template_before_its_registration_is_never_handed_in() -> None:
    submitted = [{"name": "login", "application": "shop", "submitted": "2026-03-04"}]
    for applied, refused in (("2026-03-02", ""), ("2026-03-03T02:00:00Z", "needs")):
        registrations = {"VN": {"applied": applied, "duration": 9 * 3_600}}
        made = scenario("VN", templates=submitted, registrations=registrations)
        made = made.change(onboarding=None)
        found = table(made).loc[("template", "login"), "refused"]
        told = f"{refused} country_registration VN, which is not done" if refused else ""
        assert found == told
        assert simulate(made).reviews.empty == bool(refused)


def test_a_registration_before_the_details_is_refused() -> None:
    made = scenario(
        "SG", onboarding={"details": 60}, registrations={"SG": {"applied": "2026-03-01"}}
    )
    found = table(made).loc[("country_registration", "SG")]
    assert found["refused"] == "needs details, which is not done"
    assert known(made).registered_us == {"SG": None}


def test_a_registration_that_nobody_applies_for_never_comes() -> None:
    made = scenario("SG", registrations={"SG": {}}).change(onboarding=None)
    assert known(made).registered_us == {"SG": None}
    assert table(made).loc[("country_registration", "SG"), ["began_at", "done_at"]].isna().all()


def test_the_table_of_sending_rules_names_what_is_registered() -> None:
    rules = registration_rules()
    assert {country: rule.kind for country, rule in rules.items()} == {
        "CA": "sender_id",
        "US": "sender_id",
        "VN": "brand",
        "SG": "brand",
        "GB": "brand",
        "TW": "content",
    }
    assert {country for country, rule in rules.items() if rule.first} == {"CA", "US", "VN"}
    first = [r["iso2"] for r in reference("sending_rules") if "before" in r["sender_id_rule"]]
    assert sorted(first) == ["CA", "GB", "US", "VN"], "before sending is not before application"
    assert registration_type("VN", Registration(kind="content")) == "content"
    assert registration_type("ID", Registration()) == "sender_id"


def test_a_package_waits_for_the_first_template_of_a_new_account() -> None:
    run = simulate(scenario(packages=[{"country": "ID", "segments": 10}]))
    assert run.packages["in_force_at"].item() == run.reviews["decided_at"].item()


def test_the_account_holds_what_is_known_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the judge asks: enabled, the applications created, the countries not registered."""
    seen: dict[str, tuple[bool, set[str], set[str]]] = {}
    emit = Account.emit

    def look(account: Account, event: str, subject: str = "", value: int | None = None) -> None:
        seen[event] = (account.enabled, set(account.created), set(account.unregistered))
        emit(account, event, subject, value)

    monkeypatch.setattr(Account, "emit", look)
    rules = {"registration": 3_600, "attempts": {"details": "2026-03-03"}}
    simulate(scenario("SG", onboarding=rules, registrations={"SG": {"duration": 60}}))
    assert seen["enabled"] == (True, set(), {"SG"})
    assert seen["registered"] == (True, {"shop"}, set())
    assert seen["application_created"] == (True, {"shop"}, {"SG"})
