"""The operations of `fused.c`, compiled on first use by the machine's C compiler.

PyTorch's own operators go over memory once for each of pooling, norm, addition and activation, in
both directions. What one pass each gives is measured by `benchmarks/step_levers.py`;
`torch.compile` of torch 2.13 gives gradients that are not numbers. Where there is no compiler with
OpenMP, or `THRIFTNET_FUSED=0` says so, the same networks train by PyTorch's operators.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib import resources
from pathlib import Path

import torch

from thriftnet.errors import ThriftnetError
from thriftnet.files import write_whole
from thriftnet.home import cache_folder
from thriftnet.plain import to_stderr
from thriftnet.trust import why_distrusted

_FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp")
_WIDE = ("-mprefer-vector-width=512",)
"""Compilers halve their vectors by default where some processors slow down for wide ones."""
_COMPILE_SECONDS = 120

_SIGNATURES = {
    "column_sums": "pppiii",
    "well_conditioned": "pppdi",
    "exact_sums": "ppiii",
    "pool_sums": "pppppiiiii",
    "scale_activate": "pppppppiiii",
    "pool_activate": "ppiiiiii",
    "activation_backward": "ppppppppppiiii",
    "norm_backward": "ppppppppiii",
    "norm_backward_unpool": "pppppppppiiiii",
}
"""Parameters of each function of `fused.c`: p is a pointer, i a count, d a double."""
_TYPES = {"p": ctypes.c_void_p, "i": ctypes.c_long, "d": ctypes.c_double}
_ANSWER = {"well_conditioned"}


@functools.cache
def fused() -> ctypes.CDLL | None:
    """The compiled library; none where it cannot be had."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if os.environ.get("THRIFTNET_FUSED") == "0" or compiler is None:
        return None
    try:
        return _load(compiler)
    except (OSError, AttributeError, subprocess.SubprocessError, ThriftnetError):
        return None


def recorded() -> bool:
    """Whether a tracer or compiler takes down PyTorch's operators, and would miss all others."""
    tracing = torch.jit.is_tracing()  # pyright: ignore[reportPrivateImportUsage]
    return tracing or torch.compiler.is_compiling()


def _load(compiler: str) -> ctypes.CDLL:
    """From the cache, where the same source was compiled for the same processor; else anew."""
    source = (resources.files("thriftnet") / "kernels" / "fused.c").read_bytes()
    known = cache_folder() / "kernels" / f"fused-{_digest(compiler, source)}.so"
    distrusted = why_distrusted(known, cache_folder())
    if distrusted:
        to_stderr(f"thriftnet: {distrusted}; the fused operations are compiled for this run alone")
    elif _sound(known):
        with contextlib.suppress(AttributeError):  # one that lacks a function is compiled anew
            return _bound(known)
    with tempfile.TemporaryDirectory(prefix="thriftnet-") as folder:
        built = Path(folder) / "fused.so"
        _compile(compiler, source, built)
        content = built.read_bytes()
        with contextlib.suppress(ThriftnetError):  # no cache to write to: for this process alone
            if not distrusted:
                write_whole(known, content + _checksum(content), error=ThriftnetError)
        # Not by the name in the cache, under which the loader may have kept one that is no use.
        return _bound(built)


def _bound(path: Path) -> ctypes.CDLL:
    """A library whose functions check what they are called with.

    Raises:
        AttributeError: It lacks one of them.
        OSError: It is no library.
    """
    library = ctypes.CDLL(str(path))
    for name, parameters in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype = ctypes.c_int if name in _ANSWER else None
        function.argtypes = [_TYPES[parameter] for parameter in parameters]
    return library


def _sound(library: Path) -> bool:
    """Whether a file is as it was written; half a library would end the process that loads it."""
    try:
        content = library.read_bytes()
    except OSError:
        return False
    size = len(_checksum(b""))
    return content[-size:] == _checksum(content[:-size])


def _checksum(content: bytes) -> bytes:
    """Bytes that may stand behind a library: its loader does not read them."""
    return hashlib.sha256(content).digest()


def _compile(compiler: str, source: bytes, built: Path) -> None:
    command = [compiler, "-shared", "-fPIC", "-o", str(built), "-x", "c", "-", "-lm"]
    run = functools.partial(
        subprocess.run, input=source, capture_output=True, timeout=_COMPILE_SECONDS
    )
    if run([*command, *_FLAGS, *_WIDE]).returncode:  # a processor without such vectors
        run([*command, *_FLAGS], check=True)


def _digest(compiler: str, source: bytes) -> str:
    """Names source, flags and what `-march=native` means here."""
    native = subprocess.run(
        [compiler, "-march=native", "-dM", "-E", "-x", "c", os.devnull],
        capture_output=True,
        timeout=_COMPILE_SECONDS,
    )
    content = b"\0".join([source, " ".join(_FLAGS + _WIDE).encode(), native.stdout])
    return hashlib.sha256(content).hexdigest()[:16]
