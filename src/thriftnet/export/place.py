"""Writes a checked export to its destination, which is unchanged until then."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

from thriftnet.digests import dump_json, load_json
from thriftnet.errors import ExportError
from thriftnet.export.job import Target
from thriftnet.files import explain_os_error, read_bounded, replacing
from thriftnet.models.hub_folder import CONFIG, FILES, is_hub_folder
from thriftnet.trust import refuse_links
from thriftnet.writable import check_folder, check_writable

_CHECK = "check.json"
"""File of the comparison: in an exported folder, or appended to an exported file's name."""
_ONNX = ".onnx"
"""Suffix by which `predict` and other programs know a file without magic bytes."""
_MOST_BYTES = 2**20
"""Of that file."""


def check_place(output: Path, target: Target, *, source: Path | None = None) -> None:
    """Check that an export can be written, before the work.

    Args:
        output: The file or folder.
        target: The format.
        source: The model file that is exported, which must not be replaced.

    Raises:
        ExportError: It cannot, or something else is there.
        RunError: The folder has links, through which other files would be written.
    """
    if target.suffix.endswith(_ONNX) and output.suffix.lower() != _ONNX:
        raise ExportError(
            f"{output}: names of ONNX files end in {_ONNX}; name it {output.name}{_ONNX}"
        )
    if not target.folder:
        inputs = [] if source is None else [source]
        check_writable(output, error=ExportError, inputs=inputs, ours=_is_export)
        check_writable(_check_of(output), error=ExportError, ours=lambda p: bool(_compared(p)))
        return
    if output.exists() and not output.is_dir():
        raise ExportError(f"{output} is a file, and a folder is to be written; choose another -o")
    if output.is_dir() and any(output.iterdir()) and not is_hub_folder(output):
        raise ExportError(f"{output} holds other files; choose another -o, or an empty folder")
    refuse_links(output, of="folder", levels=1)  # it may have been received
    if output.is_dir() and (changed := _changed(output)):
        raise ExportError(
            f"{changed} was not written by an export, or changed since; move it away, or choose "
            "another -o"
        )
    check_folder(output, error=ExportError)


def keep(draft: Path, output: Path, *, report: Mapping[str, Any]) -> int:
    """Write an export to its destination, each file atomically, with the comparison next to it.

    Args:
        draft: The file or folder that was compared.
        output: The destination.
        report: The comparison; the digests of the files are added.

    Returns:
        Size of the export in bytes, without the comparison.

    Raises:
        ExportError: The disk is full or the destination cannot be written.
    """
    if draft.is_dir():
        files = {output / file.name: file.read_bytes() for file in sorted(draft.iterdir())}
        check = output / _CHECK
    else:
        files = {output: draft.read_bytes()}
        check = _check_of(output)
    digests = {path.name: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    text = dump_json({**report, "sha256": digests}, indent=2)
    size = sum(map(len, files.values()))
    files[check] = f"{text}\n".encode()
    with _locked(check.parent), contextlib.ExitStack() as held:
        # All are written before one is renamed: a full disk leaves what was there. The stack
        # renames them in the opposite order: config.json last, as other programs look for it first.
        for path, content in sorted(files.items(), key=lambda each: each[0].name != CONFIG):
            file = held.enter_context(replacing(path, error=ExportError))
            file.write(content)
            file.flush()
        if output / CONFIG in files:  # a kill leaves no mixture
            _remove(output / CONFIG)
    return size


def _check_of(output: Path) -> Path:
    """The file of the comparison that was written with an exported file."""
    return output.with_name(f"{output.name}.{_CHECK}")


def _is_export(path: Path, check: Path | None = None) -> bool:
    """Whether a file is as an export left it.

    Args:
        path: The file.
        check: The file of the comparison that was written with it; None: the one next to it.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return digest in _compared(check or _check_of(path)).values()


def _compared(check: Path) -> dict[str, Any]:
    """The digests of the files that a comparison is about; empty for another file."""
    try:
        written = load_json(read_bounded(check, most=_MOST_BYTES)).get("sha256")
    except (OSError, ValueError):
        return {}
    return written if isinstance(written, dict) else {}


def _changed(folder: Path) -> Path | None:
    """A file of an exported folder that another export would replace and none has written."""
    for path in (folder / name for name in FILES):
        with contextlib.suppress(FileNotFoundError):
            if path.exists() and not _is_export(path, folder / _CHECK):
                return path
    return None


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as fault:
        raise ExportError(explain_os_error(fault, path)) from None


@contextlib.contextmanager
def _locked(folder: Path) -> Generator[None]:
    """Lock a folder, so that its files come from one export."""
    with contextlib.ExitStack() as held:
        if sys.platform != "win32":
            import fcntl

            with contextlib.suppress(OSError):  # not there yet, or a file system without locks
                folder.mkdir(parents=True, exist_ok=True)
                handle = os.open(folder, os.O_RDONLY)
                held.callback(os.close, handle)
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
