"""The parts of make_exports.py: a month, its dirt, its forms, and what is true of them."""
