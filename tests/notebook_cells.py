"""What the cells of an executed notebook show, by their ids."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from smssim.formatting import number


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


def cells(notebook: Any, name: str) -> dict[str, list[str]]:
    """The table that a cell shows: the texts of each row by its first, which is its heading."""
    (cell,) = (each for each in notebook.cells if each.id == name)
    (table,) = (
        html
        for out in cell.outputs
        if "<table" in (html := out.get("data", {}).get("text/html", ""))
    )
    rows = re.findall(r"<tr.*?>(.*?)</tr>", table, re.DOTALL)
    split = [re.findall(r"<t[hd].*?>(.*?)</t[hd]>", each, re.DOTALL) for each in rows]
    texts = [[unescape(text.strip()) for text in each] for each in split]
    return {first: others for first, *others in texts}


def rounded(value: float, digits: int) -> str:
    """How `readable` shows a figure that was rounded before."""
    return number(round(float(value), digits))
