"""Draws are named by what they are for."""

from itertools import product

import pytest
import torch

from thriftnet.training.rng import derive_seed, generator, seed_network


def test_seed_is_the_same_on_every_machine_and_day():
    # Written down: a change here would make old runs end otherwise when resumed.
    assert derive_seed(0, "order", 0) == 7955589716765508323
    assert derive_seed(3, "augment", 17) == 7739177397919830041


def test_seeds_of_different_draws_differ():
    names = list(product(range(5), ["order", "augment", "network"], range(40)))
    names += [(seed, purpose, 1, 2) for seed, purpose in [(0, "order"), (1, "order")]]
    seeds = {derive_seed(*name) for name in names}
    assert len(seeds) == len(names)
    assert derive_seed(1, "order", 1) != derive_seed(11, "order")
    assert derive_seed(1, "order", 12) != derive_seed(1, "order", 1, 2)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_seed_fits_torch(seed: int):
    for step in range(200):
        assert 0 <= derive_seed(seed, "network", step) < 2**63
    torch.Generator().manual_seed(derive_seed(seed, "network"))


def test_generator_starts_its_stream_anew_and_leaves_the_global_one():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first = torch.rand(4, generator=generator(1, "augment", 5))
    assert torch.equal(torch.rand(4, generator=generator(1, "augment", 5)), first)
    assert not torch.equal(torch.rand(4, generator=generator(1, "augment", 6)), first)
    assert torch.equal(torch.rand(3), expected)


def test_a_network_on_a_cpu_draws_as_after_torchs_own_seed():
    torch.manual_seed(7)
    expected = torch.rand(3)
    seed_network(7, torch.device("cpu"))
    assert torch.equal(torch.rand(3), expected)
