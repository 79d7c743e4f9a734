"""`python -m smssim.cli`."""

from __future__ import annotations

import sys

from smssim.cli import main

if __name__ == "__main__":
    sys.exit(main())
