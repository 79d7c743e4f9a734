"""The front door: its Python runs, everything it points to is there, its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smssim import cli

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_python_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    names: dict[str, object] = {}
    exec(blocks[0], names)
    assert {"run", "bill", "log", "months"} <= set(names)


def test_what_it_points_to_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)]+)\)", TEXT)
    paths = re.findall(r"(?:data|docs|notebooks)/[\w/.]+\w", TEXT)
    assert links
    assert not [name for name in {*links, *paths} if not (ROOT / name).exists()]


def test_every_notebook_and_guide_answers_a_question() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| ")]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        assert any(f"(notebooks/{path.name})" in row for row in rows), path.stem
    for path in sorted((ROOT / "docs").glob("how_to_*.md")):
        assert any(path.name in row for row in rows), path.name


def test_its_commands_exist() -> None:
    told = set(re.findall(r"`(?:\.venv/bin/)?smssim\s([a-z]+)", TEXT))
    assert told
    assert told == set(cli.COMMANDS)
