"""The rules of the service, each once as scalar code, and the SimPy events that drive them."""

__all__ = []
