"""The summary of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from made_runs import make_run
from thriftnet.evaluation.class_metrics import summarise_classes
from thriftnet.evaluation.intervals import wilson_interval
from thriftnet.evaluation.results import Evaluation, Metrics
from thriftnet.report.record import read_record
from thriftnet.report.single import single_page
from thriftnet.terminal import results


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("share", "told"), [(0.42, True), (0.04, False), (None, False)])
def test_a_training_says_at_its_end_what_other_work_took(
    share: float | None,
    told: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = make_run(tmp_path / "run", epochs=0)
    line = {"train_loss": 1.0, "train_accuracy": 0.5, "val_accuracy": 0.5, "seconds": 20.0}
    speeds = {"images_per_second": 900.0, "cpu_contention": share}
    run.append({"kind": "epoch", "epoch": 1, "step": 180, **line, **speeds})

    class Evaluated:
        parameters = 3
        results = ()

    results.print_training_summary(run.path, Evaluated())  # type: ignore[arg-type]
    said = "other work      took 42% of the CPU time that this training requested"
    assert (said in capsys.readouterr().out) == told

    page = single_page(read_record(run.path), data=None)
    assert (("Taken by other work", "42% of CPU") in page.facts) == told
    (epochs,) = (table for section in page.sections for table in section.tables
                 if table.title == "Epochs")  # fmt: skip
    assert ("other work (CPU)" in epochs.columns) == told
    assert all(len(row) == len(epochs.columns) for row in epochs.rows)


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ((8, 0), "no better than always predicting cat (0.6000)"),
        ((10, 3), "not significantly better than always predicting cat (0.6000)"),
        ((12, 8), ""),
    ],
)
def test_an_accuracy_that_one_class_alone_would_give_is_told(
    right: tuple[int, int], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    cats, dogs = right
    confusion = [[cats, 12 - cats], [8 - dogs, dogs]]
    share = (cats + dogs) / 20
    metrics = Metrics(
        tta="none",
        images=20,
        accuracy=share,
        accuracy_interval=wilson_interval(cats + dogs, 20),
        top5=1.0,
        loss=1.0,
        calibration_error=0.1,
        per_class={"cat": cats / 12, "dog": dogs / 8},
        confusion=confusion,
        by_class=summarise_classes(confusion, ("cat", "dog")),
    )
    results.print_evaluation("mine", Evaluation(3, 10, "fp32", (metrics,)))
    told = capsys.readouterr().out
    assert said in told
    assert bool(said) == ("always" in told)
    assert "top-5" not in told  # of two classes
    assert "loss 1.0000" in told
