"""Switches the rules off one after another and shows that the tests of their rows fail.

Run it from the project's folder: `python tests/mutate_rules.py`. It first runs the tests as they
are, in one go, then those of each row with its rule switched off, each in a process of its own;
it exits with 1 if a row's test fails as it is or none of a row's tests fails without its rule.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas
import pytest
from mutant_plugin import Mutant, Mutation
from mutations import MUTATIONS, UNTOUCHED
from rules_table import ROOT, Row, rows

# Imported once, so that every process of a mutant has it already.
import smssim.simulation.simulate

_IMPORTED = (pandas, smssim.simulation.simulate)
_LONGEST_S = 180
_FORK = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
KILLED, SURVIVED, BROKEN, UNTRIED = "killed", "survived", "broken", "untouched"


def run_tests(node_ids: Sequence[str], name: str | None, pipe: Any) -> None:
    """Run tests in this process, with one rule switched off, and send what became of them."""
    mutation: Mutation | None = None if name is None else MUTATIONS[name]
    plugin = Mutant(mutation)
    # The entry point makes pytest want to rewrite asserts of a package that is here already.
    known = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    options = ["-q", "-n", "0", "-p", "no:cacheprovider", "--tb=short", "-W", known]
    stop = [] if name is None else ["-x"]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        code = pytest.main([*options, *stop, *node_ids], plugins=[plugin])
    pipe.send((int(code), plugin.failed, plugin.seen))


def in_a_process(node_ids: Sequence[str], name: str | None) -> tuple[int, str, dict[str, str]]:
    """The exit code, the first failure, and each test's; a process that hangs has failed."""
    context = multiprocessing.get_context(_FORK)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=run_tests, args=(node_ids, name, theirs))
    process.start()
    theirs.close()
    limit_s = _LONGEST_S if name is not None else 20 * _LONGEST_S
    try:
        if not ours.poll(limit_s):
            return 1, f"no end after {limit_s} s", {}
        found: tuple[int, str, dict[str, str]] = ours.recv()
        return found
    except EOFError:
        return 3, "the process ended without a word", {}
    finally:
        process.kill()
        process.join()


def tried(row: Row, passed: set[str]) -> dict[str, Any]:
    """The outcome of a rule's mutant."""
    told = {"rule": row.name, "section": row.section, "tests": row.node_ids, "s": 0.0}
    if row.name in UNTOUCHED:
        return told | {"state": UNTRIED, "by": UNTOUCHED[row.name]}
    failing = [one for one in row.node_ids if one.partition("[")[0] not in passed]
    if failing:
        return told | {"state": BROKEN, "by": f"fails with its rule on: {failing[0]}"}
    begin = time.perf_counter()
    code, failed, _ = in_a_process(row.node_ids, row.name)
    state = {0: SURVIVED, 1: KILLED}.get(code, BROKEN)
    took_s = round(time.perf_counter() - begin, 1)
    return told | {"state": state, "by": failed or f"pytest ended with {code}", "s": took_s}


def main(argv: Sequence[str] | None = None) -> int:
    """Try the rules; return 1 if one of them survives or cannot be tried."""
    parser = argparse.ArgumentParser(description="switch each rule off: does its test fail?")
    parser.add_argument("rules", nargs="*", help="names of rules (default: all)")
    parser.add_argument("--json", metavar="FILE", help="write the findings to a file, too")
    args = parser.parse_args(argv)
    chosen = [row for row in rows() if not args.rules or row.name in args.rules]
    unknown = set(args.rules) - {row.name for row in chosen}
    if unknown:
        parser.error(f"rules(={sorted(unknown)}) must be names of docs/rules.md")
    os.chdir(ROOT)
    begin = time.perf_counter()
    of_mutants = [row for row in chosen if row.name in MUTATIONS]
    node_ids = sorted({one for row in of_mutants for one in row.node_ids})
    seen = in_a_process(node_ids, None)[2] if node_ids else {}
    passed = {name for name, what in seen.items() if what == "passed"}
    print(f"{len(passed)} tests pass with all rules on, {time.perf_counter() - begin:.0f} s")
    found = []
    for row in chosen:
        found.append(tried(row, passed))
        one = found[-1]
        print(f"{one['state']:9} {one['s']:5.1f} s  {one['rule']:38} {one['by'][:110]}", flush=True)
    count = Counter(one["state"] for one in found)
    took_s = round(time.perf_counter() - begin)
    print(f"{len(of_mutants)} mutants in {took_s} s: {dict(count)}")
    if args.json:
        text = json.dumps({"rules": found, "states": count, "s": took_s}, indent=1)
        Path(args.json).write_text(text + "\n", "utf-8")
    return int(bool(count[SURVIVED] or count[BROKEN]))


if __name__ == "__main__":
    sys.exit(main())
