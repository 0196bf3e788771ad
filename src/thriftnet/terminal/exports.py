"""Prints an export."""

from __future__ import annotations

from thriftnet.export.gate import Check
from thriftnet.export.pipeline import Exported
from thriftnet.inference.views import NAMES
from thriftnet.plain import plain
from thriftnet.terminal.text import print_facts, print_whole, show_bytes


def print_export(exported: Exported) -> None:
    """Print the file, its inputs and outputs, and the comparison with the network."""
    contract, check = exported.preprocessing, exported.check
    side, size = contract.image_size, show_bytes(exported.size_bytes)
    count = len(contract.classes)
    print_whole(f"wrote {plain(str(exported.path))} ({size}): {exported.about}")
    facts = [
        ("input", f"pictures as {side}×{side} RGB bytes: {contract.fit}, {contract.filter}"),
        ("output", f"probabilities of {count} classes, {NAMES[contract.tta]}"),
        ("compared", f"with the network in fp32 on {plain(check.source)}"),
        ("difference", _differences(check)),
        ("equal answers", f"{check.equal_answers:.2%}"),
    ]
    if check.accuracy is not None and check.accuracy_fp32 is not None:
        both = f"{check.accuracy:.2%}, of the network in fp32 {check.accuracy_fp32:.2%}"
        facts.append(("accuracy there", both))  # most are training images: no test accuracy
    if (known := exported.measured) is not None:
        facts.append(("test accuracy", f"{known}, in {known.precision} on {plain(known.images)}"))
    for package, other in exported.others.items():
        if other.check is not None:
            equal = f"{other.check.equal_answers:.2%} equal answers"
            facts.append((f"in {package}", f"{_differences(other.check)}; {equal}"))
    print_facts(facts)
    if contract.tta != exported.recipe_tta:
        print()
        print_whole(f"the recipe predicts {NAMES[exported.recipe_tta]}; --tta exports that")


def _differences(check: Check) -> str:
    gaps = [f"{gap:.1e} at batch {batch}" for batch, gap in check.largest_difference.items()]
    return f"at most {', '.join(gaps)}"
