"""Progress of a training: a live bar, plain lines, JSON lines, trackers, or nothing."""

from thriftnet.training.progress.displays import LiveBar, choose_progress
from thriftnet.training.progress.lines import epoch_text
from thriftnet.training.progress.protocol import (
    FailSafeProgress,
    ForwardingProgress,
    Progress,
    Quiet,
    StepStats,
)

__all__ = [
    "FailSafeProgress",
    "ForwardingProgress",
    "LiveBar",
    "Progress",
    "Quiet",
    "StepStats",
    "choose_progress",
    "epoch_text",
]
