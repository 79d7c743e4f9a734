"""Rating: what a recorded month would cost by a tariff and packages, by the model's own rules."""

from smssim.rating.rated import rate
from smssim.rating.tariff import Tariff, read_tariff

__all__ = ["Tariff", "rate", "read_tariff"]
