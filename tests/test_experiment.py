"""Experiments: the same result wherever it is computed, and what many runs say together."""

from __future__ import annotations

import warnings
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from scipy.stats import sobol_indices, uniform

from smssim.experiment import Absolute, RunsInterrupted, compare, replicate, sweep
from smssim.experiment.pool import new_executor
from smssim.experiment.runner import at_look
from smssim.logs import read_log
from smssim.metrics import METRICS
from smssim.report import kpis
from smssim.scenario import Scenario, ScenarioError
from smssim.simulation.simulate import simulate

SMALL = Scenario.parse(
    """
start: 2026-03-01
days: 4
quota: {daily_limit: 50_000, monthly_limit: 900_000}
thresholds: {daily_alarm: 400, daily_limit: 500, monthly_alarm: 9_000, monthly_limit: 90_000}
applications: [{name: shop}]
templates:
  - {name: code, application: shop, segments: {1: 0.9, 2: 0.1}}
  - {name: late, application: shop, submitted: 2026-03-01T10:00:00+08:00}
packages: [{country: ID, segments: 300, price: 30}]
traffic: [{name: a, template: code, country: ID, messages_a_day: 100}]
routes: {ID: {price: 0.1}}
"""
)


@pytest.fixture(scope="module")
def pool() -> Any:
    """Two warm workers."""
    with new_executor(2) as executor:
        yield executor


def test_runs_are_those_of_simulate() -> None:
    runs = replicate(SMALL, 3, rng=7, workers=1).runs
    for replication in range(3):
        own = kpis(simulate(SMALL, rng=7, replication=replication))
        row = runs.loc[runs["replication"] == replication].iloc[0]
        for _, metric in own.iterrows():
            name = f"{metric['name']}[{metric['of']}]" if metric["of"] else metric["name"]
            assert row[name] == metric["value"] or np.isnan(metric["value"])
    assert runs["messages.requested"].nunique() == 3


def test_where_it_is_computed_changes_nothing(pool: Executor) -> None:
    serial = sweep(SMALL, {"packages.0.segments": [100, 300], "days": [2, 4]}, 3, workers=1)
    for executor in (pool, ThreadPoolExecutor(2), Backwards()):
        designs = {"packages.0.segments": [100, 300], "days": [2, 4]}
        assert_frame_equal(sweep(SMALL, designs, 3, executor=executor).runs, serial.runs)
    assert serial.changes["days"].tolist() == [2, 4, 2, 4]
    assert serial.runs.groupby("scenario").size().tolist() == [3] * 4


def test_a_policy_may_be_written_anywhere(pool: Executor) -> None:
    """One with a closure is in no module, as one of a notebook's cell."""
    bought = {"segments": 50}

    def buys(env: Any, account: Any) -> Any:
        yield account.wait("run_out")
        yield env.timeout(60_000_000)
        account.buy_package("ID", bought["segments"], price=5)

    found = replicate(SMALL, 4, policies=[buys], executor=pool)
    assert not found.failed
    assert_frame_equal(found.runs, replicate(SMALL, 4, policies=[buys], workers=1).runs)
    assert set(found.runs["cost.packages"]) == {35}


def test_a_failed_run_is_a_row(pool: Executor) -> None:
    def breaks(env: Any, account: Any) -> Any:
        yield account.wait("package_empty")
        raise RuntimeError("no hands")

    found = sweep(SMALL, {"packages.0.segments": [100, 1_000_000]}, 2, policies=[breaks],
                  executor=pool)  # fmt: skip
    assert found.runs["error"].tolist() == ["RuntimeError: no hands"] * 2 + [""] * 2
    assert found.failed == 2
    assert found.runs["cost"].isna().tolist() == [True, True, False, False]
    summary = found.summary("cost").set_index(["scenario", "statistic"])
    assert summary.loc[(0, "mean"), "n"] == 0
    assert summary.loc[(1, "mean"), "n"] == 2


def test_figures_of_runs_that_all_failed_are_told_with_the_reason() -> None:
    def breaks(env: Any, account: Any) -> Any:
        yield account.wait("package_empty")
        raise RuntimeError("no hands")

    found = replicate(SMALL, 2, policies=[breaks], workers=1)
    with pytest.raises(ValueError, match=r"none: 2 of 2 runs failed, first with .*no hands"):
        found.summary("cost")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_policy_that_exits_costs_its_task_alone(workers: int) -> None:
    def leaves(env: Any, account: Any) -> Any:
        import sys

        yield account.wait("package_empty")
        sys.exit("enough")

    designs = {"packages.0.segments": [1_000_000, 10]}
    runs = sweep(SMALL, designs, 2, policies=[leaves], workers=workers).runs
    errors = runs["error"].tolist()
    assert errors[:2] == ["", ""]
    assert all("called sys.exit('enough')" in error for error in errors[2:])


