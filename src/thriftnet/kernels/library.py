"""Compiles the kernels of `fused.c` and `winograd.c` on first use with the machine's C compiler.

PyTorch reads and writes memory separately for pooling, norm, addition and activation, forward and
backward; a fused kernel does so once. `benchmarks/step_levers.py` measures the gain, and
`benchmarks/winograd.py` that of the convolutions in float32. `torch.compile` of torch 2.13 gives
NaN gradients. Without a compiler with OpenMP, or with `THRIFTNET_FUSED=0`, the same networks train
with PyTorch's operators.
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
from torch import Tensor, nn

from thriftnet.errors import ThriftnetError
from thriftnet.files import write_whole
from thriftnet.home import cache_folder
from thriftnet.plain import to_stderr
from thriftnet.trust import for_this_user, why_distrusted

_FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-fopenmp")
_WIDE = ("-mprefer-vector-width=512",)
"""By default compilers use half the vector width, as some CPUs lower their clock for wide ones."""
_COMPILE_SECONDS = 600
"""Until a compiler that hangs is given up; on a busy machine one may take minutes."""

_SIGNATURES = {
    "fused": {
        "column_sums": "pppiii",
        "norm_factors": "ppppppddiii",
        "norm_gradients": "pppppiiii",
        "exact_sums": "ppiii",
        "pool_sums": "pppppiiiii",
        "scale_activate": "pppppppiiii",
        "pool_activate": "ppiiiiii",
        "activation_backward": "ppppppppppiiii",
        "norm_backward": "ppppppppiii",
        "norm_backward_unpool": "pppppppppiiiii",
    },
    "winograd": {
        "weights_size": "ii",
        "block_size": "iii",
        "transform_weights": "ppiiiiiii",
        "convolve": "pppppiiiiiiii",
        "weight_gradient": "pppppiiiiiiiiiiii",
    },
}
"""Parameters of each function of each source: p is a pointer, i a count, d a double."""
_TYPES = {"p": ctypes.c_void_p, "i": ctypes.c_long, "d": ctypes.c_double}
_ANSWERS = {
    "norm_factors": ctypes.c_int,
    "weights_size": ctypes.c_long,
    "block_size": ctypes.c_long,
}

_ELEMENTS = {torch.bfloat16: (), torch.float32: ("-DFLOAT32",)}
"""Flags for features of a type."""


@functools.cache
def fused(dtype: torch.dtype) -> ctypes.CDLL | None:
    """Pooling, batch norm, residual and activation, compiled for bfloat16 or float32 features.

    None if it cannot be built, as for float32 without AVX2.
    """
    return _compiled("fused", _ELEMENTS[dtype])


@functools.cache
def winograd() -> ctypes.CDLL | None:
    """Convolutions in float32, compiled; None if it cannot be built, as without AVX2."""
    return _compiled("winograd")


def _compiled(name: str, flags: tuple[str, ...] = ()) -> ctypes.CDLL | None:
    compiler = compiler_command()
    if os.environ.get("THRIFTNET_FUSED") == "0" or compiler is None:
        return None
    try:
        return _load(name, compiler, (*_FLAGS, *flags))
    except subprocess.TimeoutExpired:
        took = f"{' '.join(compiler)} takes more than {_COMPILE_SECONDS // 60} minutes"
        to_stderr(f"thriftnet: {took}; PyTorch's operators are used, which are slower")
        return None
    except (OSError, AttributeError, subprocess.SubprocessError, ThriftnetError):
        return None


def compiler_command() -> list[str] | None:
    """The command of the C compiler, which `CC` may give with arguments; None if there is none."""
    asked = os.environ.get("CC") or "cc"
    for command in ([asked], asked.split()):
        found = shutil.which(command[0]) if command else None
        if found:
            return [found, *command[1:]]
    return None


def takes(*tensors: Tensor) -> bool:
    """Whether kernels can take the values of tensors by their addresses.

    Not while PyTorch traces, compiles or transforms functions (`torch.func`), which would miss
    them, and not of tensors that hold no ordinary memory, such as fake and sparse ones.
    """
    tracing = torch.jit.is_tracing()
    transforming = torch._C._are_functorch_transforms_active()
    return not (tracing or transforming or torch.compiler.is_compiling()) and all(
        type(x) in {Tensor, nn.Parameter} and x.device.type == "cpu" and x.layout == torch.strided
        for x in tensors
    )


def float32(*shape: int) -> Tensor:
    """Memory for a kernel, whatever `torch.set_default_dtype` and `torch.device` are set to."""
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def features(dtype: torch.dtype, *shape: int) -> Tensor:
    """Memory for the features that a kernel writes: (N, C, H, W), channels-last."""
    return torch.empty(shape, dtype=dtype, device="cpu", memory_format=torch.channels_last)


def _load(name: str, compiler: list[str], flags: tuple[str, ...]) -> ctypes.CDLL:
    """Load a library from the cache, or compile it."""
    source = (resources.files("thriftnet") / "kernels" / f"{name}.c").read_bytes()
    known = cache_folder() / "kernels" / f"{name}-{_digest(compiler, source, flags)}.so"
    distrusted = why_distrusted(known, cache_folder())
    if distrusted:
        to_stderr(f"thriftnet: {distrusted}; the fused operations are compiled for this run only")
    elif _sound(known):
        # Recompiled if it lacks a function, or if its file system forbids execution.
        with contextlib.suppress(AttributeError, OSError):
            return _bound(name, known)
    with tempfile.TemporaryDirectory(prefix="thriftnet-") as folder:
        built = Path(folder) / f"{name}.so"
        _compile(compiler, source, flags, built)
        content = built.read_bytes()
        # Without a cache, for this process only.
        with contextlib.suppress(ThriftnetError), for_this_user():
            if not distrusted:
                write_whole(known, content + _checksum(content), error=ThriftnetError)
        # Not by its name in the cache, as the loader may have cached a broken one under that name.
        try:
            return _bound(name, built)
        except OSError:  # temporary folders may forbid execution
            if distrusted:
                raise
            return _bound(name, known)


def _bound(name: str, path: Path) -> ctypes.CDLL:
    """Load a library and declare the signatures of its functions.

    Raises:
        AttributeError: A function is missing.
        OSError: It is not a library.
    """
    library = ctypes.CDLL(str(path))
    for each, parameters in _SIGNATURES[name].items():
        function = getattr(library, each)
        function.restype = _ANSWERS.get(each)
        function.argtypes = [_TYPES[parameter] for parameter in parameters]
    return library


def _sound(library: Path) -> bool:
    """Whether a file matches its checksum; loading a truncated library would crash the process."""
    try:
        content = library.read_bytes()
    except OSError:
        return False
    size = len(_checksum(b""))
    return content[-size:] == _checksum(content[:-size])


def _checksum(content: bytes) -> bytes:
    """Checksum to append to a library; the loader ignores it."""
    return hashlib.sha256(content).digest()


def _compile(compiler: list[str], source: bytes, flags: tuple[str, ...], built: Path) -> None:
    command = [*compiler, "-shared", "-fPIC", "-o", str(built), "-x", "c", "-", "-lm"]
    run = functools.partial(
        subprocess.run, input=source, capture_output=True, timeout=_COMPILE_SECONDS
    )
    if run([*command, *flags, *_WIDE]).returncode:  # a CPU without such vectors
        run([*command, *flags], check=True)


def _digest(compiler: list[str], source: bytes, flags: tuple[str, ...]) -> str:
    """Digest of the source, the flags and the meaning of `-march=native`."""
    native = subprocess.run(
        [*compiler, "-march=native", "-dM", "-E", "-x", "c", os.devnull],
        capture_output=True,
        timeout=_COMPILE_SECONDS,
    )
    content = b"\0".join([source, " ".join(flags + _WIDE).encode(), native.stdout])
    return hashlib.sha256(content).hexdigest()[:16]
