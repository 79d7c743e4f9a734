"""Rules about the variables of a template: how they are written, how many, how close.

They are those of DOMAIN.md section 3; each function is one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from smssim.sms.templates.finding import INFERENCE, MAINLAND, SPECIFICATION, Finding, finding
from smssim.sms.templates.variables import Variable, stray_braces

MOST_VARIABLES = 20
_NAMES = (
    "TXT_n or NUM_n (n 1 to 20), DATE, TIME; or 1, 2, ..., PHONE, CHARDIGIT, DATETIME, MONEY, TEXT"
)


def malformed(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """A variable is ${NAME} with a name of either syntax, and braces stand nowhere else.

    Names are upper case, numbers without leading zeros.
    """
    for variable in variables:
        if not variable.kind:
            span = variable.start, variable.end
            must = f"must be ${{NAME}}, NAME one of {_NAMES}"
            yield finding("malformed_variable", text, span, must, SPECIFICATION)
    for span in stray_braces(text):
        yield finding("malformed_variable", text, span, "must be part of ${NAME}", SPECIFICATION)


def mixed_syntaxes(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """One syntax a template: the pages show the older or the newer, never both together.

    The place is the first variable of the other syntax.
    """
    known = [variable for variable in variables if variable.syntax]
    for variable in known:
        if variable.syntax != known[0].syntax:
            must = f"should be of the {known[0].syntax} syntax, as ${{{known[0].name}}} is"
            span = variable.start, variable.end
            yield finding("mixed_syntaxes", text, span, must, INFERENCE, "warning")
            return


def too_many(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """At most 20 variables, whichever they are.

    The place is from the 21st on.
    """
    if len(variables) > MOST_VARIABLES:
        span = variables[MOST_VARIABLES].start, variables[-1].end
        must = f"must not be there: at most {MOST_VARIABLES} variables, not {len(variables)}"
        yield finding("variable_count", text, span, must, SPECIFICATION)


def all_variables(text: str, fixed: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """Not all variables; fixed text of punctuation alone is a warning.

    White space is no fixed text.
    """
    rest = fixed.replace("\0", "").strip()
    if not variables or any(character.isalnum() for character in rest):
        return
    must = "must have fixed text, too, not variables alone"
    span = 0, len(text)
    if rest:
        yield finding("all_variables", text, span, must, INFERENCE, "warning")
    else:
        yield finding("all_variables", text, span, must, SPECIFICATION)


def adjacent(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """No consecutive variables; with white space alone between them it is a warning.

    An older page allowed up to four in a row; what is submitted now is read by the newer.
    """
    for left, right in pairwise(variables):
        between, span = text[left.end : right.start], (left.start, right.end)
        if not between:
            must = "must have fixed text between the variables"
            yield finding("adjacent_variables", text, span, must, SPECIFICATION)
        elif between.isspace():
            must = "may be read as consecutive variables"
            yield finding("adjacent_variables", text, span, must, INFERENCE, "warning")


def contact_data(text: str, variables: tuple[Variable, ...]) -> Iterator[Finding]:
    """No contact data through variables, though the mainland's syntax has one for phone numbers.

    The two pages differ, so it is a warning.
    """
    for variable in variables:
        if variable.kind == "PHONE":
            must = "should not be there: no contact data through variables"
            span = variable.start, variable.end
            source = f"{SPECIFICATION}; {MAINLAND}"
            yield finding("contact_variable", text, span, must, source, "warning")
