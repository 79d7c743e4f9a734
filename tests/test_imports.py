"""The rooms of the house: who may import whom, and what stays out of which room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1] / "smssim"
LEAVES = ["calendars", "workdays", "marks", "inverse", "bins", "codes", "text", "numbers"]
LEAVES += ["number_rules", "recipients", "templates"]
LEAVES += ["tables", "frames", "sheets", "cells", "together", "metrics", "estimate", "sequential"]
LEAVES += ["theory", "plainly"]
ROOMS = ["scenario", "model", "policies", "engine", "tally", "counting", "retally", "record"]
ROOMS += [
    "parquet",
    "disk",
    "run",
    "logs",
    "rating",
    "report",
    "plots",
    "html",
    "store",
    "experiment",
]
ROOMS += ["fit", "checks", "find", "plan", "testing", "pytest_plugin", "description", "whatif"]
ROOMS += ["face", "cli"]
RECORDED = ("tally", "counting", "retally", "parquet", "disk")
RECORDED += ("logs", "report", "plots", "html", "fit", "testing")
"""Rooms that work on a recorded month alone."""


UPWARDS = {("record.py", "smssim.pages")}
"""The one arrow upwards, never at the start: `Record.report` hands the record to the page."""


class Arrow(NamedTuple):
    """One import: the file and line it stands in, what it imports, and how deep it stands."""

    file: Path
    line: int
    target: str
    deferred: bool
    """Within a function."""
    typing_only: bool
    """Under `if TYPE_CHECKING`."""

    @property
    def room(self) -> str:
        """The room the import stands in; the package's own `__init__` is none."""
        return self.file.relative_to(ROOT).parts[0].removesuffix(".py")

    @property
    def to(self) -> str | None:
        """The room it leads to, or None for another package."""
        package, _, rest = self.target.partition(".")
        return (rest.split(".")[0] or "__init__") if package == "smssim" else None

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT.parent)}:{self.line} imports {self.target}"


def arrows_of(file: Path) -> Iterator[Arrow]:
    """All imports of a file, wherever they stand."""
    yield from _walk(file, ast.parse(file.read_text(encoding="utf-8")), False, False)


def _walk(file: Path, node: ast.AST, deferred: bool, typing_only: bool) -> Iterator[Arrow]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for target in _targets(file, node):
            yield Arrow(file, node.lineno, target, deferred, typing_only)
    for field, value in ast.iter_fields(node):
        inside = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        only = typing_only or (isinstance(node, ast.If) and field == "body" and _is_typing(node))
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(file, child, inside, only)


