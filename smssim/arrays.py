"""The types of NumPy arrays that the whole house names: integers, floats, masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Floats", "Ints", "Mask"]

Ints = NDArray[np.int64]
"""Instants in microseconds, codes, counts, amounts in micro-units."""
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
"""One truth per row."""
