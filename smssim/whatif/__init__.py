"""A what-if while one looks: what can be turned, what becomes of it, and how it is told."""

from smssim.whatif.controls import Control, controls_of
from smssim.whatif.study import Study

__all__ = ["Control", "Study", "controls_of"]
