"""Killed and started again: what was done is kept, and the result is the same to the byte."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from small_month import SMALL_MONTH

from smssim.experiment import Experiment, replicate, sweep
from smssim.experiment.run_store import Store, StoredRun, run_digest
from smssim.scenario import Scenario

SMALL = SMALL_MONTH
DESIGNS = {"packages.0.segments": [100, 300], "days": [2, 4]}
N = 10
RUNS = 4 * N
PROGRAM = """
import sys
from pathlib import Path
from smssim.experiment import sweep
from smssim.scenario import Scenario
from smssim.experiment.run_store import Store

def tell(done, of, left_s):
    print(done, of, flush=True)

if __name__ == "__main__":
    text, folder, out = sys.argv[1:]
    designs = {"packages.0.segments": [100, 300], "days": [2, 4]}
    store = Store(folder, pack=8)
    found = sweep(Scenario.parse(text), designs, 10, workers=2, store=store, progress=tell)
    found.runs.to_parquet(out)
"""


@pytest.fixture(scope="module")
def serial() -> Experiment:
    """The same sweep, in one process and in one go."""
    return sweep(Scenario.parse(SMALL), DESIGNS, N, workers=1)


def parquet(found: Experiment) -> bytes:
    buffer = BytesIO()
    found.runs.to_parquet(buffer)
    return buffer.getvalue()


def stored(folder: Path) -> int:
    """How many runs are in a store; one may be packed and lie about as well."""
    files = [*(folder / "runs").glob("*.json"), *(folder / "packs").glob("*.jsonl")]
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return len({json.loads(json.loads(line)["body"])["run"] for line in lines})


def started(folder: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, SMALL, str(folder), str(out)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(run: subprocess.Popen[str]) -> Iterator[tuple[int, int]]:
    """How many runs are done, of how many to do, as often as the process says so."""
    assert run.stdout is not None
    for line in run.stdout:
        done, of = map(int, line.split())
        yield done, of


def test_what_is_killed_goes_on_where_it_was(tmp_path: Path, serial: Experiment) -> None:
    """SIGKILL after the first run, in the middle, and soon after the second start."""
    folder, out = tmp_path / "store", tmp_path / "runs.parquet"
    before = 0
    for kill_after in (1, 9, 3):
        with started(folder, out) as run:
            for done, of in told(run):
                assert of == RUNS - before, "only what is missing is run"
                if done == kill_after:
                    os.kill(run.pid, signal.SIGKILL)
            assert run.wait() == -signal.SIGKILL
        assert not out.exists()
        # The pipe may hold what was told before the signal came; all of that is on disk.
        assert stored(folder) >= before + done
        assert stored(folder) <= before + done + 1
        before = stored(folder)
    assert 13 <= before < RUNS
    with started(folder, out) as run:
        ends = list(told(run))
    assert run.returncode == 0
    assert ends[-1] == (RUNS - before, RUNS - before)
    assert out.read_bytes() == parquet(serial)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Its output closes only when no one is left who could write to it."""
    with started(tmp_path / "store", tmp_path / "out") as run:
        next(told(run))
        os.kill(run.pid, signal.SIGKILL)
        rest, _ = run.communicate(timeout=60)
    assert len(rest.splitlines()) < RUNS


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs groups of processes")
@pytest.mark.parametrize("after_s", [0.8, 1.6, 2.4])
def test_ctrl_c_while_workers_start_shows_no_traceback(tmp_path: Path, after_s: float) -> None:
    """A terminal signals the whole group: parent, server of forks, workers that still start."""
    program = """
import signal, sys
from smssim.experiment import RunsInterrupted, replicate
from smssim.scenario import Scenario
if __name__ == "__main__":
    # What runs in the background of a script is started with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print("begun", flush=True)
        replicate(Scenario.parse(sys.argv[1]), 100_000, workers=2)
    except RunsInterrupted:
        print("interrupted")
"""
    command = [sys.executable, "-c", program, SMALL]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "begun\n"
        time.sleep(after_s)
        os.killpg(run.pid, signal.SIGINT)
        try:
            out, err = run.communicate(timeout=60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
    assert (out, err, run.returncode) == ("interrupted\n", "", 0)


def test_two_processes_share_a_store(tmp_path: Path, serial: Experiment) -> None:
    """Both pack whenever eight files lie about; each finds everything, or computes it again."""
    folder, outs = tmp_path / "store", [tmp_path / "a", tmp_path / "b"]
    runs = [started(folder, out) for out in outs]
    for run in runs:
        with run:
            list(told(run))
        assert run.returncode == 0
    assert [out.read_bytes() for out in outs] == [parquet(serial)] * 2
    again = sweep(Scenario.parse(SMALL), DESIGNS, N, workers=1, store=folder, progress=_never)
    assert parquet(again) == parquet(serial)


def test_many_files_become_few(tmp_path: Path) -> None:
    store = Store(tmp_path, pack=10)
    runs = {run_digest("s", [], 1, k): StoredRun({"cost": k / 7}, "", 0.5) for k in range(35)}
    for digest, run in runs.items():
        store.put(digest, run)
    assert len(list((tmp_path / "runs").iterdir())) == 5
    assert len(list((tmp_path / "packs").iterdir())) == 3
    for other in (store, Store(tmp_path)):
        assert {digest: other.get(digest) for digest in runs} == runs
    with pytest.raises(ValueError, match=r"pack\(=0\) must be >= 1"):
        Store(tmp_path, pack=0)


def test_a_store_finds_what_another_packed(tmp_path: Path) -> None:
    one, other = Store(tmp_path, pack=3), Store(tmp_path, pack=3)
    for k in range(3):
        one.put(f"{k}", StoredRun({"cost": 1.0}, "", 0.0))
    assert not list((tmp_path / "runs").iterdir())
    assert other.get("2") == StoredRun({"cost": 1.0}, "", 0.0)
    other.pack()
    assert len(list((tmp_path / "packs").iterdir())) == 1


@pytest.mark.parametrize("damage", [b"", b"\x00" * 99, b"\xff\xfe{", b'{"sum": 1}\n', b"[[[[\n"])
def test_a_damaged_line_of_a_pack_is_run_again(tmp_path: Path, damage: bytes) -> None:
    scenario = Scenario.parse(SMALL).change(days=1)
    first = replicate(scenario, 4, workers=1, store=Store(tmp_path, pack=4))
    (pack,) = (tmp_path / "packs").iterdir()
    lines = pack.read_bytes().splitlines(keepends=True)
    pack.write_bytes(b"".join([lines[0], damage.rstrip() + b"\n", *lines[2:]]))
    ran: list[int] = []
    again = replicate(
        scenario, 4, workers=1, store=tmp_path, progress=lambda _, of, __: ran.append(of)
    )
    assert ran == [1]
    assert parquet(again) == parquet(first)


def _never(done: int, of: int, left_s: float) -> None:
    pytest.fail("everything was there")
