"""Classifies a stream of pictures, decoding in threads while the network runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from thriftnet.errors import ImageError
from thriftnet.inference.pictures import NamedPicture, Picture, name_pictures, to_pixels
from thriftnet.inference.prediction import PictureResult
from thriftnet.runtime.processors import processors

if TYPE_CHECKING:
    from thriftnet.inference.classifier import Classifier

BATCH = 32
"""Pictures per batch. Fixed, because rounding depends on the batch."""
_AHEAD = 2
"""Batches decoded ahead of the network."""

_Decoding = tuple[NamedPicture, Future[NDArray[np.uint8]]]


def classify(classifier: Classifier, pictures: Iterable[Picture]) -> Iterator[PictureResult]:
    """Classify pictures as they arrive; one that cannot be read does not stop the others.

    At most three batches are in memory. Several threads may use the same classifier, each with its
    own iterator.

    Args:
        classifier: The network.
        pictures: Any mix of `Picture` kinds; a folder yields all pictures in it.

    Yields:
        One result per picture, in order.

    Raises:
        DataError: A folder holds no picture or cannot be read.
        RunError: An output is not finite.
    """
    how = classifier.preprocessing
    decode = partial(to_pixels, size=how.image_size, fit=how.fit)
    named = name_pictures(pictures)
    waiting: deque[list[_Decoding]] = deque()
    Image.init()  # not thread-safe on first use
    with ThreadPoolExecutor(processors(), "decode") as pool:
        try:
            while group := list(islice(named, BATCH)):
                waiting.append([(each, pool.submit(decode, each)) for each in group])
                if len(waiting) > _AHEAD:
                    yield from _classify_batch(classifier, waiting.popleft())
            while waiting:
                yield from _classify_batch(classifier, waiting.popleft())
        finally:
            for batch in waiting:
                for _, future in batch:
                    future.cancel()


def _classify_batch(classifier: Classifier, batch: Sequence[_Decoding]) -> Iterator[PictureResult]:
    pixels: dict[int, Any] = {}
    errors: dict[int, str] = {}
    for place, (_, decoding) in enumerate(batch):
        try:
            pixels[place] = decoding.result()
        except ImageError as error:
            errors[place] = str(error)
    found = classifier.predict(np.stack(list(pixels.values()))) if pixels else []
    predictions = dict(zip(pixels, found, strict=True))
    for place, (picture, _) in enumerate(batch):
        yield PictureResult(
            picture.name, predictions.get(place), errors.get(place), path=picture.path
        )
