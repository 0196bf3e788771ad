"""docs/command-line.md names the keys that `train --json` prints."""

import json
from pathlib import Path

import pytest

from commands import Command, in_this_process
from documented import few_images

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"


@pytest.fixture
def thriftnet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    few_images(monkeypatch)
    return in_this_process(monkeypatch, capsys)


def test_the_page_names_every_key_of_a_training(thriftnet: Command, tmp_path: Path) -> None:
    rows = [line.split(" | ") for line in PAGE.read_text("utf-8").splitlines() if "`" in line]
    documented = {row[0].strip("| `"): row[2] for row in rows if len(row) == 3}
    short = ("--set", "train.epochs=1", "--set", "schedule.warmup_epochs=0", "--name", "a")
    told = thriftnet("train", "smoke", *short, "--runs-dir", tmp_path, "--json")
    lines = [json.loads(line) for line in told.out.splitlines()]
    kinds = {line["kind"] for line in lines}
    assert {"start", "epoch", "end", "summary"} <= kinds <= set(documented)
    for line in lines:
        if line["kind"] != "summary":
            missing = [
                key for key in line if key != "kind" and f"`{key}`" not in documented[line["kind"]]
            ]
            assert missing == []
