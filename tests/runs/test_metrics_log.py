"""The metrics of a run: whole lines, cut ones and damaged ones."""

import resource

import pytest

from thriftnet.errors import RunError
from thriftnet.runs.folder import RunFolder


def test_metrics_come_back_as_they_were(run: RunFolder):
    lines = [{"kind": "start", "step": 0}, {"kind": "epoch", "step": 5, "loss": 0.1 + 0.2}]
    for line in lines:
        run.append(line)
    assert run.metrics() == lines
    with pytest.raises(ValueError, match="JSON"):
        run.append({"loss": float("nan")})
    assert run.metrics() == lines


@pytest.mark.parametrize(
    "torn", ['{"kind": "ep', '{"kind": "é'.encode()[:-1].decode("latin1"), "12"]
)
def test_torn_last_line_is_left_out_and_replaced_by_the_next(run: RunFolder, torn: str):
    run.append({"step": 1})
    with run.metrics_path.open("ab") as file:
        file.write(torn.encode("latin1"))
    assert run.metrics() == [{"step": 1}]
    run.append({"step": 2})
    run.append({"step": 3})
    assert run.metrics() == [{"step": 1}, {"step": 2}, {"step": 3}]


@pytest.mark.parametrize("bad", ['{"step": 1', "", "7", "[1]", "\0\0\0"])
def test_damaged_middle_line_is_named(run: RunFolder, bad: str):
    run.metrics_path.write_text('{"step": 0}\n' + bad + '\n{"step": 2}\n')
    with pytest.raises(RunError, match=r"metrics.jsonl is damaged in line 2; delete that line"):
        run.metrics()


@pytest.mark.parametrize("room", [0, 3])
def test_full_disk_leaves_whole_lines_only(run: RunFolder, room: int):
    run.append({"step": 1})
    before = run.metrics_path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, limits[1]))
    try:
        with pytest.raises(RunError, match="the disk is full|File too large"):
            run.append({"step": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert run.metrics_path.read_bytes() == before
    run.append({"step": 3})
    assert run.metrics() == [{"step": 1}, {"step": 3}]


def test_line_that_lacks_its_break_alone_is_kept(run: RunFolder):
    run.metrics_path.write_text('{"step": 1}\n{"step": 2}')
    run.append({"step": 3})
    assert run.metrics() == [{"step": 1}, {"step": 2}, {"step": 3}]


def test_rewind_drops_what_a_resumed_run_repeats(run: RunFolder):
    kinds = [("start", 0), ("epoch", 10), ("epoch", 20), ("interrupted", 25)]
    for kind, step in kinds:
        run.append({"kind": kind, "step": step})
    run.append({"kind": "test", "accuracy": 0.5})
    run.rewind(20)
    assert [line.get("step") for line in run.metrics()] == [0, 10, 20, None]


def test_a_cut_line_is_told_from_a_changed_one(run: RunFolder):
    run.append({"kind": "start", "step": 0})
    run.append({"kind": "end", "step": 5})
    whole = run.metrics_path.read_bytes()
    last = whole.index(b"\n") + 1
    for end in range(last + 1, len(whole) - 1):
        run.metrics_path.write_bytes(whole[:end])
        assert run.metrics() == [{"kind": "start", "step": 0}]
        assert run.torn
    other_step, other_break = whole.replace(b'p": 5', b'p": 4'), whole[:-1] + b"*"
    for changed in (other_step, other_break, whole.replace(b"end", b"e\nd")):
        run.metrics_path.write_bytes(changed)
        with pytest.raises(RunError, match="damaged in line 2; delete that line"):
            run.metrics()
    run.metrics_path.write_bytes(whole[:-1])
    assert run.metrics()[-1] == {"kind": "end", "step": 5}
