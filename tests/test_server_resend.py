"""A customer's server that sends again what failed: when, what, how often, and what it costs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, note, seed, settings
from hypothesis import strategies as st
from identity import assert_identical
from test_identity import TUNINGS
from worlds_servers import server_worlds

from smssim import report
from smssim.pages.tables import bill
from smssim.scenario import Scenario, ScenarioError
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import Run, simulate

MIDNIGHT = pd.Timestamp("2025-03-03", tz="UTC")
UNDELIV = {"status": "UNDELIV", "latency_s": 10}
DELIVRD = {"status": "DELIVRD", "latency_s": 1}


def scenario(to: list[Any], rule: dict[str, Any], **changes: Any) -> Scenario:
    """One call half an hour after midnight, by a source whose server follows a rule."""
    calls = [{"at": "2025-03-03T00:30", "to": to}]
    like = {"name": "server", "template": "code", "country": "ID"}
    made = {
        "start": "2025-03-03",
        "days": 1,
        "applications": [{"name": "app"}],
        "templates": [{"name": "code", "application": "app"}],
        "calls": [{**like, "calls": calls, "server_resend": rule}],
    }
    return Scenario.model_validate(made).change(**changes)


def sent(run: Run) -> list[tuple[int, int, float, str]]:
    """Recipient, generation, seconds after the call and status of each message."""
    assert run.messages is not None
    after = (run.messages["submitted_at"] - MIDNIGHT).dt.total_seconds() - 1_800
    names = [run.messages[name].tolist() for name in ("recipient", "resend_number")]
    status = run.messages["status"].astype(object)
    return list(zip(*names, after.tolist(), status.where(status.notna(), "").tolist(), strict=True))


def test_server_resend_by_code() -> None:
    """Only what has one of the statuses is sent again, `after` the arrival of its report."""
    to = [UNDELIV, {"status": "REJECTD", "latency_s": 10}, DELIVRD]
    found = sent(simulate(scenario(to, {"statuses": ["UNDELIV"]})))

    assert found == [
        (0, 0, 0, "UNDELIV"),
        (1, 0, 0, "REJECTD"),
        (2, 0, 0, "DELIVRD"),
        (0, 1, 70, "UNDELIV"),
    ]


def test_server_resend_at_most_n() -> None:
    """The chain ends after n copies, whatever becomes of the last."""
    rule = {"statuses": ["UNDELIV"], "after": 20, "at_most": 3}
    found = sent(simulate(scenario([UNDELIV], rule)))

    assert [seconds for _, _, seconds, _ in found] == [0, 30, 60, 90]


def test_server_resend_by_the_answer() -> None:
    """A refusal is learnt at once: the queue was full for the second number."""
    slow = {"queue.throughput_per_s": 0.1, "queue.capacity": 0, "callback.address": False}
    found = sent(simulate(scenario([DELIVRD, DELIVRD], {"statuses": ["E200015"]}, **slow)))

    assert found == [(0, 0, 0, "DELIVRD"), (1, 0, 0, "E200015"), (1, 1, 60, "DELIVRD")]


@pytest.mark.parametrize(("retries_s", "resent_s"), [([600], [670]), ([60, 900], [970]), ([], [])])
def test_server_resend_waits_for_the_report(retries_s: list[float], resent_s: list[float]) -> None:
    """The server hears of the failure when a push arrives: after its outage, or never."""
    outages = [{"at": "2025-03-03T00:25", "minutes": 10}]
    changes = {"callback.outages": outages, "callback.retries_s": retries_s}
    found = sent(simulate(scenario([UNDELIV], {"statuses": ["UNDELIV"]}, **changes)))

    assert [seconds for _, generation, seconds, _ in found if generation] == resent_s


def test_server_resend_after_a_freeze() -> None:
    """What a freeze fails counts by its code; what it would have become counts for nothing."""
    poor = {
        "account.balance": 0.01,
        "queue.throughput_per_s": 0.0001,
        "thresholds.counts_refused": True,
    }
    rule = {"statuses": ["E000112", "UNDELIV"]}
    found = sent(simulate(scenario([DELIVRD, UNDELIV], rule, **poor)))

    assert found == [(0, 0, 0, "DELIVRD"), (1, 0, 0, "E000112"), (1, 1, 1_860, "E000112")]


def test_server_resend_ends_with_its_source() -> None:
    """A stopped source bears no copy either."""

    def stop(env: Any, account: Any) -> Any:
        yield env.timeout(1_850_000_000)
        account.stop_source("server")

    rule = {"statuses": ["UNDELIV"], "after": 20, "at_most": 7}
    found = sent(simulate(scenario([UNDELIV], rule), policies=[stop]))

    assert [seconds for _, _, seconds, _ in found] == [0, 30]


def test_server_resend_line_in_the_bill() -> None:
    """Resent messages stand apart, and all lines sum to the ledger."""
    made = scenario([UNDELIV] * 3 + [DELIVRD], {"statuses": ["UNDELIV"], "at_most": 2})
    run = simulate(made.change(**{"routes": {"ID": {"price": 0.25}}}))
    found = report.cost(run)

    lines = found.set_index("resend_kind")[["messages", "cost_micro"]].astype("int64")
    assert lines.loc["first"].tolist() == [4, 1_000_000]
    assert lines.loc["server resend"].tolist() == [6, 1_500_000]
    assert report.cost(run, by="country")["cost_micro"].tolist() == [2_500_000]
    assert report.cost(run, by="resend_kind")["cost_micro"].sum() == 2_500_000
    assert run.ledger is not None
    assert run.ledger["amount_micro"].sum() == 2_500_000


def test_server_resend_line_in_the_summary() -> None:
    """The bill that everybody reads has the line, and only if something was sent again."""
    made = scenario([UNDELIV] * 3 + [DELIVRD], {"statuses": ["UNDELIV"], "at_most": 2})
    routes = {"routes": {"ID": {"price": 0.25}}}

    lines = [line for line in bill(simulate(made.change(**routes))).lines() if "resends" in line]
    assert [line.split()[-4:-1] for line in lines] == [["6", "1.50", "1.50"]]
    none = simulate(made.change(**routes, **{"calls.0.server_resend": None}))
    assert not [line for line in bill(none).lines() if "resend" in line]


def test_user_resend_line_in_the_bill() -> None:
    """Users' copies are a line of their own, next to packages, which serve all copies."""
    made = scenario([UNDELIV] * 3, {"statuses": ["UNDELIV"]})
    package = {"country": "ID", "segments": 4, "price": 1}
    users = {"calls.0.server_resend": None, "calls.0.resend": {"at_most": 1}}
    run = simulate(made.change(**users, packages=[package]))
    found = report.cost(run)

    used = found[found["entry"] == "pay_per_use"]
    assert used["resend_kind"].tolist() == ["user resend"]
    assert used["messages"].tolist() == [2]
    assert found.loc[found["entry"] == "package", "resend_kind"].isna().all()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"calls.0.resend": {}}, "one of the two"),
        ({"calls.0.server_resend.statuses": []}, "at least 1"),
        ({"calls.0.server_resend.statuses": ["DELIVRD"]}, "must not be sent again"),
        ({"calls.0.server_resend.statuses": ["none"]}, "ends as EXPIRED"),
        ({"calls.0.server_resend.statuses": ["UNDELIF"]}, "did you mean 'UNDELIV'"),
        ({"calls.0.server_resend.statuses": ["UNDELIV", "UNDELIV"]}, "appears twice"),
        ({"calls.0.server_resend.at_most": 8}, "at_most"),
        ({"callback.address": False}, "would never send again"),
        (
            {"callback.address": False, "applications.0.batch_address": True},
            "come in batches to 'app'",
        ),
    ],
)
def test_server_resend_that_cannot_be(changes: dict[str, Any], told: str) -> None:
    """Broken files say why."""
    made = scenario([UNDELIV], {"statuses": ["UNDELIV"]})

    with pytest.raises(ScenarioError, match=told):
        made.change(**changes)


def test_server_resend_of_answers_goes_with_batches() -> None:
    """Codes of the answer need no report, so batches are no matter."""
    batched = {"callback.address": False, "applications.0.batch_address": True}

    assert scenario([UNDELIV], {"statuses": ["E200015"]}, **batched).applications[0].batch_address


def test_engine_and_oracle_agree_on_worlds_of_servers(n_worlds: int) -> None:
    """Whatever fails, however late its report comes, and whatever the tuning."""

    @seed(1)
    @settings(settings.get_profile("worlds"), max_examples=-(-n_worlds // 4))
    @given(server_worlds(), st.sampled_from(TUNINGS))
    def agree(world: tuple[Scenario, int, tuple[Any, ...]], tuning: Tuning) -> None:
        made, rng, policies = world
        note(f"Scenario.parse({made.to_json()!r}), {rng}, {policies!r}, {tuning!r}")
        assert_identical(made, rng, policies, tuning)

    agree()
