"""ScenarioError, Problem."""
