"""The error after which the next source is tried."""

from thriftnet.errors import DataError


class SourceError(DataError):
    """A source failed and the next one may succeed; the message is a phrase."""
