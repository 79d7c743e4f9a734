"""The digest of a policy: of its source, and of everything that its source refers to.

A function is its text with the values of the names in it; a class its text, its methods and its
bases. Modules, functions and classes of the user's own files are followed to their files and to
what these import in turn; those of Python, smssim and installed packages are their version. What
a policy reads while it runs, such as a file, the environment or a module whose name it computes,
is in no source: docs/experiments.md says so.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache, partial
from hashlib import blake2b
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec, resolve_name
from pathlib import Path
from sysconfig import get_paths
from types import CodeType, FunctionType, MethodType
from typing import Any

__all__ = ["NoDigestError", "policy_digests"]

_PLAIN = (bool, int, float, str, bytes, type(None))


class NoDigestError(ValueError):
    """A policy whose source does not determine what it does."""


def policy_digests(policies: Sequence[Any]) -> list[str]:
    """The digests of policies, in order. Raise a NoDigestError for the first that has none."""
    return [_hash(_Structures().of(policy)) for policy in policies]


def _hash(structure: Any) -> str:
    return blake2b(json.dumps(structure).encode(), digest_size=16).hexdigest()


class _Structures:
    """Values as nested lists of texts; a function or class that was met before is its number."""

    def __init__(self, met: dict[int, tuple[int, Any]] | None = None) -> None:
        # The objects themselves are held, so that no id is used again.
        self._met = {} if met is None else dict(met)

    def of(self, value: Any, above: tuple[int, ...] = ()) -> Any:
        """The structure of a value; *above* are the ids of the values that contain it."""
        if isinstance(value, _PLAIN):
            return [type(value).__name__, repr(value)]
        if id(value) in above:
            return "above"
        inside = (*above, id(value))
        if isinstance(value, list | tuple):
            return [type(value).__name__, *(self.of(item, inside) for item in value)]
        if isinstance(value, set | frozenset):
            # Sets have no order: what is met within does not count elsewhere.
            items = (_Structures(self._met).of(item, inside) for item in value)
            return ["set", *sorted(map(json.dumps, items))]
        if isinstance(value, dict):
            pairs = value.items()
            return ["dict", *([self.of(key, inside), self.of(item, inside)] for key, item in pairs)]
        if isinstance(value, partial):
            parts = (value.func, value.args, value.keywords)
            return ["partial", *(self.of(item, inside) for item in parts)]
        if inspect.isbuiltin(value):
            return ["builtin", value.__qualname__]
        if inspect.ismodule(value):
            return ["module", *_module(value.__name__)]
        return self._code_or_object(value, inside)

    def _code_or_object(self, value: Any, inside: tuple[int, ...]) -> Any:
        if isinstance(value, MethodType):
            return ["method", self.of(value.__self__, inside), self.of(value.__func__, inside)]
        if not isinstance(value, FunctionType | type):
            return ["object", self.of(type(value), inside), self._state(value, inside)]
        if id(value) in self._met:
            return ["met", self._met[id(value)][0]]
        self._met[id(value)] = (len(self._met), value)
        if (release := _version_of(value.__module__ or "")) is not None:
            return [value.__module__, value.__qualname__, release]
        if isinstance(value, FunctionType):
            return ["function", *self._function(value, inside)]
        return ["class", *self._class(value, inside)]

    def _state(self, value: Any, inside: tuple[int, ...]) -> Any:
        if is_dataclass(value):
            return [[f.name, self.of(getattr(value, f.name), inside)] for f in fields(value)]
        if hasattr(value, "__dict__"):
            return [[name, self.of(item, inside)] for name, item in sorted(vars(value).items())]
        raise NoDigestError(f"{value!r} must be plain, or made of what is")

    def _class(self, value: type, inside: tuple[int, ...]) -> Any:
        """The text of a class, its methods and what they refer to, and its bases."""
        members = (getattr(member, "__func__", member) for member in vars(value).values())
        methods = [self.of(member, inside) for member in members if inspect.isfunction(member)]
        return [_source(value), methods, [self.of(base, inside) for base in value.__bases__]]

    def _function(self, value: FunctionType, inside: tuple[int, ...]) -> Any:
        """The text of a function, and what it refers to: closure, globals, imports, defaults."""
        text, names = _source(value.__code__), _names(value.__code__)
        values = {name: value.__globals__[name] for name in names if name in value.__globals__}
        values |= _closure(value)
        referred = [[name, self.of(item, inside)] for name, item in sorted(values.items())]
        package = value.__globals__.get("__package__") or ""
        modules = [_module(name) for name in _imported(text, package)]
        defaults = (value.__defaults__, value.__kwdefaults__)
        return [text, referred, modules, *(self.of(item, inside) for item in defaults)]


def _closure(function: FunctionType) -> dict[str, Any]:
    values = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            values[name] = cell.cell_contents
        except ValueError:
            continue  # Not assigned yet: it refers to nothing.
    return values


def _names(code: CodeType) -> set[str]:
    """The names in a function, those in functions and comprehensions within it included."""
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return {*code.co_names, *(name for one in inner for name in _names(one))}


def _imported(text: str, package: str) -> list[str]:
    """The names that a text imports, in order: of modules, and of what may be one within."""
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:
        return []  # A lambda within a line: what it refers to is among its names.
    names: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= dict.fromkeys(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if node.level and not package:
                continue
            parent = resolve_name(module, package)
            names |= dict.fromkeys([parent, *(f"{parent}.{alias.name}" for alias in node.names)])
    return list(names)


def _module(name: str) -> list[Any]:
    """A module by its version; one of the user's own by its text and those of all its imports."""
    if (release := _version_of(name)) is not None:
        return [name, release]
    return [name, *map(list, sorted(_texts(name, set())))]


def _texts(name: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """The texts of a module of the user's and of all that it imports, by name."""
    if name in seen or _version_of(name) is not None:
        return
    seen.add(name)
    file = _file(name)
    if file is None:
        return
    text = file.read_text(encoding="utf-8", errors="replace")
    yield name, text
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    for other in _imported(text, package):
        yield from _texts(other, seen)


def _file(name: str) -> Path | None:
    """The source file of a module; None if the name is none, or it has no source."""
    try:
        module = sys.modules.get(name)
        origin = getattr(module or find_spec(name), "__file__" if module else "origin", None)
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(origin) if origin and origin.endswith(".py") and Path(origin).exists() else None


def _version_of(name: str) -> str | None:
    """The version of a module of Python, of smssim or of an installed package; None for one of the
    user's own, or of a package without a version.
    """
    top = name.partition(".")[0]
    if top in ("smssim", "simpy"):
        return ""  # The version of the rules stands for them.
    if top == "__main__":
        return None
    if top in sys.stdlib_module_names:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    installed = (get_paths()["purelib"], get_paths()["platlib"])
    if spec is None or not (spec.origin or "").startswith(installed):
        return None
    # Not the module's own version, which is known only after it was imported.
    return ",".join(version(name) for name in _distributions().get(top, ())) or None


@cache
def _distributions() -> Mapping[str, list[str]]:
    """The installed distributions by the modules they have."""
    return packages_distributions()


def _source(value: Any) -> str:
    try:
        return inspect.getsource(value)
    except (OSError, TypeError) as error:
        raise NoDigestError(f"{value!r} must have a source that can be read: {error}") from error
