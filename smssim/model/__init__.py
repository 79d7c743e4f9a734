"""The rules of the service, each written once as scalar code, and the SimPy events that drive them."""
