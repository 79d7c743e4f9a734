"""What the cells of an executed notebook put out."""

from __future__ import annotations

from typing import Any


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
