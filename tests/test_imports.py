"""The rooms of the house: which room may import which, and what stays out of which room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1] / "smssim"
LOOSE = ("arrays", "calendars", "workdays", "metrics", "formatting", "errors")
FACTS = (*LOOSE, "sms", "stats")
"""What holds for every scenario and every record."""
ASKED = (*FACTS, "scenario", "record")
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    **{module: LOOSE for module in LOOSE},
    "sms": LOOSE,
    "stats": LOOSE,
    "scenario": FACTS,
    "record": (*LOOSE, "stats"),
    "simpy_model": ASKED,
    "simulation": (*ASKED, "simpy_model"),
    "logs": ASKED,
    "report": ASKED,
    "plots": (*ASKED, "report"),
    "experiment": (*ASKED, "simulation", "report", "plots"),
    "forecast": (*ASKED, "report", "plots", "simulation", "experiment"),
    "checks": (*ASKED, "simulation", "report", "plots", "experiment"),
    "pages": (*ASKED, "simulation", "report", "plots", "experiment", "checks"),
    "testing": (*ASKED, "simulation", "simpy_model", "experiment", "checks"),
    "pytest_plugin": ("simulation", "testing"),
    "cli": (
        *ASKED,
        "simulation",
        "logs",
        "report",
        "plots",
        "experiment",
        "checks",
        "pages",
        "testing",
        "forecast",
    ),
}
"""The way through the house (docs/design.md): a room and what it may import."""


class Arrow(NamedTuple):
    """One import: its file and line, what it imports, and how deep in the file it is."""

    file: Path
    line: int
    target: str
    deferred: bool
    """Within a function."""
    typing_only: bool
    """Under `if TYPE_CHECKING`."""

    @property
    def room(self) -> str:
        """The room of the import; the package's own `__init__` is none."""
        return self.file.relative_to(ROOT).parts[0].removesuffix(".py")

    @property
    def to(self) -> str | None:
        """The room it leads to, or None for another package."""
        package, _, rest = self.target.partition(".")
        return (rest.split(".")[0] or "__init__") if package == "smssim" else None

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT.parent)}:{self.line} imports {self.target}"


def module_of(file: Path) -> str:
    """The dotted name of a file of the package."""
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = sorted(ROOT.rglob("*.py"))
MODULES = {module_of(file): file for file in FILES}


def arrows_of(file: Path) -> Iterator[Arrow]:
    """All imports of a file, however deep."""
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
    named = [f"{module}.{alias.name}" for alias in node.names]
    if module == ROOT.name:
        return named
    # A name of a package is a module of it where there is one of that name.
    return list(dict.fromkeys(name if name in MODULES else module for name in named))


ARROWS = [arrow for file in FILES for arrow in arrows_of(file)]


def refused(arrow: Arrow) -> bool:
    """Whether an arrow leads where its room may not import from."""
    room, to = arrow.room, arrow.to
    return not (to is None or room in (to, "__init__")) and to not in MAY_IMPORT[room]


def test_every_module_has_its_room() -> None:
    """A new module is put into a room before anything imports it."""
    rooms = {file.relative_to(ROOT).parts[0].removesuffix(".py") for file in FILES}
    assert not rooms - {"__init__", *MAY_IMPORT}, "which room is it?"
    assert not {*MAY_IMPORT} - rooms, "a room without a file"


def test_the_table_of_rooms_has_no_circle() -> None:
    """One way through the house; loose modules are held to it file by file."""
    graph = {room: {to for to in may if to not in LOOSE} for room, may in MAY_IMPORT.items()}
    assert [*TopologicalSorter(graph).static_order()]


def test_a_room_imports_what_its_row_names_only() -> None:
    """The table is the whole of it: typing and deferred imports included."""
    assert not [str(arrow) for arrow in ARROWS if refused(arrow)]


