"""Recognises files of other formats passed as a model file, to tell them from damaged ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

from thriftnet.files import open_regular

_GIVE = "give a run folder or its model.safetensors"
_OWN = ".safetensors"
_EXPORTS = {".pt2", ".tflite", ".pte", ".html"}
"""Of `thriftnet export`, for programs without thriftnet."""
_MARKS = {
    b"\x80\x02": f"a pickle, such as an old PyTorch checkpoint, not a thriftnet model; {_GIVE}",
    b"\x89HDF": f"an HDF5 file, not a thriftnet model; {_GIVE}",
    b"GGUF": f"a GGUF file, not a thriftnet model; {_GIVE}",
    b"version https://git-lfs": (
        "a Git LFS pointer, not the file that it stands for; fetch that with: git lfs pull"
    ),
}
"""Magic bytes of other formats."""


def foreign_kind(path: Path) -> str | None:
    """The format of a file and what to do; None if it may be a model file."""
    try:
        with open_regular(path) as file:
            head = file.read(32)
        if head.startswith(b"PK\x03\x04") and path.suffix.lower() not in _EXPORTS:
            return _zip_kind(path)
        if head[5:9] == b"\0\0\0{":  # safetensors, whose header length may look like a pickle
            return None
    except OSError:
        return None
    suffix = path.suffix.lower()
    if suffix in _EXPORTS:
        return f"a {suffix} file, which other programs run and thriftnet does not; {_GIVE}"
    if suffix == ".onnx":  # no magic bytes
        return f"an ONNX model, which predict runs and nothing else here; {_GIVE}"
    for mark, kind in _MARKS.items():
        if head.startswith(mark):
            return kind
    if suffix == _OWN or head[8:9] == b"{":  # perhaps damaged
        return None
    from thriftnet.data.picture_formats import begins_like_a_picture  # brings numpy

    if begins_like_a_picture(head):
        return "a picture; name the model first, then the pictures"
    return f"not a thriftnet model; {_GIVE}"


def _zip_kind(path: Path) -> str:
    run = path.parent.parent
    if path.parent.name == "checkpoints" and (run / "recipe.yaml").is_file():
        return f"a checkpoint, not a model; give the run folder: {run}"
    try:
        with zipfile.ZipFile(path) as archive:
            pickled = any(name.endswith("data.pkl") for name in archive.namelist())
    except Exception:  # damaged bytes can make the reader raise nearly anything
        pickled = False
    kind = "a PyTorch checkpoint" if pickled else "a zip archive"
    return f"{kind}, not a thriftnet model; {_GIVE}"
