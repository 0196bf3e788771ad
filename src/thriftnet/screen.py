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
from typing import IO, Any, TextIO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

from thriftnet.plain import plain, plain_lines
from thriftnet.wrapping import wrapped


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

    def say(self, text: str) -> None:
        """Print a line, broken between words, above the display that is shown, whose ever it is."""
        shown = sys.stdout
        console = shown.console if isinstance(shown, _AboveDisplay) else self
        lines = wrapped(plain(text), console.width, indent="    ")
        console.print("\n".join(lines), soft_wrap=True)


class _AboveDisplay(FileProxy):
    """Redirects text printed while a display is shown to above it.

    Its lines come as they are: a proxy of rich would break a path that is longer than a line.
    """

    def __init__(self, console: Console, stream: IO[str]) -> None:
        super().__init__(console, stream)
        self.console = console
        self._begun = ""

    def write(self, text: str) -> int:
        *lines, self._begun = f"{self._begun}{plain_lines(text)}".split("\n")
        if lines:
            self.console.print(Text("\n".join(lines)), soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Print a line that is not complete."""
        if self._begun:
            begun, self._begun = self._begun, ""
            self.console.print(Text(begun), soft_wrap=True)


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
