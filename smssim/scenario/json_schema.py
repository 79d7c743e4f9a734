"""The JSON Schema of scenario files: completion and hover texts for editors."""

from __future__ import annotations

import json
from typing import Any

from smssim.scenario.scenario import Scenario

_NUMBERS = ("integer", "number")
_WITH_UNDERSCORES = r"^[0-9]{1,3}(_[0-9]{3})+(\.[0-9]+)?$"
_LONGEST_DEFAULT = 60
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""What pydantic does not translate where a validator of ours stands before the bound."""


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file; every field has a title and says what it is.

    A number may be written as 50_000, which YAML readers other than ours take for text.
    """
    made: dict[str, Any] = _told(Scenario.model_json_schema())
    made["title"] = "smssim scenario"
    return made


def _told(node: Any) -> Any:
    """A schema with defaults in the hover texts, and numbers with underscores."""
    if isinstance(node, list):
        return [_told(item) for item in node]
    if not isinstance(node, dict):
        return node
    told = {
        _BOUNDS.get(key, key): value if key == "default" else _told(value)
        for key, value in node.items()
    }
    for name, field in told.get("properties", {}).items():
        field.setdefault("title", name.replace("_", " ").title())
    if isinstance(told.get("description"), str):
        told["description"] = " ".join(told["description"].split())
    if "default" in told and isinstance(told.get("description"), str):
        default = json.dumps(told["default"])
        if told["default"] is not None and len(default) <= _LONGEST_DEFAULT:
            told["description"] += f" (default: {default})"
    if told.get("type") in _NUMBERS:
        told["type"] = [told["type"], "string"]
        told["pattern"] = _WITH_UNDERSCORES
    return told
