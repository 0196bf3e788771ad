"""A card for the tests."""

from __future__ import annotations

from typing import Any

from thriftnet.recipe import load_recipe
from thriftnet.weights.card import Card

MACHINE = {"processor": "any", "threads": 2, "device": "cpu", "torch": "2.13.0"}


def make_card(**changes: Any) -> Card:
    """A card of `smoke`, read with mirror images and without, in both precisions."""
    figures = [
        {
            "tta": tta,
            "precision": precision,
            "accuracy": accuracy,
            "accuracy_interval": [accuracy - 0.01, accuracy + 0.01],
            "top5": 0.97,
            "loss": 1.0,
            "calibration_error": 0.1234,
        }
        for tta, precision, accuracy in (
            ("flip", "bf16", 0.75),
            ("none", "bf16", 0.5),
            ("flip", "fp32", 0.625),
            ("none", "fp32", 0.375),
        )
    ]
    facts = {
        "name": "smoke",
        "description": "about a minute",
        "digest": load_recipe("smoke").digest(),
        "seed": 0,
        "thriftnet": "0.1.0",
        "commit": "a" * 40,
        "read_commit": "b" * 40,
        "read_date": "2026-11-23",
        "machine": MACHINE,
        "read_machine": MACHINE,
        "precision": "bf16",
        "train_images": 45_000,
        "test_images": 10_000,
        "images_seen": 90_000,
        "image_size": 32,
        "parameters": 78_042,
        "macs": 12_501_632,
        "pflop": 0.007,
        "training_seconds": 41.0,
        "tta": "flip",
        "figures": figures,
        "per_class": {"cat": 0.25, "dog": 0.875},
        "whole_accuracy": {"flip": 0.76, "none": 0.51},
    }
    return Card.model_validate({**facts, **changes})
