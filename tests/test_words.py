"""What a person reads is in the field's words: no coinage of the glossary's left column is left."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
INSTEAD = {
    r"(\d|\{\}) %(?!\})": "95.5%, without a space",
    r"hangs? on": "depends on",
    r"stands? twice": "appears twice",
    r"as it stands": "verbatim",
    r"(?<!\w)beside(?!s)": "next to, compared with, alongside",
    r"became of (?!it|them|all|their)": "the outcome of",
    r"\bnobody\b": "no one",
    r"\bnone that\b": "rephrase",
    r"passed over": "ignored, quarantined",
    r"condemned": "quarantined",
    r"in flight": "pending",
    r"status reports?": "delivery report (DLR)",
    r"\ban? delivered\b(?! message)": "per delivered message",
    r"at 9\d ?%, |9\d% sure": "p95; 95% confidence interval",
    r"bought nothing": "wasted spend",
    r"kinds overlap": "categories overlap",
    r"textbook has it": "analytical cross-check",
    r"where this comes from": "provenance",
    r"in short(?! |,)": "summary",
    r"is no (command|YAML|text|path|number|country|part)\b": "unknown, not valid, is not a",
    r"cannot be told|not to be told": "undecided",
    r"certainly (yes|not)": "holds, does not hold",
    r"small letters": "lower case",
    r"place [123]\b": "stage",
    r"(messages?|segments?|reports?|queue|USD) an? (hour|second|segment|month|country)\b": "per",
}
"""Words not to use, as patterns, and what to write."""
_REFUSED = re.compile("|".join(f"(?:{pattern})" for pattern in INSTEAD), re.IGNORECASE)
_QUOTES = {
    "smssim/logs/columns/fields.py": "headings as they are in exports",
    "smssim/logs/columns/statuses.py": "words as they are in exports",
    "docs/domain.md": "what the service's documents say, in their words",
    "tests/test_words.py": "the words themselves",
}
"""Files that quote others."""


def strings_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The strings of a module that can reach a person: all but docstrings, with their lines."""
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
            yield node.lineno, text
        elif (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
        ):
            yield node.lineno, node.value


def wrong_words(texts: Iterator[tuple[int, str]]) -> list[str]:
    """Each use of a refused word: its line, the words around it."""
    return [
        f"{line}: ...{text[max(0, found.start() - 30) : found.end() + 20]!r}"
        for line, text in texts
        for found in _REFUSED.finditer(text)
    ]


def texts_of(file: Path) -> Iterator[tuple[int, str]]:
    """What a person reads of a file, with lines; of a notebook its text, with the cell's number."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        yield from strings_of(ast.parse(text))
    elif file.suffix == ".ipynb":
        for number, cell in enumerate(json.loads(text)["cells"]):
            if cell["cell_type"] == "markdown":
                yield number, "".join(cell["source"])
    else:
        yield from enumerate(text.splitlines(), 1)


_FOLDERS = ("smssim/**/*.py", "smssim/pages/template/*", "docs/*.md", "*.md", "notebooks/*.ipynb")
FILES = [
    file
    for pattern in _FOLDERS
    for file in sorted(ROOT.glob(pattern))
    if file.relative_to(ROOT).as_posix() not in _QUOTES
]


def test_people_read_the_words_of_the_field() -> None:
    wrong = {
        file.relative_to(ROOT).as_posix(): found
        for file in FILES
        if (found := wrong_words(texts_of(file)))
    }
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        "95.5 %",
        "0.2440 a delivered",
        "in flight",
        "'runn' is no command",
        "3 h at 99 %, all",
        "IN SHORT",
    ],
)
def test_a_word_not_to_use_is_seen(text: str) -> None:
    """The test of the test."""
    assert wrong_words(iter([(1, text)]))


def test_strings_are_read_and_docstrings_are_not() -> None:
    tree = ast.parse('"""in flight"""\nx = f"{1} in flight"\ny = ("status " "report", 2)')
    assert {line for line, text in strings_of(tree) if _REFUSED.search(text)} == {2, 3}
