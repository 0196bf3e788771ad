"""Limits of a service, so that nobody can exhaust its memory or threads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of a service."""

    body_bytes: int = 32 * 2**20
    """Bytes of one request."""
    pictures: int = 128
    """Pictures in one request."""
    pixels: int = 50_000_000
    """Pixels of one picture, whether decoded at full size or not."""
    requests: int = 256
    """Requests in progress at a time; further ones get 429."""
    waiting_bytes: int = 256 * 2**20
    """Total bytes of the bodies of those requests."""
    body_seconds: float = 10.0
    """Time limit for the headers, and then for the body."""
    answer_seconds: float = 30.0
    """Time limit for the answer to a complete request."""
    connections: int = 1024
    """Open connections at a time; requests on further ones get 503."""
