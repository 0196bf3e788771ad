"""What the pages say of the pictures that a network saw."""

from __future__ import annotations

import pytest

from thriftnet.recipe import build_recipe
from thriftnet.report.seen import augmentation_words


@pytest.mark.parametrize(
    ("augment", "words"),
    [
        ({"flip": "none", "crop_padding": 0}, "none"),
        ({"flip": "none", "quarter_turns": True, "crop_padding": 0}, "quarter_turns"),
        ({"flip": "none", "crop_padding": 0, "jpeg": 0.5}, "jpeg 0.5, jpeg_quality 40"),
        ({"crop_padding": 2}, "flip random, crop_padding 2, crop_mode zero"),
        (
            {"flip": "none", "crop_padding": 0, "augmix": 0.3, "augmix_severity": 1},
            "augmix 0.3, augmix_severity 1",
        ),
    ],
)
def test_only_what_is_used_is_named(augment: dict[str, object], words: str) -> None:
    assert augmentation_words(build_recipe({"name": "x", "augment": augment}).augment) == words
