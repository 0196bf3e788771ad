"""Phases of long work are shown by whoever shows them, and by nobody else."""

from __future__ import annotations

from phases_shown import Shown
from thriftnet.phases import are_shown, phase, show_phases


def test_nobody_needs_to_show_a_phase() -> None:
    with phase("decoding pictures") as count:
        count(1, 2)
    assert not are_shown()


def test_the_display_of_a_block_gets_its_phases_and_counts() -> None:
    shown = Shown()
    with show_phases(shown), phase("decoding pictures") as count:
        assert are_shown()
        count(1, 2)
        with phase("comparing"):
            pass
        count(2, 2)
    with phase("afterwards"):
        pass
    assert shown.told == ["decoding pictures", "1/2", "comparing", "2/2"]
