"""The confusion matrix on a terminal."""

from __future__ import annotations

import pytest
import torch

from thriftnet.data import CIFAR10_CLASSES
from thriftnet.evaluation.results import read_logits
from thriftnet.terminal.classes import print_confusion


def shown(
    names: tuple[str, ...], width: int, capsys: pytest.CaptureFixture[str], each: int = 1
) -> list[str]:
    """The lines for `each` images a class, of which the first is taken for the second class."""
    labels = torch.arange(len(names)).repeat_interleave(each)
    said = labels.clone()
    said[0] = 1
    logits = torch.eye(len(names))[said]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        print_confusion(read_logits(logits, labels, classes=names, tta="none"))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    return lines


def test_names_head_the_columns_where_they_fit(capsys: pytest.CaptureFixture[str]):
    lines = shown(("cat", "hippopotamus", "emu"), 80, capsys)
    assert lines[1].split() == ["label", "accuracy", "cat", "hippopotamus", "emu"]
    assert lines[2].split() == ["cat", "0.000", "0", "1", "0"]
    assert lines[1].index("cat") + len("cat") == lines[2].index(" 0 ") + 2


def test_else_the_classes_are_numbered_and_none_is_cut(capsys: pytest.CaptureFixture[str]):
    lines = shown(CIFAR10_CLASSES, 80, capsys, each=1000)
    assert lines[1].split() == ["label", "accuracy", *map(str, range(1, 11))]
    assert [line[:15].strip() for line in lines[2:]] == [
        f"{number} {name}" for number, name in enumerate(CIFAR10_CLASSES, 1)
    ]
    assert lines[2].split()[3:6] == ["999", "1", "0"]
    wide = shown(CIFAR10_CLASSES, 200, capsys)
    assert wide[1].split()[2:] == list(CIFAR10_CLASSES)


def test_letters_of_double_width_keep_the_columns(capsys: pytest.CaptureFixture[str]):
    lines = shown(("猫", "犬", "鳥"), 80, capsys)
    assert lines[1].split()[2:] == ["猫", "犬", "鳥"]
    assert lines[1].index("犬") - lines[1].index("猫") == 2  # a cell more than its letters


def test_too_many_classes_are_a_list_of_mistakes(capsys: pytest.CaptureFixture[str]):
    lines = shown(tuple(f"class {number}" for number in range(60)), 80, capsys)
    assert lines[0].startswith("Most frequent mistakes")


def test_long_names_beside_the_matrix_are_told_apart(capsys: pytest.CaptureFixture[str]):
    names = tuple(f"greenhouse tomato, {kind}" for kind in ("ripe", "unripe", "rotten", "small"))
    assert [line[:27].strip() for line in shown(names, 80, capsys)[2:]] == [
        f"{number} {name}" for number, name in enumerate(names, 1)
    ]
    narrow = shown(names, 40, capsys)[3:]  # the heading has two lines
    assert len({line[2:18] for line in narrow}) == 4


def test_where_the_matrix_is_too_wide_no_accuracy_is_lost(capsys: pytest.CaptureFixture[str]):
    lines = shown(CIFAR10_CLASSES, 40, capsys, each=100)
    assert lines[0].split() == ["label", "accuracy"]
    assert [line.split() for line in lines[1:3]] == [["airplane", "0.990"], ["automobile", "1.000"]]
    assert "Most frequent mistakes; the confusion" in lines
    assert lines[-1].split() == ["1", "airplane", "automobile"]
