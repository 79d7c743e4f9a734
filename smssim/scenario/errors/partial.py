"""A scenario with broken fields as far as it can be read, for the rules between its parts.

So those rules are reported together with broken fields, and not one run later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

__all__ = [
    "Annotation",
    "Unreadable",
    "item_type",
    "mapping_types",
    "model_of",
    "number_types",
    "owners_of",
    "partial_model",
    "readable",
    "type_at",
    "type_under",
]

Annotation = Any


def _alternatives(annotation: Annotation) -> list[Annotation]:
    """The types that an annotation allows: unions taken apart, bounds and None left out."""
    origin: Any = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [
            alternative for option in get_args(annotation) for alternative in _alternatives(option)
        ]
    return [] if annotation is NoneType else [annotation]


def model_of(annotation: Annotation) -> type[BaseModel] | None:
    """The model that an annotation allows, None if it allows none."""
    for alternative in _alternatives(annotation):
        if isinstance(alternative, type) and issubclass(alternative, BaseModel):
            return alternative
    return None


def item_type(annotation: Annotation) -> Annotation | None:
    """The type of a list's items, None if the annotation allows no list."""
    for alternative in _alternatives(annotation):
        origin: Any = get_origin(alternative)
        if origin is tuple:
            return get_args(alternative)[0]
    return None


def mapping_types(annotation: Annotation) -> tuple[Annotation, Annotation] | None:
    """The types of a mapping's keys and values, None if the annotation allows no mapping."""
    for alternative in _alternatives(annotation):
        origin: Any = get_origin(alternative)
        if origin is dict:
            key, value = get_args(alternative)
            return key, value
    return None


def number_types(annotation: Annotation) -> set[type]:
    """The types of numbers that an annotation allows; a delay may be a plain one, too."""
    names = _alternatives(annotation)
    numbers = {alternative for alternative in names if alternative in (int, float)}
    plain = any(getattr(alternative, "plain_number", False) for alternative in names)
    return numbers | ({float} if plain else set())


def type_under(annotation: Annotation, step: str | int) -> Annotation | None:
    """The annotation under one step of a path; None if there is none."""
    model = model_of(annotation)
    if model is not None and step in model.model_fields:
        return model.model_fields[str(step)].annotation
    if isinstance(step, int) and item_type(annotation) is not None:
        return item_type(annotation)
    mapping = mapping_types(annotation)
    return mapping[1] if mapping is not None and model is None else None


def type_at(root: Annotation, path: Iterable[str | int]) -> Annotation | None:
    """The annotation at a path; None if there is none."""
    for step in path:
        root = type_under(root, step)
        if root is None:
            return None
    return root


def owners_of(root: type[BaseModel], key: str) -> list[str]:
    """Dotted paths of the models below *root* that have a key, one path per model."""
    paths: list[str] = []
    seen: set[type[BaseModel]] = set()

    def look(model: type[BaseModel], path: tuple[str, ...]) -> None:
        if model in seen:
            return
        seen.add(model)
        if key in model.model_fields:
            paths.append(".".join(path) or "the top level")
        for name, field in model.model_fields.items():
            below = field.annotation
            mapping = mapping_types(below)
            inner = model_of(below) or model_of(item_type(below) or (mapping and mapping[1]))
            if inner is not None:
                look(inner, (*path, name))

    look(root, ())
    return paths


class Unreadable:
    """A value that could not be read: its fields are unreadable too, it is empty and false."""

    def __getattr__(self, name: str) -> Unreadable:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return False


_UNREADABLE: Final = Unreadable()


def readable(*values: object) -> bool:
    """Whether all of these values could be read."""
    return not any(isinstance(value, Unreadable) for value in values)


def partial_model(model: type[BaseModel], data: Mapping[Any, Any]) -> Any:
    """A model of which some fields are unreadable; its rules are not checked."""
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name in data:
            values[name] = _read(_field_adapter(model, name), field.annotation, data[name])
    missing = {
        name: _UNREADABLE
        for name, field in model.model_fields.items()
        if field.is_required() and name not in values
    }
    return model.model_construct(_fields_set=set(values), **values, **missing)


def _read(adapter: TypeAdapter[Any], annotation: Annotation, raw: Any) -> Any:
    try:
        return adapter.validate_python(raw)
    except ValidationError:
        pass
    model, items, mapping = model_of(annotation), item_type(annotation), mapping_types(annotation)
    if model is not None and isinstance(raw, Mapping):
        return partial_model(model, raw)
    if items is not None and isinstance(raw, list | tuple):
        return tuple(_read(_adapter(items), items, item) for item in raw)
    if mapping is not None and isinstance(raw, Mapping):
        value = mapping[1]
        keys = {key: _read(_adapter(mapping[0]), mapping[0], key) for key in raw}
        good = {key: code for key, code in keys.items() if readable(code)}
        return {str(code): _read(_adapter(value), value, raw[key]) for key, code in good.items()}
    return _UNREADABLE


@lru_cache(maxsize=256)
def _field_adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field: Any = model.model_fields[name]
    if not field.metadata:
        return TypeAdapter(field.annotation)
    return TypeAdapter(Annotated[(field.annotation, *field.metadata)])


@lru_cache(maxsize=256)
def _adapter(annotation: Annotation) -> TypeAdapter[Any]:
    return TypeAdapter(annotation)
