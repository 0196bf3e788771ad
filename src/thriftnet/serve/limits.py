"""What a service accepts, so that nobody can fill its memory or keep it busy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds of a service."""

    body_bytes: int = 32 * 2**20
    """Of one request."""
    pictures: int = 128
    """In one request."""
    pixels: int = 50_000_000
    """Of one picture, decoded at its full size or not."""
    requests: int = 256
    """That are read, wait or are answered at a time; the next is told to come again."""
    waiting_bytes: int = 256 * 2**20
    """Of the bodies of those requests."""
    body_seconds: float = 10.0
    """In which the headers, and then the body, must arrive."""
    answer_seconds: float = 30.0
    """In which a request that has arrived must be answered."""
    connections: int = 1024
    """That are open at a time; uvicorn refuses more."""
