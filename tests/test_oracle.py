"""The oracle against worlds computed by hand, and against what must hold in every world."""

from __future__ import annotations

import pytest
from hand_worlds import HAND_WORLDS, HandWorld
from oracle import oracle


@pytest.mark.parametrize("world", HAND_WORLDS, ids=lambda world: world.name)
def test_a_world_computed_by_hand(world: HandWorld) -> None:
    result = oracle(world.scenario, seed=7, policies=world.policies)

    for table, rows in world.expected.items():
        assert getattr(result, table) == rows, table
