"""Files of a customer: bytes of any documented form into batches of text columns."""

__all__ = []
