"""Renews the lease of a job during long work."""

from __future__ import annotations

import os
import threading
import time

from thriftnet.errors import SearchError
from thriftnet.search.queue.jobs import Claim
from thriftnet.search.queue.storage import Storage


class Heartbeat:
    """Renews a claim's lease from a thread while its block runs."""

    def __init__(self, storage: Storage, claim: Claim, parent: int | None = None) -> None:
        self.storage = storage
        self.claim = claim
        self.parent = parent
        self.lost = False
        """Whether the claim was lost, or the parent process has ended."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        heard = time.monotonic()
        while not self._over.wait(self.storage.heartbeat):
            try:
                held = self.storage.renew_lease(self.claim)
                heard = time.monotonic()
            except SearchError:  # perhaps temporary; otherwise the lease expires
                held = time.monotonic() - heard < self.storage.lease
            if not held or orphaned(self.parent):
                self.lost = True
                return


def orphaned(parent: int | None) -> bool:
    """Whether the parent process has ended."""
    return parent is not None and os.getppid() != parent
