"""Metrics of a service for Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class ServiceMetrics:
    """Metrics of one service, in their own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "thriftnet_requests", "Responses by path and status.", ["path", "status"],
            registry=self.registry,
        )  # fmt: skip
        self._latency = Histogram(
            "thriftnet_predict_seconds", "Seconds from the headers of a request to its response.",
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._pictures = Counter(
            "thriftnet_pictures", "Classified pictures.", registry=self.registry
        )
        self._batches = Histogram(
            "thriftnet_batch_pictures", "Pictures per batch.", buckets=_SIZES,
            registry=self.registry,
        )  # fmt: skip
        self._stages = Counter(
            "thriftnet_stage_seconds", "Time of all threads, by stage.", ["stage"],
            registry=self.registry,
        )  # fmt: skip
        self._decode = self._stages.labels("decode")
        self._network = self._stages.labels("network")

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Register a value that is read at each scrape."""
        Gauge(f"thriftnet_{name}", text, registry=self.registry).set_function(value)

    def answered(self, path: str, status: int, seconds: float | None) -> None:
        """Count an answer; for predictions, with its time."""
        self._requests.labels(path, str(status)).inc()
        if seconds is not None:
            self._latency.observe(seconds)

    def decoded(self, seconds: float) -> None:
        """See `Watcher`."""
        self._decode.inc(seconds)

    def computed(self, count: int, seconds: float) -> None:
        """See `Watcher`."""
        self._network.inc(seconds)
        if count:
            self._pictures.inc(count)
            self._batches.observe(count)

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return generate_latest(self.registry)
