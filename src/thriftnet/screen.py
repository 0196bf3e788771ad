"""Streams and rich consoles that remove control characters from all text they print.

Names of files, classes and runs, metadata and server responses are untrusted. `CleanStream`
replaces standard output and standard error, so that all output is cleaned. Only a `CleanConsole`
may style: it cleans each piece of text before adding escape sequences, and bypasses the stream's
cleaning.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.segment import Segment

from thriftnet.plain import plain_lines


class CleanStream(io.TextIOWrapper):
    """A text stream that removes control characters."""

    def write(self, text: str) -> int:
        """Write cleaned text; line breaks and tabs are kept."""
        super().write(plain_lines(text))
        return len(text)

    def write_styled(self, text: str) -> int:
        """Write trusted text with escape sequences."""
        return super().write(text)


class _Styled:
    """A `CleanStream` without cleaning, for a console."""

    def __init__(self, stream: CleanStream) -> None:
        self._stream = stream
        self.write: Callable[[str], int] = stream.write_styled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class CleanConsole(Console):
    """A rich console that removes escape sequences and ignores markup in text.

    Args:
        stderr: Whether it writes to standard error.
        options: Passed to `rich.console.Console`.
    """

    def __init__(self, *, stderr: bool = False, **options: Any) -> None:
        stream = options.pop("file", None) or (sys.stderr if stderr else sys.stdout)
        # While a display is shown, rich stands before the stream, which is then not seen as clean.
        stream = getattr(stream, "rich_proxied_file", stream)
        file = cast("TextIO", _Styled(stream)) if isinstance(stream, CleanStream) else stream
        super().__init__(file=file, markup=False, emoji=False, highlight=False, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render to segments with clean text; control segments are rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=plain_lines(segment.text))


class _AboveDisplay(FileProxy):
    """Redirects text printed while a display is shown to above it."""

    def write(self, text: str) -> int:
        super().write(plain_lines(text))
        return len(text)


class CleanLive(Live):
    """A rich display without auto-refresh; text printed meanwhile appears above it.

    Args:
        console: The console of a terminal.
        renderable: Initial content.
        transient: Whether it is removed at the end.
    """

    def __init__(
        self,
        console: CleanConsole,
        renderable: RenderableType | None = None,
        *,
        transient: bool = False,
    ) -> None:
        super().__init__(renderable, console=console, auto_refresh=False, transient=transient)

    def _enable_redirect_io(self) -> None:
        super()._enable_redirect_io()
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if type(stream) is FileProxy:
                own = stream.rich_proxied_file
                # A file or pipe has no display to stand above: what is printed there stays there.
                setattr(sys, name, _AboveDisplay(self.console, own) if own.isatty() else own)
