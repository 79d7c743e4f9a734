"""What is conserved in every month, simulated or recorded: messages, segments, money, reports.

The laws are sums that must come out whatever happened; which of them a record can be held to hangs
on what it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smssim.record.record import Record
from smssim.testing.laws import (
    agree_with_rows,
    bill,
    covered,
    expired,
    fates,
    packages,
    purchases,
    refusals,
    reports,
    requests,
    tallies_agree,
    tasks,
)
from smssim.testing.record_tables import Broken, Known

LAWS: tuple[Callable[[Known], Iterator[Broken]], ...] = (
    requests,
    fates,
    refusals,
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
    """Raise an AssertionError unless every law of conservation holds in a record, all that do not.

    Exact: there is no risk of a false alarm. It takes simulated and recorded months alike, with
    their rows or by their tallies alone; what a record does not know (NA, or a table that is None)
    breaks no law.

    - requested = refused at 1, 2 and 3 + sent; sent = delivered + failed + expired + in flight
    - what is refused takes no segments and costs nothing
    - a package's segments = used + expired + left; covered segments = used, by country
    - the ledger's purchases and expiries are those of the packages; settled + unsettled = cost
    - one status report a segment of what has a final status and is pushed; of a log, one at most
    - a group task's numbers are imported, duplicates or invalid, and its messages refused or sent
    - the tallies agree with each other, and with the rows if these are kept

    The error names each broken law, both its sides with their numbers, and the first group or row.
    """
    known = Known(record)
    broken = [found for law in LAWS for found in law(known)]
    if broken:
        many = "a law is" if len(broken) == 1 else f"{len(broken)} laws are"
        raise AssertionError("\n- ".join([f"{record.name!r}: {many} broken", *map(str, broken)]))
