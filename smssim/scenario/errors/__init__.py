"""ScenarioError, Problem."""

__all__ = []
