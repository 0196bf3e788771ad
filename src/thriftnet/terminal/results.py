"""Prints results of training, evaluation and benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from thriftnet.bench.machine import Bench
from thriftnet.commands import command
from thriftnet.evaluation.card_check import CardCheck
from thriftnet.evaluation.results import Evaluation, Metrics
from thriftnet.inference.views import NAMES
from thriftnet.models.summary import Summary
from thriftnet.plain import plain
from thriftnet.runs.contention import is_large, mean_contention
from thriftnet.runs.evaluations import EvaluationKey
from thriftnet.runs.folder import RunFolder
from thriftnet.runs.metrics_log import MetricRecord, last_line
from thriftnet.runtime.machine import machine_name
from thriftnet.table import clock, make_table, millions
from thriftnet.terminal.classes import balanced_text, print_classes, print_confusion
from thriftnet.terminal.tables import print_table
from thriftnet.terminal.text import print_facts, print_whole
from thriftnet.weights.card import Card

_TOP = 5
_LEAST_PFLOP = 0.1
"""Below, a cost is given with two digits that count."""


def print_training_summary(path: Path, evaluation: Evaluation) -> None:
    """Print the summary of a training: accuracy, size, time, and the run folder."""
    lines = RunFolder(path).metrics()
    end = last_line(lines, "end", "seconds", "pflop")  # none, where it was damaged and deleted
    others = mean_contention(line for line in lines if line.get("kind") == "epoch")
    print()
    print_facts(("test accuracy", _accuracy(metrics)) for metrics in evaluation.results)
    for metrics in evaluation.results[:1]:
        _print_majority(metrics)
        if metrics.by_class.imbalanced:
            balanced = f"{balanced_text(metrics.by_class)}, mean recall of classes"
            print_facts([("balanced", balanced)])
    facts = [("parameters", f"{evaluation.parameters:,}")]
    if end:
        spent = end["pflop"]
        cost = f"{spent:.3f}" if spent >= _LEAST_PFLOP else f"{spent:.2g}"
        facts.append(("training", f"{clock(end['seconds'])} for {cost} PFLOP"))
    if is_large(others):
        took = f"took {others:.0%} of the CPU time that this training requested"
        facts.append(("other work", took))
    print_facts([*facts, ("run folder", plain(str(path)))])
    print()
    print_whole(f"next: {command('evaluate', path)}   or   {command('predict', path)} IMAGE...")


def print_evaluation(
    target: Path | str,
    evaluation: Evaluation,
    *,
    shipped: bool = False,
    saved: Mapping[EvaluationKey, MetricRecord] | None = None,
) -> None:
    """Print all metrics of an evaluation, with those of the network's card if it has one.

    Args:
        target: What was evaluated, as given.
        evaluation: The result.
        shipped: Whether it is the name of shipped weights.
        saved: Every evaluation of the run; the others are listed below.
    """
    chosen = evaluation.chosen
    name = f"{target} (shipped weights)" if shipped else plain(str(target))
    print_whole(f"{name}: {evaluation.parameters:,} parameters, {millions(evaluation.macs)} MACs")
    images = f"{chosen.images:,} {evaluation.data} image{'s' * (chosen.images != 1)}"
    under = f", {evaluation.corruption}" if evaluation.corruption else ""
    print_whole(f"{images}{under}, {evaluation.precision}")
    print()
    print_facts((("top-1", _accuracy(metrics)) for metrics in evaluation.results), left=8)
    _print_majority(chosen)
    if chosen.by_class.imbalanced:
        balanced = f"{balanced_text(chosen.by_class)}, mean recall of the classes"
        print_facts([("balanced accuracy", balanced)], left=20)
        print_whole(
            f"(the largest class has {chosen.by_class.imbalance:.1f} times the smallest's images)"
        )
    _print_card_checks(evaluation)
    print(f"\nBelow, {NAMES[chosen.tta]}:")
    top = f"top-5   {chosen.top5:.4f}    " if len(chosen.per_class) > _TOP else ""
    error = f"calibration error {chosen.calibration_error:.4f}"
    print_whole(f"{top}loss {chosen.loss:.4f}    {error}")
    _print_probabilities(evaluation)
    print()
    if chosen.by_class.imbalanced:
        print_classes(chosen.by_class)
        print()
    print_confusion(chosen)
    these = {evaluation.key(metrics) for metrics in evaluation.results}
    others = {key: line for key, line in (saved or {}).items() if key not in these}
    if others:
        print("\nOther evaluations of this run")
        for key, line in others.items():
            print_facts([(f"{line['accuracy']:.4f}", plain(str(key)))], left=8)


def _print_majority(metrics: Metrics) -> None:
    """Say where a network is not shown to do more than to name the largest class."""
    name, share = metrics.by_class.majority
    if metrics.accuracy_interval[0] <= share:
        word = "no" if metrics.accuracy <= share else "not significantly"
        print_whole(f"{word} better than always predicting {plain(name)} ({share:.4f})")


def _print_probabilities(evaluation: Evaluation) -> None:
    """Print the calibration error over equal-count bins, with its noise floor."""
    found = evaluation.calibration
    if found is None:
        return
    low, high = found.interval
    print_whole(
        f"        equal-size bins {found.error:.4f} (95% {low:.4f} to {high:.4f}); "
        f"noise floor {found.noise_floor:.4f}"
    )


def print_description(summary: Summary) -> None:
    """Print the layer table, the totals, and the comparison with ResNet-18."""
    side = summary.image_size
    rows = [
        (each.name, each.kind, "×".join(map(str, each.output_shape)), each.parameters, each.macs)
        for each in summary.layers
    ]
    table = make_table(("layer", "kind", "output", "parameters", "MACs"), rows)
    print_table(table)
    budget = f" (budget {summary.budget:,})" if summary.budget else ""
    print()
    print_whole(
        f"{summary.name}: {summary.parameters:,} trainable parameters{budget}, "
        f"{millions(summary.macs)} MACs per image"
    )
    print_whole(
        f"ResNet-18 for {side}×{side} images: {summary.resnet18_parameters:,} parameters, "
        f"{millions(summary.resnet18_macs)} MACs;"
    )
    print_whole(
        f"this network has {_relative(summary.parameters, summary.resnet18_parameters)} "
        f"parameters and {_relative(summary.macs, summary.resnet18_macs)} MACs"
    )


def print_shipped(card: Card, path: Path) -> None:
    """Print the accuracy of the weights shipped with a recipe, and their card."""
    metrics = card.headline
    print_whole(f"shipped weights: {metrics.accuracy:.2%} of the test images, {NAMES[metrics.tta]}")
    print_whole(f"their card: {path}")


def print_bench(found: Bench) -> None:
    """Print the benchmark of this machine, and the time of each recipe."""
    training, inference = found.training, found.inference
    print_whole(machine_name(found.to_json()))
    print(f"bf16 convolution  {found.bf16_rate / 1e9:>8.0f} GFLOP/s")
    print(f"fp32 convolution  {found.fp32_rate / 1e9:>8.0f} GFLOP/s\n")
    print_whole(
        f"{found.recipe}: {training.parameters:,} parameters, {millions(training.macs)} MACs, "
        f"{training.precision}"
    )
    print_whole(
        f"training   {training.images_per_second:>8.0f} img/s   "
        f"{training.flops_per_second / 1e9:.0f} GFLOP/s, "
        f"{found.share_of_convolution_rate:.0%} of the convolution rate"
    )
    print(f"           {training.augmentation_share:>8.1%} of it augmentation")
    print_whole(
        f"inference  {inference.images_per_second:>8.0f} img/s   "
        f"one image in {inference.latency_seconds * 1e3:.1f} ms"
    )
    print()
    print_whole(f"limited by {found.limit()}")
    print("\nexpected training time")
    rows = [(n, speed.expected_seconds, speed.pflop) for n, speed in found.recipes.items()]
    table = make_table(("recipe", ("time", clock), ("cost", "{:.3g} PFLOP".format)), rows)
    print_table(table, head=False, indent="  ")


def _print_card_checks(evaluation: Evaluation) -> None:
    """Print whether the metrics equal those of the card."""
    card, checks = evaluation.card, evaluation.card_checks
    for check in checks:
        print_whole(f"card: {check.stated:.2%}, {_verdict(check)} ({NAMES[check.tta]})")
    if card and not all(check.reproduced for check in checks):
        made = card.read_machine
        print_whole(f"      (the card was measured on {made.processor} with torch {made.torch})")


def _verdict(check: CardCheck) -> str:
    if check.reproduced:
        return "reproduced"
    count = abs(check.difference)
    images = f"{count:,} image{'s' if count > 1 else ''}"
    return f"not reproduced: {images} {'more' if check.difference > 0 else 'fewer'} here"


def _accuracy(metrics: Metrics) -> str:
    low, high = metrics.accuracy_interval
    return f"{metrics.accuracy:.4f}  (95% {low:.4f} to {high:.4f}), {NAMES[metrics.tta]}"


def _relative(value: int, other: int) -> str:
    share = value / other - 1
    return f"{abs(share):.0%} {'fewer' if share < 0 else 'more'}"
