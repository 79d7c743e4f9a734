"""`kernel="simpy"` and `smssim verify`: the same run twice, and where they differ, if they do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smssim import Scenario, cli, simulate, summary
from smssim.record.storage import load
from smssim.simpy_model import SimpyModel
from smssim.simpy_model.account import Account
from smssim.testing import assert_conserved, verify
from smssim.testing.verification import estimated_s

PLAN = Path(__file__).parents[1] / "data/scenarios/resend.yaml"


@pytest.fixture(scope="module")
def plan() -> Scenario:
    """The first days of a plan whose users ask again."""
    return Scenario.load(PLAN).change(days=3)


def test_a_run_in_simpy_is_a_run(plan: Scenario, tmp_path: Path) -> None:
    """Reports, laws and files take it as they take any other."""
    run = simulate(plan, rng=3, kernel="simpy", out=tmp_path / "run")

    assert summary(run) == summary(simulate(plan, rng=3))
    assert_conserved(run)
    assert run.provenance["kernel"] == "simpy"
    assert "kernel" not in simulate(plan).provenance
    assert load(tmp_path / "run").messages.equals(run.messages)
    assert simulate(plan, rng=3, kernel="simpy", rows=False).messages is None


@pytest.mark.parametrize(
    ("kernel", "error"), [("simpi", ValueError), (Account, TypeError), (SimpyModel.run, TypeError)]
)
def test_a_kernel_is_named_or_a_model(plan: Scenario, kernel: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"kernel\(=.*\) must be 'arrays', 'simpy' or a"):
        simulate(plan, kernel=kernel)


def test_verify_counts_what_it_compared(plan: Scenario) -> None:
    result = verify(plan, rng=3, n=2)
    messages = sum(len(simulate(plan, rng=rng).messages) for rng in (3, 4))
    assert str(result) == f"identical: {messages:,} messages in 2 runs, 8 tables"
    with pytest.raises(ValueError, match=r"n\(=0\)"):
        verify(plan, n=0)


def test_the_first_difference_has_its_place(
    plan: Scenario, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that the two do not share: table, row, column, both values, and exit code 1."""
    monkeypatch.setattr(Account, "price_micro", lambda *_: 1)
    charged = simulate(plan, rng=5).messages["cost_micro"]
    row = int((charged > 0).argmax())

    code = cli.main(["verify", str(PLAN), "--days", "3", "--rng", "5", "--no-progress"])

    assert code == 1
    text = f"different: seed 5, messages, row {row:,}, column cost_micro: {charged[row]} and 1"
    assert capsys.readouterr().out.startswith(text)


def test_a_comparison_that_takes_long_asks_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("smssim.testing.verification.estimated_s", lambda messages: messages)
    assert cli.main(["verify", str(PLAN)]) == 2
    assert "20,424 messages take about 5.7 h in SimPy; --days 1 takes" in capsys.readouterr().err
    assert cli.main(["verify", str(PLAN), "--days", "1", "--no-progress"]) == 0
    assert capsys.readouterr().out.startswith("identical: ")


def test_the_estimate_grows_with_the_messages() -> None:
    """200 timeouts a message: between a fifth of a microsecond and 50 of them on any machine."""
    assert 0.2 < estimated_s(5_000) < 50
