"""What can still be said of a scenario with broken fields: its good ones, the others unknown.

So that rules between parts are told in the same breath as broken fields, and not one run later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

# The shape of a scenario: which part, list or mapping stands where, read off the models.

Annotation = Any


def kinds(annotation: Annotation) -> list[Annotation]:
    """What may stand at a place: unions taken apart, bounds and None left out."""
    origin: Any = get_origin(annotation)
    if origin is Annotated:
        return kinds(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [kind for option in get_args(annotation) for kind in kinds(option)]
    return [] if annotation is NoneType else [annotation]


def model_of(annotation: Annotation) -> type[BaseModel] | None:
    """The part that stands at a place, if one may."""
    for kind in kinds(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def item_type(annotation: Annotation) -> Annotation | None:
    """What a list at a place holds, None if no list may stand there."""
    for kind in kinds(annotation):
        origin: Any = get_origin(kind)
        if origin is tuple:
            return get_args(kind)[0]
    return None


def mapping_types(annotation: Annotation) -> tuple[Annotation, Annotation] | None:
    """What a mapping at a place has for keys and values, None if no mapping may stand there."""
    for kind in kinds(annotation):
        origin: Any = get_origin(kind)
        if origin is dict:
            key, value = get_args(kind)
            return key, value
    return None


def type_under(annotation: Annotation, step: str | int) -> Annotation | None:
    """What stands under a step of a path; None if nothing may."""
    part = model_of(annotation)
    if part is not None and step in part.model_fields:
        return part.model_fields[str(step)].annotation
    if isinstance(step, int) and item_type(annotation) is not None:
        return item_type(annotation)
    mapping = mapping_types(annotation)
    return mapping[1] if mapping is not None and part is None else None


def at(root: Annotation, path: Iterable[str | int]) -> Annotation | None:
    """What stands at a path."""
    for step in path:
        root = type_under(root, step)
        if root is None:
            return None
    return root


def owners_of(root: type[BaseModel], key: str) -> list[str]:
    """The parts below *root* that know a key, by the dotted path of the first place of each."""
    found: list[str] = []
    seen: set[type[BaseModel]] = set()

    def look(part: type[BaseModel], path: tuple[str, ...]) -> None:
        if part in seen:
            return
        seen.add(part)
        if key in part.model_fields:
            found.append(".".join(path) or "the top level")
        for name, field in part.model_fields.items():
            below = field.annotation
            mapping = mapping_types(below)
            inner = model_of(below) or model_of(item_type(below) or (mapping and mapping[1]))
            if inner is not None:
                look(inner, (*path, name))

    look(root, ())
    return found


class Unreadable:
    """A value that could not be read: all of its fields are unknown, it holds and is nothing."""

    def __getattr__(self, name: str) -> Unreadable:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __bool__(self) -> bool:
        return False


UNREADABLE: Final = Unreadable()


def readable(*values: object) -> bool:
    """Whether all of these could be read."""
    return not any(isinstance(value, Unreadable) for value in values)


def partial_model(part: type[BaseModel], data: Mapping[Any, Any]) -> Any:
    """A part of which some fields are unknown; its own rules are not looked at."""
    values: dict[str, Any] = {}
    for name, field in part.model_fields.items():
        if name in data:
            values[name] = _read(_of_field(part, name), field.annotation, data[name])
    missing = {
        name: UNREADABLE
        for name, field in part.model_fields.items()
        if field.is_required() and name not in values
    }
    return part.model_construct(_fields_set=set(values), **values, **missing)


def _read(adapter: TypeAdapter[Any], annotation: Annotation, raw: Any) -> Any:
    try:
        return adapter.validate_python(raw)
    except ValidationError:
        pass
    part, items, mapping = model_of(annotation), item_type(annotation), mapping_types(annotation)
    if part is not None and isinstance(raw, Mapping):
        return partial_model(part, raw)
    if items is not None and isinstance(raw, list | tuple):
        return tuple(_read(_of(items), items, item) for item in raw)
    if mapping is not None and isinstance(raw, Mapping):
        value = mapping[1]
        good = {key: item for key, item in raw.items() if _is_good(mapping[0], key)}
        return {str(key): _read(_of(value), value, item) for key, item in good.items()}
    return UNREADABLE


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
