"""What the documents teach is executed: guides block by block, docstrings as doctests."""

from __future__ import annotations

import doctest
import importlib
import re
import shlex
from pathlib import Path

import pytest

from smssim import cli

ROOT = Path(__file__).parents[1]
GUIDES = sorted((ROOT / "docs").glob("how_to_*.md"))
TAUGHT = sorted(f for f in (ROOT / "smssim").rglob("*.py") if ">>> " in f.read_text("utf-8"))
_SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(guide: Path) -> list[tuple[int, str]]:
    """The Python blocks of a guide, each with the line it begins in."""
    text = guide.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start(1)), m.group(1)) for m in _BLOCK.finditer(text)]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_guide_runs_from_top_to_bottom(guide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks share their names, as in a reader's session; a failure shows the guide's own line."""
    monkeypatch.chdir(ROOT)
    found = blocks(guide)
    assert len(found) == guide.read_text(encoding="utf-8").count("```python")
    assert found
    assert any("assert " in code or ">>> " in code for _, code in found), (
        "a guide shows what comes out"
    )
    names: dict[str, object] = {"__name__": guide.stem}
    for line, code in found:
        if code.startswith(">>> "):
            continue  # a session, which `doctest` runs elsewhere
        exec(compile("\n" * line + code, str(guide), "exec"), names)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_commands_of_a_guide_say_what_it_shows(
    guide: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines below a command are some of its lines, in this order."""
    monkeypatch.chdir(ROOT)
    for block in _SESSION.findall(guide.read_text(encoding="utf-8")):
        command, *shown = block.splitlines()
        assert command.startswith("$ smssim ")
        assert shown
        cli.main(shlex.split(command)[2:])
        out, err = capsys.readouterr()
        lines = iter((out + err).splitlines())
        for line in shown:
            assert line in lines, f"{command}: {line!r}"


def test_there_are_guides() -> None:
    assert "how_to_write_a_policy" in [guide.stem for guide in GUIDES]


def _module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", [_module(file) for file in TAUGHT])
def test_docstrings_teach_what_happens(name: str) -> None:
    done = doctest.testmod(importlib.import_module(name))
    assert done.attempted > 0
    assert done.failed == 0
