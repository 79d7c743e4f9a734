"""The same scenario, rng and policies give the same bytes, whatever the tuning or the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from world_policies import Buy, TopUp

from smssim.calendars import HOUR
from smssim.record.tallies import NAMES
from smssim.scenario import Scenario
from smssim.simulation.loop import Tuning
from smssim.simulation.simulate import Run, simulate

FRAMES = ("messages", "reports", "events", "ledger", "reviews", "packages", "tasks")
WORLD = Scenario.model_validate(
    {
        "start": "2025-03-30",
        "days": 3,
        "account": {"balance": 18},
        "applications": [{"name": "app"}],
        "templates": [
            {"name": "code", "application": "app", "segments": {1: 0.8, 2: 0.2}},
            {"name": "news", "application": "app", "submitted": "2025-03-31T09:30:00+08:00"},
        ],
        "traffic": [
            {
                "name": "api",
                "template": "code",
                "country": "ID",
                "messages_a_day": 400,
                "recipients": {1: 0.9, 20: 0.1},
                "resend": {"patience": {"exponential_s": 60}},
            }
        ],
        "group_tasks": [
            {
                "name": "offer",
                "template": "news",
                "at": "2025-03-31T03:59",
                "countries": {"TH": 99, "ID": 9},
            }
        ],
        "packages": [{"country": "ID", "segments": 300, "price": 3}],
        "queue": {"throughput_per_s": 0.5, "capacity": 300},
        "callback": {"random_outages": {"up": {"exponential_s": 9000}, "down": 900}},
    }
)
POLICIES = (Buy("run_out", 1_000_000, "ID", 100, 1, 1), TopUp("frozen", HOUR, 5))


def digest(run: Run) -> str:
    """The hash of every value of every table: of column bytes, of text where there are objects."""
    found = hashlib.sha256()
    for name in FRAMES:
        frame = getattr(run, name)
        for column in frame.columns:
            values = frame[column]
            if values.dtype == "category":
                found.update(repr(values.cat.categories.tolist()).encode())
                values = values.cat.codes
            array = values.to_numpy()
            numeric = np.issubdtype(array.dtype, np.number)
            plain = array.tobytes() if numeric else repr(values.tolist()).encode()
            found.update(f"{name}.{column} {values.dtype} {len(values)}".encode() + plain)
    return found.hexdigest()


@pytest.fixture(scope="module")
def expected() -> str:
    """The digest of the world's first run, in which something happens."""
    run = simulate(WORLD, policies=POLICIES)
    assert {"run_out", "frozen", "template_usable", "limit"} <= set(run.events["event"])
    return digest(run)


@pytest.mark.parametrize(
    "tuning", [None, Tuning(1, 1, 1), Tuning(50, 3, 17), Tuning(300, 1000, 1)], ids=str
)
def test_any_tuning_gives_the_same_bytes(tuning: Tuning | None, expected: str) -> None:
    """Chunks and blocks are a matter of speed; a second run of the same changes nothing either."""
    assert digest(simulate(WORLD, policies=POLICIES, tuning=tuning)) == expected


def test_another_process_with_other_hashes_gives_the_same_bytes(expected: str) -> None:
    """Nothing depends on the order of a set of strings."""
    code = "import test_determinism as t; t.print_digest()"
    folder = Path(__file__).parent
    places = os.pathsep.join([str(folder), str(folder.parent)])
    environment = os.environ | {"PYTHONPATH": places, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == expected


def print_digest() -> None:
    """Write the digest of a run to standard output."""
    sys.stdout.write(digest(simulate(WORLD, policies=POLICIES)))


def test_another_rng_gives_other_tables(expected: str) -> None:
    """Replications differ: in their digest, and in when messages come."""
    digests = {digest(simulate(WORLD, rng=rng, policies=POLICIES)) for rng in (2, 3)}
    assert len(digests | {expected}) == 3
    first, second = (simulate(WORLD, rng=rng).messages for rng in (2, 3))
    api = [frame.loc[frame["source"] == "api", "submitted_at"] for frame in (first, second)]
    assert not set(api[0]) & set(api[1])


def test_a_run_without_rows_keeps_the_same_tallies() -> None:
    """Leaving the rows out changes what is kept, not what is counted."""
    whole = simulate(WORLD, policies=POLICIES, tuning=Tuning(50, 3, 17))
    small = simulate(WORLD, policies=POLICIES, rows=False)
    assert small.messages is None
    for name in NAMES:
        kept, same = getattr(small.tallies, name), getattr(whole.tallies, name)
        assert len(kept) or name == "within_3_min", "which a simulation has none of"
        assert kept.equals(same), name
