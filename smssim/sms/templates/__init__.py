"""Templates and the values of their variables: what the review and the API would refuse.

Rules are those of Huawei's template and variable specification (DOMAIN.md sections 3, 4 and 11).
"""

from smssim.sms.templates.check import check_template
from smssim.sms.templates.values import check_values, template_segments
from smssim.sms.templates.variables import Finding, Variable, read_variables

__all__ = [
    "Finding",
    "Variable",
    "check_template",
    "check_values",
    "read_variables",
    "template_segments",
]
