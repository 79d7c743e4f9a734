"""Scenarios: what is read from a file, what-ifs, fingerprints, the schema, the card."""

from __future__ import annotations

import json
import pickle
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import worlds

import smssim
from smssim.calendars import DAY
from smssim.scenario import Delay, Package, Queue, Scenario, ScenarioError, schema

DATA = Path(__file__).parents[1] / "data"
SHIPPED = sorted((DATA / "scenarios").glob("*.yaml"))
GOOD = """
start: 2026-04-01
account: {package_countries: [NO]}
applications: [{name: shop}]
templates: [{name: login, application: shop, segments: {1: 0.9, 2: 0.1}}]
packages: [{country: "NO", segments: 50_000}, {country: NO, segments: 1e3}]
traffic: [{name: api, template: login, country: NO, messages_a_day: 100}]
"""


def good(**changes: Any) -> Scenario:
    return Scenario.parse(GOOD).change(**changes)


def test_yaml_is_1_2() -> None:
    """The country NO is no False; numbers may have underscores; a date is midnight UTC."""
    made = good()
    assert [package.country for package in made.packages] == ["NO", "NO"]
    assert [package.segments for package in made.packages] == [50_000, 1_000]
    assert isinstance(made.packages[1].segments, int)
    assert made.start == datetime(2026, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "at", ["2026-04-02T08:00:00+07:00", "2026-04-02 01:00:00", "2026-04-02T01:00:00Z"]
)
def test_moments(at: str) -> None:
    made = Scenario.parse(GOOD.replace("segments: 1e3", f"segments: 5, at: {at}"))
    assert made.packages[1].at == datetime(2026, 4, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_is_written_is_read_again(file: Path) -> None:
    made = Scenario.load(file)
    for text in (made.to_yaml(), made.to_json()):
        assert Scenario.parse(text) == made
        assert hash(Scenario.parse(text)) == hash(made)
    assert pickle.loads(pickle.dumps(made)) == made
    assert pickle.loads(pickle.dumps(made)).digest() == made.digest()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_any_world_is_read_again(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    made = world[0]
    assert Scenario.parse(made.to_yaml()) == made == Scenario.parse(made.to_json())
    assert Scenario.parse(made.to_json()).digest() == made.digest()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["1", "2026-01-01", "null", "yes", "1e5", "0x1f", "NO", "1_0"])
    | st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.\- ]{0,31}\Z"),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=80),
)
def test_odd_names_and_texts_are_read_again(name: str, text: str) -> None:
    made = good(
        templates=[{"name": name, "application": "shop", "text": text}],
        **{"traffic.0.template": name},
    )
    assert Scenario.parse(made.to_yaml()) == made


def test_change_makes_another_scenario() -> None:
    launch = Scenario.load(DATA / "scenarios/launch.yaml")
    before = launch.to_json()
    changes = {"account.service_mode": "suspend", "packages.0.segments": 50_000}
    other = launch.change(**changes)
    assert other.account.service_mode == "suspend"
    assert other.account.low_quota == launch.account.low_quota
    assert other.packages[0].segments == 50_000
    assert other.packages[1:] == launch.packages[1:]
    assert other.find(Path("recipients.xlsx")) == launch.find(Path("recipients.xlsx"))
    assert launch.to_json() == before
    assert launch.change() == launch


def test_change_reaches_everywhere() -> None:
    assert good(**{"callback.retries_s": [60]}).callback.retries_s == (60,)
    assert good(**{"routes.NO.price": 0.1}).routes["NO"].price == 0.1
    assert good(**{"routes.NO.latency": 5}).routes["NO"].latency == Delay(fixed_s=5)
    assert good(**{"traffic.0.resend.at_most": 3}).traffic[0].resend is not None
    assert good(queue=Queue(capacity=5), **{"queue.scope": "route"}).queue == Queue(
        capacity=5, scope="route"
    )
    mix = good(**{"templates.0.segments.2": 0.3}).templates[0].segments
    assert mix == {1: 0.9, 2: 0.3}
    made = good(**{"packages.1": {"country": "NO", "segments": 7}})
    assert made.packages[1] == Package(country="NO", segments=7)
    assert good(**{"packages.0.segments": np.int64(7)}).packages[0].segments == 7
    assert good(start=date(2026, 5, 1)).start_us == good().start_us + 30 * DAY
    shares = {
        f"routes.NO.outcomes.{i}.share": share for i, share in enumerate((0.9, 0.08, 0.005, 0.015))
    }
    assert good(**shares).routes["NO"].outcomes[1].share == 0.08


