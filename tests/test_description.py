"""A description says what the scenario says: every number, every item, gaps only where prose is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed, settings
from worlds import worlds

import smssim
from smssim.experiment import compare, replicate, sweep
from smssim.pages.describe import describe
from smssim.pages.describe.markdown import number, plain
from smssim.pages.describe.study import parameters
from smssim.scenario import Scenario
from smssim.scenario.errors.problems import as_written

SCENARIOS = sorted((Path(__file__).parents[1] / "data" / "scenarios").glob("*.yaml"))
ITEMS = ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3", "2.4", "2.5", "3.1", "3.2", "3.3", "3.4"]
ITEMS += ["4.1", "4.2", "4.3", "5.1", "5.2", "5.3", "5.4", "6.1"]
GAPS = {"1.1", "2.3", "3.1"}
"""Items that take a person's prose; 1.3 too, where several designs were chosen."""


def items_of(text: str) -> dict[str, str]:
    """The items of a report by number, without its appendix."""
    report = text.rpartition("## Appendix: the scenario")[0]
    parts = re.split(r"^### (\d\.\d) .*$", report, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def numbers_in(value: Any) -> Iterator[float]:
    """All numbers of plain data, wherever they stand."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, Mapping):
        for own in value.values():
            yield from numbers_in(own)
    elif isinstance(value, list | tuple):
        for own in value:
            yield from numbers_in(own)


def assert_described(scenario: Scenario, text: str, gaps: set[str] = GAPS) -> None:
    """All items are there, gaps only where they may be, and no number is lost."""
    items = items_of(text)
    assert list(items) == ITEMS
    assert {item for item, told in items.items() if "\n[TO WRITE: " in told} == gaps
    for told in items.values():
        assert len(told.strip()) > 20
    given = items["3.3"] + items["3.4"]
    for part in ("templates", "packages", "routes", "traffic", "thresholds", "queue", "callback"):
        value = getattr(scenario, part)
        parts = value.values() if isinstance(value, Mapping) else value
        for one in parts if isinstance(value, tuple | Mapping) else [value]:
            for n in numbers_in(one.model_dump(mode="json")):
                assert number(n) in given, (part, n)
    for name in [t.name for t in scenario.templates] + [s.name for s in scenario.sources]:
        assert plain(name) in items["2.5"]
    for country, route in scenario.routes.items():
        if any(country in str(getattr(s, "country", "")) for s in scenario.sources):
            row = next(r for r in items["2.5"].splitlines() if r.startswith(f"| {country} | "))
            for outcome in route.outcomes:
                assert f"{outcome.status} {number(outcome.share)}" in row
            later = [f"{number(p.price)} from {as_written(p.since)}" for p in route.prices]
            assert f"| {', '.join([number(route.price), *later])} |" in row
    assert_tables(text)


def assert_tables(text: str) -> None:
    """Every row has as many cells as its header."""
    report = text.rpartition("## Appendix: the scenario")[0]
    cells = 0
    for line in report.splitlines():
        found = len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) if line.startswith("|") else 0
        assert not cells or not found or found == cells, line
        cells = found


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenarios_are_described(path: Path) -> None:
    scenario = Scenario.load(path)
    text = describe(path)
    assert_described(scenario, text)
    assert f"| digest | `{scenario.digest()}` |" in text
    again = text.rpartition("```yaml\n")[2].removesuffix("```\n")
    assert Scenario.parse(again).model_dump() == scenario.model_dump()


def test_invented_worlds_are_described() -> None:
    """No world breaks it, and nothing of a world is lost."""

    @seed(500)
    @settings(settings.get_profile("worlds"), max_examples=60)
    @given(worlds())
    def hold(invented: tuple[Scenario, int, tuple[Any, ...]]) -> None:
        assert_described(invented[0], describe(invented[0]))

    hold()


def test_the_text_is_the_same_but_for_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line shows where it was made."""
    first = describe(SCENARIOS[0])
    assert describe(SCENARIOS[0]) == first
    monkeypatch.setattr("platform.machine", lambda: "abacus")
    other = describe(SCENARIOS[0]).splitlines()
    (changed,) = (line for line in other if line not in first.splitlines())
    assert changed == "| machine | abacus |"


def test_every_parameter_is_told_with_its_origin() -> None:
    """What is assumed stands among the assumptions, what is given is said to be."""
    scenario = Scenario.load(next(path for path in SCENARIOS if path.stem == "launch"))
    found = {one.path: one for one in parameters(scenario)}
    assert found["packages.0.segments"][1:] == (
        "350,000",
        "how many segments it holds; Huawei's package sizes are not public.",
        True,
        True,
    )
    assert not found["queue.validity_h"].in_file
    assert not found["queue.validity_h"].assumed
    items = items_of(describe(scenario))
    assert "`traffic.0, 1, 2.resend.at_most` | 2 | given |" in items["3.4"]
    assert "`traffic.0.messages_a_day` | 11,000 | given |" in items["3.3"]
    assert items["2.2"].count("lognormal") == 0
    assert "| PH | 0.19 | DELIVRD 0.935, UNDELIV 0.04, EXPIRED 0.005, none 0.02 |" in items["2.5"]


WORLD: dict[str, Any] = {
    "name": "plan",
    "start": "2025-03-03",
    "days": 1,
    "rng": 7,
    "applications": [{"name": "app", "secret": "hush-hush"}],
    "templates": [{"name": "code", "application": "app", "text": "a | b `c` [TO WRITE: d] *e*"}],
    "traffic": [{"name": "api", "template": "code", "country": "TH", "messages_a_day": 50}],
    "checks": [{"name": "budget", "metric": "cost_usd", "below": 1_234.5, "margin": 0.75}],
    "checking": {"false_alarm": 0.02, "miss": 0.03, "most_runs": 500},
}


def test_promises_are_objectives() -> None:
    """With bound, margin and unit, and how they are decided."""
    items = items_of(describe(Scenario.model_validate(WORLD)))
    assert (
        "| budget | mean of `cost` below 1,234.5 | USD | 0.75 | packages bought and" in items["1.2"]
    )
    assert "The plan is held to 1 promise (item 1.2)." in items["1.3"]
    for told in ("probability 0.02 at most", "probability 0.03 at most", "After 500 runs"):
        assert told in items["4.3"]
    assert "The seed is 7." in items["5.2"]


def test_a_users_text_breaks_nothing_and_tells_no_secret() -> None:
    text = describe(Scenario.model_validate(WORLD))
    assert "hush" not in text
    assert r"| a \| b \`c\` \[TO WRITE: d\] \*e\* |" in text
    assert_tables(text)


def test_an_experiment_adds_its_figures() -> None:
    """The runs, their seed, every figure with its interval."""
    scenario = Scenario.model_validate(WORLD)
    found = replicate(scenario, 4, workers=1)
    text = smssim.describe(scenario, found)
    assert_described(scenario, text)
    items = items_of(text)
    assert "4 runs with rng 7, each replication" in items["4.3"]
    assert "No run failed." in items["4.3"]
    mean = found.values("messages.sent").mean()
    assert f"| `messages.sent` | messages | mean | {mean:.4g} |" in items["4.3"]
    assert "| replications | 0 to 3, 4 runs |" in text
    assert "No runs are part of" not in text


def test_designs_are_told_with_what_they_change() -> None:
    """Of a sweep and of a comparison; why they were chosen is a person's to say."""
    scenario = Scenario.model_validate(WORLD)
    found = sweep(scenario, {"traffic.0.messages_a_day": [20, 30]}, 3, workers=1)
    text = describe(scenario, found)
    assert_described(scenario, text, GAPS | {"1.3"})
    items = items_of(text)
    assert "2 designs are compared" in items["1.3"]
    assert "| 1 | plan | `" in items["2.3"]
    assert "| traffic.0.messages_a_day = 30 |" in items["2.3"]
    assert "Design 1, traffic.0.messages_a_day 30:" in items["4.3"]
    both = items_of(describe(scenario, compare(scenario, {"days": 2}, 3, workers=1)))
    assert "| none |" in both["2.3"]
    assert "| days = 2 |" in both["2.3"]
    assert "so that differences are paired" in both["4.3"]


def test_an_experiment_of_another_scenario_is_refused() -> None:
    scenario = Scenario.model_validate(WORLD)
    found = replicate(scenario.change(days=2), 2, workers=1)
    with pytest.raises(ValueError, match=r"must be of the scenario 'plan': [0-9a-f]{16} is not"):
        describe(scenario, found)


def test_many_calls_are_told_by_number() -> None:
    """Written-out requests beyond the first fifty stand in the appendix alone."""
    call = {"at": "2025-03-03T01:00", "to": [{"status": "UNDELIV", "latency_s": 5}, {}, {}]}
    calls = [{"name": "k", "template": "code", "country": "TH", "calls": [call] * 60}]
    text = describe(Scenario.model_validate(WORLD | {"calls": calls}))
    assert (
        "at 2025-03-03T01:00:00Z: 1 number (status UNDELIV, latency_s 5); 2 numbers (by ch" in text
    )
    assert "| `calls.0.calls` | 10 more requests, which stand in the appendix | given |" in text
    assert "| k | calls written out | code | TH | 180 |" in text


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To stdout or into a file, with runs if they are asked for; a wrong file is told."""
    from smssim.cli import main

    scenario = Scenario.model_validate(WORLD)
    path, out = tmp_path / "plan.yaml", tmp_path / "plan.md"
    path.write_text(scenario.to_yaml())
    assert main(["describe", str(path)]) == 0
    assert capsys.readouterr().out == describe(path)
    options = ["--n", "3", "--workers", "1", "--rng", "5", "--out", str(out), "--no-progress"]
    assert main(["describe", str(path), *options]) == 0
    assert capsys.readouterr().out == ""
    changed = scenario.change(rng=5)
    assert out.read_text() == describe(changed, replicate(changed, 3, workers=1))
    assert main(["describe", str(tmp_path / "none.yaml")]) == 2
    assert main(["describe", str(path), "--out", str(tmp_path / "no" / "such.md")]) == 2


def test_a_personal_account_is_not_said_to_be_enabled() -> None:
    """What never happens is not described as if it did."""
    items = items_of(describe(Scenario.model_validate(WORLD | {"onboarding": {}})))
    assert "the account is registered, authenticated, enabled" in items["2.2"]
    personal = WORLD | {"onboarding": {"account_type": "personal"}}
    items = items_of(describe(Scenario.model_validate(personal)))
    assert "it is never enabled" in items["2.2"]
    assert "authenticated, enabled" not in items["2.2"]
