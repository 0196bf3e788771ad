"""Prints an export."""

from __future__ import annotations

from thriftnet.export.gate import Check
from thriftnet.export.pipeline import Exported
from thriftnet.inference.views import NAMES
from thriftnet.plain import plain
from thriftnet.terminal.text import show_bytes


def print_export(exported: Exported) -> None:
    """Print the file, its inputs and outputs, and the comparison with the network."""
    contract, check = exported.preprocessing, exported.check
    side, size = contract.image_size, show_bytes(exported.size_bytes)
    count = len(contract.classes)
    print(f"wrote {plain(str(exported.path))} ({size}): {exported.about}")
    print(f"input           pictures as {side}×{side} RGB bytes: {contract.fit}, {contract.filter}")
    print(f"output          probabilities of {count} classes, {NAMES[contract.tta]}")
    print(f"compared        with the network in fp32 on {plain(check.source)}")
    print(f"difference      {_differences(check)}")
    print(f"equal answers   {check.equal_answers:.2%}")
    if check.accuracy is not None:
        print(f"accuracy        {check.accuracy:.2%} there, {check.accuracy_fp32:.2%} in fp32")
    for package, other in exported.others.items():
        if other.check is not None:
            equal = f"{other.check.equal_answers:.2%} equal answers"
            print(f"in {package:<13}{_differences(other.check)}; {equal}")
    if contract.tta != exported.recipe_tta:
        print(f"\nthe recipe predicts {NAMES[exported.recipe_tta]}; --tta exports that")


def _differences(check: Check) -> str:
    gaps = [f"{gap:.1e} at batch {batch}" for batch, gap in check.largest_difference.items()]
    return f"at most {', '.join(gaps)}"
