"""One number for all, or shares by number: how much of something a message has."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from smssim.scenario.fields import Count, CountKey, Int, Share, _key


def number_or_mix(value: Any) -> str:
    """Which of the two a value is: one number for all, or shares by number."""
    return "mix" if isinstance(value, dict) else "number"


Segments = Annotated[
    Annotated[Count, Tag("number")] | Annotated[dict[CountKey, Share], Tag("mix")],
    Discriminator(number_or_mix),
]

Size = Annotated[Int, Field(ge=0, le=500)]
SizeKey = Annotated[Size, BeforeValidator(_key)]
Length = Annotated[
    Annotated[Size, Tag("number")] | Annotated[dict[SizeKey, Share], Tag("mix")],
    Discriminator(number_or_mix),
]
