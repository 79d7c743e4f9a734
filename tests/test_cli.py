"""The command line: what it prints, where, and with which exit code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from worlds import worlds

import smssim
from smssim import cli, summary
from smssim.record.storage import load
from smssim.scenario import Scenario
from smssim.simulation.simulate import simulate

SMALL = """
name: small
start: 2026-03-01
days: 4
currency: EUR
quota: {daily_limit: 50_000, monthly_limit: 900_000}
thresholds: {daily_alarm: 700, daily_limit: 1_000, monthly_alarm: 9_000, monthly_limit: 90_000}
applications: [{name: shop}]
templates:
  - {name: code, application: shop, segments: {1: 0.9, 2: 0.1}}
  - {name: late, application: shop, submitted: 2026-03-01T10:00:00+08:00}
packages: [{country: ID, segments: 1_000, price: 300}]
traffic:
  - {name: a, template: code, country: ID, messages_a_day: 900}
  - {name: b, template: late, country: TH, messages_a_day: 100}
callback: {outages: [{at: 2026-03-02, minutes: 90}]}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return file


def called(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command."""
    code = cli.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def in_process_of_its_own(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "smssim.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_a_run_is_summed_up(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = called(capsys, "run", small)

    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "small: 2026-03-01 00:00 to 2026-03-05 00:00 UTC, 4 days"
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 70
    for answer in (
        r"Cost +[\d,.]+ EUR, of which packages 300\.00; 0\.\d{4} per delivered message",
        r"Stopped +CRITICAL: [\d.]+ (h|min) by the daily limit, .*;\s+\d+ rejected\s+\(E000623\)",
        r"Ran out +WARNING: Indonesia \(ID\) 2026-03-02 \d\d:\d\d",
        r"Delivered +[\d,]+ of [\d,]+ \(\d+\.\d%\); .* pending",
        r"Indonesia \(ID\) +1 +1,000 +300\.00 +[\d,]+ +[\d.]+ +[\d.]+ +0\.\d{4}",
        r"MONTH TO DATE AND FORECAST, 2026-03 UTC\n +to date +[\d,.]+ EUR, [\d,]+ messages\n",
        r"forecast +none: no whole Saturday is known, and such days are to come",
        r"WASTED SPEND, EUR\n +messages failed \d+ \([\d.]+\), expired \d+ \([\d.]+\); categories",
        r"alarm +day +\d",
        r"E200030 .* number rejected +Template not activated",
        r"late +1 +2026-03-01 02:00 +approved",
        r"[\d,]+ made, one per segment: [\d,]+ received .* lost",
        r"throughput: one queue for all, 500 messages per second, never full",
        r"straddle: a message that straddles the end of a package is split",
        r"pushes: no second try",
    ):
        assert re.search(answer, out), answer
    assert "suspend_scope" not in out, "an assumption that nothing depends on"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(worlds())
def test_any_world_can_be_summed_up(world: tuple[Scenario, int, tuple[Any, ...]]) -> None:
    scenario, seed, policies = world
    run = simulate(scenario, rng=seed, policies=policies, rows=False)

    lines = summary(run).splitlines()

    assert max(map(len, lines)) <= 100
    assert len(lines) <= 120
    assert not any(re.search(r"\b(nan|None|NaT|<NA>)\b", line) for line in lines)


def test_those_in_flight_are_said_to_arrive_or_not() -> None:
    """Two hours of slow deliveries: most of what waits will come; after days, next to nothing."""
    plan = Scenario.load(Path(__file__).parents[1] / "data/scenarios/callback_outages.yaml")
    run = simulate(plan, rows=False)
    total = smssim.report.delivery(run, by=()).iloc[0]
    expected = round(total["in_flight_expected"])
    words = f"{int(total['in_flight'])} pending (about {expected} are expected to be delivered)"

    assert 1 < expected < total["in_flight"] / 4
    assert words in " ".join(summary(run).split())
    html = smssim.page(run).html
    assert f"about {expected} are expected to be delivered" in html
    assert "of these to arrive" in html
    assert "Kaplan" not in html


def test_statuses_have_their_meaning() -> None:
    """Each code of the reference tables that a run shows, from whichever stage it is."""
    text = summary(simulate(Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml"))

    assert re.search(r"DELIVRD .* sent +Handset received the SMS", text)
    assert re.search(r"E000629 .* rejected by platform +\S", text)


def test_a_country_without_packages_is_named_in_mode_2() -> None:
    """No event marks it, and "Stopped never" next to half of the messages refused is no answer."""
    plan = Scenario.load(Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml")
    bare = {"days": 2, "packages": [], "account.low_quota": {}}
    lost = plan.change(**bare, **{"traffic.0.country": "DE"})
    run = simulate(lost, rows=False)
    n = int(run.tallies.money["messages"].sum())

    text = " ".join(summary(run).split())

    assert n > 1_000
    assert (
        f"Stopped CRITICAL: to Germany (DE), as no packages are sold for it: {n:,} rejected" in text
    )
    assert "Stopped never" not in text
    assert f"{n:,} rejected (E000629)" in smssim.page(run).html
    assert "Stopped never" in " ".join(summary(simulate(plan.change(days=2))).split())


def test_the_seed_decides(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = called(capsys, "run", small, "--rng", 5)
    again = called(capsys, "run", small, "--rng", 5)
    other = called(capsys, "run", small)

    assert first == again != other
    assert "rng 5" in first[1]


def test_a_kept_run_says_the_same(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = called(capsys, "run", small, "--out", tmp_path / "kept")
    report = called(capsys, "report", tmp_path / "kept")

    assert run == report
    assert load(tmp_path / "kept").messages is not None


def test_a_capture_is_read_back(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "small.jsonl.gz"
    code, out, _ = called(capsys, "run", small, "--capture", log, "--quiet")
    assert (code, out) == (0, "")

    code, out, err = called(capsys, "report", log)

    assert (code, err) == (0, "")
    assert re.search(r"LEFT OUT\n  nothing: all [\d,]+ records were used", out)
    assert "no prices in a log" in out
    assert "without a report" in " ".join(out.split()), "the outage lost some"
    assert "ASSUMPTIONS" not in out


def test_what_a_log_cannot_use_comes_first(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "small.jsonl"
    called(capsys, "run", small, "--capture", log, "--quiet")
    log.write_text(log.read_text(encoding="utf-8") + "{}\nn\x1b[31mo\n", encoding="utf-8")

    _, out, _ = called(capsys, "report", log)

    assert re.search(r"LEFT OUT\n  2 of [\d,]+ records could not be used", out)
    assert out.index("LEFT OUT") < out.index("SUMMARY")
    assert out.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "nowhere.yaml"], "nowhere.yaml: No such file"),
        (["report", "nowhere"], "nowhere: No such file"),
        (["rnu", "x"], "unknown command 'rnu'; did you mean run?"),
        (
            ["xyz"],
            "unknown command 'xyz'; commands: run, report, replicate, sweep, compare, find, "
            "uncertainty, check, fit, forecast, backtest, watch, verify, describe, schema",
        ),
        (["run"], "required: SCENARIO"),
        (["run", "x", "--rng", "-1"], "'-1' must be a whole number >= 0"),
        (["run", "x", "--quie"], "unrecognized arguments: --quie"),
        ([], "usage: smssim"),
    ],
)
def test_wrong_usage_is_2_and_said(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = called(capsys, *arguments)

    assert (code, out) == (2, "")
    assert told in err
    assert "Traceback" not in err


def test_a_bad_scenario_is_2_and_names_each_field(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small.write_text(SMALL.replace("days: 4", "days: 0").replace("EUR", "euro"), encoding="utf-8")

    code, out, err = called(capsys, "run", small)

    assert (code, out) == (2, "")
    assert f"{small}:4:7: days:" in err
    assert re.search(rf"{re.escape(str(small))}:\d+:\d+: currency:", err)
    assert len(err.splitlines()) == 2


def test_what_cannot_be_written_is_2_before_the_run(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = called(capsys, "run", small, "--out", tmp_path)
    assert (code, err.count("\n")) == (2, 1)
    assert "holds small.yaml, which is not part of a record" in err

    monkeypatch.setattr("smssim.simulation.simulate.simulate", None)
    code, _, err = called(capsys, "run", small, "--capture", tmp_path / "no" / "log.jsonl")
    assert code == 2
    assert "there is no directory" in err


@pytest.mark.parametrize(
    ("error", "code"), [(RuntimeError("a\nb"), 1), (KeyboardInterrupt(), 130), (MemoryError(), 1)]
)
def test_what_goes_wrong_inside(
    small: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("smssim.simulation.simulate.simulate", fails)

    found, out, err = called(capsys, "run", small)

    assert (found, out) == (code, "")
    wanted = f"smssim: failed: {type(error).__name__}: {str(error).replace(chr(10), ' ')}"
    assert err.startswith(wanted) if code == 1 else err == ""
    assert len(err.splitlines()) <= 1
    if code == 1:
        with pytest.raises(type(error)):
            cli.main(["run", str(small), "--debug"])


def test_help_does_not_import_pandas() -> None:
    program = (
        "import sys; from smssim.cli import main; code = main(['run', '--help']);"
        "print([m for m in ('numpy', 'pandas', 'pydantic', 'simpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )

    assert "--capture FILE" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_process_of_its_own(small: Path) -> None:
    done = in_process_of_its_own("run", small)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("small: ")

    wrong = in_process_of_its_own("run", "nowhere.yaml")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "smssim: nowhere.yaml: No such file or directory\n"


def test_a_closed_pipe_is_no_error(small: Path) -> None:
    command = [sys.executable, "-m", "smssim.cli", "run", str(small)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        told = run.stderr.read()

    assert (run.returncode, told) == (141, "")


def test_public_names_come_when_they_are_used() -> None:
    assert smssim.simulate is simulate
    assert set(smssim.__all__) <= set(dir(smssim))
    for name in smssim.__all__:
        assert getattr(smssim, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        _ = smssim.simulat  # type: ignore[attr-defined]
