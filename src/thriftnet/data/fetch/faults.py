"""The fault that lets the next source have its turn."""

from thriftnet.errors import DataError


class SourceError(DataError):
    """A source cannot deliver; the message is a phrase, since the next one may."""