def test_a_dead_worker_costs_its_task_alone() -> None:
    def dies(env: Any, account: Any) -> Any:
        import os

        yield account.wait("package_empty")
        os._exit(3)

    found = sweep(SMALL, {"packages.0.segments": [1_000_000, 10]}, 2, policies=[dies], workers=2)
    errors = found.runs["error"].tolist()
    assert errors[:2] == ["", ""]
    assert all(error.startswith("BrokenProcessPool") for error in errors[2:])


def test_ctrl_c_keeps_what_is_done() -> None:
    def stop(done: int, of: int, left_s: float) -> None:
        assert (of, left_s >= 0) == (5, True)
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(RunsInterrupted, match="2 runs were done") as caught:
        replicate(SMALL, 5, workers=1, progress=stop)
    assert_frame_equal(caught.value.experiment.runs, replicate(SMALL, 2, workers=1).runs)


def test_a_what_if_shares_its_random_numbers() -> None:
    found = compare(SMALL, {"routes.ID.price": 0.2}, 8, workers=1)
    summary = found.summary().set_index("metric")
    assert summary.loc["messages.delivered", ["difference", "low", "high"]].tolist() == [0, 0, 0]
    assert summary.loc["messages.delivered", "reduction"] == np.inf
    charge = summary.loc["cost.pay_per_use"]
    assert charge["what_if"] == pytest.approx(2 * charge["base"])
    assert charge["low"] < charge["difference"] < charge["high"]
    base, what_if = found.pairs("cost.pay_per_use")
    assert charge["paired_variance"] == pytest.approx((what_if - base).var(ddof=1))
    assert charge["reduction"] == pytest.approx(5)


def test_runs_are_added_until_the_mean_is_known() -> None:
    one = replicate(SMALL, precision=Absolute(0.6), workers=1)
    runs = len(one.runs)
    assert runs % 32 == 0
    assert runs > 32
    mean = one.summary("cost", confidence=at_look(runs // 32, 0.95)).iloc[0]
    assert (mean["high"] - mean["low"]) / 2 <= 0.6
    assert_frame_equal(one.runs, replicate(SMALL, runs, workers=1).runs)
    assert len(replicate(SMALL, precision=1e-9, most=40, workers=1).runs) == 40


def test_a_figure_that_is_always_0_is_known() -> None:
    zero = replicate(SMALL, precision=0.01, metric="suspended.arrears", workers=1)
    assert len(zero.runs) == 32
    rare = replicate(
        SMALL, precision={"suspended.arrears": Absolute(0.04)}, metric="cost", workers=1
    )
    assert len(rare.runs) == 96  # 3 / 96 is the first share below 0.04.


def test_looking_often_keeps_the_risk() -> None:
    risks = sum(1 - at_look(look, 0.9) for look in range(1, 100_000))
    assert 0.0999 < risks < 0.1


def test_every_metric_is_a_figure() -> None:
    found = replicate(SMALL, 2, workers=1)
    assert {name.partition("[")[0] for name in found.kpi_names} == set(METRICS)
    summary = found.summary()
    assert summary.loc[summary["metric"] == "runout.any", "statistic"].tolist() == ["probability"]
    assert set(summary.loc[summary["metric"] == "cost", "unit"]) == {"USD"}


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: replicate(SMALL, 0), r"n\(=0\) must be >= 1"),
        (lambda: replicate(SMALL, 1, workers=0), r"workers\(=0\) must be >= 1"),
        (lambda: replicate(SMALL, 10**8), r"n\(=100000000\) must make 1,000,000 runs at most"),
        (lambda: sweep(SMALL, {"days": [1, 2]}, 600_000), "1,000,000 runs at most for each of 2"),
        (lambda: sweep(SMALL, {"days": [1] * 999, "rng": [1] * 999}), "at most, not 998,001"),
        (lambda: compare(SMALL, {"days": 1}, most=10**9), r"most\(=1000000000\) must be >= 1"),
        (lambda: sweep(SMALL, {"days": []}), "at least one value"),
        (lambda: sweep(SMALL, {"days": "12"}), "must be a list of values"),
        (lambda: sweep(SMALL, {"no.such": [1]}), "no"),
        (lambda: replicate(SMALL, precision=0.0), r"precision\['cost'\]\(=0.0\) must be > 0"),
        (lambda: replicate(SMALL, 1, workers=1).summary("costs"), r"costs"),
    ],
)
def test_wrong_arguments_are_named(call: Any, told: str) -> None:
    with pytest.raises((ValueError, ScenarioError), match=told):
        call()


