"""What do inputs that were made to harm cost before they are refused?

    python benchmarks/hostile_inputs.py

Reads each in a process of its own, and takes the CPU seconds and by how much the memory rose at
most. `--print` writes to standard output in place of results/hostile_inputs.json.
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import struct
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkContext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
from safetensors.numpy import save

from support.record import write_result
from thriftnet.data import read_image
from thriftnet.data.cifar10.archives import read_archive
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.open import open_own
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
    keys: list[tuple[Any, ...]] = [(1,)]
    for _ in range(40):
        keys.append((keys[-1], keys[-1]))
    content = b"\x80\x02}" + pickle.dumps(keys[-1], 2)[2:-1] + b"K\x01s."
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


def icon(folder: Path) -> Read:
    """An icon of 16 x 16 pixels, whose PNG is one of 90 megapixels."""
    side, packed = 9_500, zlib.compressobj(1)
    rows = b"".join(packed.compress(bytes(4 * side + 1)) for _ in range(side)) + packed.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + crc

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(png), 22)
    (folder / "a.ico").write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + png)
    return lambda: read_image(folder / "a.ico")


def many_frames(folder: Path) -> Read:
    """A GIF of 300,000 frames of a pixel, in six megabytes."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\x00"
    (folder / "a.gif").write_bytes(head + 300_000 * frame + b";")
    return lambda: read_image(folder / "a.gif")


def _npz(path: Path, **members: tuple[bytes, int]) -> Read:
    """Arrays of a header and so many zeros."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, (header, zeros) in members.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                member.write(header)
                for _ in range(zeros // 2**20):
                    member.write(bytes(2**20))
    return lambda: open_own(path, DatasetSpec(), say=lambda _: None)


def _npy(shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def npz_header(folder: Path) -> Read:
    """An array whose header has 256 MB."""
    return _npz(folder / "a.npz", images=(b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**28), 2**28))


def npz_of_zeros(folder: Path) -> Read:
    """Eight million pictures of a pixel, and names of as many classes."""
    arrays = {name: (_npy((2**23,)), 2**23) for name in ("labels", "classes")}
    return _npz(folder / "a.npz", images=(_npy((2**23, 1, 1)), 2**23), **arrays)


def svhn_of_zeros(folder: Path) -> Read:
    """A packed variable of 256 MB."""
    packed = zlib.compressobj(1)
    content = packed.compress(struct.pack("<II", 14, 2**28))
    content += b"".join(packed.compress(bytes(2**20)) for _ in range(2**8)) + packed.flush()
    tag = bytes(126) + b"IM" + struct.pack("<II", 15, len(content))
    (folder / "train_32x32.mat").write_bytes(tag + content)
    return lambda: open_own(folder / "train_32x32.mat", DatasetSpec(), say=lambda _: None)


def parquet_label(folder: Path) -> Read:
    """A label of 16 MB, kept once for a thousand rows."""
    long = pyarrow.array(["x" * 2**24])
    labels = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 1000, pyarrow.int32()), long)
    table = pyarrow.table({"image": [b"no picture"] * 1000, "label": labels})
    pyarrow.parquet.write_table(table, folder / "a.parquet", compression="zstd")
    return lambda: open_own(folder / "a.parquet", DatasetSpec(), say=lambda _: None)


INPUTS: tuple[Callable[[Path], Read], ...] = (
    yaml_aliases,
    thousands_of_keys,
    many_blocks,
    metadata_of_many_blocks,
    metadata_of_many_channels,
    nested_pickle_key,
    pax_header,
    tall_picture,
    icon,
    many_frames,
    npz_header,
    npz_of_zeros,
    svhn_of_zeros,
    parquet_label,
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
    fork, found = ForkContext(), dict[str, Any]()
    with tempfile.TemporaryDirectory() as folder:
        read = make(Path(folder))
        mine, its = fork.Pipe(duplex=False)
        process = fork.Process(target=_read, args=(read, its))
        process.start()
        its.close()
        with suppress(EOFError):
            if mine.poll(120):
                found = mine.recv()
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
