"""Files that are not read as labelled pictures, each with what to do instead."""

from __future__ import annotations

from pathlib import Path

from thriftnet.data.picture_formats import picture_suffixes

_PACKED = (".zip", ".7z", ".rar", ".gz", ".bz2", ".xz", ".zst")
_SHEETS = (".xlsx", ".xls", ".ods", ".numbers")
_ARRAYS = (".npy", ".h5", ".hdf5", ".mat", ".pt", ".pth", ".tfrecord", ".tfrecords")
_WHY = {
    **dict.fromkeys(_PACKED, "is an archive; unpack it and give the folder"),
    **dict.fromkeys(_SHEETS, "is not read; save it as CSV"),
    **dict.fromkeys(_ARRAYS, "is not read; save its images and labels as one .npz"),
    ".arrow": "is not read; save it as Parquet: load_from_disk(...).to_parquet(...)",
    ".json": "is not read; write a CSV or JSON lines (.jsonl) from it: a file name and a label in "
    "each line",
    ".txt": "is not read; if it lists file names and labels, name it .csv",
}
_LISTS = {*_SHEETS, ".arrow", ".json", ".npy", ".h5", ".hdf5", ".mat", ".tfrecord", ".tfrecords"}
"""Of these, files that may say the classes of the pictures beside them."""


def why_unread(file: Path) -> str | None:
    """Why a file is not read as pictures with labels, and what to do; None: not known."""
    if file.suffix.lower() in picture_suffixes():
        return "is a picture; give the folder that has one folder per class"
    return _WHY.get(file.suffix.lower())


def unread_list(folder: Path) -> Path | None:
    """A file of a folder that may say the classes of its pictures, and is not read."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in _LISTS)
    return next((file for file in files if file.is_file() and file.name[0] != "."), None)
