"""The pictures that a recipe is chosen for: their facts, opened at several sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from thriftnet.data import OpenDataset
from thriftnet.data.own.outline import Outline, outline_pictures
from thriftnet.recipe.chosen import Facts
from thriftnet.training.automatic.request import AutoRequest
from thriftnet.training.data import data_spec, open_data

_LOOKED_AT = 500
"""Number of pictures checked for colour."""


class Pictures:
    """Opens pictures at requested sizes, with a cache.

    Args:
        request: The user's request.
        say: Called with information, once.

    Raises:
        DataError: They cannot be opened.
        RecipeError: An override is wrong.
    """

    def __init__(self, request: AutoRequest, say: Callable[[str], None]) -> None:
        self._request, self._say = request, say
        self._settings = request.data()
        spec = replace(data_spec(self._settings, request.source), strict=request.strict)
        self.outline: Outline = outline_pictures(request.source.expanduser(), spec)
        self._open: dict[int, OpenDataset] = {}

    def at(self, side: int) -> OpenDataset:
        """The pictures at a size in pixels.

        Raises:
            DataError: They cannot be opened, or the disk is full.
        """
        if side not in self._open:
            say = self._said if self._open else self._say
            settings = self._settings.model_copy(update={"image_size": side})
            self._open[side] = open_data(
                settings, self._request.source, strict=self._request.strict, say=say
            )
        return self._open[side]

    def outlined(self, operations: float) -> Facts:
        """Facts before decoding, for a budget of operations."""
        known = self.outline
        return Facts(known.training, known.side, known.same_side, operations)

    def facts(self, side: int, operations: float) -> Facts:
        """Facts including those that need decoded pictures."""
        images = self.at(side)
        whole, at = images.part("train")
        counts = np.bincount(whole.labels[at], minlength=len(images.classes))
        some = whole.images[at[:: max(1, len(at) // _LOOKED_AT)]]
        return replace(
            self.outlined(operations),
            images=len(at),
            grey=bool((some == some[..., :1]).all()),
            imbalance=float(counts.max() / counts[counts > 0].min()),
        )

    def _said(self, _: str) -> None:
        """Ignore repeated messages."""
