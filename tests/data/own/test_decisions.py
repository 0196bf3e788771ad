"""A person's decisions on pictures: applied, recorded, and refused where they do not fit."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

import thriftnet
from own_pictures import picture, put
from small import small_recipe
from thriftnet.audit.run import _card, decisions_csv
from thriftnet.audit.suspects import Suspect
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.decisions import COLUMNS, picture_digest
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """47 pictures; two dogs lie among the cats."""
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    folder = put(tmp_path / "photos", {"cat": 15, "dog": 15, "emu": 15})
    for number in (800, 801):
        picture("dog", number).save(folder / "cat" / f"{number}.png")
    return folder


def decided(photos: Path, path: Path, **decisions: tuple[str, str]) -> Path:
    """A file of decisions on all pictures, with some made, by the number of a picture."""
    opened = open_dataset(DatasetSpec(str(photos)), say=lambda _: None)
    assert opened.collection is not None
    every = opened.collection()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for at, label in enumerate(every.labels.tolist()):
            title = every.title(at)
            made = decisions.get(f"n{Path(title).stem}", ("", ""))
            digest = picture_digest(every.images[at])
            writer.writerow((title, digest, every.classes[label], *made))
    return path


def test_a_training_applies_decisions_and_keeps_them(photos: Path, tmp_path: Path):
    path = decided(photos, tmp_path / "d.csv", n800=("relabel", "dog"), n801=("drop", ""))
    plain = open_dataset(DatasetSpec(str(photos)), say=lambda _: None)
    spec = DatasetSpec(str(photos), decisions=path)
    opened = open_dataset(spec, say=lambda _: None)
    before, after = (data.split("train") for data in (plain, opened))
    assert plain.collection is not None
    titles = [Path(plain.collection().title(at)).stem for at in range(47)]
    train_at = plain.collection().positions["train"].tolist()
    there = {titles[at] for at in train_at}
    assert len(after) == len(before) - ("801" in there)
    changed = int("800" in there) + int("801" in there)
    assert (before.labels == 0).sum() - (after.labels == 0).sum() == changed
    assert (after.labels == 1).sum() - (before.labels == 1).sum() == int("800" in there)
    assert len(opened.split("test")) == len(plain.split("test"))
    assert opened.digests() != plain.digests()
    run = thriftnet.train(
        small_recipe(data={"decisions": str(path)}, train={"epochs": 1}),
        data=photos, runs_dir=tmp_path / "runs", name="d", quiet=True,
    )  # fmt: skip
    environment = json.loads((run.path / "environment.json").read_text("utf-8"))
    assert environment["data"] == opened.digests()
    assert str(path) in (run.path / "recipe.yaml").read_text("utf-8")
    evaluation = thriftnet.evaluate(run.path)
    assert evaluation.not_kept is None
    path.unlink()  # it says nothing of the test split, nor of other pictures
    assert thriftnet.evaluate(run.path).accuracy == evaluation.accuracy
    other = put(tmp_path / "other", {"cat": 3, "dog": 3, "emu": 3}, start=900)
    assert thriftnet.evaluate(run.path, data=other).data.startswith("other@")


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("800.png", "900.png", "1 lines of pictures that do not exist.*900.png; delete"),
        ("32:", "64:", r"was audited at 64 pixels and is decoded at 32; set data.image_size=64"),
        (",relabel,dog", ",relabel,cow", "would become 'cow', which is none of the classes cat, d"),
        (",relabel,dog", ",rename,dog", "line .*: 'rename' is not one of keep, relabel, drop"),
        (",cat,relabel", ",emu,relabel", "the label of .* is no longer 'emu'"),
        ("decision", "decided", "lacks the column decision; keep the columns"),
        (",relabel,dog", ",keep,dog", "line .*: new_label 'dog' is for the decision relabel"),
        (",relabel,dog", ",,dog", "line .*: new_label 'dog' is for the decision relabel; write"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(
    photos: Path, tmp_path: Path, old: str, new: str, part: str
):
    path = decided(photos, tmp_path / "d.csv", n800=("relabel", "dog"))
    lines = path.read_text("utf-8").splitlines()
    at = 0 if old == "decision" else next(i for i, line in enumerate(lines) if "800.png" in line)
    assert old in lines[at]
    lines[at] = lines[at].replace(old, new)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(DataError, match=part):
        open_dataset(DatasetSpec(str(photos), decisions=path), say=lambda _: None)


def test_a_picture_that_is_decided_twice_is_refused(photos: Path, tmp_path: Path):
    path = decided(photos, tmp_path / "d.csv", n800=("relabel", "dog"))
    lines = path.read_text("utf-8").splitlines()
    (line,) = (each for each in lines if "800.png" in each)
    path.write_text("\n".join([*lines, line]) + "\n", "utf-8")  # the same again
    open_dataset(DatasetSpec(str(photos), decisions=path), say=lambda _: None)
    other = line.replace(",relabel,dog", ",drop,")
    path.write_text("\n".join([*lines, other]) + "\n", "utf-8")
    with pytest.raises(DataError, match=r"line 49: .*800\.png has another decision in an earlier"):
        open_dataset(DatasetSpec(str(photos), decisions=path), say=lambda _: None)


def test_a_class_that_decisions_empty_is_refused(photos: Path, tmp_path: Path):
    dropped = {f"n{number}": ("drop", "") for number in range(15)}  # of every class
    kept = decided(photos, tmp_path / "d.csv", **dropped)
    lines = kept.read_text("utf-8").splitlines()
    others = [each for each in lines[1:] if "/emu/" not in each]
    kept.write_text("\n".join([lines[0], *others]) + "\n", "utf-8")
    with pytest.raises(DataError, match="leaves no picture of dog to train on; keep one, or take"):
        open_dataset(DatasetSpec(str(photos), decisions=kept), say=lambda _: None)


def test_a_table_separated_by_semicolons_is_refused(photos: Path, tmp_path: Path):
    path = decided(photos, tmp_path / "d.csv")
    path.write_text(path.read_text("utf-8").replace(",", ";"), "utf-8")
    with pytest.raises(DataError, match="lacks the column picture, .*separated by commas"):
        open_dataset(DatasetSpec(str(photos), decisions=path), say=lambda _: None)


def test_a_changed_picture_is_not_relabelled(photos: Path, tmp_path: Path):
    path = decided(photos, tmp_path / "d.csv", n800=("relabel", "dog"))
    picture("emu", 5).save(photos / "cat" / "800.png")
    with pytest.raises(DataError, match="is not the picture that was reviewed; delete its line"):
        open_dataset(DatasetSpec(str(photos), decisions=path), say=lambda _: None)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00x", b""])
def test_what_is_no_csv_is_refused(photos: Path, tmp_path: Path, content: bytes):
    path = tmp_path / "d.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is not a CSV file in UTF-8|lacks the column picture"):
        open_dataset(DatasetSpec(str(photos), decisions=path), say=lambda _: None)
    with pytest.raises(DataError, match="cannot be read: No such file"):
        open_dataset(DatasetSpec(str(photos), decisions=tmp_path / "none.csv"), say=lambda _: None)


@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode text")
def test_names_that_a_spreadsheet_would_run_or_utf8_does_not_hold(tmp_path: Path):
    """Of pictures and classes, as an audit writes them and as a person would."""
    folder = put(tmp_path / "photos", {"=cat": 8, "dog": 8})
    for number, name in ((800, "=1+1.png"), (801, "caf\udce9.png")):
        picture("dog", number).save(folder / "=cat" / "x.png")
        (folder / "=cat" / "x.png").rename(folder / "=cat" / name)
    opened = open_dataset(DatasetSpec(str(folder)), say=lambda _: None)
    assert opened.collection is not None
    every = opened.collection()
    suspects = [Suspect(at, 1, 0.1, 0.5, ("label",)) for at in range(len(every.labels))]
    text = decisions_csv([_card(every, suspect) for suspect in suspects])
    assert all(line.startswith(("'=cat/", "dog/", "picture,")) for line in text.splitlines())
    rows = list(csv.DictReader(io.StringIO(text)))
    odd = [row for row in rows if "1+1" in row["picture"] or "caf" in row["picture"]]
    assert len(odd) == 2
    for label in ("=cat", "'=cat"):
        for row in rows[:8]:
            row |= {"decision": "relabel", "new_label": label}
        for row in odd:
            row |= {"decision": "drop", "new_label": ""}
        path = tmp_path / "d.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        decided = open_dataset(DatasetSpec(str(folder), decisions=path), say=lambda _: None)
        before, after = (data.split("train") for data in (opened, decided))
        assert len(before) - len(after) in (0, 1, 2)
        assert decided.digests() != opened.digests()
