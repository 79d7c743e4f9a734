"""The front door: its Python runs, everything it points to is there, its commands exist."""

from __future__ import annotations

import re
from hashlib import sha256
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
    named = set(re.findall(r"`(?:\.venv/bin/)?smssim\s([a-z]+)", TEXT)) | {
        command.split()[0] for command, _ in answers()
    }
    assert named == set(cli.COMMANDS)


def answers() -> list[tuple[str, str]]:
    """The command of each answer for the launch plan, and the answer."""
    rows, command = [], ""
    for line in TEXT.partition("## What it answered")[2].partition("\n## ")[0].splitlines():
        cells = line.split("|")
        if len(cells) == 5 and "---" not in line and "question" not in line:
            command = command if "as above" in cells[3] else cells[3].strip(" `")
            rows.append((command, cells[2]))
    assert len(rows) > 5
    return rows


def test_its_answers_are_of_the_plan_as_it_is() -> None:
    """A changed plan needs new answers: `pytest --ci` compares them with what smssim prints."""
    (digest,) = re.findall(r"<!-- answers for launch.yaml (\w+) -->", TEXT)
    assert sha256((ROOT / "data/scenarios/launch.yaml").read_bytes()).hexdigest()[:16] == digest


@pytest.mark.ci
@pytest.mark.parametrize("command", list(dict.fromkeys(command for command, _ in answers())))
def test_its_answers_are_what_its_commands_print(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every number of an answer is in the output as a whole; so is the block of the first one."""
    monkeypatch.chdir(ROOT)
    assert cli.main(command.split()) == 0
    printed = capsys.readouterr().out
    numbers = set(re.findall(r"(?<![\w.,])\d[\d,.]*", printed))
    for _, answer in (pair for pair in answers() if pair[0] == command):
        figures = re.findall(r"\d[\d,.]*(?=\D|$)", answer.replace("95%", ""))
        assert not [one for one in figures if one.rstrip(",.") not in numbers], answer
    if command.startswith("run"):
        (block,) = re.findall(r"^```text\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
        assert block in printed


def test_the_film_is_small() -> None:
    assert 10_000 < (ROOT / "docs/panel.gif").stat().st_size < 600_000
