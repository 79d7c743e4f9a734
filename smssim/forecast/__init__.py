"""From a log to a graded forecast: a scenario is fitted, run on from the cut, held to what came."""

__all__: list[str] = []
