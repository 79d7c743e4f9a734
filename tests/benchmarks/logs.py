"""How fast real logs are read, next to DuckDB with one thread in the same rounds; prints JSON.

Run `python tests/benchmarks/logs.py --json [--rounds N] [--rows N] [--dir FOLDER]`. Every
measurement is a fresh process, for its peak of memory; rounds are interleaved, CPU times are
medians. The data, some 4 GB for 10,000,000 rows, stay in the folder and are made once.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MEGABYTE = 1 << 20

sys.path.insert(0, str(HERE))

import logs_data

Figures = dict[str, Any]


def read(folder: Path, name: str) -> Figures:
    """Read a folder with every rule on, into tallies."""
    from smssim import read_log

    log = read_log(folder / name, rows=False)
    found = log.provenance
    return {
        "counts": found["counts"],
        "quarantined_by_reason": dict(found["quarantined_by_reason"]),
    }


def duckdb(folder: Path, name: str) -> Figures:
    """Run a checked-in SQL file on the same folder, in one thread."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("set threads = 1")
    connection.execute("set preserve_insertion_order = false")
    connection.execute(f"set variable folder = '{folder}'")
    connection.execute((HERE / f"logs_{name}.sql").read_text(encoding="utf-8"))
    rows = connection.execute(f"select count(*) from {name}").fetchall()[0][0]
    return {"rows": rows, "version": duckdb.__version__}


# The second is what the first is compared with.
JOBS: dict[str, tuple[Callable[[Path], Figures], ...]] = {
    name: (
        lambda folder, name=name: read(folder, name),
        lambda folder, name=name: duckdb(folder, name),
    )
    for name in ("details", "joined")
}


def child(job: str, which: int, folder: Path) -> None:
    """Do one job in this process and print what it took."""
    begin = time.process_time()
    figures = JOBS[job][which](folder)
    cpu_s = time.process_time() - begin
    print(json.dumps({"cpu_s": cpu_s, "peak_mb": peak_mb(), "figures": figures}))


def peak_mb() -> float:
    """The most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE


def measured(job: str, which: int, folder: Path) -> Figures:
    """Do one job in a fresh process."""
    command = [sys.executable, __file__, "--child", job, str(which), "--dir", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: Figures = json.loads(done.stdout)
    return found


def compared(jobs: list[str], folder: Path, rounds: int) -> Figures:
    """Medians of every job and of what it is held against, over interleaved rounds."""
    runs: dict[tuple[str, int], list[Figures]] = {}
    for _ in range(rounds):
        for job in jobs:
            for which in range(len(JOBS[job])):
                runs.setdefault((job, which), []).append(measured(job, which, folder))
    result: Figures = {}
    for job in jobs:
        own, other = (_median(runs[job, which]) for which in range(len(JOBS[job])))
        ratio = round(own["cpu_s"] / other["cpu_s"], 3)
        result[job] = {"cpu_over_duckdb": ratio}
        result[job] |= {"smssim": own, "duckdb": other}
    return result


def _median(runs: list[Figures]) -> Figures:
    return {
        "cpu_s": round(statistics.median(run["cpu_s"] for run in runs), 3),
        "peak_mb": round(max(run["peak_mb"] for run in runs)),
        **runs[0]["figures"],
    }


def make(jobs: list[str], folder: Path, rows: int) -> None:
    """Make the data of some jobs, where they are not there yet."""
    if {"details", "joined"} & set(jobs):
        logs_data.make(folder, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON (there is no other form)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "smssim_logs")
    parser.add_argument("--jobs", nargs="+", choices=sorted(JOBS), default=list(JOBS))
    parser.add_argument("--child", nargs=2, metavar=("JOB", "WHICH"), help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.child:
        child(told.child[0], int(told.child[1]), told.dir)
        return
    folder = told.dir / str(told.rows)
    folder.mkdir(parents=True, exist_ok=True)
    # A process hands its peak of memory on to its children: what makes data is another one.
    making = multiprocessing.Process(target=make, args=(told.jobs, folder, told.rows))
    making.start()
    making.join()
    if making.exitcode:
        sys.exit(making.exitcode)
    result = compared(told.jobs, folder, told.rounds)
    print(json.dumps({"rows": told.rows, "rounds": told.rounds, **result}))


if __name__ == "__main__":
    main()
