"""Rating: what a recorded month would cost by a tariff and packages, by the model's own rules."""

from smssim.report.rating.rate import rate
from smssim.report.rating.tariff import Tariff, read_tariff

__all__ = ["Tariff", "rate", "read_tariff"]
