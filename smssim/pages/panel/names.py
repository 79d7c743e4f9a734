"""A what-if while one looks: what can be turned, what becomes of it, and how it is told."""

from smssim.pages.panel.controls import Control, controls_of
from smssim.pages.panel.study import Study

__all__ = ["Control", "Study", "controls_of"]
