"""The numbers at the head of a run's page."""

from __future__ import annotations

from thriftnet.evaluation.class_metrics import ClassSummary, summarise_classes
from thriftnet.inference.views import NAMES
from thriftnet.report import classes
from thriftnet.report.record import RunRecord
from thriftnet.runs.contention import is_large, mean_contention
from thriftnet.table import clock


def head_facts(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """The most important numbers, as pairs of name and value."""
    facts: list[tuple[str, str]] = []
    if record.test:
        facts.append((f"Test accuracy {NAMES[record.tta]}", f"{record.test['accuracy']:.2%}"))
        interval = record.test.get("accuracy_interval")
        if isinstance(interval, list) and len(interval) == 2:
            facts.append(("95% interval", f"{interval[0]:.2%} to {interval[1]:.2%}"))
        facts += _without_tta(record)
    by_class = _by_class(record)
    if by_class and by_class.imbalanced:
        low, high = by_class.balanced_accuracy_interval
        facts.append(("Balanced accuracy", f"{by_class.balanced_accuracy:.2%}"))
        facts.append(("95% interval, balanced", f"{low:.2%} to {high:.2%}"))
    best = record.end.get("best_val_accuracy")
    if best is not None:
        facts.append(("Best validation", f"{best:.2%}, epoch {record.end.get('best_epoch')}"))
    for key, name in (("parameters", "Parameters"), ("macs", "MACs per image")):
        if key in record.start:
            facts.append((name, f"{record.start[key]:,}"))
    if record.recipe.init.weights:
        facts.append(("Started from", record.recipe.init.weights))
    if record.epochs:
        facts.append(("Training time", clock(record.epochs[-1]["seconds"])))
    elif record.alone and record.end:  # of its card
        facts.append(("Training time", clock(record.end["seconds"])))
    others = mean_contention(record.epochs)
    if is_large(others):
        facts.append(("Taken by other work", f"{others:.0%} of CPU"))
    if "pflop" in record.end:
        facts.append(("Operations", f"{record.end['pflop']:.3g} PFLOP"))
    facts.append(("State", record.state))
    return tuple(facts)


def _without_tta(record: RunRecord) -> list[tuple[str, str]]:
    """The test accuracy without TTA, if it was measured and is not the one at the head."""
    plain = "none"
    tests = [line for key, line in record.evaluations.items() if key.is_test and key.tta == plain]
    if record.tta == plain or not tests:
        return []
    return [(f"Test accuracy {NAMES[plain]}", f"{tests[-1]['accuracy']:.2%}")]


def _by_class(record: RunRecord) -> ClassSummary | None:
    """Metrics per class; None without predictions."""
    if record.logits is None or record.labels is None:
        return None
    return summarise_classes(classes.count_confusion(record.logits, record.labels), record.classes)
