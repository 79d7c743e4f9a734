"""What can still be said of a scenario with broken fields: its good ones, the others unknown.

So that rules between parts are told in the same breath as broken fields, and not one run later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from smssim.scenario.errors.shape import Annotation, items_of, part_of, values_of


class Unknown:
    """A value that could not be read: all of its fields are unknown, it holds and is nothing."""

    def __getattr__(self, name: str) -> Unknown:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return False


UNKNOWN: Final = Unknown()


def known(*values: object) -> bool:
    """Whether all of these could be read."""
    return not any(isinstance(value, Unknown) for value in values)


def salvaged(part: type[BaseModel], data: Mapping[Any, Any]) -> Any:
    """A part of which some fields are unknown; its own rules are not looked at."""
    values: dict[str, Any] = {}
    for name, field in part.model_fields.items():
        if name in data:
            values[name] = _read(_of_field(part, name), field.annotation, data[name])
    missing = {
        name: UNKNOWN
        for name, field in part.model_fields.items()
        if field.is_required() and name not in values
    }
    return part.model_construct(_fields_set=set(values), **values, **missing)


def _read(adapter: TypeAdapter[Any], annotation: Annotation, raw: Any) -> Any:
    try:
        return adapter.validate_python(raw)
    except ValidationError:
        pass
    part, items, mapping = part_of(annotation), items_of(annotation), values_of(annotation)
    if part is not None and isinstance(raw, Mapping):
        return salvaged(part, raw)
    if items is not None and isinstance(raw, list | tuple):
        return tuple(_read(_of(items), items, item) for item in raw)
    if mapping is not None and isinstance(raw, Mapping):
        value = mapping[1]
        good = {key: item for key, item in raw.items() if _is_good(mapping[0], key)}
        return {str(key): _read(_of(value), value, item) for key, item in good.items()}
    return UNKNOWN


def _is_good(annotation: Annotation, key: Any) -> bool:
    try:
        _of(annotation).validate_python(key)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _of_field(part: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field: Any = part.model_fields[name]
    if not field.metadata:
        return TypeAdapter(field.annotation)
    return TypeAdapter(Annotated[(field.annotation, *field.metadata)])


@lru_cache(maxsize=256)
def _of(annotation: Annotation) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)
