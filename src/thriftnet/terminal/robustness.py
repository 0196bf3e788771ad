"""Prints robustness."""

from __future__ import annotations

from thriftnet.evaluation.corruption_table import corruption_table
from thriftnet.evaluation.corruptions.table import OWN
from thriftnet.evaluation.evaluate_robust import RobustEvaluation
from thriftnet.plain import plain
from thriftnet.terminal.tables import print_table


def print_robustness(target: str, evaluation: RobustEvaluation) -> None:
    """Print the table, the means, and differences from published files."""
    found = evaluation.robustness
    low, high = found.interval
    source = "generated" if found.differences is None else "published"
    print(f"{plain(target)}: {found.images:,} {evaluation.data} images, {source} corruptions")
    print(f"views {evaluation.tta}, {evaluation.precision}\n")
    print_table(corruption_table(found.cells))
    print("\nmean corruption accuracy   ", end="")
    print(f"{found.mean:.2%}  (95% {low:.2%} to {high:.2%})")
    if found.differences is None:
        print(
            f"without those marked *     {found.mean_without(*OWN):.2%}  (our own implementations)"
        )
    if evaluation.resembled:
        kinds = ", ".join(evaluation.resembled)
        print(f"unlike training images     {found.mean_without(*evaluation.resembled):.2%}", end="")
        print(f"  (without {kinds})")
    print(f"clean images               {found.clean:.2%}")
    print(f"JPEG copies of quality 75  {found.jpeg:.2%}")
    print(f"shifted by one pixel       {found.flip_rate:.2%} of the predictions change")
    if found.largest_difference:
        name, accuracy = found.largest_difference
        print(f"\nGenerated sets differ most under {name}: published − generated {accuracy:+.2%}")
