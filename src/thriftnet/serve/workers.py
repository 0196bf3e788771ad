"""Threads that decode pictures and run the network in dynamic batches.

There is no timer: a free thread takes all waiting pictures, or its share if other threads are free,
too. A single picture does not wait, and batches grow under load. Each thread computes with one
torch thread, since threads that share every operation wait for each other. Only the first thread,
if it works alone, uses all of them: OpenMP keeps a team for each thread that ever did, and teams
with more threads than cores sleep between operations instead of spinning, at 30 to 50 us each. That
would double the time of a lone picture, so no other thread of the process may have a team: whoever
loads the network, computes a class activation or warms up does so with one thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from thriftnet.data.decode import decode_image
from thriftnet.errors import ImageError
from thriftnet.inference.classifier import Classifier
from thriftnet.runtime.silence import silent_pillow
from thriftnet.runtime.threads import own_threads
from thriftnet.serve.body import PictureBytes

BATCH = 64
"""Largest batch."""
_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, BATCH)
"""Of batches: PyTorch keeps memory for each size that it has computed, and for every one up to 64
that would be more than all else."""
_DECODED_AT_ONCE = 8
"""Limit of pictures that a thread decodes at once, ..."""
_BYTES_AT_ONCE = 2**16
"""... and bytes of them."""
_MOST_READY = 4 * BATCH
"""Limit of decoded pictures that wait for the network."""


class PictureJob:
    """The pictures of a request and their results."""

    def __init__(self, pictures: Sequence[PictureBytes], *, keep_pixels: bool = False) -> None:
        self.pictures = pictures
        self.keep_pixels = keep_pixels
        self.rows: list[NDArray[np.float32] | None] = [None] * len(pictures)
        """(classes,) probabilities of each picture."""
        self.outliers: list[bool | None] = [None] * len(pictures)
        """Whether each picture is an outlier; None: not tested."""
        self.pixels: list[NDArray[np.uint8] | None] = [None] * len(pictures)
        """(size, size, 3) of each picture, until it is classified or if they are to be kept."""
        self.faults: dict[int, str] = {}
        """Why a picture cannot be classified, by its place."""
        self.failure: BaseException | None = None
        """What went wrong here, and not in the pictures."""
        self.left = len(pictures)
        """Pictures without a row or a fault."""
        self.decoding: int | None = None
        """The place of the picture that is being decoded."""
        self.abandoned = False
        """Whether nobody waits for it any more."""


class Watcher(Protocol):
    """Receives durations from the threads."""

    def decoded(self, seconds: float) -> None:
        """Pictures were decoded."""

    def computed(self, count: int, seconds: float) -> None:
        """A batch was classified."""


class Workers:
    """Worker threads and their queue.

    Args:
        classifier: Shared by all threads.
        max_pixels: Limit of pixels of one picture.
        deliver: Called by a thread with finished jobs.
        watcher: Receives durations.
        threads: None: as many as torch has.
    """

    def __init__(
        self,
        classifier: Classifier,
        *,
        max_pixels: int,
        deliver: Callable[[list[PictureJob]], None],
        watcher: Watcher,
        threads: int | None = None,
    ) -> None:
        self.classifier = classifier
        self.max_pixels = max_pixels
        self._how = classifier.preprocessing
        self.deliver = deliver
        self.watcher = watcher
        self.torch_threads = torch.get_num_threads()
        self._engines = (threads or self.torch_threads) if classifier.compute.prefers_small else 1
        """How many batches may be in the network at a time."""
        self._count = max(2, threads or self.torch_threads)
        self._lock = threading.Lock()
        self._wakes = [threading.Condition(self._lock) for _ in range(self._count)]
        self._waiting: deque[tuple[PictureJob, int]] = deque()  # not decoded yet
        self._ready: deque[tuple[PictureJob, int]] = deque()
        self._idle: set[int] = set()
        """Numbers of the threads that wait and were not woken."""
        self._computing = 0
        self._closed = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Run the network once, then start the threads.

        Raises:
            RunError: The network's outputs are not finite.
        """
        side = self._how.image_size
        with own_threads(1):
            black = np.zeros((1, side, side, 3), np.uint8)
            self.classifier.probabilities(black)
            self.classifier.outliers(black)
        Image.init()  # once, before several threads ask for a format
        self._threads = [
            threading.Thread(
                target=self._work, args=(number,), name=f"worker-{number}", daemon=True
            )
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, job: PictureJob) -> None:
        """Queue a job."""
        with self._lock:
            self._waiting.extend((job, place) for place in range(len(job.pictures)))
            self._wake(len(job.pictures))

    def close(self) -> None:
        """Finish all jobs, then stop the threads."""
        with self._lock:
            self._closed = True
            self._wake(self._count)
        for thread in self._threads:
            thread.join()

    @property
    def alive(self) -> bool:
        """Whether all threads are alive."""
        return bool(self._threads) and all(each.is_alive() for each in self._threads)

    @property
    def waiting(self) -> int:
        """Number of pictures that wait for the network."""
        return len(self._waiting) + len(self._ready)

    def _wake(self, count: int) -> None:
        """Wake so many idle threads, the first one first; within the lock."""
        for number in sorted(self._idle)[:count]:
            self._idle.remove(number)
            self._wakes[number].notify()

    def _work(self, number: int) -> None:
        threads = 1 if self._engines > 1 else self.torch_threads
        torch.get_num_threads()  # torch sets a thread's number of threads once, on first use
        torch.set_num_threads(threads)
        with silent_pillow():
            while True:
                with self._lock:
                    while not (taken := self._take(number)):
                        if self._closed and not self._waiting and not self._ready:
                            self._wake(self._count)
                            return
                        self._idle.add(number)
                        self._wakes[number].wait_for(lambda: number not in self._idle)
                    decode, items, wanted = taken
                if decode:
                    self._decode(items)
                    continue
                if wanted != threads:
                    torch.set_num_threads(wanted)
                    threads = wanted
                self._compute(items)

    def _take(self, number: int) -> tuple[bool, list[tuple[PictureJob, int]], int] | None:
        """The next pictures to decode, or a batch and its thread count; call with the lock."""
        busy = self._computing >= self._engines
        if self._waiting and len(self._ready) < (_MOST_READY if busy else BATCH):
            return True, self._take_waiting(), 0
        if busy or not self._ready:
            return None
        alone = number == 0 and len(self._idle) == self._count - 1 and not self._waiting
        takers = len(self._idle) + 1 if self._engines > 1 else 1
        share = -(-len(self._ready) // takers)
        size = max(each for each in _SIZES if each <= share)
        batch = [self._ready.popleft() for _ in range(size)]
        self._computing += 1
        if self._ready:
            self._wake(1)
        few = len(batch) < self.torch_threads
        return False, batch, self.torch_threads if (alone and few) or self._engines == 1 else 1

    def _take_waiting(self) -> list[tuple[PictureJob, int]]:
        taken: list[tuple[PictureJob, int]] = []
        size = 0
        while self._waiting and len(taken) < _DECODED_AT_ONCE and size < _BYTES_AT_ONCE:
            job, place = self._waiting.popleft()
            size += len(job.pictures[place].content)
            taken.append((job, place))
        return taken

    def _decode(self, items: list[tuple[PictureJob, int]]) -> None:
        began = time.perf_counter()
        ready, done = list[tuple[PictureJob, int]](), list[PictureJob]()
        for job, place in items:
            if job.abandoned:
                continue
            name, content = job.pictures[place]
            job.decoding = place
            try:
                found = decode_image(
                    content,
                    name=name,
                    size=self._how.image_size,
                    fit=self._how.fit,
                    max_pixels=self.max_pixels,
                )
                job.pixels[place] = found.pixels
                ready.append((job, place))
            except ImageError as fault:
                job.faults[place] = str(fault)
                self._count_down([job], done)
            except Exception as fault:  # a waiting request must get an answer, whatever failed
                job.failure = fault
                self._count_down([job], done)
            job.decoding = None
        with self._lock:
            self._ready.extend(ready)
            if len(self._ready) > 1:  # a single one is taken by this thread
                self._wake(1)
        self.watcher.decoded(time.perf_counter() - began)
        if done:
            self.deliver(done)

    def _compute(self, batch: list[tuple[PictureJob, int]]) -> None:
        began = time.perf_counter()
        live = [(job, place) for job, place in batch if not job.abandoned]
        try:
            if live:
                pixels: Any = [job.pixels[place] for job, place in live]
                images = np.stack(pixels)
                rows = self.classifier.probabilities(images)
                outliers = self.classifier.outliers(images)
                for (job, place), row, outlier in zip(live, rows, outliers, strict=True):
                    job.rows[place], job.outliers[place] = row, outlier
        except Exception as fault:  # such as outputs that are not finite
            for job, _ in live:
                job.failure = fault
        with self._lock:
            self._computing -= 1
            if self._ready or self._closed:
                self._wake(1)
        for job, place in live:
            if not job.keep_pixels:
                job.pixels[place] = None
        done: list[PictureJob] = []
        self._count_down([job for job, _ in live], done)
        self.watcher.computed(len(live), time.perf_counter() - began)
        if done:
            self.deliver(done)

    def _count_down(self, jobs: list[PictureJob], done: list[PictureJob]) -> None:
        """Count one picture of each job as finished; deliver complete jobs."""
        with self._lock:
            for job in jobs:
                job.left -= 1
                if job.left == 0:
                    done.append(job)
