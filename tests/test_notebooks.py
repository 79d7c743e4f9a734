"""Notebooks run from top to bottom as they are, and tell the numbers that they show."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from notebook_outputs import outputs, streams
from traitlets.config import Config

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = ROOT / "docs" / "notebooks"
LONGEST = 15
"""Lines of a cell: what takes more belongs into the library."""


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short name for the kernel's sockets; the kernel imports this checkout."""
    from matplotlib import get_configdir

    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", folder)
        monkeypatch.setenv("IPYTHONDIR", folder)
        monkeypatch.setenv("MPLCONFIGDIR", get_configdir())
        monkeypatch.setenv(
            "PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        )
        monkeypatch.delenv("MPLBACKEND", raising=False)
        yield Path(folder)


def executed(path: Path, sockets: Path) -> Any:
    """The notebook with the outputs of a fresh kernel, started where the notebook is."""
    # Over TCP the kernel warns on stderr that nothing is encrypted.
    sockets_only = {"transport": "ipc", "connection_file": str(sockets / "kernel.json")}
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        config=Config({"AsyncKernelManager": sockets_only}),
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        timeout=120,
    )
    return client.execute()


def is_shown(number: str, shown: str) -> bool:
    """Whether a number is there as a whole: 3 is not in 30.5."""
    return bool(re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d]|[.,]\d)", shown))


def checks_of(path: Path) -> Callable[[Any], None]:
    """What the outputs of a notebook must hold, in a file of the same number."""
    check: Callable[[Any], None] = import_module(f"notebook_checks_{path.stem[:2]}").check
    return check


@pytest.mark.ci
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_tells(path: Path, sockets: Path) -> None:
    """Numbers in bold are those of the outputs, so that a changed scenario makes the text wrong."""
    notebook = executed(path, sockets)

    assert streams(notebook, "stderr") == ""
    shown = "\n".join(outputs(notebook, "text/plain")) + streams(notebook, "stdout")
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    told = re.findall(r"\*\*([\d][\d,.:\- ]*)\*\*", text)
    assert told
    assert not [number for number in told if not is_shown(number, shown)]
    checks_of(path)(notebook)
    text, pictures = page_maker().page(path, notebook)
    page = (PAGES / f"{path.stem}.md").read_text(encoding="utf-8")
    assert without_seconds(text) == without_seconds(page)
    assert set(pictures) == {picture.name for picture in PAGES.glob(f"{path.stem[:2]}_*.png")}


def without_seconds(text: str) -> str:
    """A page without what was measured by the clock, which differs from run to run."""
    return re.sub(r"(?m)^(\d+ workers +)[\d.]+", r"\1...", text)


def page_maker() -> Any:
    """The script that makes the pages, which is in no package."""
    file = ROOT / "docs" / "make_notebook_pages.py"
    spec = spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_page_of_a_notebook_is_of_its_cells(path: Path) -> None:
    """Changed cells need a new page: python docs/make_notebook_pages.py NN."""
    text = (PAGES / f"{path.stem}.md").read_text(encoding="utf-8")
    assert text.partition("\n")[0] == page_maker().first_line(path)
    shown = re.findall(rf"\(({path.stem[:2]}_\d+\.png)\)", text)
    assert sorted(shown) == sorted(p.name for p in PAGES.glob(f"{path.stem[:2]}_*.png"))


def test_a_changed_cell_changes_the_first_line(tmp_path: Path) -> None:
    """The test of the test: one letter of a cell, but not an output, makes a page stale."""
    maker, path = page_maker(), tmp_path / NOTEBOOKS[0].name
    notebook = json.loads(NOTEBOOKS[0].read_text(encoding="utf-8"))
    notebook["cells"][1]["outputs"] = ["seen"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert maker.first_line(path) == maker.first_line(NOTEBOOKS[0])
    notebook["cells"][1]["source"] = [*notebook["cells"][1]["source"], "#"]
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert maker.first_line(path) != maker.first_line(NOTEBOOKS[0])


def test_a_part_of_a_number_is_not_that_number() -> None:
    """The test of the test: what the text tells must be shown to its last digit."""
    assert is_shown("3", "fail     3     1.000")
    assert is_shown("2026-11-16 03:47", "2026-11-16 03:47:00+00:00")
    assert not any(is_shown("3", text) for text in ("30", "1.3", "13", "3.5", "3,000"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    """Nothing of a run is kept: no outputs, no counts, no names of machines or kernels."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]

    assert not [cell.id for cell in codes if cell.outputs or cell.execution_count is not None]
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert [cell.id for cell in codes if "parameters" in cell.metadata.get("tags", [])] == [
        codes[0].id
    ]
    assert max(len(cell.source.splitlines()) for cell in codes) <= LONGEST


def test_every_notebook_has_its_checks() -> None:
    """And its number, from 01 on; 10 is kept for the way from a log to a forecast."""
    numbers = [n for n in range(1, 12) if n != 10]
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{n:02d}" for n in numbers]
    assert all(callable(checks_of(path)) for path in NOTEBOOKS)
