"""Text of the epoch lines and of the live line."""

from __future__ import annotations

from rich.text import Text

from thriftnet.runs.contention import contention_text
from thriftnet.runs.metrics_log import MetricRecord
from thriftnet.table import clock
from thriftnet.training.progress.protocol import StepStats


def epoch_text(line: MetricRecord, *, width: int = 100) -> str:
    """One line for a finished epoch; in a narrow window the last parts are omitted."""
    parts = [
        f"epoch {line['epoch']}/{line['epochs']}",
        f"  loss {line['train_loss']:.4f}",
        f"  train acc {line['train_accuracy']:.1%}",
        f"  {clock(line['seconds'])}",
        *_spaced(contention_text(line.get("cpu_contention")), "  "),
        f"  {line['images_per_second']:.0f} img/s",
        f"  lr {line['learning_rate']:.2g}",
    ]
    if line.get("val_accuracy") is not None:
        parts.insert(3, f"  val acc {line['val_accuracy']:.1%}")
    return "".join(_that_fit(parts, width))


def live_text(stats: StepStats, width: int) -> Text:
    """The live line; in a narrow window the last parts are omitted."""
    bar = 16
    filled = round(bar * stats.share)
    parts = [
        f"epoch {stats.epoch}/{stats.epochs} ",
        "━" * filled + "╌" * (bar - filled),
        f" loss {stats.loss:.3f}",
        f" acc {stats.accuracy:.3f}",
        f" {clock(stats.seconds_left)} left",
        *_spaced(contention_text(stats.cpu_contention), " "),
        f" {stats.images_per_second:.0f} img/s",
        f" lr {stats.learning_rate:.2g}",
    ]
    text = Text(no_wrap=True)
    for part in _that_fit(parts, width):
        text.append(part, style="green" if part[0] in "━╌" else "")
    return text


def _spaced(text: str, space: str) -> list[str]:
    return [space + text] if text else []


def _that_fit(parts: list[str], width: int) -> list[str]:
    kept, used = parts[:1], len(parts[0])
    for part in parts[1:]:
        used += len(part)
        if used >= width:
            break
        kept.append(part)
    return kept
