"""YAML 1.2 text as plain data, and the line and column of any path in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from smssim.scenario.errors.problems import KeyPath, Problem, ScenarioError, dotted
from smssim.sms.country_names import country_named
from smssim.sms.reference import countries

__all__ = ["Text", "in_order", "located", "mapping_of", "text_of"]

_MOST_REPEATED = 100_000
"""Values that aliases and merges may add to those that are written out."""
_ESCAPE = re.compile(r"\\U([0-9A-Fa-f]{8})")


class _Location(NamedTuple):
    """A location in a text; both count from 1."""

    line: int
    column: int


class _Constructor(SafeConstructor):
    """Leaves what only looks like a date or a number as text, so that its field rejects it."""

    def construct_non_recursive_object(self, node: Any, tag: str | None = None) -> Any:
        try:
            return super().construct_non_recursive_object(node, tag)
        except ConstructorError:
            raise
        except (ValueError, KeyError, OverflowError):
            if isinstance(node, ScalarNode):
                return node.value
            raise


class Text:
    """A scenario's text: `data` is its content, `location` gives the line and column of a path.

    Raise a ScenarioError for text that is no YAML.
    """

    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self._lines = text.split("\n")
        self.duplicates: list[Problem] = []
        """Problems of keys that appear twice in one mapping."""
        yaml = YAML(typ="safe", pure=True)
        yaml.Constructor = _Constructor
        yaml.allow_duplicate_keys = True
        try:
            self._root: Node | None = yaml.compose(text)
            self.data: Any = None
            if self._root is not None:
                _check_tree(self._root, file)
                _check_size(self._root, file)
                # Before the data is constructed, which merges mappings of the tree.
                self.duplicates = _duplicates(self._root, file)
                self.data = yaml.constructor.construct_document(self._root)
        except YAMLError as error:
            # The parser's error quotes the line, which may hold a secret.
            cause = None if "secret" in text.lower() else error
            raise ScenarioError([self._not_yaml(error)]) from cause
        except RecursionError as error:
            raise ScenarioError([Problem("nested too deeply", file=file)]) from error
        except (ValueError, TypeError, AttributeError, AssertionError, LookupError) as error:
            if isinstance(error, ScenarioError):
                raise
            # What the parser itself stumbles over, such as a character beyond Unicode.
            raise ScenarioError([self._unparsable(text)]) from None

    def location(self, path: KeyPath, of_key: bool = False) -> _Location | None:
        """Location of the value at a path, or of its key; of the node above if it is missing."""
        node, key = self._root, None
        for step in path:
            key, below = _below(node, step)
            if below is None:
                break
            node = below
        empty = isinstance(node, ScalarNode) and not node.value and not node.style
        at = key if (of_key or empty) and key is not None else node
        return None if at is None else _location(at)

    def _unparsable(self, text: str) -> Problem:
        for match in _ESCAPE.finditer(text):
            if int(match[1], 16) > sys.maxunicode:
                spot = _line_of(self._lines, match.start())
                return Problem(f"there is no character {match[0]}", "", self.file, *spot)
        return Problem("not valid YAML", file=self.file)

    def _not_yaml(self, error: YAMLError) -> Problem:
        if isinstance(error, ReaderError):
            line, column = _line_of(self._lines, error.position)
            what = f"the character U+{error.character:04X} must not be in YAML"
            return Problem(what, "", self.file, line, column)
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        if not isinstance(error, MarkedYAMLError) or mark is None:
            return Problem(f"not valid YAML: {error}", file=self.file)
        what = error.problem or error.context
        if "secret" in "".join(self._lines[mark.line : mark.line + 1]).lower():
            message = "not valid YAML: a secret must be in quotes"
            return Problem(message, "", self.file, mark.line + 1, mark.column + 1)
        if what and "'\\t'" in what:
            what = "a tab; only spaces may stand before a key"
        context = f" ({error.context})" if error.context and error.problem else ""
        message = f"not valid YAML: {what}{context}"
        return Problem(message, "", self.file, mark.line + 1, mark.column + 1)


def _check_size(root: Node, file: str) -> None:
    """Refuse aliases and merges that multiply a short text into more values than memory holds."""
    sizes: dict[int, int] = {}

    def size(node: Node) -> int:
        if isinstance(node, ScalarNode):
            return 1
        if id(node) not in sizes:
            children = (
                n for item in node.value for n in (item if isinstance(item, tuple) else (item,))
            )
            sizes[id(node)] = 1 + sum(map(size, children))
        return sizes[id(node)]

    expanded = size(root)
    written = len(sizes) + sum(len(node.value) for node in _nodes(root))
    if expanded > 2 * written + _MOST_REPEATED:
        message = (
            f"aliases make {expanded:,} values of {written:,}: at most {_MOST_REPEATED:,} more"
        )
        raise ScenarioError([Problem(message, "", file, *_location(root))])


def _duplicates(root: Node, file: str) -> list[Problem]:
    problems: list[Problem] = []
    for path, node in _mappings(root):
        seen: dict[str, Node] = {}
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                line = _location(seen[name]).line
                message = f"the key {name!r} appears twice, first in line {line}"
                problems.append(
                    Problem(message, dotted((*path, name)), file, *_location(key), value=name)
                )
            seen.setdefault(name, key)
    return problems


def _check_tree(root: Node, file: str) -> None:
    """Refuse an anchor within itself, which no rule could be checked on."""
    open_nodes: set[int] = set()
    done: set[int] = set()

    def walk(node: Node) -> None:
        if id(node) in open_nodes:
            raise ScenarioError(
                [Problem("an anchor must not hold itself", "", file, *_location(node))]
            )
        if isinstance(node, ScalarNode) or id(node) in done:
            return
        open_nodes.add(id(node))
        for item in node.value:
            for child in item if isinstance(item, tuple) else (item,):
                walk(child)
        open_nodes.discard(id(node))
        done.add(id(node))

    walk(root)


def _below(node: Node | None, step: str | int) -> tuple[Node | None, Node | None]:
    """The key and value nodes under a step, anchors and merges followed."""
    if isinstance(node, SequenceNode):
        type_under = isinstance(step, int) and step < len(node.value)
        return (None, node.value[step]) if type_under else (None, None)
    if not isinstance(node, MappingNode):
        return None, None
    # Merged entries come before the mapping's explicit keys, which win.
    for key, value in reversed(node.value):
        if isinstance(key, ScalarNode) and key.value == str(step):
            return key, value
    for key, value in reversed(node.value):
        if isinstance(key, ScalarNode) and _is_country(key.value, step):
            return key, value
    return None, None


def _is_country(name: str, code: str | int) -> bool:
    """Whether a key is the name of a country that a path has by its code."""
    try:
        return code in countries() and country_named(name) == code
    except ValueError:
        return False


def _nodes(root: Node) -> Iterable[Node]:
    """All mappings and sequences, each once."""
    seen: dict[int, Node] = {}
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, ScalarNode) or id(node) in seen:
            continue
        seen[id(node)] = node
        todo += [n for item in node.value for n in (item if isinstance(item, tuple) else (item,))]
    return seen.values()


def _mappings(root: Node) -> Iterable[tuple[KeyPath, MappingNode]]:
    """All mappings, each once, with a path to it."""
    seen: set[int] = set()
    todo: list[tuple[KeyPath, Node]] = [((), root)]
    while todo:
        path, node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            todo += [((*path, i), child) for i, child in enumerate(node.value)]
        elif isinstance(node, MappingNode):
            yield path, node
            todo += [((*path, str(key.value)), child) for key, child in node.value]


def _location(node: Node) -> _Location:
    return _Location(node.start_mark.line + 1, node.start_mark.column + 1)


def _line_of(lines: list[str], position: int) -> _Location:
    for number, line in enumerate(lines, start=1):
        if position <= len(line):
            return _Location(number, position + 1)
        position -= len(line) + 1
    return _Location(len(lines), 1)


def text_of(path: Path) -> str:
    """The text of a file. Raise a ScenarioError if it cannot be read, or is no text in UTF-8."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        # A NUL or a lone surrogate in the path is a ValueError.
        reason = error.strerror if isinstance(error, OSError) else "is not a path"
        raise ScenarioError(
            f"{str(path)!r}: {reason}" if reason == "is not a path" else f"{path}: {reason}"
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        problem = Problem("not text in UTF-8", "", str(path), line, column)
        raise ScenarioError([problem]) from error


def mapping_of(text: str, file: str) -> Text:
    """The text and the locations of its values. Raise a ScenarioError unless it is a mapping."""
    read = Text(text, file)
    if not isinstance(read.data, dict):
        what = "is empty" if read.data is None else "must be a mapping of keys to values"
        raise ScenarioError([Problem(f"the scenario {what}", "", file, 1, 1)])
    return read


def located(problem: Problem, read: Text) -> Problem:
    """The problem with its file, line and column."""
    location = read.location(problem.steps, of_key=problem.of_key)
    line, column = location or (None, None)
    return replace(problem, file=read.file, line=line, column=column)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems by location, without those that anchors repeat."""
    once: dict[object, Problem] = {}
    for problem in sorted(problems, key=lambda p: (p.line or 0, p.column or 0)):
        once.setdefault((problem.line, problem.column, problem.message), problem)
    return list(once.values())
