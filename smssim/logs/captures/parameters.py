"""The values of a template's variables, as many and as long as the API accepts them."""

from __future__ import annotations

import json
from dataclasses import dataclass

from smssim.scenario.templates import Template
from smssim.sms.templates.variables import Variable, read_variables

_PASSWORD_DIGITS, _TEXT_LENGTH = 6, 4
_FIXED = {
    "DATE": "2026/01/31",
    "TIME": "10:00",
    "DATETIME": "2026-01-31 10:00",
    "MONEY": "10.00",
    "PHONE": "00000000000",
}


@dataclass(frozen=True)
class Parameters:
    """The values of a template's variables: texts, or numbers of digits of a password."""

    values: tuple[str | int, ...]

    def written(self, password: str) -> str:
        """The values as a JSON array, which the API takes as a text."""
        texts = [
            value if isinstance(value, str) else (password * value)[:value] for value in self.values
        ]
        return json.dumps(texts, separators=(",", ":"))


PASSWORD, NOTHING = Parameters((_PASSWORD_DIGITS,)), Parameters(())
"""The values of a template without a text: a one-time password, or none."""


def parameters_of(template: Template) -> Parameters | None:
    """The values for the text of *template*; None where it has no text."""
    if template.text is None:
        return None
    return Parameters(tuple(_value(one, template) for one in read_variables(template.text)))


def _value(variable: Variable, template: Template) -> str | int:
    lengths = template.variables.get(variable.name)
    if isinstance(lengths, dict):
        lengths = max(lengths, key=lengths.__getitem__)
    if variable.type == "NUM" or (template.type == "otp" and variable.type in ("numbered", "")):
        most = _PASSWORD_DIGITS if variable.most is None else variable.most
        return most if lengths is None else lengths
    if variable.type in _FIXED:
        return _FIXED[variable.type]
    most = _TEXT_LENGTH if variable.most is None else min(variable.most, _TEXT_LENGTH)
    return "x" * (most if lengths is None else lengths)
