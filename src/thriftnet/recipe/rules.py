"""The rules that choose a recipe for a user's own pictures, with all thresholds.

Pure functions from facts of the data, the budget and the cost of networks to networks and lengths.
`reasons.py` explains the choices. Changes that validation decides on are `Arm`s, which
`training/automatic/` tries.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from thriftnet.errors import RecipeError
from thriftnet.recipe.chosen import CostOf, Facts, Network, passes_of

SIDES = (32, 48, 64, 96, 128)
"""Image sizes to choose from."""
TRIAL_SHARE = 0.2
"""Share of the budget for trials on held-out training images."""
FEW = 10_000
"""Training images below which starting from shipped weights is tried."""
LEAST_HELD_OUT = 20
"""Minimum number of training images and of held-out predictions in a trial."""
IMBALANCED = 2.0
"""Imbalance (largest class divided by smallest) from which balanced accuracy is used."""
NOISE = 1.64
"""Standard errors that a gain must exceed; the false positive rate is 5%."""
_USUAL = 2_000, 5_000
"""Range of training images for which 24 passes are the minimum; fewer images need more."""
_ENLARGED = 1.2
"""Largest factor by which pictures may be enlarged."""
_FINE_TUNED = 2 / 3
"""Passes that pretrained weights need, relative to random weights."""
_FEWEST_PASSES, _ENOUGH_PASSES, _MOST_PASSES = 6.0, 30.0, 40.0
"""Passes of a trial over its images."""
_TRIED = 2_000
"""Training images of a trial above which more passes are preferred to more images."""
_HELD_OUT = 12_000
"""Maximum of images held out in a trial; otherwise a fifth."""

# In ascending order of cost: convolutions and channels of each group, and the required multiple of
# `least_passes`. The third of three groups is `quick`'s network, the last `strong`'s. Larger images
# have a fourth group.
_LADDERS: Mapping[int, Sequence[tuple[Sequence[int], Sequence[int], float]]] = {
    3: (
        ((1, 1, 1), (32, 64, 128), 0),
        ((2, 2, 2), (32, 128, 128), 0.75),
        ((2, 2, 2), (64, 256, 256), 1),
        ((3, 3, 3), (128, 256, 352), 2),
    ),
    4: (
        ((1, 2, 2, 2), (32, 64, 128, 128), 0),
        ((1, 2, 2, 2), (64, 128, 256, 256), 1),
        ((2, 2, 2, 2), (96, 192, 320, 352), 2),
    ),
}
_FOUR_GROUPS = 64
"""Image size from which there are four groups."""


def least_passes(images: int) -> float:
    """Minimum passes over the images for choosing a larger network or image size."""
    if images > _USUAL[1]:
        return max(6.0, 24 * math.sqrt(_USUAL[1] / images))
    return min(48.0, 24 * math.sqrt(max(1.0, _USUAL[0] / images)))


def own_sides(facts: Facts) -> list[int]:
    """Image sizes that the pictures' resolution allows, ascending."""
    if facts.same_side and 24 <= facts.side < SIDES[0]:
        return [int(facts.side)]  # enlarging adds cost, not information
    return [side for side in SIDES if side <= _ENLARGED * facts.side] or [SIDES[0]]


def choose_network(
    facts: Facts, cost_of: CostOf, *, max_parameters: int, side: int | None = None
) -> Network:
    """Choose a network to train from random weights, and its image size.

    The largest size at which the standard network gets enough passes, and the widest network there.

    Args:
        facts: Facts of the data and the budget.
        cost_of: Cost of a network.
        max_parameters: Parameter budget.
        side: Image size that the user set.

    Raises:
        RecipeError: No network is within the parameter budget.
    """
    sides = [side] if side else own_sides(facts)
    for each in reversed(sides):
        network, usual = _widest(facts, cost_of, max_parameters, each)
        if usual:
            return network
    return _widest(facts, cost_of, max_parameters, sides[0])[0]


def choose_start(
    facts: Facts,
    trained: Iterable[tuple[str, Mapping[str, Any]]],
    cost_of: CostOf,
    *,
    max_parameters: int,
    side: int | None = None,
    trial: float | None = None,
) -> Network | None:
    """Choose pretrained weights, and the largest image size with two thirds of the usual passes.

    Args:
        facts: Facts of the data and the budget.
        trained: Names and models, the most accurate first.
        cost_of: Cost of a network.
        max_parameters: Parameter budget.
        side: Image size that the user set.
        trial: Operations of the deciding trial; weights with too few passes in it are skipped.
            None: take the first within the parameter budget.

    Returns:
        The first suitable one; None if there is none.
    """
    sides = [side] if side else [max(each, SIDES[0]) for each in own_sides(facts)]
    for name, model in trained:
        networks = [Network(model, each, cost_of(model, each), name) for each in sides]
        tried = replace(facts, operations=trial or math.inf)
        least = cost_of(model, SIDES[0])
        if least.parameters > max_parameters or tried.passes(least.macs) < _FEWEST_PASSES:
            continue
        enough = _FINE_TUNED * least_passes(facts.images)
        able = [each for each in networks if facts.passes(each.cost.macs) >= enough]
        if able or trial is None:
            return [networks[0], *able][-1]
    return None


def most_passes(facts: Facts, network: Network) -> float:
    """Passes of the final training beyond which more are not useful."""
    return 4 * least_passes(facts.images) * (1.0 if network.weights is None else _FINE_TUNED)


