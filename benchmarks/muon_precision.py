"""Which precision should Muon's iteration run in on this processor?

    python benchmarks/muon_precision.py

Times training steps of `quick` on noise, at its own batch size and at the smallest that the rules
give pictures of your own, with Newton-Schulz in bfloat16 and in float32, in turns. Writes
results/muon_precision.json, where other machines keep their figures under `elsewhere`.
"""

from __future__ import annotations

import functools
from typing import Any
from unittest.mock import patch

from support.other_machines import measured_elsewhere
from support.record import write_result
from support.turns import Way, in_turns
from thriftnet.bench.speed import noise_steps, noise_training
from thriftnet.optim import muon
from thriftnet.recipe import load_recipe
from thriftnet.runtime.device import choose_compute, has_fast_bf16

BATCHES = (1000, 64)
ROUNDS = 5
PRECISIONS: dict[str, Way] = {
    name: functools.partial(patch.object, muon, "has_fast_bf16", return_value=name == "bf16")
    for name in ("bf16", "fp32")
}


def measure(batch_size: int) -> dict[str, Any]:
    """Median seconds of a step by the iteration's precision, after one that is not timed."""
    plan, state = noise_training(
        load_recipe(
            "quick",
            [f"train.batch_size={batch_size}", f"train.micro_batch={min(500, batch_size // 2)}"],
        )
    )
    return {
        "batch_size": batch_size,
        **in_turns(noise_steps(plan, state), PRECISIONS, rounds=ROUNDS),
    }


def main() -> None:
    """Measure and write."""
    compute = choose_compute()
    write_result(
        "muon_precision",
        {
            "precision": compute.precision,
            "chosen": "bf16" if has_fast_bf16(compute.device.type) else "fp32",
            "steps": [measure(each) for each in BATCHES],
            "elsewhere": measured_elsewhere("muon_precision"),
        },
    )


if __name__ == "__main__":
    main()
