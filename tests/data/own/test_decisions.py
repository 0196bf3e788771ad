"""A person's decisions on pictures: applied, recorded, and refused where they do not fit."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import thriftnet
from decided_pictures import decided
from own_pictures import picture, put
from small import small_recipe
from thriftnet.audit.run import _card, decisions_csv
from thriftnet.audit.suspects import Suspect
from thriftnet.data.options import DatasetSpec
from thriftnet.data.own.decisions import read_decisions
from thriftnet.data.registry import open_dataset
from thriftnet.errors import DataError
from thriftnet.explain.training_images import training_images
from thriftnet.models.saved import read_model
from thriftnet.training.resume import restore_run


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """47 pictures; two dogs lie among the cats."""
    monkeypatch.setenv("THRIFTNET_CACHE", str(tmp_path / "cache"))
    folder = put(tmp_path / "photos", {"cat": 15, "dog": 15, "emu": 15})
    for number in (800, 801):
        picture("dog", number).save(folder / "cat" / f"{number}.png")
    return folder


def test_a_training_applies_decisions_and_keeps_them(photos: Path, tmp_path: Path):
    path = decided(photos, tmp_path / "d.csv", n800=("relabel", "dog"), n801=("drop", ""))
    plain = open_dataset(DatasetSpec(str(photos)), say=lambda _: None)
    spec = DatasetSpec(str(photos), decisions=path)
    said: list[str] = []
    opened = open_dataset(spec, say=said.append)
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
    told = f"{path}: {int('800' in there)} pictures relabelled, {int('801' in there)} dropped"
    test = 2 - changed
    assert said[-1] == told + (
        f"; {test} more are test images, which stay as they are" * (test > 0)
    )
    assert opened.digests() != plain.digests()
    assert opened.collection is not None
    every = opened.collection()
    learned = every.positions["train"]
    assert [titles[at] for at in learned] == [titles[at] for at in train_at if titles[at] != "801"]
    assert (every.labels[learned] == after.labels).all()
    run = thriftnet.train(
        small_recipe(data={"decisions": str(path)}, train={"epochs": 1}),
        data=photos, runs_dir=tmp_path / "runs", name="d", quiet=True,
    )  # fmt: skip
    environment = json.loads((run.path / "environment.json").read_text("utf-8"))
    assert environment["data"] == opened.digests()
    assert str(path) in (run.path / "recipe.yaml").read_text("utf-8")
    alone = read_model(run.path / "model.safetensors")
    near = training_images(alone, None, name="file", data=photos, say=said.append)
    assert len(near.images) == len(before)
    assert said[-1] == (
        "file does not have the decisions on these pictures; dropped ones are among them"
    )
    evaluation = thriftnet.evaluate(run.path)
    assert evaluation.not_kept is None
    content = path.read_text("utf-8")
    path.write_text(content.replace(",relabel,dog", ",keep,"), "utf-8")  # the review went on
    assert restore_run(run.path)[3].digests() == opened.digests()  # by the run's own copy
    (run.path / "decisions.csv").unlink()  # as in a run of an earlier version
    other = f"{path.name} has other decisions than .*{run.path.name} was trained with; restore that"
    with pytest.raises(DataError, match=other):
        thriftnet.calibrate(run.path)
    path.unlink()  # it says nothing of the test split, nor of other pictures
    assert thriftnet.evaluate(run.path).accuracy == evaluation.accuracy
    other = put(tmp_path / "other", {"cat": 3, "dog": 3, "emu": 3}, start=900)
    assert thriftnet.evaluate(run.path, data=other).data.startswith("other@")


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("800.png", "900.png", r"line 1\d: .*900.png is not among the pictures, delete it, or"),
        ("32:", "64:", "800.png is not the picture that was reviewed; delete its line"),
        ("32:", "none:", "800.png is not the picture that was reviewed; delete its line"),
        (
            ",relabel,dog",
            ",relabel,cow",
            "would become 'cow', which is not one of the classes cat, d",
        ),
        (",relabel,dog", ",rename,dog", "line .*: 'rename' is not one of keep, relabel, drop"),
        (",cat,relabel", ",emu,relabel", "800.png has the label 'cat' now, not 'emu'; if a sp"),
        ("decision", "decided", "lacks the column decision; keep the columns"),
        (",relabel,dog", ",keep,dog", "line .*: new_label 'dog' is for the decision relabel"),
        (",relabel,dog", ",,dog", "line .*: new_label 'dog' is for the decision relabel; write"),
        (",relabel,dog", ",relabel,", "line .*: relabel needs a class in new_label; add it"),
        (",relabel,dog", ",relabel,dog,why", "line .*: it has more cells than there are columns"),
        ("cat/800.png", "", "line .*: it decides relabel and names no picture"),
        ("decision", "decision,label", "has two columns of the name label; keep the columns"),
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
    with pytest.raises(DataError, match=r"line 49: .*800\.png has another decision in line 17; d"):
        open_dataset(DatasetSpec(str(photos), decisions=path), say=lambda _: None)


def test_a_class_that_decisions_empty_is_refused(photos: Path, tmp_path: Path):
    dropped = {f"n{number}": ("drop", "") for number in range(15)}  # of every class
    kept = decided(photos, tmp_path / "d.csv", **dropped)
    lines = kept.read_text("utf-8").splitlines()
    others = [each for each in lines[1:] if "/emu/" not in each]
    kept.write_text("\n".join([lines[0], *others]) + "\n", "utf-8")
    with pytest.raises(DataError, match="leaves no picture of dog to train on; keep one, or take"):
        open_dataset(DatasetSpec(str(photos), decisions=kept), say=lambda _: None)


_SAVED: list[Callable[[str], str]] = [
    lambda text: text.replace(",", ";"),
    lambda text: "sep=;\n" + text.replace(",", ";"),
    lambda text: text.replace("\n", "\r\n") + ",,,,\r\n\r\n",
    lambda text: re.sub(",+$", "", text, flags=re.MULTILINE),  # empty cells at the end
    lambda text: re.sub("^(.*?),(.*)$", r'\2,"\1"', text, flags=re.MULTILINE),
    lambda text: text.replace("relabel,dog", "Relabel, dog ").replace(",label", ", Label"),
]


@pytest.mark.parametrize("saved", _SAVED)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_what_a_spreadsheet_saves_means_the_same(
    photos: Path, tmp_path: Path, saved: Callable[[str], str], encoding: str
):
    path = decided(photos, tmp_path / "d.csv", n800=("relabel", "dog"), n801=("drop", ""))
    expected, _ = read_decisions(path)
    assert [(each.decision, each.new_label) for each in expected] == [
        ("relabel", "dog"),
        ("drop", ""),
    ]
    path.write_bytes(saved(path.read_text("utf-8")).encode(encoding))
    assert read_decisions(path)[0] == expected


@pytest.mark.parametrize("column", ["picture", "decision", "reasons"])
def test_an_open_quotation_mark_swallows_no_decisions(
    photos: Path, tmp_path: Path, column: str
) -> None:
    path = decided(photos, tmp_path / "d.csv", n800=("relabel", "dog"))
    head, *lines = path.read_text("utf-8").splitlines()
    columns = [*head.split(","), "reasons"]
    cells = [*lines[0].split(","), "label"]
    at = columns.index(column)
    cells[at] = f'"{cells[at]}'
    lines = [",".join(cells), *(f"{line},label" for line in lines[1:])]
    path.write_text("\n".join([",".join(columns), *lines]) + "\n", "utf-8")
    with pytest.raises(DataError, match="lines 2 to .*: a quotation mark is not closed"):
        read_decisions(path)


def test_the_line_of_a_mistake_is_told_below_empty_lines(photos: Path, tmp_path: Path) -> None:
    path = decided(photos, tmp_path / "d.csv", n800=("rename", "dog"))
    head, *lines = path.read_text("utf-8").splitlines()
    at = next(number for number, line in enumerate(lines) if "800.png" in line)
    path.write_text("\n\n".join(["", head, *lines]) + "\n", "utf-8")
    with pytest.raises(DataError, match=f"line {2 * (at + 2) + 1}: 'rename' is not one of"):
        read_decisions(path)


def test_a_file_without_a_decision_is_told(photos: Path, tmp_path: Path) -> None:
    """An audit writes one; the page's is saved somewhere else first."""
    path, said = decided(photos, tmp_path / "d.csv"), list[str]()
    open_dataset(DatasetSpec(str(photos), decisions=path), say=said.append)
    assert said[-1].startswith(f"{path}: it has no decisions; save those of")


def test_a_changed_picture_is_not_relabelled(photos: Path, tmp_path: Path):
    path = decided(photos, tmp_path / "d.csv", n800=("relabel", "dog"))
    picture("emu", 5).save(photos / "cat" / "800.png")
    with pytest.raises(DataError, match="is not the picture that was reviewed; delete its line"):
        open_dataset(DatasetSpec(str(photos), decisions=path), say=lambda _: None)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\xff\xfe\x00x", "has a single column; it needs the columns picture, digest, label"),
        (b"", "is empty; give a table with the columns picture, digest"),
        (b"caf\xe9,", "line 1: not UTF-8; save the table as UTF-8"),
        (b"PK\x03\x04\x14", "is a spreadsheet or an archive; save the table as CSV in UTF-8"),
        (b"a,\0", "line 1: a zero byte"),
    ],
)
def test_what_is_no_csv_is_refused(photos: Path, tmp_path: Path, content: bytes, part: str):
    path = tmp_path / "d.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=part):
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