def test_stored_runs_are_not_run_again(tmp_path: Path) -> None:
    first = replicate(SMALL, 4, workers=1, store=tmp_path)
    files = sorted((tmp_path / "runs").iterdir())
    assert len(files) == 4
    text = files[0].read_text()
    files[0].write_text(text[: len(text) // 2])
    files[1].write_text(text.replace("0", "1"))
    ran: list[int] = []
    again = replicate(
        SMALL, 5, workers=1, store=tmp_path, progress=lambda done, of, _: ran.append(of)
    )
    assert ran == [3, 3, 3]
    assert_frame_equal(again.runs.head(4), first.runs)
    assert files[0].read_text() != text[: len(text) // 2]


def test_what_cannot_be_told_apart_is_not_stored(tmp_path: Path) -> None:
    class Opaque:
        __slots__ = ("x",)

        def __call__(self, env: Any, account: Any) -> Any:
            yield account.wait("run_out")

    with pytest.warns(UserWarning, match="runs are not stored"):
        replicate(SMALL, 1, policies=[Opaque()], workers=1, store=tmp_path)
    assert not list((tmp_path / "runs").iterdir())


def test_a_changed_policy_is_another_run(tmp_path: Path) -> None:
    def policy(price: float) -> Any:
        def buys(env: Any, account: Any) -> Any:
            yield account.wait("run_out")
            account.buy_package("ID", 50, price=price)

        return buys

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for price, ran in ((5, 2), (5, 0), (6, 2)):
            calls: list[int] = []
            found = replicate(
                SMALL, 2, policies=[policy(price)], workers=1, store=tmp_path,
                progress=lambda done, of, _, calls=calls: calls.append(done),
            )  # fmt: skip
            assert len(calls) == ran
            assert set(found.runs["cost.packages"]) == {30 + price}


def test_samples_of_scipy_are_designs() -> None:
    """The bill is linear in both prices, so the shares of its variance are known."""
    paths = ["routes.ID.price", "packages.0.price"]

    def mean_cost(x: Any) -> Any:
        designs = pd.DataFrame(x.T.round(4), columns=paths)
        found = sweep(SMALL, designs, 1, workers=1)
        return np.array([[found.values("cost", n).mean() for n in range(len(designs))]])

    billed = replicate(SMALL, 1, workers=1).values("cost.pay_per_use")[0] / 0.1
    spans = np.array([0.1 * billed, 20])
    dists = [uniform(0.1, 0.1), uniform(10, 20)]
    found = sobol_indices(func=mean_cost, n=32, dists=dists, rng=1)
    assert found.first_order.ravel() == pytest.approx(spans**2 / (spans**2).sum(), abs=0.1)


class Backwards(Executor):
    """Runs a job only when its result is asked for, the last one first."""

    def __init__(self) -> None:
        self._jobs: list[Any] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs.append((future, fn, args))
        if len(self._jobs) == 2:
            for held, function, given in reversed(self._jobs):
                held.set_result(function(*given))
            self._jobs.clear()
        return future


def test_the_default_pool_is_of_processes() -> None:
    with new_executor(1) as executor:
        assert isinstance(executor, ProcessPoolExecutor)


def test_a_record_is_placed_among_the_runs() -> None:
    """A run of its own is where its rank is; one with half the traffic is below all of them."""
    found = replicate(SMALL, 20, workers=1)
    values = found.values("messages.requested")
    one = int(np.argsort(values)[3])
    run = simulate(SMALL, replication=one, rows=False)
    placed = found.rank_of(run, ["messages.requested", "cost", "review.hours"]).set_index("metric")
    row = placed.loc["messages.requested"]
    assert (row["value"], row["least"], row["most"]) == (values[one], values.min(), values.max())
    ties = (values == values[one]).sum()
    assert row["below"] == pytest.approx(((values < values[one]).sum() + ties / 2) / 20)
    assert row["p50"] == np.median(values)
    traffic = SMALL.traffic[0].messages_a_day
    less = simulate(SMALL.change(**{"traffic.0.messages_a_day": traffic / 2}), rows=False)
    assert found.rank_of(less, "messages.requested")["below"].item() == 0
    with pytest.raises(ValueError, match=r"currency\(='EUR'\) of the record must be USD"):
        found.rank_of(simulate(SMALL.change(currency="EUR"), rows=False))


def test_what_a_log_cannot_know_has_no_place() -> None:
    found = replicate(SMALL, 4, workers=1)
    log = read_log(Path(__file__).parents[1] / "data/exports/western", columns=None)
    placed = found.rank_of(log).set_index("metric")
    with pytest.raises(ValueError, match="must be a record that can know cost"):
        found.plot("cost", compare_to=log)
    two = sweep(SMALL, {"days": [1, 2]}, 2, workers=1)
    with pytest.raises(ValueError, match="must go with one design, not 2"):
        two.plot("cost", compare_to=log)
    assert placed.loc["cost", ["value", "below"]].isna().all()
    assert placed.loc["cost", "n"] == 4
    assert placed.loc["messages.requested", "value"] > 0
