"""`python -m smssim.cli`."""

from __future__ import annotations

import sys

from smssim.cli import main

__all__ = []

if __name__ == "__main__":
    sys.exit(main())
