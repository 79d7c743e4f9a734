"""The JSON Schema of scenario files: completion and hover texts for editors."""

from __future__ import annotations

import json
from typing import Any

from smssim.scenario.distributions import Distribution
from smssim.scenario.scenario import Scenario

__all__ = ["schema"]

_NUMBERS = ("integer", "number")
_WITH_UNDERSCORES = r"^[0-9]{1,3}(_[0-9]{3})+(\.[0-9]+)?$"
_LONGEST_DEFAULT = 60
_WITHOUT_RANGES = ("days", "rng", "Check", "Checking")
"""Fields and parts whose numbers are the same in all replications."""
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Bounds that pydantic does not translate where a validator precedes them."""


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file; every field has a title and a description.

    A number may be written as 50_000, which YAML readers other than ours take for text.
    """
    scenario_schema: dict[str, Any] = _with_hover_texts(Scenario.model_json_schema())
    scenario_schema["title"] = "smssim scenario"
    distribution = _with_hover_texts(Distribution.model_json_schema())
    parts = scenario_schema["$defs"]
    for fields in (scenario_schema["properties"], parts):
        fields |= {k: _with_ranges(v) for k, v in fields.items() if k not in _WITHOUT_RANGES}
    parts |= distribution.pop("$defs")
    parts["Distribution"] = {**distribution, "minProperties": 1, "maxProperties": 1}
    return scenario_schema


def _with_ranges(node: Any) -> Any:
    """A schema in which every number may be a distribution."""
    if isinstance(node, list):
        return [_with_ranges(item) for item in node]
    if not isinstance(node, dict):
        return node
    with_ranges = {
        key: value if key == "default" else _with_ranges(value) for key, value in node.items()
    }
    if node.get("pattern") == _WITH_UNDERSCORES:
        plain = {"type": with_ranges.pop("type")}
        with_ranges["anyOf"] = [plain, {"$ref": "#/$defs/Distribution"}]
    return with_ranges


def _with_hover_texts(node: Any) -> Any:
    """A schema with defaults in the hover texts, and numbers with underscores."""
    if isinstance(node, list):
        return [_with_hover_texts(item) for item in node]
    if not isinstance(node, dict):
        return node
    node_schema = {
        _BOUNDS.get(key, key): value if key == "default" else _with_hover_texts(value)
        for key, value in node.items()
    }
    for name, field in node_schema.get("properties", {}).items():
        field.setdefault("title", name.replace("_", " ").title())
    if isinstance(node_schema.get("description"), str):
        node_schema["description"] = " ".join(node_schema["description"].split())
    if "default" in node_schema and isinstance(node_schema.get("description"), str):
        default = json.dumps(node_schema["default"])
        if node_schema["default"] is not None and len(default) <= _LONGEST_DEFAULT:
            node_schema["description"] += f" (default: {default})"
    if node_schema.get("type") in _NUMBERS:
        node_schema["type"] = [node_schema["type"], "string"]
        node_schema["pattern"] = _WITH_UNDERSCORES
    return node_schema
