"""What a training reports: as a live bar, plain lines or JSON lines, to trackers, or not at all."""

from thriftnet.training.progress.displays import LiveBar, choose_progress
from thriftnet.training.progress.lines import epoch_text
from thriftnet.training.progress.protocol import (
    ForwardingProgress,
    Lasting,
    Progress,
    Quiet,
    StepStats,
)

__all__ = [
    "ForwardingProgress",
    "Lasting",
    "LiveBar",
    "Progress",
    "Quiet",
    "StepStats",
    "choose_progress",
    "epoch_text",
]
