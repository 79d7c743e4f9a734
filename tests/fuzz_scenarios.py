"""Random mutations of the shipped scenarios: each must end in a ScenarioError or in a run.

`python tests/fuzz_scenarios.py 10000` tries so many, from seed 0 on, and prints those that end in
anything else or take longer than `SECONDS`. What can be read is run if it is small enough, and
only with `--run`.
"""

from __future__ import annotations

import random
import sys
import time
import traceback
from copy import deepcopy
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from smssim import simulate
from smssim.scenario import GroupTask, Scenario, ScenarioError

SCENARIOS = sorted((Path(__file__).parents[1] / "data" / "scenarios").glob("*.yaml"))
SECONDS = 5.0
"""Reading a scenario of a few kB never takes longer than this."""
MOST_MESSAGES = 50_000
"""Runs of more messages are left out."""
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 0.5, -0.0, 1e-14, 0.9999999, 1e6, 1e12, 1e300, 10**400),
    *(2**31, 2**63, -(2**63) - 1, float("inf"), float("-inf"), float("nan")),
    *("", " ", "ID", "id", "XX", "UK", "CN", "none", "delivrd", "E000629", "a" * 70, "\ud800"),
    *("2026-13-01", "0001-01-01", "9999-12-31T23:59:59+23:59", "1e400", "0x10", "\0", "\U0010ffff"),
    *([], {}, [[]], ["ID"], [None], {"ID": None}, {"": 1}, {1: 1}, {None: None}, {"a": {"a": {}}}),
)
_RAW = (
    *("&a", "*a", "<<: *a", "!!python/object:os.system", "!!binary aGk=", "!!set {a, b}", "!!omap"),
    *("? [a]\n: 1", "- -", "{", "[", "'", '"\\U00110000"', "%TAG ! tag:x,2000:", "---", "..."),
    *("1" * 400, "1e999", "\t", "\x07", "\ufeff", "0o17", "2026-02-30", "12:30:60", "~", "|2-"),
)


def mutated_data(data: Any, rng: random.Random) -> Any:
    """*data* with one value somewhere in it replaced, removed, doubled, renamed or moved."""
    paths = list(_paths(data, ()))
    path = rng.choice(paths)
    holder: Any = data
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    what = rng.randrange(6)
    if what == 0:
        del holder[last]
    elif what == 1 and isinstance(holder, dict):
        holder[rng.choice([str(last) + "x", "ID", "countries", "file", 1, None])] = holder.pop(last)
    elif what == 2:
        other: Any = data
        for step in rng.choice(paths):
            other = other[step]
        holder[last] = deepcopy(other)  # Data that holds itself is another test.
    elif what == 3:
        holder[last] = [holder[last]] * rng.choice([1, 2, 30])
    elif what == 4 and isinstance(holder[last], int | float) and abs(holder[last]) < 1e200:
        holder[last] = rng.choice([-1, 1e-14, 1e-6, 0, 1e3, 1e9, 1e18]) * holder[last]
    else:
        holder[last] = rng.choice(_VALUES)
    return data


def _paths(data: Any, above: tuple[Any, ...]) -> Any:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        yield (*above, key)
        if isinstance(value, dict | list):
            yield from _paths(value, (*above, key))


def mutated_text(text: str, rng: random.Random) -> str:
    """*text* with some characters, a token or a line changed."""
    lines = text.split("\n")
    i = rng.randrange(len(lines))
    what = rng.randrange(5)
    if what == 0:
        lines[i] = lines[i].partition(":")[0] + ": " + rng.choice(_RAW)
    elif what == 1:
        lines.insert(i, rng.choice(lines))
    elif what == 2:
        lines[i] = " " * rng.randrange(8) + lines[i].lstrip()
    elif what == 3:
        at = rng.randrange(len(lines[i]) + 1)
        lines[i] = lines[i][:at] + rng.choice(_RAW) + lines[i][at:]
    else:
        at = rng.randrange(len(text) + 1)
        return text[:at] + chr(rng.choice([0, 9, 58, 91, 0x85, 0x2028, 0xFFFD])) + text[at + 1 :]
    return "\n".join(lines)


def attempt(seed: int) -> Scenario | ScenarioError:
    """Read what *seed* makes of one shipped scenario, as data or as text."""
    rng = random.Random(seed)
    text = rng.choice(SCENARIOS).read_text(encoding="utf-8")
    try:
        if rng.random() < 0.5:
            for _ in range(rng.choice([1, 1, 2, 3])):
                text = mutated_text(text, rng)
            return Scenario.parse(text)
        data = YAML(typ="safe", pure=True).load(text)
        for _ in range(rng.choice([1, 1, 2, 3])):
            data = mutated_data(data, rng)
        return Scenario.model_validate(data)
    except ScenarioError as error:
        str(error)
        return error


def is_small(scenario: Scenario) -> bool:
    """Whether a scenario is run in a moment."""
    start, end = scenario.start_us, scenario.end_us
    expected = sum(
        sum(source.countries.values())
        if isinstance(source, GroupTask)
        else source.expected(start, end)
        for source in scenario.sources
    )
    return expected < MOST_MESSAGES and all(task.file is None for task in scenario.group_tasks)


def main(n: int, with_runs: bool) -> None:
    """Try *n* seeds, and print what ends in another error or takes too long."""
    wrong = 0
    for seed in range(n):
        begin = time.process_time()
        try:
            result = attempt(seed)
            if with_runs and isinstance(result, Scenario) and is_small(result):
                begin = time.process_time()
                simulate(result)
        except Exception:
            wrong += 1
            print(f"seed {seed}: {traceback.format_exc(limit=-4)}")
        if time.process_time() - begin > SECONDS:
            wrong += 1
            print(f"seed {seed}: {time.process_time() - begin:.1f} s")
    print(f"{n} mutations, {wrong} wrong")


if __name__ == "__main__":
    main(int(sys.argv[1]), "--run" in sys.argv)