def _is_typing(node: ast.If) -> bool:
    return ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _targets(file: Path, node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    module = node.module or ""
    if node.level:
        folders = [ROOT.name, *file.relative_to(ROOT).parts[:-1]]
        module = ".".join([*folders[: len(folders) - node.level + 1], *([module] * bool(module))])
    if module == ROOT.name:
        return [f"{module}.{alias.name}" for alias in node.names]
    return [module]


FILES = sorted(ROOT.rglob("*.py"))
EVERY_ARROW = [arrow for file in FILES for arrow in arrows_of(file)]


def excepted(arrow: Arrow) -> bool:
    """Whether an arrow is the one upwards, and waits until it is used."""
    place = (arrow.file.relative_to(ROOT).as_posix(), arrow.target)
    return place in UPWARDS and (arrow.deferred or arrow.typing_only)


ARROWS = [arrow for arrow in EVERY_ARROW if not excepted(arrow)]


def refused(arrow: Arrow) -> bool:
    """Whether an arrow leads into a later room, or out of the leaves."""
    room, to = arrow.room, arrow.to
    if to is None or room in (to, "__init__"):
        return False
    if room in LEAVES or to not in ROOMS:
        return to not in LEAVES
    return ROOMS.index(to) > ROOMS.index(room)


def test_every_module_has_its_room() -> None:
    """A new module is put into a room, in its place in the order, before anything imports it."""
    found = {file.relative_to(ROOT).parts[0].removesuffix(".py") for file in FILES}
    strangers = found - {"__init__", *LEAVES, *ROOMS}
    assert not strangers, f"which room is it? {sorted(strangers)}"
    assert {"engine", "scenario", "marks"} <= found


def test_a_room_imports_from_earlier_rooms_only() -> None:
    """One direction: leaves from leaves, a room from what stands before it."""
    assert not [str(arrow) for arrow in ARROWS if refused(arrow)]


def test_the_one_arrow_upwards_is_there() -> None:
    """An exception that nobody needs any longer is taken away."""
    found = [arrow for arrow in EVERY_ARROW if excepted(arrow)]
    assert {arrow.file.name for arrow in found} == {file for file, _ in UPWARDS}
    assert all(refused(arrow) for arrow in found)


def test_leaves_have_no_circles() -> None:
    """Leaves import each other like a tree, not like a ring."""
    graph: dict[str, set[str]] = {leaf: set() for leaf in LEAVES}
    for arrow in ARROWS:
        if arrow.room in LEAVES and arrow.to in LEAVES and arrow.to != arrow.room:
            graph[arrow.room].add(arrow.to)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of leaves: {error.args[1]}")


def test_the_engine_knows_no_record() -> None:
    """What is counted and kept is the business of who runs it."""
    later = {"tally", "counting", "retally", "record", "run"}
    assert not [str(arrow) for arrow in ARROWS if arrow.room == "engine" and arrow.to in later]


def test_recorded_months_are_read_without_the_engine() -> None:
    """A real month has no model: neither directly, nor (but for fits) through another room."""
    reach: dict[str, set[str]] = {}
    for room in (*LEAVES, *ROOMS):
        direct = {arrow.to for arrow in ARROWS if arrow.room == room and arrow.to != room}
        # Bills are made by the model's own rules of packages, which need neither clock nor engine.
        beyond = {to for to in direct if to and to != "rating"}
        further = () if room == "fit" else (reach.get(to, set()) for to in beyond)
        reach[room] = {to for to in direct.union(*further) if to}
    for room in RECORDED:
        assert not reach[room] & {"model", "engine"}, room


def test_rating_knows_of_the_model_its_packages_alone() -> None:
    """The rules of packages are plain code; a log is rated without an account or a clock."""
    own = [arrow for arrow in ARROWS if arrow.room == "rating"]
    assert {arrow.target for arrow in own if arrow.to == "model"} == {"smssim.sms.packages"}
    assert not [str(arrow) for arrow in own if arrow.to in ("engine", "policies", "run")]
    inside = [a for a in ARROWS if a.file.relative_to(ROOT).as_posix() == "model/packages.py"]
    assert {arrow.to for arrow in inside if arrow.to} == {"calendars"}


def test_ready_made_policies_stand_on_the_calendar_alone() -> None:
    """They know an account by what it answers, as an analyst's own policies do."""
    found = [arrow for arrow in ARROWS if arrow.room == "policies" and not arrow.typing_only]
    assert {arrow.to for arrow in found if arrow.to} == {"calendars", "workdays", "policies"}


def test_simpy_stands_in_the_model_and_the_clock() -> None:
    """Everything else is arrays and tables."""
    found = {arrow.file.relative_to(ROOT).as_posix() for arrow in ARROWS if arrow.target == "simpy"}
    assert {file for file in found if not file.startswith("model/")} == {"engine/clock.py"}


@pytest.mark.parametrize("package", ["pandas", "matplotlib", "scipy", "pyarrow", "jinja2"])
def test_heavy_packages_are_imported_where_they_are_used(package: str) -> None:
    """Starting up stays fast: within a function, or under TYPE_CHECKING."""
    found = [a for a in ARROWS if a.target.split(".")[0] == package]
    assert not [str(a) for a in found if not (a.deferred or a.typing_only)]


def test_matplotlib_stands_in_plots() -> None:
    """Pictures are drawn in one room, and imported in its functions; a type draws nothing."""
    found = [a for a in ARROWS if a.target.split(".")[0] == "matplotlib" and not a.typing_only]
    assert not [str(a) for a in found if a.room != "plots"]


def test_pyyaml_is_never_imported() -> None:
    """It turns the country NO into False and 18:00 into 1080."""
    assert not [str(a) for a in ARROWS if a.target.split(".")[0] == "yaml"]


def test_the_library_neither_prints_nor_exits() -> None:
    """Both are for the command line alone."""
    forbidden = {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"}
    forbidden |= {"sys.stdout.write", "sys.stderr.write"}
    found = []
    for file in FILES:
        if file.relative_to(ROOT).parts[0] in ("cli.py", "cli"):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else None
            raised = ast.unparse(node.exc) if isinstance(node, ast.Raise) and node.exc else None
            if forbidden & {called, raised}:
                found.append(f"{file.relative_to(ROOT.parent)}:{node.lineno}")
    assert not found


@pytest.mark.parametrize(
    ("room", "code", "wrong"),
    [
        ("marks.py", "from smssim.scenario import Scenario", True),
        ("marks.py", "from smssim import calendars", False),
        ("marks.py", "import smssim.simulation.simulate", True),
        ("marks.py", "from smssim import Scenario", True),
        ("tally.py", "def f():\n    from smssim.record.record import Record", True),
        ("tally.py", "if TYPE_CHECKING:\n    from smssim.record.record import Record", True),
        ("tally.py", "from smssim.record.counting import Tallier", True),
        ("logs/captures/read.py", "from . import wire", False),
        ("logs/read.py", "from ..report import cost", True),
        ("logs/read.py", "from ..tally import Tallies", False),
        ("engine/clock.py", "from smssim.simulation.account.account import Account", False),
        ("model/account.py", "from smssim.simulation.loop import Clock", True),
        ("__init__.py", "from smssim.simulation.simulate import simulate", False),
    ],
)
def test_the_reader_of_imports_sees_a_wrong_arrow(room: str, code: str, wrong: bool) -> None:
    """The test of the test: what is refused, and what is not, in all forms of an import."""
    found = list(_walk(ROOT / room, ast.parse(code), False, False))
    assert [refused(arrow) for arrow in found] == [wrong]
    assert found[0].deferred == code.startswith("def")
    assert found[0].typing_only == code.startswith("if")
