"""What became of each group task: its import, what was refused and sent, what was delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smssim.record.record import Record
from smssim.record.schema import TASKS
from smssim.report.needs import needs

if TYPE_CHECKING:
    import pandas as pd


@needs("tasks")
def tasks(record: Record) -> pd.DataFrame:
    """One row a group task, in the order of the scenario, as the console's task record has it.

    Columns of the table of tasks, then `not_handed_over` (imported numbers that became no message
    within the record: of a cancelled task all), `took_s` (seconds from its start until its last
    number was handed over, NaN if that was not) and `delivered_share` (of the messages with a known
    outcome, NaN without one). imported = refused + sent + not_handed_over, and sent = delivered +
    failed + in_flight. A log knows no tasks and has no rows. Names of states are ours (DOMAIN.md
    section 8: NOT FOUND).
    """
    import pandas as pd

    table = record.tasks
    if table is None:
        table = pd.DataFrame({column.name: pd.Series(dtype=column.dtype) for column in TASKS})
    final = table["delivered"] + table["failed"]
    return table.assign(
        not_handed_over=table["imported"] - table["refused"] - table["sent"],
        took_s=(table["finished_at"] - table["at"]).dt.total_seconds(),
        delivered_share=table["delivered"] / final.where(final > 0),
    )
