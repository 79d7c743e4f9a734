"""What we ask of the plan beyond its own promises."""

from __future__ import annotations

import pytest

from smssim import Scenario, report
from smssim.simulation import policies
from smssim.testing import assert_conserved

PLAN = "plans/november.yaml"


@pytest.fixture(scope="session")
def month(simulate):
    """One simulated November."""
    return simulate(PLAN)


def test_no_message_is_lost(month):
    """Requested is refused, or sent; sent is delivered, failed, expired or pending."""
    assert_conserved(month)


def test_the_campaign_is_out_within_the_day(month):
    """All numbers of the campaign are handed over on the eleventh."""
    task = month.tasks.set_index("task").loc["singles day"]
    assert task["sent"] == 2_500


def test_every_message_goes_to_where_we_sell(month):
    """A typing error in a country would show here before it shows on the bill."""
    assert set(report.delivery(month)["country"].dropna()) <= {"ID", "TH"}


def test_ten_percent_more_traffic_is_only_safe_with_a_top_up(assert_promise, pytestconfig):
    """Should the month go better than planned, one package bought at the notice is enough."""
    plan = Scenario.load(pytestconfig.rootpath / PLAN)
    better = plan.change(**{"traffic.0.messages_a_day": 495})
    buys = policies.TopUpQuota("ID", 3_000, 900, after_s=4 * 3_600)
    with pytest.raises(AssertionError, match="packages ran out"):
        assert_promise(better, "runout.any < 0.1", margin=0.1)
    assert_promise(better, "runout.any < 0.1", margin=0.1, policies=[buys])
