"""The examples in docstrings and in the how-to are what really comes out."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

HOW_TO = Path(__file__).parents[1] / "docs" / "how_to_check_a_template.md"
MODULES = ["segments", *(f"templates.{name}" for name in ("check", "values", "variables"))]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name: str) -> None:
    tried = doctest.testmod(import_module(f"smssim.sms.{name}"))
    assert tried.attempted
    assert not tried.failed


def test_how_to_check_a_template() -> None:
    # The fence that ends a block is no output.
    text = HOW_TO.read_text(encoding="utf-8").replace("```", "")
    example = doctest.DocTestParser().get_doctest(text, {}, HOW_TO.name, str(HOW_TO), 0)
    tried = doctest.DocTestRunner().run(example)
    assert tried.attempted > 4
    assert not tried.failed
