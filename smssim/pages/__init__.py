"""Pages: a record as one HTML file to hand on, and its tables as a workbook."""

from smssim.pages.page import Page

__all__ = ["Page"]