@dataclass(frozen=True)
class Arm:
    """A change that validation decides on."""

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Dotted keys of the recipe."""
    needless_after: tuple[str, ...] = ()
    """Arms that make this one unnecessary if they were accepted."""
    symmetry: bool = False
    """Whether any gain is accepted: a symmetry that the pictures have costs nothing, and helps a
    long training more than a short trial can show."""


MIRRORED = Arm(
    "mirror images", {"augment.flip": "random", "evaluate.tta": "flip_shift"}, symmetry=True
)
TURNED = Arm(
    "quarter turns and mirror images",
    {"augment.flip": "random", "augment.quarter_turns": True, "evaluate.tta": "flip_turn"},
    symmetry=True,
)
POLICY = Arm("TrivialAugment", {"augment.policy": "trivialaugment"})
ROTATED = Arm("rotation by up to 15°", {"augment.rotation": 15.0}, (TURNED.name, POLICY.name))
LIGHT = Arm(
    "brightness and contrast jitter",
    {"augment.brightness": 0.2, "augment.contrast": 0.2},
    (POLICY.name,),
)
COLOUR = Arm(
    "colour jitter",
    {**LIGHT.changes, "augment.saturation": 0.2},
    (POLICY.name,),
)
WEIGHTED = Arm("class-weighted loss", {"data.balance": "loss"})


def choose_arms(facts: Facts, fixed: Iterable[str]) -> list[Arm]:
    """The arms to try, in order, each on top of those accepted before.

    Args:
        facts: Facts of the data.
        fixed: Dotted keys that the user set.
    """
    tried = [MIRRORED, TURNED]
    tried += [POLICY] * (facts.images < FEW)
    tried += [ROTATED, LIGHT if facts.grey else COLOUR]
    tried += [WEIGHTED] * (facts.imbalance >= IMBALANCED)
    kept = set(fixed)
    return [arm for arm in tried if not kept & (arm.changes.keys() - {"evaluate.tta"})]


@dataclass(frozen=True)
class TrialShape:
    """The images and the cost of a trial, the same for all arms."""

    val_ratio: float
    """Share of the training images held out; 0 if the data have a validation split."""
    fraction: float
    """Share of the others used for training."""
    images: int
    """Number of training images."""
    repeats: int
    """Number of splits with different seeds, whose predictions are pooled."""
    operations: float
    """Operations of each arm over all repeats."""


def shape_trial(
    facts: Facts, network: Network, cost_of: CostOf, *, operations: float, named_val: bool
) -> TrialShape:
    """Choose the images of trials of a network, or cheaper ones, with a budget per trial.

    If a few passes over all images are too expensive, uses fewer images; if many passes are cheap,
    uses several splits, as a single one holds out few images.
    """
    ratio = 0.0 if named_val else min(0.2, _HELD_OUT / facts.images)
    images = max(1, round(facts.images * (1 - ratio)))
    cheapest = cost_of(network.model, _trial_sides(network)[0])
    passes = passes_of(operations, macs=cheapest.macs, images=images)
    # As many passes as the final training: with fewer, augmentation costs more than it gives.
    alike = max(_FEWEST_PASSES, min(_ENOUGH_PASSES, facts.passes(network.cost.macs)))
    least = min(passes / _FEWEST_PASSES, _TRIED / images)
    fraction = min(1.0, max(passes / alike, least))
    many = named_val or facts.images >= FEW
    repeats = 1 if many else max(1, min(5, int(passes / _ENOUGH_PASSES)))
    return TrialShape(ratio, fraction, max(1, round(images * fraction)), repeats, operations)


def fit_trial(network: Network, shape: TrialShape, cost_of: CostOf) -> tuple[Network, float]:
    """The network and the passes of its trial: rather small images than few passes."""
    found: list[tuple[Network, float]] = []
    for side in _trial_sides(network):
        cost = cost_of(network.model, side)
        passes = passes_of(shape.operations, macs=cost.macs, images=shape.images) / shape.repeats
        if not found or passes >= _ENOUGH_PASSES:
            smaller = Network(network.model, side, cost, network.weights)
            found.append((smaller, min(passes, _MOST_PASSES)))
    return found[-1]


def _trial_sides(network: Network) -> list[int]:
    """Ascending: the network's own size and smaller ones."""
    return sorted({network.side, *(side for side in SIDES if side < network.side)})


def _widest(facts: Facts, cost_of: CostOf, most: int, side: int) -> tuple[Network, bool]:
    """The widest network with enough passes, and whether it is the standard one or wider."""
    stem = {"family": "speednet", "activation": "gelu", "residual": True, "stem_kernel": 3}
    wanted = least_passes(facts.images)
    chosen: tuple[Network, bool] | None = None
    for blocks, channels, share in _LADDERS[4 if side >= _FOUR_GROUPS else 3]:
        model = {**stem, "blocks": list(blocks), "channels": list(channels)}
        if facts.grey:
            model["stem_channels"] = 18  # nine directions of a grey 3x3 patch, with both signs
        network, least = _within(model, side, cost_of, most)
        if chosen and network and network.cost.parameters < chosen[0].cost.parameters:
            network = chosen[0]  # narrowed to few parameters, a deeper one may be the smaller
        if chosen and (network is None or facts.passes(network.cost.macs) < share * wanted):
            break
        if network is None:
            raise RecipeError(
                f"no network for these pictures has only {most:,} parameters, the narrowest has "
                f"{least:,}; raise --max-params"
            )
        chosen = network, share >= 1
    assert chosen
    return chosen


def _within(
    model: Mapping[str, Any], side: int, cost_of: CostOf, most: int
) -> tuple[Network | None, int]:
    """The network with as many channels as the parameters allow, or None; and its parameters."""
    parameters = 0
    for eighths in range(8, 0, -1):
        channels = [max(8, width * eighths // 64 * 8) for width in model["channels"]]
        narrower = {**model, "channels": channels}
        cost = cost_of(narrower, side)
        if cost.parameters <= most:
            return Network(narrower, side, cost), cost.parameters
        parameters = cost.parameters
    return None, parameters
