"""The table of rules against the code: tests that exist, parameters and defaults that are true."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from mutations import MUTATIONS, UNTOUCHED
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rules_table import ROOT, Row, rows

from smssim import check_template
from smssim.scenario import Delay, Scenario
from smssim.simulation.policies.console import RaiseLimit
from smssim.simulation.policies.purchases import TopUpQuota
from smssim.sms.recipients import estimated_file_bytes
from smssim.sms.segments import segments, segments_of
from smssim.sms.templates.values import template_segments

KINDS = ("pure", "counting", "recursive", "calendar", "process", "input")
FUNCTIONS = {
    made.__name__: made
    for made in (
        check_template,
        estimated_file_bytes,
        segments,
        segments_of,
        template_segments,
        RaiseLimit,
        TopUpQuota,
    )
}
ROWS = rows()
WHERE_CODES_STAND = (
    "smssim/simulation/account",
    "smssim/simulation/arrivals",
    "smssim/simulation/rules",
    "smssim/scenario",
)
by_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@cache
def functions_of(file: str) -> frozenset[str]:
    """The test functions of a file, read without importing it."""
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    body = ast.parse(path.read_text("utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef))


@cache
def domain() -> dict[int, str]:
    """The sections of the fact sheet by number."""
    text = (ROOT / "docs" / "domain.md").read_text("utf-8")
    parts = re.split(r"^## (\d+)\. ", text, flags=re.MULTILINE)
    return {int(number): body for number, body in zip(parts[1::2], parts[2::2], strict=True)}


def field_of(path: str) -> FieldInfo:
    """The field at a path of the scenario; `*` stands where a list or mapping is entered."""
    model: type[BaseModel] = Scenario
    many = False
    steps = path.split(".")
    for number, step in enumerate(steps):
        if step == "*":
            assert many, f"{path}: {step} must follow a list or mapping"
            many = False
            continue
        assert not many, f"{path}: * must stand before {step}"
        assert step in model.model_fields, f"{path}: {model.__name__} has no {step}"
        field = model.model_fields[step]
        if number + 1 < len(steps):
            many, model = within(field.annotation)
    return field


def within(annotation: Any) -> tuple[bool, type[BaseModel]]:
    """Whether an annotation is a list or mapping, and the part that it holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return False, annotation
    if get_origin(annotation) in (Union, UnionType):
        (inner,) = (one for one in get_args(annotation) if one is not type(None))
        return within(inner)
    inner = next(one for one in reversed(get_args(annotation)) if one is not Ellipsis)
    return True, within(inner)[1]


def as_written(default: Any) -> str:
    """A default as the table shows it."""
    if isinstance(default, Delay):
        if default.uniform_s is not None:
            return " to ".join(f"{end:,.0f}" for end in default.uniform_s) + " s"
        assert default.fixed_s is not None
        return f"{default.fixed_s:,.0f} s"
    if isinstance(default, bool):
        return "on" if default else "off"
    if default is None or default == () or default == {}:
        return "none"
    if isinstance(default, int | float):
        return f"{default:,g}" if default < 1_000 else f"{default:,.0f}"
    return ", ".join(default) if isinstance(default, tuple) else str(default)


def said_of(row: Row) -> Iterator[tuple[str, str, str]]:
    """What a row says of its parameters: name, argument of a function or "", default."""
    for one in filter(None, row.parameter.split("; ")):
        found = re.fullmatch(r"`([\w.*]+)(?:\((\w+)\))?` (?:= (.+)|(must be given))", one)
        assert found, f"{one!r} must be `path` = default, or `path` must be given"
        yield found[1], found[2] or "", found[3] or found[4]


def test_every_rule_stands_once() -> None:
    names = Counter(row.name for row in ROWS)
    assert [name for name, times in names.items() if times > 1] == []
    assert len(ROWS) > 100


@by_row
def test_its_tests_exist(row: Row) -> None:
    assert row.tests
    for file, function, _ in row.tests:
        assert function in functions_of(file), f"there is no {file}::{function}"


@by_row
def test_its_kind_is_known(row: Row) -> None:
    assert row.kind in KINDS


@by_row
def test_its_source_is_a_section_or_an_assumption(row: Row) -> None:
    """A tag is in the section that it is said to be of."""
    for source in row.source.split("; "):
        if source in ("assumption", "seed"):
            continue
        found = re.fullmatch(r"section (\d+)(?: \[(I|CN|EU|INFERENCE)\])?", source)
        assert found, f"{source!r} must be a section of docs/domain.md with its tag"
        body = domain()[int(found[1])]
        assert not found[2] or re.search(rf"\[{found[2]}\b|\| [^|]*\b{found[2]}\b[^|]* \|", body)


@by_row
def test_its_parameters_have_these_defaults(row: Row) -> None:
    for name, argument, default in said_of(row):
        if argument:
            parameter = inspect.signature(FUNCTIONS[name]).parameters[argument]
            assert as_written(parameter.default) == default
            continue
        field = field_of(name)
        if default == "must be given":
            assert field.is_required(), name
        else:
            assert not field.is_required(), name
            assert as_written(field.get_default(call_default_factory=True)) == default, name


def test_every_code_has_its_row() -> None:
    """Whatever code the model, the engine or a default of the scenario can give."""
    given = {
        code
        for folder in WHERE_CODES_STAND
        for file in sorted((ROOT / folder).glob("*.py"))
        for code in re.findall(r"E\d{6}", file.read_text("utf-8"))
    }
    told = {code for row in ROWS for code in re.findall(r"E\d{6}", row.text + row.parameter)}
    assert len(given) >= 15
    assert given - told == set()


def test_every_rule_has_a_mutation_or_says_why_not() -> None:
    names = {row.name for row in ROWS}
    assert MUTATIONS.keys() & UNTOUCHED.keys() == set()
    assert names - MUTATIONS.keys() - UNTOUCHED.keys() == set()
    assert (MUTATIONS.keys() | UNTOUCHED.keys()) - names == set()


@pytest.mark.parametrize("name", MUTATIONS)
def test_there_is_something_to_switch_off(name: str) -> None:
    """A renamed function would break its mutant, which is tried by hand only."""
    module, _, path = MUTATIONS[name].target.partition(":")
    target: Any = import_module(module)
    for step in path.split("."):
        target = getattr(target, step)
    assert target is not None
