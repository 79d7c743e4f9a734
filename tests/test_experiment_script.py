"""What a person sees who runs many months from a script, as one writes it first.

Workers import the script anew, so without its guard none starts; that must be told, and soon.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCENARIO = Path(__file__).parents[1] / "data/scenarios/mode2_run_out.yaml"
LINES = [
    f"found = smssim.replicate({str(SCENARIO)!r}, 4, workers=2)",
    "print(len(found.runs), found.failed)",
]


@pytest.mark.parametrize("guarded", [False, True])
def test_a_script_without_its_guard_is_told_so(guarded: bool, tmp_path: Path) -> None:
    script = tmp_path / "months.py"
    start = ['if __name__ == "__main__":', *(f"    {line}" for line in LINES)]
    body = start if guarded else LINES
    script.write_text("\n".join(["import smssim", *body]), encoding="utf-8")
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    if guarded:
        assert (ran.returncode, ran.stdout) == (0, "4 0\n")
        return
    assert (ran.returncode, ran.stdout) == (1, "")
    told = [line for line in ran.stderr.splitlines() if line.startswith("RuntimeError: no worker")]
    assert len(told) == 1
    assert '`if __name__ == "__main__":`' in told[0]
