"""What the cells of an executed notebook show, by their ids."""

from __future__ import annotations

from typing import Any


def shown(notebook: Any) -> dict[str, str]:
    """The text of each code cell's outputs, printed or not."""
    return {
        cell.id: "\n".join(
            own.get("text", "") + own.get("data", {}).get("text/plain", "") for own in cell.outputs
        )
        for cell in notebook.cells
        if cell.cell_type == "code"
    }


def pictures(notebook: Any) -> list[str]:
    """The ids of the cells that draw, one for each picture."""
    return [
        cell.id
        for cell in notebook.cells
        for own in cell.get("outputs", [])
        if "image/png" in own.get("data", {})
    ]


def row(text: str, name: str) -> list[str]:
    """The words behind *name* in the line of a table that begins with it."""
    (line,) = [line for line in text.splitlines() if line.startswith(name)]
    return line.removeprefix(name).split()
