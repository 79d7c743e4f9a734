"""A month rated from what a log would hold: the simulation's money, to the micro-unit."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, seed, settings
from hypothesis import strategies as st
from worlds import worlds

import smssim
from smssim import rate, report, simulate
from smssim.logs import read_log, write_capture
from smssim.record.from_frames import tally_frames
from smssim.record.record import Record
from smssim.record.schema import PACKAGE_EVENTS, REFUSED_AT, microseconds_of
from smssim.report.rating.deduct import PackageDeduction, QuotaRequests
from smssim.scenario import Scenario, ScenarioError
from smssim.simulation.simulate import Run
from smssim.sms.packages import CountryQuota, Package

SCENARIOS = sorted((Path(__file__).parents[1] / "data" / "scenarios").glob("*.yaml"))
MONEY = ("covered_segments", "package", "cost_micro")
PARTS = 3


def as_log(run: Run) -> Record:
    """A run as a log would hold it: its messages, without money."""
    assert run.messages is not None
    assert run.reports is not None
    unknown = pd.array([pd.NA] * len(run.messages), "Int8")
    nobody = pd.Categorical([None] * len(run.messages))
    messages = run.messages.assign(covered_segments=unknown, cost_micro=unknown, package=nobody)
    tallies = tally_frames(messages, run.reports, run.observed_from, run.observed_until)
    return replace(
        run,
        currency=None,
        messages=messages,
        tallies=tallies,
        **dict.fromkeys(("ledger", "packages", "events", "reviews", "onboarding", "tasks")),
        provenance={},
    )


def tariff_of(scenario: Scenario, run: Run) -> pd.DataFrame:
    """What the scenario's routes cost, each price from its moment on."""
    assert run.messages is not None
    rows = []
    for country in run.messages["country"].cat.categories:
        route = scenario.route(country)
        rows.append((country, route.price, None))
        rows += [(country, dated.price, dated.since) for dated in route.prices]
    tariff = pd.DataFrame(rows, columns=["country", "price", "valid_from"])
    return tariff.assign(currency=scenario.currency)


def bought_in(run: Run, zone: str) -> list[dict[str, Any]]:
    """The packages that came in force, each with its validity in days."""
    assert run.packages is not None
    found = []
    for _, own in run.packages.iterrows():
        begins, ends = (own[name].tz_convert(ZoneInfo(zone)) for name in ("in_force_at", "ends_at"))
        last = (ends - timedelta(microseconds=1)).date()
        found.append(
            {
                "country": own["country"],
                "segments": own["segments"],
                "price": own["price_micro"] / 1e6,
                "at": own["in_force_at"].to_pydatetime(),
                "valid_days": (last - begins.date()).days,
            }
        )
    return found


def rated(scenario: Scenario, run: Run, record: Record) -> Record:
    """The record rated on the scenario's terms."""
    rules, packages = scenario.account, bought_in(run, scenario.account.expiry_zone)
    return rate(
        record,
        tariff_of(scenario, run),
        packages,
        rules.service_mode,
        straddle=rules.straddle,
        package_order=rules.package_order,
        expiry_zone=rules.expiry_zone,
        package_countries=[*rules.package_countries, *{p["country"] for p in packages}],
    )


def assert_same_money(scenario: Scenario, run: Run) -> None:
    """Demand the simulation's money of its month rated as a log."""
    found = rated(scenario, run, as_log(run))
    assert found.messages is not None
    assert run.messages is not None
    pd.testing.assert_frame_equal(
        found.messages[list(MONEY)], run.messages[list(MONEY)], check_categorical=False
    )
    assert run.ledger is not None
    booked = run.ledger[run.ledger["entry"] != "top_up"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found.ledger, booked)
    pd.testing.assert_frame_equal(found.packages, run.packages)
    for name in (
        "money",
        "templates",
        "clock",
        "latency",
        "template_latency",
        "censored",
        "template_censored",
    ):
        keys = {"resend_kind"} if name == "money" else set()
        own, theirs = (record.tallies.frame(name) for record in (found, run))
        measures = [c for c in own if own[c].dtype == "int64" and c != "bin"]
        by = [c for c in own if c not in {*measures, *keys}]
        sums = [f.groupby(by, dropna=False, observed=True)[measures].sum() for f in (own, theirs)]
        pd.testing.assert_frame_equal(*sums)
    # In mode 2 the month's log shows a run-out only if a message that met it was refused.
    mode_1 = scenario.account.service_mode == "pay_per_use"
    kinds = PACKAGE_EVENTS if mode_1 else PACKAGE_EVENTS[:-1]
    assert found.events is not None
    assert run.events is not None
    told = [e[e["event"].isin(kinds)].reset_index(drop=True) for e in (found.events, run.events)]
    pd.testing.assert_frame_equal(*told)


