"""What-ifs: a scenario's data with some fields changed, addressed by dotted paths."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from pydantic import BaseModel

from smssim.scenario.errors import partial
from smssim.scenario.errors.problems import Problem, ScenarioError, dotted, hint
from smssim.scenario.fields import country_code

__all__ = ["changed"]


class _NoSuchPath(Exception):
    """A path that leads nowhere; the text says at which step."""


def changed(
    root: type[BaseModel], data: dict[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The data of a scenario, a *root*, after some changes, not validated yet.

    Raise a ScenarioError that names every path that does not exist.
    """
    problems = []
    for path, value in changes.items():
        steps = tuple(path.split("."))
        try:
            data = _put(data, root, steps, value, ())
        except _NoSuchPath as error:
            problems.append(Problem(str(error), path, value=value))
    if problems:
        raise ScenarioError(problems)
    return data


def _put(
    data: Any,
    annotation: partial.Annotation,
    steps: tuple[str, ...],
    value: Any,
    above: tuple[str, ...],
) -> Any:
    """*data* with *value* at the end of *steps*: a copy as far as the steps go."""
    if not steps:
        return deepcopy(value)
    if isinstance(data, BaseModel):
        data = data.model_dump(exclude_unset=True)
    model = partial.model_of(annotation)
    if model is not None:
        return _put_in_model(data, model, steps, value, above)
    items, mapping = partial.item_type(annotation), partial.mapping_types(annotation)
    if items is not None and not (mapping is not None and isinstance(data, dict)):
        return _put_in_list(data, items, steps, value, above)
    if mapping is not None:
        return _put_in_mapping(data, mapping[1], steps, value, above)
    raise _NoSuchPath(f"{dotted(above)} holds one value, there is no {steps[0]!r} in it")


def _put_in_model(
    data: Any, model: type[BaseModel], steps: tuple[str, ...], value: Any, above: tuple[str, ...]
) -> Any:
    step, rest = steps[0], steps[1:]
    if step not in model.model_fields:
        fields = list(model.model_fields)
        near = hint(step, fields) or f"; there are {', '.join(fields)}"
        where = f" in {dotted(above)}" if above else ""
        raise _NoSuchPath(f"there is no {step!r}{where}{near}")
    field = model.model_fields[step]
    data = data if isinstance(data, dict) else {}
    below = data.get(step)
    if step not in data and isinstance(field.default, tuple):
        below = model.model_construct().model_dump(include={step}).get(step)
    return {**data, step: _put(below, field.annotation, rest, value, (*above, step))}


def _put_in_list(
    data: Any, items: partial.Annotation, steps: tuple[str, ...], value: Any, above: tuple[str, ...]
) -> Any:
    step, rest = steps[0], steps[1:]
    held = list(data) if isinstance(data, list | tuple) else []
    if not step.isascii() or not step.isdigit() or int(step) >= len(held):
        have = f"0 to {len(held) - 1}" if held else "none"
        raise _NoSuchPath(f"there is no {step} in {dotted(above)}, which has {have}")
    index = int(step)
    held[index] = _put(held[index], items, rest, value, (*above, step))
    return held


def _put_in_mapping(
    data: Any,
    values: partial.Annotation,
    steps: tuple[str, ...],
    value: Any,
    above: tuple[str, ...],
) -> Any:
    step, rest = steps[0], steps[1:]
    held = dict(data) if isinstance(data, dict) else {}
    code = country_code(step)
    key = next((key for key in held if str(key) in (step, code)), step)
    return {**held, key: _put(held.get(key), values, rest, value, (*above, step))}
