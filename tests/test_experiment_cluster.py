"""A cluster of dask.distributed: the same results, even when a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster
from pandas.testing import assert_frame_equal
from small_month import SMALL_MONTH

from smssim.experiment import replicate, sweep
from smssim.scenario import Scenario

SMALL = Scenario.parse(SMALL_MONTH)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A scheduler and two worker processes on this machine's loopback."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            silence_logs=50,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_a_worker_killed_in_the_middle_changes_nothing(client: Client, tmp_path: Path) -> None:
    """The first run to see its package empty kills its own worker; a closure knows how."""
    bought, mark = {"segments": 50}, str(tmp_path / "killed")

    def buys(env: Any, account: Any) -> Iterator[Any]:
        yield account.wait("package_empty")
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            account.buy_package("ID", bought["segments"], price=5)
        else:
            os.kill(os.getpid(), signal.SIGKILL)

    before = set(client.run(os.getpid).values())
    found = replicate(SMALL, 24, policies=[buys], executor=client.get_executor())
    client.wait_for_workers(2)
    after = set(client.run(os.getpid).values())

    assert Path(mark).exists()
    assert len(before - after) == 1
    assert not found.failed
    assert_frame_equal(found.runs, replicate(SMALL, 24, policies=[buys], workers=1).runs)
    assert found.runs["cost.packages"].max() == 35


def test_designs_are_told_apart_on_a_cluster(client: Client) -> None:
    designs = {"packages.0.segments": [100, 300], "days": [2, 4]}
    found = sweep(SMALL, designs, 3, executor=client.get_executor(), workers=2)
    assert_frame_equal(found.runs, sweep(SMALL, designs, 3, workers=1).runs)


@pytest.mark.ci
def test_a_run_that_kills_every_worker_is_a_row(client: Client) -> None:
    """Distributed gives its job up after some workers; then what was in it runs one by one."""

    def dies(env: Any, account: Any) -> Iterator[Any]:
        yield account.wait("package_empty")
        os.kill(os.getpid(), signal.SIGKILL)

    sizes = [10_000] * 16
    sizes[9] = 10
    executor = client.get_executor()
    found = sweep(
        SMALL, {"packages.0.segments": sizes}, 1, policies=[dies], executor=executor, workers=1
    )
    errors = found.runs["error"].tolist()
    assert errors.pop(9).startswith("KilledWorker")
    assert errors == [""] * 15
