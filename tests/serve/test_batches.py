"""The sizes of the service's batches, for each of which PyTorch keeps memory."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import thriftnet
from own_pictures import encoded, picture
from thriftnet.serve import workers
from thriftnet.serve.body import PictureBytes
from thriftnet.serve.workers import PictureJob, Workers


class _Watcher:
    def decoded(self, seconds: float) -> None: ...

    def computed(self, count: int, seconds: float) -> None: ...


@pytest.mark.parametrize("count", [5, 37, 63, 100])
def test_all_pictures_are_classified_in_batches_of_few_sizes(count: int) -> None:
    classifier = thriftnet.load_model("quick", tta="none")
    sizes: list[int] = []

    def note(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        sizes.append(len(images))
        return np.full((len(images), 10), 0.1, np.float32)

    vars(classifier)["probabilities"] = note
    done = threading.Event()
    delivered: list[PictureJob] = []

    def deliver(jobs: list[PictureJob]) -> None:
        delivered.extend(jobs)
        done.set()

    content = encoded(picture("cat", 1))
    job = PictureJob([PictureBytes(f"{number}.png", content) for number in range(count)])
    service: Any = Workers(
        classifier, max_pixels=10**6, deliver=deliver, watcher=_Watcher(), threads=2
    )
    service.start()
    service.submit(job)
    assert done.wait(300)
    service.close()
    assert delivered == [job]
    assert job.faults == {}
    assert all(row is not None for row in job.rows)
    assert sum(sizes[1:]) == count  # the first was to start
    assert set(sizes) <= set(workers._SIZES)