def test_change_leaves_what_it_was_given() -> None:
    packages = [{"country": "NO", "segments": 5}]
    made = good(packages=packages, **{"packages.0.segments": 6})
    assert (packages[0]["segments"], made.packages[0].segments) == (5, 6)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "account.service_mod",
            "there is no 'service_mod' in account (did you mean 'service_mode'?)",
        ),
        ("acount.balance", "there is no 'acount' (did you mean 'account'?)"),
        ("packages.4.segments", "there is no 4 in packages, which has 0 to 1"),
        ("packages.-1.segments", "there is no -1 in packages, which has 0 to 1"),
        ("packages.first", "there is no first in packages, which has 0 to 1"),
        ("calls.0.name", "there is no 0 in calls, which has none"),
        ("days.hours", "days holds one value, there is no 'hours' in it"),
        ("", "there is no ''; there are name, start"),
    ],
)
def test_change_knows_what_does_not_exist(path: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        good(**{path: 1})
    assert caught.value.problems[0].message.startswith(message)
    assert caught.value.problems[0].path == path


def test_change_tells_all_and_validates() -> None:
    with pytest.raises(ScenarioError) as caught:
        good(dys=3, nam="x")
    assert len(caught.value.problems) == 2
    with pytest.raises(ScenarioError, match=r"^packages\.0\.segments: 0 must be >= 1$"):
        good(**{"packages.0.segments": 0})


def test_a_fingerprint_is_of_what_can_change_a_result() -> None:
    made = good()
    assert made.digest() == good(days=30).digest(), "the default, said aloud"
    assert made.digest() != good(days=29).digest()
    tasks = [
        [{"name": "t", "template": "login", "at": "2026-04-02", "countries": countries}]
        for countries in ({"ID": 1, "TH": 1}, {"TH": 1, "ID": 1})
    ]
    one, two = (good(group_tasks=task).digest() for task in tasks)
    assert one != two, "numbers are sent in this order"


def test_a_file_counts_by_its_content(tmp_path: Path) -> None:
    task = "group_tasks: [{name: t, template: login, at: 2026-04-02, file: n.xlsx}]\n"
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "s.yaml").write_text(GOOD + task)
        shutil.copy(DATA / "recipients.xlsx", tmp_path / folder / "n.xlsx")
    a, b = (Scenario.load(tmp_path / folder / "s.yaml") for folder in ("a", "b"))
    assert a == b
    assert a.digest() == b.digest()
    before = a.digest()
    with (tmp_path / "a" / "n.xlsx").open("ab") as file:
        file.write(b"more")
    assert a.digest() != before == b.digest()


def test_the_schema_is_checked_in() -> None:
    """`smssim schema > data/scenario.schema.json` makes it again."""
    kept = (DATA / "scenario.schema.json").read_text(encoding="utf-8")
    assert json.loads(kept) == schema()


def test_every_field_has_a_title_and_a_hover_text() -> None:
    made = schema()
    for name, part in {"Scenario": made, **made["$defs"]}.items():
        assert part["description"], name
        parts = [part, *part.get("anyOf", [])]
        for field, shown in ((f, s) for p in parts for f, s in p.get("properties", {}).items()):
            assert len(shown["description"]) > 10, f"{name}.{field}"
            assert "title" in shown or "$ref" in shown, f"{name}.{field}"


def _plain(value: Any) -> Any:
    """Data as an editor's YAML reader has it: times are text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_schema_takes_what_is_shipped(file: Path) -> None:
    from ruamel.yaml import YAML

    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema())
    data = _plain(YAML(typ="safe", pure=True).load(file))
    assert not list(validator.iter_errors(data))
    assert not list(validator.iter_errors(data | {"days": "1_000"}))
    for wrong in ({"dys": 3}, {"days": 0}, {"days": "3"}, {"queue": 5}, {"start": "18:00"}):
        assert list(validator.iter_errors(data | wrong)), wrong


def test_the_card_of_a_notebook_is_small_and_safe() -> None:
    launch = Scenario.load(DATA / "scenarios/launch.yaml")
    card = launch._repr_html_()
    for shown in (
        "launch",
        "2026-11-01T00:00:00Z to 2026-12-01T00:00:00Z, 30 days",
        "1, pay_per_use",
        "login Indonesia: about 330,488 messages to ID, and resends",
        "the numbers of recipients.xlsx",
        "ID: 350,000 segments for 98,000 USD",
        "alarm 45,000, limit 120,000",
    ):
        assert shown in card, shown
    assert "<script" not in card
    task = {"name": "t", "template": "login", "at": "2026-04-02", "file": "<b>&.xlsx"}
    risky = good(group_tasks=[task])._repr_html_()
    assert "&lt;b&gt;&amp;.xlsx" in risky
    assert "<b>" not in risky


def test_expected_messages_of_a_window() -> None:
    """As many as the rhythm has in it: half a day of one with all its messages at night."""
    made = good(
        **{
            "traffic.0.hours": [1] * 12 + [0] * 12,
            "traffic.0.zone": "UTC",
            "traffic.0.starts": "2026-04-03T06:00:00Z",
            "traffic.0.ends": "2026-04-04T00:30:00Z",
        }
    )
    expected_messages = made.traffic[0].expected(made.start_us, made.end_us)
    assert expected_messages == pytest.approx(100 * 6.5 / 12)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"routes": {"NO": {"price": 1e12}}}, "routes.NO.price"),
        ({"packages": [{"country": "NO", "segments": 1, "price": 1e12}] * 10}, "packages.0.price"),
    ],
    ids=["price", "packages"],
)
def test_a_bill_that_cannot_be_counted_is_refused(changes: dict[str, Any], path: str) -> None:
    """Beyond 9.2e12 units 64 bits of micro-units would wrap, and show a part of the bill."""
    with pytest.raises(ScenarioError, match="cannot be counted to the micro-unit") as error:
        good(**changes)
    assert path in str(error.value)
    good(**{"account.balance": 1e12, "routes": {"NO": {"price": 1_000}}})


def test_a_queue_may_be_slow_and_long() -> None:
    """Gap times capacity is beyond 64 bits: what can wait is less."""
    slow = {"queue.throughput_per_s": 1e-6, "queue.capacity": 10**9, "days": 1}
    run = smssim.simulate(good(**slow))
    assert run.messages is not None
    assert (run.messages["refused_at"] == "").all()
