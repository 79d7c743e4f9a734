"""Plain data made a scenario: with its ranges, or with all that is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from smssim.scenario.consistency import FileFinder, readable_violations
from smssim.scenario.errors.messages import problems_of
from smssim.scenario.errors.partial import partial_model
from smssim.scenario.errors.problems import Problem, ScenarioError, problem_at
from smssim.scenario.ranges import Range, lift_ranges, problems_at_ends

__all__ = ["file_digest", "file_finder", "locate", "validated"]

_Root = TypeVar("_Root", bound=BaseModel)


def validated(
    root: type[_Root], data: Any, make: Callable[[Any], _Root], folder: Path | None
) -> tuple[_Root, tuple[Range, ...]]:
    """What *make* makes of the data of a *root* without its ranges; and the ranges.

    Raise a ScenarioError for what is wrong with them, in the middle or at an end of theirs.
    """
    try:
        plain, ranges, problems = lift_ranges(data, root)
    except RecursionError:
        raise ScenarioError("nested too deeply, or within itself") from None

    def at_ends() -> list[Problem]:
        return problems_at_ends(data, ranges, lambda each: _problems_with(root, each, folder))

    try:
        scenario = make(plain)
    except ValidationError as error:
        # What is wrong with a middle is so with an end, which the file has and the middle has not.
        steps_of = {one.steps for one in ranges}
        problems += [problem for problem in at_ends() if problem.steps in steps_of]
        wrong = [problem.steps for problem in problems]
        problems += [
            problem
            for problem in _all_problems(root, error, plain, folder)
            if not any(steps[: len(problem.steps)] == problem.steps for steps in wrong)
        ]
        raise ScenarioError(problems) from error
    problems = problems or at_ends()
    if problems:
        raise ScenarioError(problems)
    return scenario, ranges


def _problems_with(root: type[BaseModel], plain: Any, folder: Path | None) -> Sequence[Problem]:
    """What is wrong with plain data without ranges."""
    try:
        root.model_validate(plain, context={"folder": folder})
    except ScenarioError as error:
        return error.problems
    return ()


def _all_problems(
    root: type[BaseModel], error: ValidationError, data: Any, folder: Path | None
) -> list[Problem]:
    """pydantic's errors, and broken rules between parts as far as the parts can be read."""
    problems = problems_of(error, root, data)
    if isinstance(data, Mapping):
        rest = partial_model(root, data)
        for path, message in readable_violations(rest, file_finder(folder)):
            problems.append(problem_at(path, message, data))
    return list({(problem.path, problem.message): problem for problem in problems}.values())


def file_finder(folder: Path | None) -> FileFinder:
    """A function that locates a file; None without a folder to look in."""
    return None if folder is None else lambda file: locate(file, folder)


def locate(file: Path, folder: Path) -> Path | None:
    """Path of a file in a folder or in one above it; None if there is none."""
    try:
        folder = folder.resolve()
        return next((p / file for p in (folder, *folder.parents) if (p / file).is_file()), None)
    except (OSError, RuntimeError):  # A name that is too long, a circle of links.
        return None


def file_digest(file: Path) -> str:
    """Digest of a file's content, computed once as long as the file does not change."""
    stat = file.stat()
    return _digest_of(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=16)
def _digest_of(file: Path, size: int, changed_ns: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
