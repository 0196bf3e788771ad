"""What do inputs that were made to harm cost before they are refused?

    python benchmarks/hostile_inputs.py

Reads each in a process of its own, and takes the CPU seconds and by how much the memory rose at
most. `--print` writes to standard output in place of results/hostile_inputs.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import pickle
import resource
import struct
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from support.record import write_result
from thriftnet.data import read_image
from thriftnet.data.cifar10.archives import read_archive
from thriftnet.data.unpickle import read_pickle
from thriftnet.errors import ThriftnetError
from thriftnet.models.build import build_model
from thriftnet.models.saved import read_model
from thriftnet.recipe import load_recipe

Read = Callable[[], object]


def yaml_aliases(folder: Path) -> Read:
    """Nine levels of ten aliases: 10**9 values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    path = folder / "aliases.yaml"
    path.write_text("\n".join(lines))
    return lambda: load_recipe(path)


def thousands_of_keys(folder: Path) -> Read:
    """Unknown keys, each compared with every known one."""
    path = folder / "keys.yaml"
    path.write_text("".join(f"key{n}: 1\n" for n in range(8_000)))
    return lambda: load_recipe(path)


def many_blocks(folder: Path) -> Read:
    """A recipe of a hundred thousand blocks."""
    del folder
    return lambda: build_model(
        classes=10, **load_recipe("smoke", ["model.blocks=[100000,1,1]"]).model.model_dump()
    )


def _model(folder: Path, **architecture: Any) -> Read:
    facts: dict[str, Any] = {"format": "thriftnet-model-1", "classes": ["a", "b"], "tta": "none"}
    facts |= {"mean": [0.5] * 3, "std": [0.2] * 3, "image_size": 32, "about": {}}
    facts["architecture"] = {"family": "resnet", **architecture}
    path = folder / "model.safetensors"
    path.write_bytes(save({"a": np.zeros(3, np.float32)}, {"thriftnet": json.dumps(facts)}))
    return lambda: read_model(path)


def metadata_of_many_blocks(folder: Path) -> Read:
    """A model file of a few bytes that names a deep network."""
    return _model(folder, blocks=[100_000, 1, 1], channels=[8, 8, 8])


def metadata_of_many_channels(folder: Path) -> Read:
    """A model file of a few bytes that names a wide network."""
    return _model(folder, blocks=[1, 1, 1], channels=[60_000, 60_000, 60_000])


def nested_pickle_key(folder: Path) -> Read:
    """A key whose hash takes 2**40 steps."""
    del folder
    key: Any = (1,)
    for _ in range(40):
        key = (key, key)
    content = b"\x80\x02}" + pickle.dumps(key, 2)[2:-1] + b"K\x01s."
    return lambda: read_pickle(content, origin="key.pkl")


def pax_header(folder: Path) -> Read:
    """An archive whose extended header unpacks to 256 MB."""
    path, header = folder / "pax.tar.gz", tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 2**28
    packed = zlib.compressobj(1, wbits=31)
    with path.open("wb") as file:
        file.write(packed.compress(header.tobuf(tarfile.USTAR_FORMAT)))
        for _ in range(2**8):
            file.write(packed.compress(bytes(2**20)))
        file.write(packed.flush())
    return lambda: read_archive(path, origin="pax.tar.gz")


def tall_picture(folder: Path) -> Read:
    """A PNG of 1 x 64M pixels."""
    path = folder / "tall.png"

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", 1, 2**26, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(2**27), 1)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return lambda: read_image(path)


INPUTS: tuple[Callable[[Path], Read], ...] = (
    yaml_aliases,
    thousands_of_keys,
    many_blocks,
    metadata_of_many_blocks,
    metadata_of_many_channels,
    nested_pickle_key,
    pax_header,
    tall_picture,
)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _read(read: Read, found: Any) -> None:
    """Read an input in this process, and send what it cost."""
    before, start, said = _peak_mb(), time.process_time(), ""
    try:
        read()
    except ThriftnetError as fault:
        said = str(fault)
    seconds = time.process_time() - start
    found.send(
        {"cpu_seconds": round(seconds, 3), "mb": round(_peak_mb() - before, 1), "said": said}
    )


def measure(make: Callable[[Path], Read]) -> dict[str, Any]:
    """CPU seconds, megabytes and the message of one input; none of them where it was killed."""
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder:
        read = make(Path(folder))
        mine, its = fork.Pipe(duplex=False)
        process = fork.Process(target=_read, args=(read, its))
        process.start()
        its.close()
        try:
            found = mine.recv() if mine.poll(120) else {}
        except EOFError:
            found = {}
        process.kill()
        process.join()
    return {**found, "said": found.get("said", "").replace(f"{folder}/", "")}


def main() -> None:
    """Measure all, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--print", action="store_true", dest="printed")
    given = parser.parse_args()
    found = {make.__name__: measure(make) for make in INPUTS}
    if given.printed:
        print(json.dumps(found))
    else:
        write_result("hostile_inputs", {"inputs": found})


if __name__ == "__main__":
    main()
