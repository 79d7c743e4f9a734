"""What a picture shows: its bars, its words, and moments as it counts them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle


def title(ax: Axes) -> str:
    return " ".join(ax.get_title(loc="left").split())


def names(ax: Axes) -> list[str]:
    """What stands at the y axis."""
    return [label.get_text() for label in ax.get_yticklabels()]


def boxes(ax: Axes) -> np.ndarray[Any, Any]:
    """Left, bottom, width and height of every bar, in the order of drawing."""
    found = [bar for bar in ax.patches if isinstance(bar, Rectangle)]
    return np.array([[b.get_x(), b.get_y(), b.get_width(), b.get_height()] for b in found])


def days(times: Any) -> np.ndarray[Any, Any]:
    """Moments as matplotlib counts them: days since 1970, UTC."""
    epoch = pd.Timestamp(0, unit="s", tz="UTC")
    return ((pd.Series(list(times)) - epoch) / pd.Timedelta(days=1)).to_numpy(float)


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]
