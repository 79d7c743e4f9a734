"""How each rule of `docs/rules.md` is switched off: its name, where it stands, what stands instead.

Rules that nothing of ours could switch off stand in `UNTOUCHED` with the reason.
"""

from __future__ import annotations

from mutant_plugin import Mutation
from mutations_of_inputs import INPUTS
from mutations_of_sending import SENDING
from mutations_of_texts import TEXTS
from mutations_of_the_account import ACCOUNT

MUTATIONS: dict[str, Mutation] = {**INPUTS, **TEXTS, **ACCOUNT, **SENDING}

UNTOUCHED = {
    "secret": "pydantic's SecretStr hides it, and the field is left out of every text",
    "500 numbers a call": "a bound of a pydantic field",
    "ten contacts": "a bound of a pydantic field",
    "one currency": "amounts have no currency of their own: there is one a scenario",
    "no new users": "a sentence of the documentation",
}
