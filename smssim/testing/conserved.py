"""Conservation in every month, simulated or recorded: of messages, segments, money and reports.

The laws are sums that must agree in any month; which of them apply to a record depends on what it
knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smssim.record.record import Record
from smssim.testing.laws import (
    agree_with_rows,
    bill,
    covered,
    expired,
    outcomes,
    packages,
    purchases,
    refused_messages,
    reports,
    requests,
    tallies_agree,
    tasks,
)
from smssim.testing.record_tables import RecordTables, RuleViolation

__all__ = ["LAWS", "assert_conserved"]

LAWS: tuple[Callable[[RecordTables], Iterator[RuleViolation]], ...] = (
    requests,
    outcomes,
    refused_messages,
    packages,
    covered,
    expired,
    purchases,
    bill,
    reports,
    tasks,
    tallies_agree,
    agree_with_rows,
)


def assert_conserved(record: Record) -> None:
    """Raise an AssertionError, with all violations, unless every law of conservation holds.

    Exact: there is no risk of a false alarm. It takes simulated and recorded months alike, with
    their rows or by their tallies alone; what a record does not know (NA, or a table that is None)
    breaks no law.

    - requested = refused at 1, 2 and 3 + sent; sent = delivered + failed + expired + pending
    - what is refused takes no segments and costs nothing
    - a package's segments = used + expired + left; covered segments = used, by country
    - the ledger's purchases and expiries are those of the packages; settled + unsettled = cost
    - one delivery report per segment that has a final status and is pushed; of a log, at most one
    - a group task's numbers are imported, duplicates or invalid, and its messages refused or sent
    - the tallies agree with each other, and with the rows if these are kept

    The error names each broken law, both its sides with their numbers, and the first group or row.
    """
    tables = RecordTables(record)
    violations = [violation for law in LAWS for violation in law(tables)]
    if violations:
        many = "a law is" if len(violations) == 1 else f"{len(violations)} laws are"
        raise AssertionError(
            "\n- ".join([f"{record.name!r}: {many} broken", *map(str, violations)])
        )