def test_no_circle_of_files() -> None:
    """No file needs a file that needs it, not even for a type or within a function."""
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for arrow in ARROWS:
        here = module_of(arrow.file)
        # The front door names everything, under TYPE_CHECKING, and nothing imports it.
        if here != ROOT.name and arrow.target in MODULES and arrow.target != here:
            graph[here].add(arrow.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of files: {error.args[1]}")


def _within(*folders: str) -> list[Arrow]:
    """The arrows of files in these folders of the package."""
    return [a for a in ARROWS if a.file.relative_to(ROOT).as_posix().startswith(folders)]


def test_the_simulation_hands_a_record_on_at_its_end() -> None:
    """What is counted and stored is the business of who runs the simulation, not of its rules."""
    rules = _within(
        *(f"simulation/{part}/" for part in ("account", "arrivals", "policies", "setup"))
    )
    assert not [str(arrow) for arrow in rules if arrow.to == "record"]


def test_the_engine_and_the_model_are_independent() -> None:
    """Only who runs either of them knows both: no rule is shared."""
    entries = [a for a in _within("simulation/") if a.to == "simpy_model"]
    assert {a.file.name for a in entries} == {"simulate.py"}


def test_ready_made_policies_use_the_calendar_alone() -> None:
    """They know an account by what it answers, as an analyst's own policies do."""
    ready_made = [a for a in _within("simulation/policies/") if a.file.stem != "account_view"]
    beyond = [a for a in ready_made if a.to not in (None, "calendars", "workdays")]
    assert not [
        str(a)
        for a in beyond
        if not a.typing_only and not a.target.startswith("smssim.simulation.policies")
    ]


def test_simpy_drives_the_account_and_the_loop() -> None:
    """In the engine everything else is arrays and tables; the model is SimPy throughout."""
    users = {a.file.relative_to(ROOT).as_posix() for a in ARROWS if a.target == "simpy"}
    scalar = ("simulation/account/", "simulation/setup/", "simulation/policies/", "simpy_model/")
    assert {file for file in users if not file.startswith(scalar)} == {"simulation/loop.py"}


def test_scalar_rules_know_no_arrays() -> None:
    """The account's rules are plain code that can be read next to docs/model.md."""
    scalar = _within(*(f"simulation/{part}/" for part in ("account", "setup", "policies")))
    assert not [str(a) for a in scalar if a.target.split(".")[0] in ("numpy", "pandas")]


LIGHT = (*LOOSE, "sms", "stats", "scenario", "simulation", "pytest_plugin", "cli", "__init__")
"""Rooms that answer before a frame is there: `--help`, a scenario's errors, the idle plugin."""


@pytest.mark.parametrize("package", ["pandas", "matplotlib", "scipy", "pyarrow", "jinja2"])
def test_heavy_packages_are_imported_where_they_are_used(package: str) -> None:
    """Starting up stays fast: within a function, or under TYPE_CHECKING; but rooms that hand out
    frames, which the front door loads when first asked, import pandas and Arrow at their top, and
    the room of fits SciPy.
    """
    frames = package in ("pandas", "pyarrow")
    heavy = [
        a
        for a in ARROWS
        if a.target.split(".")[0] == package
        and (a.room in LIGHT or not frames)
        and (a.room, package) != ("forecast", "scipy")
    ]
    assert not [str(a) for a in heavy if not (a.deferred or a.typing_only)]


def test_matplotlib_is_used_in_plots_only() -> None:
    """Pictures are drawn in one room; a type draws nothing."""
    drawing = [a for a in ARROWS if a.target.split(".")[0] == "matplotlib" and not a.typing_only]
    assert not [str(a) for a in drawing if a.room != "plots"]


def test_pyyaml_is_never_imported() -> None:
    """It turns the country NO into False and 18:00 into 1080."""
    assert not [str(a) for a in ARROWS if a.target.split(".")[0] == "yaml"]


def test_the_library_neither_prints_nor_exits() -> None:
    """Both are for the command line alone."""
    forbidden = {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"}
    forbidden |= {"sys.stdout.write", "sys.stderr.write"}
    calls = []
    for file in FILES:
        if file.relative_to(ROOT).parts[0] == "cli":
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else None
            raised = ast.unparse(node.exc) if isinstance(node, ast.Raise) and node.exc else None
            if forbidden & {called, raised}:
                calls.append(f"{file.relative_to(ROOT.parent)}:{node.lineno}")
    assert not calls


@pytest.mark.parametrize(
    ("file", "code", "wrong"),
    [
        ("stats/intervals.py", "from smssim.scenario import Scenario", True),
        ("stats/intervals.py", "from smssim import calendars", False),
        ("stats/intervals.py", "import smssim.simulation.simulate", True),
        ("stats/intervals.py", "from smssim import Scenario", True),
        ("record/tallies.py", "def f():\n    from smssim.report import cost", True),
        ("record/tallies.py", "if TYPE_CHECKING:\n    from smssim.pages import Page", True),
        ("logs/captures/read.py", "from . import wire", False),
        ("logs/read.py", "from ..report import cost", True),
        ("logs/read.py", "from ..record import tallies", False),
        ("simulation/loop.py", "from smssim.scenario import Scenario", False),
        ("report/cost.py", "from smssim.simulation.account.account import Account", True),
        ("__init__.py", "from smssim.simulation.simulate import simulate", False),
    ],
)
def test_the_reader_of_imports_sees_a_wrong_arrow(file: str, code: str, wrong: bool) -> None:
    """The test of the test: what is refused, and what is not, in all forms of an import."""
    arrows = list(_walk(ROOT / file, ast.parse(code), False, False))
    assert [refused(arrow) for arrow in arrows] == [wrong]
    assert arrows[0].deferred == code.startswith("def")
    assert arrows[0].typing_only == code.startswith("if")
