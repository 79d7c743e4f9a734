"""Runs the notebooks and writes each with its outputs to `docs/notebooks`, for who only reads.

Run from anywhere: `python docs/make_notebook_pages.py [NN ...]`, all of them if none is named.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
NOTEBOOKS, PAGES = HERE.parent / "notebooks", HERE / "notebooks"
_WIDTH, _COLOURS = 900, 64
"""Pixels of a picture's width, and its colours: drawings need no more, and files stay small."""
_LANGUAGE = "python"


def digest(notebook: Any) -> str:
    """A fingerprint of what a notebook's cells say, whatever they put out."""
    sources = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:16]


def first_line(path: Path) -> str:
    """What a page begins with, by which it is known whether its notebook is another by now."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return f"<!-- {path.name} {digest(notebook)}, by docs/make_notebook_pages.py -->"


def page(path: Path, executed: Any) -> tuple[str, dict[str, bytes]]:
    """The text of a page in Markdown, and its pictures as PNG by file name."""
    parts, pictures = [first_line(path), f"[The notebook](../../notebooks/{path.name})"], {}
    for cell in executed["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            # Its links are seen from the folder of the notebooks.
            parts.append(re.sub(r"\]\((?!http|#)([^)]+)\)", r"](../../notebooks/\1)", source))
            continue
        # A last semicolon hides an output in a notebook; in a page it is no code of this house.
        parts.append(f"```{_LANGUAGE}\n{source.removesuffix(';')}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                name = f"{path.stem[:2]}_{len(pictures) + 1}.png"
                pictures[name] = _small(base64.b64decode(data["image/png"]))
                parts.append(f"![{cell['id']}]({name})")
            elif "<table" in (table := data.get("text/html", "")):
                parts.append(_bare(table))
            elif text := output.get("text", data.get("text/plain", "")):
                parts.append(f"```text\n{_plain(text)}\n```")
    return "\n\n".join(parts) + "\n", pictures


def _bare(html: str) -> str:
    """A table without style, which a reader of the repository sees as one."""
    table = html[html.index("<table") : html.index("</table>") + len("</table>")]
    table = re.sub(r' (?:class|style|border|scope)="[^"]*"', "", table)
    return re.sub(r"\s*\n\s*(?!<tr>|</?tbody>|</?thead>|</table>)", "", table)


def _plain(text: str) -> str:
    """Lines without blanks at their ends."""
    return "\n".join(line.rstrip() for line in text.rstrip().splitlines())


def _small(png: bytes) -> bytes:
    from PIL import Image

    image: Any = Image.open(BytesIO(png)).convert("RGB")
    image.thumbnail((_WIDTH, _WIDTH))
    out = BytesIO()
    image.quantize(_COLOURS).save(out, format="png", optimize=True)
    return out.getvalue()


def _execute(path: Path) -> Any:
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    notebook = nbformat.read(path, as_version=4)
    # Sockets of files, for over TCP the kernel warns that nothing is encrypted.
    resources = {"metadata": {"path": str(path.parent)}}
    with TemporaryDirectory() as folder:
        ipc = {"transport": "ipc", "connection_file": f"{folder}/kernel.json"}
        client = NotebookClient(
            notebook,
            config=Config({"AsyncKernelManager": ipc}),
            kernel_name="python3",
            resources=resources,
            timeout=600,
        )
        return client.execute()


def main(numbers: list[str]) -> None:
    """Write the pages of the notebooks of those numbers, or of all."""
    PAGES.mkdir(exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if numbers and path.stem[:2] not in numbers:
            continue
        text, pictures = page(path, _execute(path))
        for old in PAGES.glob(f"{path.stem[:2]}_*.png"):
            old.unlink()
        for name, png in pictures.items():
            (PAGES / name).write_bytes(png)
        (PAGES / f"{path.stem}.md").write_text(text, encoding="utf-8")
        print(f"{path.stem}: {len(pictures)} pictures")


if __name__ == "__main__":
    main(sys.argv[1:])
