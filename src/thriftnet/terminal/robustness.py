"""Prints robustness."""

from __future__ import annotations

from thriftnet.evaluation.corruption_table import corruption_table
from thriftnet.evaluation.corruptions.table import OWN
from thriftnet.evaluation.evaluate_robust import RobustEvaluation
from thriftnet.plain import plain
from thriftnet.terminal.tables import print_table
from thriftnet.terminal.text import print_facts, print_whole


def print_robustness(target: str, evaluation: RobustEvaluation) -> None:
    """Print the table, the means, and differences from published files."""
    found = evaluation.robustness
    low, high = found.interval
    source = "generated" if found.differences is None else "published"
    print_whole(f"{plain(target)}: {found.images:,} {evaluation.data} images, {source} corruptions")
    print_whole(f"views {evaluation.tta}, {evaluation.precision}")
    print()
    print_table(corruption_table(found.cells))
    print()
    facts = [("mean corruption accuracy", f"{found.mean:.2%}  (95% {low:.2%} to {high:.2%})")]
    if found.differences is None:
        own = f"{found.mean_without(*OWN):.2%}  (our own implementations)"
        facts.append(("without those marked *", own))
    if evaluation.resembled:
        unlike = found.mean_without(*evaluation.resembled)
        without = f"{unlike:.2%}  (without {', '.join(evaluation.resembled)})"
        facts.append(("unlike training images", without))
    facts += [
        ("clean images", f"{found.clean:.2%}"),
        ("JPEG copies of quality 75", f"{found.jpeg:.2%}"),
        ("shifted by one pixel", f"{found.flip_rate:.2%} of the predictions change"),
    ]
    print_facts(facts, left=27)
    if found.largest_difference:
        name, accuracy = found.largest_difference
        differ = f"Generated sets differ most under {name}"
        print()
        print_whole(f"{differ}: published − generated {accuracy:+.2%}")