def may_be_rated(scenario: Scenario, run: Run) -> bool:
    """Whether nothing happened that a bill cannot know: a freeze, another service mode."""
    assert run.events is not None
    happened = run.events["event"].isin(["frozen", "mode_switched"]).any()
    # A ticket that is done by the start switches the mode without an event.
    return not happened and not any(ticket.service_mode for ticket in scenario.tickets)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_simulated_month_is_rated_as_it_was_charged(path: Path) -> None:
    scenario = Scenario.load(path)
    if scenario.days > 40 and not scenario.group_tasks:
        scenario = scenario.change(days=40)
    run = simulate(scenario)
    if not may_be_rated(scenario, run):
        pytest.skip("it freezes, or changes its mode")

    assert_same_money(scenario, run)


@pytest.mark.parametrize("part", range(PARTS))
def test_invented_months_are_rated_as_they_were_charged(part: int, n_worlds: int) -> None:
    @seed(part)
    @settings(settings.get_profile("worlds"), max_examples=-(-n_worlds // PARTS))
    @given(worlds())
    def agree(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
        scenario, rng, policies = world
        run = simulate(scenario, rng=rng, policies=policies)
        assume(may_be_rated(scenario, run))
        assert_same_money(scenario, run)

    agree()


@st.composite
def courses(
    draw: st.DrawFn,
) -> tuple[QuotaRequests, list[tuple[int, int, int]], dict[str, bool], str]:
    """A country's messages, some refused for want of quota, and packages: begin, end, segments."""
    n = draw(st.integers(0, 40))
    at = sorted(draw(st.lists(st.integers(0, 30), min_size=n, max_size=n)))
    sizes = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    rules = {"suspends": draw(st.booleans()), "covers": draw(st.booleans())}
    sent = [not rules["suspends"] or draw(st.integers(0, 4)) > 0 for _ in range(n)]
    spans = st.tuples(st.integers(0, 30), st.integers(1, 30), st.integers(1, 40))
    packages = sorted(draw(st.lists(spans, max_size=5)))
    arrays = [np.arange(n), np.array(at, np.int64), np.array(sizes, np.int64)]
    order = draw(st.sampled_from(["first_in_force", "nearest_expiry"]))
    return QuotaRequests(*arrays, np.array(sent, bool)), packages, rules, order


@given(courses())
def test_sums_take_what_messages_take_one_by_one(
    made: tuple[QuotaRequests, list[tuple[int, int, int]], dict[str, bool], str],
) -> None:
    asked, spans, rules, order = made
    fast, slow = ([_package(i, *span) for i, span in enumerate(spans)] for _ in range(2))
    course = PackageDeduction(CountryQuota("ID", order, None), asked, **rules)
    course.run(fast, 31)

    covered, charged, package, told = _one_by_one(asked, slow, rules, order)
    assert course.covered.tolist() == covered
    assert course.charged.tolist() == charged
    assert course.package.tolist() == package
    assert [(p.left, p.expired) for p in fast] == [(p.left, p.expired) for p in slow]
    assert [(t.at_us, t.event, t.subject, t.value) for t in sorted(course.events)] == told


def _package(number: int, begins: int, lasts: int, segments: int) -> Package:
    return Package(number, "ID", segments, 0, begins, begins + lasts, left=segments)


def _one_by_one(
    asked: QuotaRequests, packages: list[Package], rules: dict[str, bool], order: str
) -> tuple[list[int], list[int], list[int], list[Any]]:
    """The same, each message by itself."""
    quota, told = CountryQuota("ID", order, None), []
    turns = [(p.in_force_us, -6, p.id, p) for p in packages]
    turns += [(p.ends_us, -8, p.id, p) for p in packages if p.ends_us < 31]
    turns.sort(key=lambda turn: turn[:3])
    covered, charged, package = [], [], []
    for at, segments, sent in [*zip(*(a.tolist() for a in asked[1:]), strict=True), (31, 0, False)]:
        while turns and turns[0][0] <= at:
            when, rank, number, own = turns.pop(0)
            if rank == -6:
                quota.add(own)
                told.append((when, "package_bought", str(number), own.segments))
            else:
                quota.packages.remove(own)
                own.expired, own.left = own.left, 0
                told.append((when, "package_expired", str(number), own.expired))
        left = quota.left
        deduction = quota.deduct(segments, **rules) if sent else None
        parts = deduction.parts if deduction else ()
        told += [(at, "package_empty", str(p.id), 0) for p, _ in parts if not p.left]
        if segments > left and not (rules["covers"] and left) and quota.seen:
            quota.seen = False
            told.append((at, "run_out", "ID", left))
        covered.append(-1 if sent and deduction is None else sum(given for _, given in parts))
        charged.append(deduction.uncovered if deduction else 0)
        package.append(parts[0][0].id if parts else -1)
    return covered[:-1], charged[:-1], package[:-1], told


def month(**changes: Any) -> Scenario:
    """A month of all that a capture can hold; nothing is lost on the way to its customer."""
    plain = {
        "start": "2026-03-01T00:00:00Z",
        "days": 3,
        "currency": "EUR",
        "quota": {"daily_limit": 50_000, "monthly_limit": 900_000},
        "thresholds": {
            "daily_alarm": 40_000,
            "daily_limit": 50_000,
            "monthly_alarm": 800_000,
            "monthly_limit": 900_000,
        },
        "applications": [{"name": "shop"}],
        "templates": [{"name": "code", "application": "shop", "segments": {1: 0.5, 3: 0.5}}],
        "packages": [
            {"country": "ID", "segments": 701, "price": 300.000001},
            {"country": "ID", "segments": 302, "price": 210, "at": "2026-03-02T07:00:00Z"},
        ],
        "traffic": [
            {"name": "a", "template": "code", "country": "ID", "messages_a_day": 600},
            {"name": "b", "template": "code", "country": "TH", "messages_a_day": 200},
            {"name": "c", "template": "code", "country": "CN", "messages_a_day": 100},
        ],
        "routes": {"ID": {"price": 0.350007}, "CN": {"price": 0.05}},
    }
    return Scenario.model_validate(plain | changes)


def test_a_capture_is_rated_as_its_month_was_charged(tmp_path: Path) -> None:
    """Through the customer's own eyes, in whole seconds; what is pending is charged, too."""
    scenario = month()
    run = simulate(scenario)
    write_capture(run, tmp_path / "month.jsonl")
    log = read_log(tmp_path / "month.jsonl")
    assert log.messages is not None
    assert run.messages is not None

    found = rated(scenario, run, log)

    bill, theirs = (report.cost(record, by="country") for record in (found, run))
    pd.testing.assert_frame_equal(bill, theirs)
    assert set(bill["entry"]) == {"package", "pay_per_use"}
    assert found.packages is not None
    assert run.packages is not None
    assert found.packages["used"].tolist() == run.packages["used"].tolist()
    burnt = [report.burn_down(record)["left"].iloc[-1] for record in (found, run)]
    assert burnt[0] == burnt[1] == run.packages["left"].sum()


def hand_made(rows: list[tuple[str, str, int, str | None]]) -> Record:
    """A log of messages sent: time, country, segments, final status."""
    at, country, segments, status = zip(*rows, strict=True)
    n = len(rows)
    times = pd.Series(pd.to_datetime(list(at), utc=True, format="ISO8601")).dt.as_unit("us")
    messages = pd.DataFrame(
        {
            "submitted_at": times,
            "source": pd.Categorical([None] * n, pd.Index([], dtype="str")),
            "request": np.arange(n),
            "recipient": np.zeros(n, np.int32),
            "resend_number": pd.array([pd.NA] * n, "Int8"),
            "application": pd.Categorical(["app"] * n),
            "template": pd.Categorical(["code"] * n),
            "type": pd.Categorical(["otp"] * n),
            "country": pd.Categorical(country),
            "segments": pd.array(segments, "Int8"),
            "refused_at": pd.Categorical.from_codes(np.zeros(n, np.int8), REFUSED_AT),
            "status": pd.Categorical(status),
            "report_source": pd.Categorical([2 if s else None for s in status]),
            "sent_at": times,
            "final_at": times.where([s is not None for s in status]),
            "covered_segments": pd.array([pd.NA] * n, "Int8"),
            "package": pd.Categorical([None] * n),
            "cost_micro": pd.array([pd.NA] * n, "Int32"),
        }
    )
    us = microseconds_of(messages["submitted_at"])
    reports = simulate(month(traffic=[], packages=[])).reports
    assert reports is not None
    tallies = tally_frames(messages, reports, int(us.min()), int(us.max()))
    return Record("hand", int(us.min()), int(us.max()), None, tallies, messages, reports)


PRICES = pd.DataFrame({"country": ["ID", "CN"], "price": [0.25, 0.05], "currency": "USD"})


def money(record: Record) -> list[tuple[Any, ...]]:
    """Segments covered, first package and cost of each message; None where not known."""
    assert record.messages is not None
    return [
        tuple(None if pd.isna(value) else int(value) for value in row)
        for row in record.messages[list(MONEY)].astype(object).itertuples(index=False)
    ]


def test_huaweis_two_packages() -> None:
    """A of 10,000 from 1 May, B of 100,000 from 10 May, each a year (DESIGN.md section 4)."""
    day = [("2024-05-09T12:00:00Z", "ID", 100, "DELIVRD")] * 101
    later = [("2024-05-10T00:00:00Z", "ID", 100, "DELIVRD")] * 1_001
    end = [("2025-05-01T16:00:00Z", "ID", 1, "DELIVRD")]
    packages = [
        {"country": "ID", "segments": 10_000, "at": "2024-05-01T00:00+08:00", "valid_months": 12},
        {"country": "ID", "segments": 100_000, "at": "2024-05-10T00:00Z", "valid_months": 12},
    ]

    found = money(rate(hand_made([*day, *later, *end]), PRICES, packages))

    assert found[:100] == [(100, 0, 0)] * 100
    assert found[100] == (0, None, 25_000_000)
    assert found[101:1_101] == [(100, 1, 0)] * 1_000
    assert found[1_101:] == [(0, None, 25_000_000), (0, None, 250_000)]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({}, [(2, 0, 0), (1, 0, 500_000), (0, None, 250_000)]),
        ({"straddle": "cover"}, [(2, 0, 0), (1, 0, 0), (0, None, 250_000)]),
        ({"mode": "suspend"}, [(2, 0, 0), (None, None, None), (1, 0, 0)]),
        ({"mode": "suspend", "straddle": "cover"}, [(2, 0, 0), (1, 0, 0), (None, None, None)]),
    ],
    ids=str,
)
def test_the_message_that_straddles(terms: dict[str, str], expected: list[Any]) -> None:
    """A package of 3, messages of 2, 3 and 1: mode 2 could not have sent what is not covered."""
    rows = [(f"2024-05-01T00:00:0{i}Z", "ID", n, "DELIVRD") for i, n in enumerate((2, 3, 1))]

    record = rate(hand_made(rows), PRICES, [{"country": "ID", "segments": 3}], **terms)

    assert money(record) == expected
    unknown = sum(covered is None for covered, _, _ in expected)
    bill = report.cost(record, by=()).set_index("entry")
    assert int(bill["messages"].get("unknown", 0)) == unknown
    kpis = report.kpis(record).set_index("name")["value"]
    assert pd.isna(kpis["cost"]) == bool(unknown)
    assert pd.isna(report.tally(record, (), ["cost_micro"])["cost_micro"].iloc[0]) == bool(unknown)
    assert ("Not priced" in smssim.summary(record)) == bool(unknown)
    assert ("at least" in smssim.summary(record)) == bool(unknown)


def test_mainland_messages_are_charged_when_delivered() -> None:
    rows = [("2024-05-01T00:00:00Z", "CN", 2, status) for status in ("DELIVRD", "UNDELIV", None)]

    assert money(rate(hand_made(rows), PRICES)) == [(0, None, 100_000), (0, None, 0), (0, None, 0)]
    assert money(rate(hand_made(rows), PRICES, mode="suspend")) == [(None, None, None)] * 3


def test_what_is_not_known_is_not_rated() -> None:
    """Neither without a country nor without segments; the rest is."""
    record = hand_made([("2024-05-01T00:00:00Z", "ID", 2, "DELIVRD")] * 3)
    assert record.messages is not None
    record.messages.loc[0, "country"] = None
    record.messages.loc[1, "segments"] = pd.NA

    bill = report.cost(record, by=(), tariff=PRICES)

    assert bill["entry"].tolist() == ["pay_per_use", "unknown"]
    assert bill["messages"].tolist() == [1, 2]
    assert bill["cost_usd"].iloc[0] == 0.5
    assert pd.isna(bill["cost_usd"].iloc[1])


def test_messages_are_taken_in_order_of_submission() -> None:
    """Whatever the order of the record, in which the result stands."""
    rows = [(f"2024-05-01T00:00:0{i}Z", "ID", 2, "DELIVRD") for i in (2, 0, 1)]

    found = money(rate(hand_made(rows), PRICES, [{"country": "ID", "segments": 4}]))

    assert found == [(0, None, 500_000), (2, 0, 0), (2, 0, 0)]


def test_a_bill_in_one_call_and_reports_of_packages() -> None:
    rows = [(f"2024-05-01T00:00:0{i}Z", "ID", 2, "DELIVRD") for i in range(3)]
    package = {"country": "ID", "segments": 4, "price": 0.75}
    record = hand_made(rows)

    bill = report.cost(record, by=(), tariff=PRICES, packages=[package])

    assert bill["cost_usd"].tolist() == [0.75, 0.5]
    priced = rate(record, PRICES, [package])
    assert report.packages(priced)[["used", "left", "used_share"]].iloc[0].tolist() == [4, 0, 1]
    assert report.packages(priced)["run_out_at"].iloc[0] == pd.Timestamp(rows[2][0])
    values = report.kpis(priced).set_index("name")["value"]
    assert values["cost"] == 1.25
    assert values["runout.count"] == 1
    assert pd.isna(values["thresholds.alarms"])
    assert pd.isna(values["suspended.runout"])
    assert "1.25 USD" in smssim.summary(priced)
    assert record.ledger is None, "the record itself stays as it was"


def test_terms_are_checked_as_a_scenarios_are() -> None:
    record = hand_made([("2024-05-01T00:00:00Z", "ID", 1, "DELIVRD")])
    for wrong, told in [
        ({"packages": [{"country": "ID", "segments": 0}]}, r"packages\.0\.segments: .*>= 1"),
        ({"packages": [{"country": "CN", "segments": 5}]}, "CN has none"),
        ({"packages": [{"country": "ID", "segment": 5}]}, "did you mean 'segments'"),
        ({"packages": [{"country": "FR", "segments": 5}], "mode": "suspend"}, "mode 2 reaches"),
        ({"mode": "suspended"}, r"account\.service_mode"),
        ({"expiry_zone": "Asia/Pekin"}, r"account\.expiry_zone"),
    ]:
        with pytest.raises(ScenarioError, match=told):
            rate(record, PRICES, **wrong)  # type: ignore[arg-type]


def test_packages_without_a_tariff_are_refused() -> None:
    record = hand_made([("2024-05-01T00:00:00Z", "ID", 1, "DELIVRD")])

    with pytest.raises(ValueError, match="packages, mode must be given with a tariff"):
        report.cost(record, packages=[{"country": "ID", "segments": 1}], mode="suspend")
    with pytest.raises(ValueError, match="needs the messages of 'hand'"):
        rate(replace(record, messages=None), PRICES)


HALF_A_DOLLAR = pd.DataFrame({"country": ["ID"], "price": [0.5], "currency": ["USD"]})


@pytest.mark.parametrize("ids", [True, False])
def test_an_export_appended_to_itself_costs_what_it_costs_once(tmp_path: Path, ids: bool) -> None:
    """Rows of messages and of their segments, named by ids or by nothing."""
    path, columns = tmp_path / "log.csv", "SMS ID,Phone,Send Time,Status,Part,Total\n"
    rows = "".join(
        f"{f'm{n}' * ids},+6281234567{n:03d},2026-03-01 10:00:{n % 7:02d},DELIVRD,{part},2\n"
        for n in range(20)
        for part in ((1, 2) if n % 3 else ("",))
    )
    bills = []
    for text in (rows, rows + rows):
        path.write_text(columns + text)
        log = read_log(path, tz="UTC")
        bills.append(report.cost(rate(log, HALF_A_DOLLAR)))
        counts = log.provenance["counts"]
    pd.testing.assert_frame_equal(*bills)
    assert counts["used"] == counts["duplicates"]


def test_prices_by_country_are_a_tariff(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    row = "+6281234567890,2026-03-01T10:00:00Z,DELIVRD\n"
    path.write_text("Phone,Send Time,Status\n" + row)
    log, bill = read_log(path), rate(read_log(path), HALF_A_DOLLAR)
    for prices in ({"ID": 0.5}, {"Indonesia": "0.5", "TH": 1}):
        pd.testing.assert_frame_equal(report.cost(rate(log, prices)), report.cost(bill))
        pd.testing.assert_frame_equal(report.cost(log, tariff=prices), report.cost(bill))
    assert rate(replace(log, currency="EUR"), {"ID": 0.5}).currency == "EUR"
    for wrong, rule in (({"XX": 1}, "ISO 3166"), ({"ID": -1}, ">= 0"), ({}, "hold a price")):
        with pytest.raises(ValueError, match=rule):
            rate(log, wrong)
    with pytest.raises(TypeError, match=r"prices by country such as \{\"ID\": 0\.032\}: not list"):
        rate(log, [1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="rate takes a record, as read_log"):
        rate(str(path), {"ID": 0.5})  # type: ignore[type-var]
