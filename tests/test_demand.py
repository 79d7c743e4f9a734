"""How demand differs from day to day, and delays of any shape: laws, closed forms, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from smssim.calendars import HOUR, hourly_weights
from smssim.scenario import Delay, Scenario, ScenarioError
from smssim.scenario.delays import moments
from smssim.simulation.simulate import simulate
from smssim.stats import inverse_cdf as inverse
from smssim.stats.keyed_random import MASK64, KeyedRandom

RISK = 1e-6
HIGH = {"daily_alarm": 10**8, "daily_limit": 10**9, "monthly_alarm": 10**8, "monthly_limit": 10**10}
API: dict[str, Any] = {"name": "api", "template": "t", "country": "ID", "messages_a_day": 500}


def world(*traffic: dict[str, Any], **rest: Any) -> Scenario:
    """A week of sources of one template, without limits."""
    made = {
        "start": "2026-04-20",
        "days": 7,
        "applications": [{"name": "a"}],
        "templates": [{"name": "t", "application": "a", "segments": {1: 0.6, 2: 0.4}}],
        "quota": {"daily_limit": 10**9, "monthly_limit": 10**10},
        "thresholds": HIGH,
        "traffic": [API | source for source in traffic],
    }
    return Scenario.model_validate(made | rest)


def messages(scenario: Scenario, rng: int = 1) -> pd.DataFrame:
    """The messages of a run, with their local day in Jakarta."""
    frame = simulate(scenario, rng=rng).messages
    return frame.assign(day=frame["submitted_at"].dt.tz_convert("Asia/Jakarta").dt.date.astype(str))


def test_the_mean_of_an_hour_is_the_product_of_its_factors() -> None:
    """Each hour has the count of its word under the mean of docs/model.md, factor by factor."""
    scenario = world(
        {"growth_per_day": 0.07, "swings": ["ID", "all"], "hours": [1] * 12 + [3] * 12},
        start="2026-04-20T05:30:00Z",
        swings=[{"name": "all", "sd": 0.3}, {"name": "ID", "sd": 1}],
        occasions=[{"day": "2026-04-22", "factor": 4}, {"day": "2026-04-23", "factor": 0}],
    )
    source, random = scenario.traffic[0], KeyedRandom(3)
    first = scenario.start_us // HOUR
    weights = hourly_weights(first, 169, "Asia/Jakarta", source.hours, source.weekdays)
    counted = messages(scenario, 3)["submitted_at"].dt.floor("h").value_counts()
    for i, weight in enumerate(weights.tolist()):
        hour, day = first + i, (first + i + 7) // 24
        mean = weight * 500 / 24
        mean *= 1.07 ** (((hour * HOUR - scenario.start_us) / HOUR + 0.5) / 24)
        for name, sd in (("ID", 1.0), ("all", 0.3)):
            mean *= inverse.gamma_factor(random.word(f"swing/{name}", "day", day, 0), sd)
        mean *= {20565: 4.0, 20566: 0.0}.get(day, 1.0)
        count = inverse.poisson_count(inverse.poisson(mean), random.word("api", "count", hour, 0))
        if 0 < i < 168:  # The first and the last hour are in the run in part.
            assert counted.get(pd.Timestamp(hour * 3600, unit="s", tz="UTC"), 0) == count, i


def test_growth_is_compounded() -> None:
    """The messages of whole days are those of a geometric series, at a risk of one in a million."""
    scenario = world({"growth_per_day": 0.02, "messages_a_day": 3_000}, days=60)
    found = len(messages(scenario))
    mean = 3_000 * sum(1.02 ** (day + (h + 0.5) / 24) / 24 for day in range(60) for h in range(24))
    assert scenario.expected_messages(scenario.traffic[0]) == pytest.approx(mean, rel=1e-9)
    assert abs(found - mean) < stats.norm.isf(RISK / 2) * np.sqrt(mean)


@pytest.mark.parametrize("sd", [0.05, 0.5, 2.0])
def test_swings_are_gamma_distributed_with_mean_1(sd: float) -> None:
    """Kolmogorov and Smirnov at a risk of one in a million; multiples of 2**-20."""
    words = np.random.default_rng(1).integers(0, MASK64, 5_000, np.uint64, endpoint=True)
    factors = np.array([inverse.gamma_factor(word, sd) for word in words.tolist()])
    # Rounding makes atoms near 0 of the widest.
    exact = stats.gamma(1 / sd**2, scale=sd**2)
    assert stats.kstest(factors + 2**-21, exact.cdf).pvalue > RISK or sd == 2.0
    assert (factors * 2**20 % 1 == 0).all()
    assert abs(factors.mean() - 1) < stats.norm.isf(RISK / 2) * sd / np.sqrt(5_000)
    assert np.isfinite([inverse.gamma_factor(word, sd) for word in (0, MASK64)]).all()
    assert inverse.gamma_factor(words[0].item(), 0) == 1


def test_days_vary_as_much_as_their_swings_say() -> None:
    """The variance of daily counts is mean + (mean * sd)**2, within a factor at a risk of 1e-6."""
    scenario = world({"swings": ["all"]}, days=300, swings=[{"name": "all", "sd": 0.2}])
    days = messages(scenario).groupby("day").size()[1:-1]
    expected = 500 + (500 * 0.2) ** 2
    n = len(days) - 1
    low, high = stats.chi2(n).ppf([RISK / 2, 1 - RISK / 2]) / n
    assert low * 0.9 < days.var() / expected < high * 1.1


def test_sources_that_name_a_swing_share_it_and_nothing_else_moves_it() -> None:
    """A longer run and another source leave messages as they were; shared days go together."""
    swings = [{"name": "all", "sd": 0.5}, {"name": "idle", "sd": 0.1}]
    shares = {"swings": ["all"], "messages_a_day": 5_000}
    alone = messages(world(shares, swings=swings))
    longer = messages(world(shares, {"name": "b", **shares}, swings=swings, days=9))
    ours = longer[longer["source"] == "api"].reset_index(drop=True).iloc[: len(alone)]
    names = ["submitted_at", "request", "recipient", "segments"]
    pd.testing.assert_frame_equal(ours[names], alone[names])
    by_day = pd.crosstab(longer["day"], longer["source"])[1:-1]
    assert by_day.corr().loc["api", "b"] > 0.95


def test_an_occasion_changes_its_own_local_day_alone() -> None:
    """Elsewhere, and on other days, every message is what it was."""
    sources: list[dict[str, Any]] = [{}, {"name": "th", "country": "TH"}]
    plain = messages(world(*sources))
    promo = {"day": "2026-04-23", "factor": 5, "countries": ["ID"]}
    found = messages(world(*sources, occasions=[promo]))
    names = ["submitted_at", "source", "request", "recipient", "segments", "day"]
    its_own = {
        id(frame): (frame["source"] == "api") & (frame["day"] == "2026-04-23")
        for frame in (plain, found)
    }
    rest = [
        frame.loc[~its_own[id(frame)], names].reset_index(drop=True) for frame in (plain, found)
    ]
    pd.testing.assert_frame_equal(*rest)
    counts = [int(its_own[id(frame)].sum()) for frame in (plain, found)]
    assert 4 < counts[1] / counts[0] < 6


def test_same_text_gives_all_numbers_of_a_request_the_same_segments() -> None:
    """Those that the first number has without it; resends have a text of their own."""
    source: dict[str, Any] = {"recipients": 5, "resend": {"patience": 1}}
    apart, same = (messages(world(source | {"same_text": on})) for on in (False, True))
    keys = ["request", "resend_number"]
    assert apart.groupby(keys)["segments"].nunique().max() == 2
    assert same.groupby(keys)["segments"].nunique().max() == 1
    first = [frame[frame["recipient"] == 0].set_index(keys)["segments"] for frame in (apart, same)]
    both = pd.concat(first, axis=1, join="inner")
    assert len(both) > 100
    assert (both.iloc[:, 0] == both.iloc[:, 1]).all()
    assert same.groupby("request")["segments"].nunique().max() == 2


CURVE = [[0, 0.4], [0.5, 5.2], [0.9, 19], [0.99, 9_000], [1, 250_000]]


def test_a_curve_has_its_points_and_moments() -> None:
    """Quantiles at the points, straight lines in logarithms between, moments by sampling."""
    delay = Delay.model_validate({"curve": CURVE})
    table = delay.table()
    words = (np.arange(1_000_000) * 2.0**64 / 1_000_000).astype(np.uint64)
    values = table.take(words) / 1e6
    for share, seconds in CURVE[:-1]:
        assert values[int(share * 1_000_000)] == pytest.approx(seconds, rel=0.01)
    assert values[250_000] == pytest.approx(np.sqrt(0.4 * 5.2), rel=0.01)
    mean, sd = moments(delay)
    assert mean == pytest.approx(values.mean(), rel=0.005)
    assert sd == pytest.approx(values.std(), rel=0.005)
    assert delay.median_s() == pytest.approx(5.2, rel=0.01)


def test_a_curve_from_0_is_a_straight_line() -> None:
    """[0, 0] to [1, 2] is uniform from 0 to 2 seconds."""
    delay = Delay.model_validate({"curve": [[0, 0], [0.25, 0], [1, 2]]})
    table = delay.table()
    assert [table.of(int(p * 2.0**64)) for p in (0, 0.1, 0.25, 0.625)] == [0, 0, 0, 1_000_000]
    mean, sd = moments(delay)
    assert mean == pytest.approx(0.75)
    assert sd == pytest.approx(np.sqrt(0.75 * 4 / 3 - 0.75**2))


def test_an_outcome_may_have_a_delay_of_its_own() -> None:
    """Only its messages come at another time; all others are what they were."""
    outcomes = [{"status": "DELIVRD", "share": 0.7}, {"status": "UNDELIV", "share": 0.3}]
    late = [outcomes[0], outcomes[1] | {"latency": {"uniform_s": [100, 200]}}]
    plain, found = (
        messages(world({}, routes={"ID": {"outcomes": of, "latency": {"uniform_s": [1, 2]}}}))
        for of in (outcomes, late)
    )
    final = found["status"].notna()  # Some are pending at the end.
    plain, found = plain[final], found[final]
    failed = plain["status"] == "UNDELIV"
    assert (failed == (found["status"] == "UNDELIV")).all()
    pd.testing.assert_frame_equal(plain[~failed], found[~failed])
    delays = (found["final_at"] - found["sent_at"]).dt.total_seconds()[failed]
    assert delays.between(100, 200).all()
    assert failed.sum() > 500


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 3_000), st.integers(0, MASK64)), min_size=1, max_size=30),
    st.sampled_from([1.0, 1e-3, 300.0]),
)
def test_counts_of_many_means_are_those_of_each_table(
    rows: list[tuple[float, int]], scale: float
) -> None:
    """Tables at once give what tables one by one give, at the edges of words, too."""
    pairs = [(mean * scale, word) for mean, word in rows]
    pairs += [(mean, word) for mean, _ in pairs[:3] for word in (0, MASK64, MASK64 - 2**11 + 1)]
    means = np.array([mean for mean, _ in pairs], float)
    words = np.array([word for _, word in pairs], np.uint64)
    found = inverse.poisson_counts(means, words).tolist()
    assert found == [inverse.poisson_count(inverse.poisson(mean), word) for mean, word in pairs]


ALL = {"swings": [{"name": "all", "sd": 0.1}]}
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no such swing": (
        {"swings": ["al"]}, ALL,
        "traffic.0.swings.0: there is no swing 'al' (did you mean 'all'?); there are 'all'",
    ),
    "a swing twice": (
        {"swings": ["all", "all"]}, ALL, "traffic.0.swings.1: the swing 'all' appears twice",
    ),
    "a name twice": (
        {}, {"swings": ALL["swings"] * 2}, "swings.1.name: the name 'all' appears twice"
    ),
    "too wide": ({}, {"swings": [{"name": "all", "sd": 3}]}, "swings.0.sd: 3 must be <= 2"),
    "too fast": ({"growth_per_day": 0.3}, {}, "traffic.0.growth_per_day: 0.3 must be <= 0.2"),
    "too many": (
        {"growth_per_day": 0.2, "messages_a_day": 1e6},
        {"days": 60, "routes": {"ID": {"price": 0}}},
        "traffic.0.messages_a_day: 2,347,813,098 requests in the busiest hour with growth, swings "
        "and occasions: a source must stay below 1,000,000 an hour; split it in two",
    ),
    "a delay of no report": (
        {}, {"routes": {"ID": {"outcomes": [{"status": "none", "share": 1, "latency": 3}]}}},
        "routes.ID.outcomes.0.latency: latency must be left out: there is no report",
    ),
    "a curve that starts late": (
        {}, {"routes": {"ID": {"latency": {"curve": [[0.1, 1], [1, 2]]}}}},
        "routes.ID.latency.curve.0.0: 0.1 must be 0: shares go from 0 to 1",
    ),
    "a curve that falls": (
        {}, {"routes": {"ID": {"latency": {"curve": [[0, 3], [0.5, 2], [1, 4]]}}}},
        "routes.ID.latency.curve.1.1: 2 must be >= 3: seconds do not fall",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_refused_where_it_stands(name: str) -> None:
    """With the value and the rule."""
    source, rest, message = WRONG[name]
    with pytest.raises(ScenarioError) as error:
        world(source, **rest)
    assert message in str(error.value)


def test_what_changes_nothing_is_warned_of() -> None:
    """Idle swings, occasions and texts; nothing of those that are in use."""
    occasion = {"day": "2026-04-22", "factor": 2}
    idle = world(
        {"same_text": True, "swings": ["zero"]},
        swings=[{"name": "zero", "sd": 0}, {"name": "unnamed", "sd": 0.1}],
        occasions=[
            occasion, occasion | {"day": "2026-06-01"}, occasion | {"countries": ["TH"]},
            occasion | {"factor": 1},
        ],
    )  # fmt: skip
    assert [warning.path for warning in idle.warnings] == [
        "swings.0.sd", "swings.1", "occasions.1.day", "occasions.2.countries",
        "occasions.3.factor", "traffic.0.same_text",
    ]  # fmt: skip
    used = {"same_text": True, "recipients": 2, "swings": ["all"], "growth_per_day": 0.01}
    assert world(used, **ALL, occasions=[occasion | {"countries": ["ID"]}]).warnings == ()
