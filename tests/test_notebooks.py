"""Notebooks run from top to bottom as they are, and tell the numbers that they show."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import notebook_checks_02
import notebook_checks_03
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

from smssim import report, simulate

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
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


def outputs(notebook: Any, kind: str) -> list[Any]:
    """What the cells put out in one MIME type, in order."""
    return [
        output["data"][kind]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if kind in output.get("data", {})
    ]


def streams(notebook: Any, name: str) -> str:
    """What the cells wrote to stdout or stderr."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [output for cell in codes for output in cell.outputs if output.get("name") == name]
    return "".join(output["text"] for output in found)


def first_month(notebook: Any) -> None:
    """The bill is the report's, there are three pictures, and the assumptions are told."""
    bill = report.cost(simulate(ROOT / "data" / "scenarios" / "launch.yaml", rows=False))
    *countries, total = outputs(notebook, "text/plain")[0].splitlines()[2:]

    assert total.split()[0] == "total"
    assert total.split()[-1] == f"{bill['cost_usd'].sum():,.2f}"
    assert [line.split()[0] for line in countries] == sorted(set(bill["country"]))
    assert len(outputs(notebook, "image/png")) == 3
    assert "ASSUMPTIONS THESE ANSWERS HANG ON" in streams(notebook, "stdout")


CHECKS: dict[str, Callable[[Any], None]] = {
    "01_first_month": first_month,
    "02_two_service_modes": notebook_checks_02.check,
    "03_thresholds_and_pumping": notebook_checks_03.check,
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_tells(path: Path, sockets: Path) -> None:
    """Numbers in bold are those of the outputs, so that a changed scenario makes the text wrong."""
    notebook = executed(path, sockets)

    assert streams(notebook, "stderr") == ""
    shown = "\n".join(outputs(notebook, "text/plain")) + streams(notebook, "stdout")
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    told = re.findall(r"\*\*([\d][\d,.:\- ]*)\*\*", text)
    assert told
    assert not [number for number in told if number not in shown]
    CHECKS[path.stem](notebook)


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
    assert sorted(CHECKS) == [path.stem for path in NOTEBOOKS]
