"""The shape of a scenario: which part, list or mapping stands where, read off the models."""

from __future__ import annotations

from collections.abc import Iterable
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

Annotation = Any


def kinds(annotation: Annotation) -> list[Annotation]:
    """What may stand at a place: unions taken apart, bounds and None left out."""
    origin: Any = get_origin(annotation)
    if origin is Annotated:
        return kinds(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [kind for option in get_args(annotation) for kind in kinds(option)]
    return [] if annotation is NoneType else [annotation]


def part_of(annotation: Annotation) -> type[BaseModel] | None:
    """The part that stands at a place, if one may."""
    for kind in kinds(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def items_of(annotation: Annotation) -> Annotation | None:
    """What a list at a place holds, None if no list may stand there."""
    for kind in kinds(annotation):
        origin: Any = get_origin(kind)
        if origin is tuple:
            return get_args(kind)[0]
    return None


def values_of(annotation: Annotation) -> tuple[Annotation, Annotation] | None:
    """What a mapping at a place has for keys and values, None if no mapping may stand there."""
    for kind in kinds(annotation):
        origin: Any = get_origin(kind)
        if origin is dict:
            key, value = get_args(kind)
            return key, value
    return None


def inside(annotation: Annotation, step: str | int) -> Annotation | None:
    """What stands under a step of a path; None if nothing may."""
    part = part_of(annotation)
    if part is not None and step in part.model_fields:
        return part.model_fields[str(step)].annotation
    if isinstance(step, int) and items_of(annotation) is not None:
        return items_of(annotation)
    mapping = values_of(annotation)
    return mapping[1] if mapping is not None and part is None else None


def at(root: Annotation, path: Iterable[str | int]) -> Annotation | None:
    """What stands at a path."""
    for step in path:
        root = inside(root, step)
        if root is None:
            return None
    return root


def homes(root: type[BaseModel], key: str) -> list[str]:
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
            mapping = values_of(below)
            inner = part_of(below) or part_of(items_of(below) or (mapping and mapping[1]))
            if inner is not None:
                look(inner, (*path, name))

    look(root, ())
    return found
