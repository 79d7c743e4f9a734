"""What notebook 11 must show: identity, one message's events, and what a priority queue changes."""

from __future__ import annotations

from typing import Any


def check(notebook: Any) -> None:
    """A message waits for three things; passwords wait half a second, offers for the rest."""
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in codes for output in cell.outputs]
    tables = [o["data"]["text/plain"] for o in outputs if "text/html" in o.get("data", {})]
    printed = "".join(output.get("text", "") for output in outputs)
    life, waits = tables

    assert "identical: 2,043 messages, 8 tables" in printed
    assert [row.split()[2] for row in life.splitlines()[1:]] == ["Moment", "Request", "Timeout"]
    longest = {tuple(row.split()[-3:-1]) for row in waits.splitlines()[2:]}
    assert {("otp", "245.5"), ("otp", "0.5")} <= longest
    assert "True True True" in printed, "waits in sum, ledger and events"
    assert "__main__.MyModel" in printed, "the provenance names the model"
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 1
