"""Names in the house: the field's words, one stem per concept, and what is private says so."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "smssim"
FILES = sorted(ROOT.rglob("*.py"))
REFUSED = {"told", "said", "own", "found", "beside"}
"""Words that name nothing: a message, rows, matches or a comparison has a name of its own."""
PLACEHOLDERS = REFUSED | {"known", "place", "kind", "part", "kept", "given", "made", "shown"}
PLACEHOLDERS |= {"asked"}
"""Words that may be right now and then, and seldom are: less than 1% of all identifiers."""


def identifiers_of(tree: ast.AST) -> Iterator[str]:
    """Every use of a name in a file: variables, attributes, parameters, functions, classes."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name


def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def test_no_identifier_is_a_word_that_names_nothing() -> None:
    """What a thing is says its name (docs/design.md, glossary)."""
    bad = {
        f"{f.relative_to(ROOT)}: {n}"
        for f in FILES
        for n in identifiers_of(_tree(f))
        if n.lstrip("_") in REFUSED
    }
    assert not bad


def test_placeholder_words_are_rare() -> None:
    """Less than 1% of all identifiers; httpx and SimPy have 0.5 and 0.7%."""
    uses = Counter(name for file in FILES for name in identifiers_of(_tree(file)))
    share = sum(uses[word] for word in PLACEHOLDERS) / uses.total()
    assert share < 0.01, {word: uses[word] for word in sorted(PLACEHOLDERS) if uses[word]}


def public_names(tree: ast.Module) -> set[str]:
    """Top-level names without an underscore that a module defines itself."""
    names: set[str] = set()
    for node in _statements(tree.body):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign(targets=targets):
                stored = (n for target in targets for n in ast.walk(target))
                names |= {n.id for n in stored if isinstance(n, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                names.add(name)
    return {name for name in names if not name.startswith("_")}


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _statements(node.body)


def _all_of(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_a_module_says_what_is_public(file: Path) -> None:
    """`__all__` is in every module and has each public name that the module defines."""
    tree = _tree(file)
    exported = _all_of(tree)
    assert exported is not None, "no __all__"
    if file.name == "__init__.py":
        assert set(exported) >= public_names(tree)
    else:
        assert set(exported) == public_names(tree)


def test_what_no_other_file_uses_is_private() -> None:
    """A public name is used by another file of the project, or it has an underscore."""
    texts = {f: f.read_text(encoding="utf-8") for f in FILES}
    for folder in ("tests", "docs", "notebooks", "data"):
        for pattern in ("*.py", "*.md", "*.ipynb"):
            for f in (ROOT.parent / folder).rglob(pattern):
                texts[f] = f.read_text(encoding="utf-8")
    users: dict[str, set[Path]] = {}
    for f, text in texts.items():
        for word in set(re.findall(r"[A-Za-z_]\w*", text)):
            users.setdefault(word, set()).add(f)
    lonely = [
        f"{f.relative_to(ROOT)}: {name}"
        for f in FILES
        # Hooks of pytest and commands are looked up by their names.
        if f.name not in ("__init__.py", "pytest_plugin.py") and f.parent.name != "cli"
        for name in sorted(public_names(_tree(f)))
        if users[name] == {f}
    ]
    assert not lonely
