"""pydantic's errors as problems: a sentence for a planner, and the path in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from smssim.scenario.errors import partial
from smssim.scenario.errors.problems import (
    KEY,
    KeyPath,
    Problem,
    ViolationsError,
    as_written,
    hint,
    problem_at,
    value_at,
)
from smssim.scenario.fields import COUNTRY, CURRENCY, EXTEND, MONTH, NAME, ORG_CODE, STATUS

__all__ = ["problems_of"]

_TAGS = ("number", "mix")
_NEEDS = {
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "string_type": "text",
    "bool_type": "true or false",
    "path_type": "the name of a file",
}
_PATTERNS = {
    COUNTRY: "a country: two capital letters, such as ID",
    CURRENCY: "a currency: three capital letters, such as USD",
    MONTH: "a month, such as 2026-07",
    NAME: "a name: 1 to 64 letters, digits, spaces, dots, - or _, not beginning with one of those",
    EXTEND: "1 to 128 characters without braces (DOMAIN.md section 6, extend)",
    ORG_CODE: "a code of printable ASCII characters, without spaces, such as 000",
    STATUS: "a status: 1 to 7 letters and digits, such as DELIVRD",
}
_BOUNDS = {
    "greater_than_equal": (">=", "ge"),
    "greater_than": (">", "gt"),
    "less_than_equal": ("<=", "le"),
    "less_than": ("<", "lt"),
}
_MANY = "at most 500, or none is sent (DOMAIN.md section 6, batchSendSms)"


def problems_of(error: ValidationError, root: type[BaseModel], data: Any) -> list[Problem]:
    """Every error as a problem without line and column; several where a model breaks many rules."""
    problems = []
    details = [(_document_path(d["loc"], data), d) for d in error.errors(include_url=False)]
    mistyped = {
        (*path[:-1], near)
        for path, detail in details
        if detail["type"] == "extra_forbidden" and (near := _near(path, root))
    }
    for path, detail in details:
        if detail["type"] == "missing" and path in mistyped:
            continue
        for below, message in _messages(detail, path, root):
            problems.append(problem_at((*path, *below), message, data))
    return problems


def _document_path(loc: tuple[int | str, ...], data: Any) -> KeyPath:
    """A location without the steps that no file has: tags of unions, a plain delay's field."""
    path: list[int | str] = []
    for i, step in enumerate(loc):
        type_under = isinstance(data, Mapping | BaseModel) or (
            isinstance(data, Sequence) and not isinstance(data, str)
        )
        below = value_at(data, (step,))
        if step in _TAGS and below is None:
            continue
        if step == KEY:
            path.append(KEY)
            break
        if not type_under and i:
            break
        path.append(step)
        data = below
    return tuple(path)


def _messages(
    detail: ErrorDetails, path: KeyPath, root: type[BaseModel]
) -> Iterator[tuple[KeyPath, str]]:
    """Sentences for one error, each with the path below the error's where it applies."""
    error = detail.get("ctx", {}).get("error")
    if isinstance(error, ViolationsError):
        yield from error.violations
    elif detail["type"] == "extra_forbidden":
        yield (KEY,), _unknown_key(path, root)
    elif detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]:
        return  # It is not short: its items were rejected one by one.
    elif detail["type"] == "missing" and isinstance(path[-1] if path else 0, int):
        yield (), "a value is missing: two numbers are needed"
    elif detail["type"] == "missing":
        yield (), f"{path[-1]!r} must be given{_meaning(path, root)}"
    else:
        yield (), _sentence(detail, path)


def _unknown_key(path: KeyPath, root: type[BaseModel]) -> str:
    model = _model_at(path, root)
    key, keys = str(path[-1]), list(model.model_fields)
    message = f"unknown key {key!r}"
    advice: Mapping[str, str] = getattr(model, "unknown_keys", {})
    if key in advice:
        return f"{message}: {advice[key]}"
    near = hint(key, keys)
    if near:
        return message + near
    elsewhere = partial.owners_of(root, key)
    if elsewhere:
        return f"{message} (it belongs to {' or '.join(elsewhere[:3])})"
    return f"{message}; there are {', '.join(keys)}"


def _near(path: KeyPath, root: type[BaseModel]) -> str | None:
    """The key that an unknown one probably meant."""
    near = hint(path[-1], _model_at(path, root).model_fields)
    return near.split("'")[1] if near else None


def _model_at(path: KeyPath, root: type[BaseModel]) -> type[BaseModel]:
    """The model that a key belongs to, or should."""
    return partial.model_of(partial.type_at(root, path[:-1])) or root


def _meaning(path: KeyPath, root: type[BaseModel]) -> str:
    field = _model_at(path, root).model_fields.get(str(path[-1]))
    text = (field.description or "") if field else ""
    first = text.split(".")[0].split(";")[0].removeprefix("Assumption: ")
    return f": {first[0].lower()}{' '.join(first[1:].split())}" if first else ""


def _sentence(detail: ErrorDetails, path: KeyPath) -> str:
    error_type, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if path and path[-1] == "secret":
        return "the secret must be text, in quotes if it looks like a number"
    value_text = as_written(value)
    if error_type in _BOUNDS:
        sign, name = _BOUNDS[error_type]
        if "recipients" in path and sign == "<=" and value > 1 and context[name] > 1:
            most = "" if context[name] == 500 else f" (drawn ones up to {context[name]}: E000503)"
            return f"{value_text} recipients a request: {_MANY}{most}"
        return f"{value_text} must be {sign} {as_written(context[name])}"
    if error_type == "literal_error":
        return _one_of(value, context["expected"])
    if error_type == "invalid_key":
        return f"the key {path[-1]!r} must be text"
    if error_type == "model_type" and context.get("class_name") == "Delay":
        return f"{value_text} must be seconds, or a delay such as {{uniform_s: [0, 60]}}"
    if error_type in _NEEDS and value is None:
        return f"nothing is given: it must be {_NEEDS[error_type]}, or the key be left out"
    if error_type in _NEEDS:
        return f"{value_text} must be {_NEEDS[error_type]}{_advice(error_type, value)}"
    if error_type == "string_pattern_mismatch" and context["pattern"] in _PATTERNS:
        return f"{value_text} must be {_PATTERNS[context['pattern']]}"
    if error_type == "too_long":
        if path and path[-1] == "to":
            return f"{context['actual_length']} recipients a request: {_MANY}"
        return f"{context['actual_length']} values: at most {context['max_length']}"
    if error_type == "too_short":
        return f"{context['actual_length']} values: at least {context['min_length']}"
    if error_type == "string_too_long":
        return f"the text has {len(value)} characters: at most {context['max_length']}"
    if error_type == "value_error":
        return str(context["error"])
    return detail["msg"].replace("Input should be", f"{value_text} must be")


def _one_of(value: object, expected: str) -> str:
    words = expected.replace(" or ", ", ").replace("'", "").split(", ")
    message = f"{as_written(value)} must be one of {', '.join(words)}"
    return message + hint(value, words)


def _advice(error_type: str, value: object) -> str:
    if error_type == "tuple_type" and isinstance(value, dict):
        return ": write a dash before each of its items"
    if error_type == "string_type" and not isinstance(value, dict | list):
        return f', in quotes: "{as_written(value)}"' if value is not None else ""
    if error_type == "tuple_type" and value is None:
        return "; leave the key out if there is none"
    return ""
