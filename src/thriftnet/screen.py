"""The screen: one cleaner for all text that reaches it, and displays whose styles are ours.

Names of files, classes and runs, metadata and answers of servers come from strangers. A
`CleanStream` takes the place of standard output and standard error, so that nothing that prints
can forget to clean. Only a `CleanConsole` may style: it cleans each piece of text before it adds
its own escape sequences, and writes past the stream's cleaner.
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
    """A text stream without anything that moves the cursor, colours the terminal or turns text."""

    def write(self, text: str) -> int:
        """Write the text cleaned; line breaks and tabs stay."""
        super().write(plain_lines(text))
        return len(text)

    def write_styled(self, text: str) -> int:
        """Write text whose escape sequences are ours."""
        return super().write(text)


class _Styled:
    """A clean stream as a console writes to it."""

    def __init__(self, stream: CleanStream) -> None:
        self._stream = stream
        self.write: Callable[[str], int] = stream.write_styled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class CleanConsole(Console):
    """A console that styles text and takes no escape sequence or markup from it.

    Args:
        stderr: Whether it is of standard error, and not of standard output.
        options: As of `rich.console.Console`.
    """

    def __init__(self, *, stderr: bool = False, **options: Any) -> None:
        stream = options.pop("file", None) or (sys.stderr if stderr else sys.stdout)
        file = cast("TextIO", _Styled(stream)) if isinstance(stream, CleanStream) else stream
        super().__init__(file=file, markup=False, emoji=False, highlight=False, **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render to segments with clean text; those that move the cursor are rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=plain_lines(segment.text))


class _AboveDisplay(FileProxy):
    """What is printed while a display is shown: it comes to stand above it."""

    def write(self, text: str) -> int:
        super().write(plain_lines(text))
        return len(text)


class CleanLive(Live):
    """A display that is drawn when it is told, with what is printed meanwhile above it.

    Args:
        console: A terminal's.
        renderable: What is drawn.
        transient: Whether it goes away in the end.
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
                setattr(sys, name, _AboveDisplay(self.console, stream.rich_proxied_file))
