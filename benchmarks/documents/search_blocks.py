"""Blocks of docs/search.md and docs/plan-1000-gpus.md, each from its files of results/."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from documents.performance_blocks import quoted
from documents.quoting import ROOT, duration, machine, result
from halving_quality import is_current
from search_scaling import CLAIMS
from thriftnet.search.queue.transactions import LEASE_BEATS

WORKERS = 1000
JOB_SECONDS = 600.0
"""The plan's: ten minutes a job."""
HEARTBEATS = (5.0, 30.0)
ROUND_TRIP = 0.0005
"""Seconds between a worker and its database, supposed: other machines of the same hall."""
_CALLS_EACH = 6
"""Round trips of a claim and of a finish: begin, the turn, the clock, reading, writing, commit."""
FAILURE_HOURS = 10_000.0
"""Between two failures of one machine, supposed."""
PARAMETERS = 5_000_000
_CHECKPOINT_SECONDS = 120.0
"""The longest that a training goes on without one."""


def _verdict(reached: bool, target: str) -> str:
    return f"Target {target}: {'reached' if reached else '**not reached**'}."


def transcript(name: str, command: str) -> str:
    """What a command printed, where it is kept."""
    path = ROOT / "results" / f"{name}.txt"
    if not path.is_file():
        return f"Not kept yet (`{command} > results/{name}.txt`)."
    return f"```\n$ {command}\n{shortened(path.read_text('utf-8').strip())}\n```"


def shortened(text: str, *, first: int = 5, last: int = 3) -> str:
    """Without the middle of long paragraphs, as of tables with dozens of rows."""

    def cut(paragraph: str) -> str:
        lines = paragraph.split("\n")
        if len(lines) <= first + last + 2:
            return paragraph
        left_out = len(lines) - first - last
        return "\n".join([*lines[:first], f"... {left_out} lines ...", *lines[-last:]])

    return "\n\n".join(map(cut, text.split("\n\n")))


def kills_lines(figures: dict[str, Any]) -> list[str]:
    """What ten kills changed."""
    keys = ("same_jobs_in_the_same_order", "same_accuracies_to_the_bit", "same_winner")
    same = all(figures[key] for key in keys)
    outcome = (
        "the same jobs in the same order, with the same accuracies to the last bit, and the same "
        "winner"
    )
    by_stage = Counter(figures.get("stage_at_each_kill", []))
    where = ", ".join(f"{count} in the {stage}" for stage, count in by_stage.items())
    return [
        f"Killed {figures['kills']} times at random moments{where and f' ({where})'} with "
        f"{figures['workers']} workers: "
        f"{figures['jobs_killed']} jobs, {figures['jobs_twice']} recorded twice, beside "
        f"{figures['jobs_unbroken']} of an unbroken run; "
        f"{outcome if same else '**they differ**'}."
    ]


def study_lines(figures: dict[str, Any]) -> list[str]:
    """Where the candidates of a finished study landed, and who won."""
    stages = figures["outcomes"]
    grid, refined, validated = (stages[name] for name in ("grid", "refinement", "validation"))
    paper = grid["reference"]
    lines = [
        f"Grid: {grid['competing']} candidates, {grid['jobs']} jobs, "
        f"{grid['share_of_exhaustive']:.1%} of the operations of training all to the end. The "
        f"paper's {paper['label']} landed in place {paper['place']}, {paper['val_accuracy']:.1%} "
        f"at epoch {paper['epochs']}; the first is {grid['best']['label']}, "
        f"{grid['best']['val_accuracy']:.1%} at epoch {grid['best']['epochs']}.",
        f"Refinement: {refined['jobs']} jobs, {100 * refined['gain']:+.2f} points.",
        f"Validation, {validated['epochs']} epochs:",
        "",
        "| network | parameters | multiply-accumulates | seeds | mean, 95% | winner less this |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in validated["ranking"]:
        test = one["winner_less_this"]
        less = f"{100 * test['difference']:+.2f} points, p {test['p_holm']:.3f}" if test else "–"
        lines.append(
            f"| {one['label']}{' (the paper)' if one['reference'] else ''} | "
            f"{one['parameters']:,} | {one['macs'] / 1e6:.1f}M | {len(one['seeds'])} | "
            f"{one['mean']:.1%} ± {100 * one['half_width']:.1f} | {less} |"
        )
    return [
        *lines,
        "",
        f"Test images, read once for the winner's seed {validated['test']['seed']}: "
        f"{validated['test']['accuracy']:.1%}. All jobs together: "
        f"{duration(figures['training_seconds'])} of one core each.",
    ]


def halving_lines(figures: dict[str, Any]) -> list[str]:
    """How near to the exhaustive best, at what share of the compute."""
    target = figures["target"]
    rows = [
        "| rungs | eta | share of the compute: mean, largest | below the best: mean, largest | "
        "orders near enough | and at that share |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in (figures, *figures.get("others", [])):
        rungs = ", ".join(map(str, one.get("rungs", ["–"])))
        rows.append(
            f"| {rungs} | {one['eta']} | {one['mean_share_of_compute']:.1%}, "
            f"{one['worst_share_of_compute']:.1%} | {100 * one['mean_regret']:.2f}, "
            f"{100 * one['worst_regret']:.2f} points | "
            f"{one['share_of_orders_within_half_a_point']:.1%} | "
            f"{one['share_of_orders_reached']:.1%} |"
        )
    equal = figures["mean_share_of_compute"] == figures["worst_share_of_compute"]
    full = result("halving_table")
    assert full is not None
    return [
        f"Replayed on full results of {figures['candidates']} candidates in {figures['orders']} "
        f"orders{', which the rule makes all equal' if equal else ''}; the first row has the "
        "rungs of the space `small`. The candidates are "
        f"{'its own' if is_current(full) else '**those of an earlier `small`**'}, trained by "
        f"`{full['command']}`; {machine(full)}.",
        "",
        *rows,
        "",
        _verdict(
            figures["reached"],
            f"within {100 * target['points']:g} points at {target['share_of_compute']:.0%} of the "
            "compute, in every order",
        ),
    ]


def overhead_lines(figures: dict[str, Any]) -> list[str]:
    """Where the wall time of real studies went, and what the overhead is made of."""
    rows = [
        "| space | stage | jobs | wall | training, a worker | no job to have | overhead |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {study['space']} | {name} | {one['jobs']} | {one['wall_seconds']:.0f} s | "
            f"{one['training_seconds']:.0f} s | {one['idle_seconds']:.0f} s | "
            f"{one['overhead_seconds']:.1f} s, {one['share_of_wall']:.1%} |"
            for study in figures["studies"]
            for name, one in study["stages"].items()
        ),
        "",
        *(_overhead_verdict(one, figures["target"]["share_of_wall"]) for one in figures["studies"]),
        "",
        "| storage | a worker's start | preparing a job | storage a job | claim | beat | finish |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, one in figures["parts"].items():
        calls = one["milliseconds_a_call"]
        each = " | ".join(
            f"{calls[call]:.1f} ms" if call in calls else "–"
            for call in ("claim", "beat", "finish")
        )
        rows.append(
            f"| {name} | {one['start_seconds_a_worker']:.1f} s | "
            f"{1e3 * one['preparing_seconds_a_job']:.0f} ms | "
            f"{1e3 * one['storage_seconds_a_job']:.0f} ms | {each} |"
        )
    return rows


def _overhead_verdict(study: dict[str, Any], target: float) -> str:
    return (
        f"- `{study['space']}`: {study['share_of_wall']:.2%} of {duration(study['wall_seconds'])}. "
        f"{_verdict(study['reached'], f'{target:.0%}')} Beside it, workers had no job for "
        f"{study['idle_share_of_wall']:.1%} of the time, as at the end of a stage."
    )


def scaling_lines(figures: dict[str, Any]) -> list[str]:
    """Waiting against workers, cost against jobs, and where it saturates."""
    lines = [
        f"Clients and server on {figures['cores']} cores (load before the end: "
        f"{figures['load_average']:.1f}), a sign of life every {figures['heartbeat']:g} s.",
        "",
        "| storage | workers | a job | time waited | writes/s | claim: median, p95 | "
        "beat: median, p95 | finish: median, p95 | twice, lost |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, found in figures["databases"].items():
        lines += [_scaling_row(name, run) for run in found["by_workers"]]
    lines += ["", "| storage | jobs of the stage | first claim | claim | beat | finish |"]
    lines += ["| --- | --- | --- | --- | --- | --- |"]
    for name, found in figures["databases"].items():
        lines += [
            f"| {name} | {one['jobs']:,} | {one['first_claim_ms']:.0f} ms | "
            f"{one['claim_ms']:.1f} ms | {one['beat_ms']:.1f} ms | {one['finish_ms']:.1f} ms |"
            for one in found["by_jobs"]
        ]
    lines.append("")
    for name, found in figures["databases"].items():
        for trial, one in found["saturation"].items():
            held = [
                run["workers"]
                for run in found["by_workers"]
                if f"{run['trial_seconds']:g}" == trial and run["calls"]["claim"]["count"] >= CLAIMS
            ]
            if one["enough_for"] not in held:
                lines.append(f"- {name}, jobs of {trial} s: too few claims to say.")
                continue
            more = f"; {one['too_many']:,} wait longer" if one["too_many"] else ""
            lines.append(
                f"- {name}, jobs of {trial} s: {one['enough_for']:,} workers wait at most "
                f"{figures['target']['share_of_time_waited']:.0%} of their time{more}."
            )
    return lines


def _scaling_row(name: str, run: dict[str, Any]) -> str:
    calls = [run["calls"][call] for call in ("claim", "beat", "finish")]
    each = " | ".join(
        f"{one['median_ms']:.0f}, {one['p95_ms']:.0f} ms" if one["count"] else "–" for one in calls
    )
    return (
        f"| {name} | {run['workers']:,} | {run['trial_seconds']:g} s | "
        f"{_waited(run)} | {run['writes_per_second']:.0f} | {each} | "
        f"{run['twice']}, {run['lost']} |"
    )


def _waited(run: dict[str, Any]) -> str:
    """The share of time waited, where the window holds enough claims to tell."""
    few = run["calls"]["claim"]["count"] < CLAIMS
    return "too few claims" if few else f"{run['share_of_time_waited']:.2%}"


def lag_lines(figures: dict[str, Any]) -> list[str]:
    """How far back a choice has to look."""
    return [
        "| lag, in workers | time without a job |",
        "| --- | --- |",
        *(
            f"| {one['lag_in_workers']} | {one['idle_share']:.1%} |"
            for one in figures["idle_by_lag"]
        ),
    ]


def load_lines(figures: dict[str, Any]) -> list[str]:
    """The storage's load with a thousand workers, worked out from one worker's calls."""
    one = figures["databases"]["postgresql"]["by_jobs"][-1]
    turns = WORKERS / JOB_SECONDS
    claim, finish = (one[f"{name}_ms"] / 1e3 for name in ("claim", "finish"))
    held = claim + finish + 2 * _CALLS_EACH * ROUND_TRIP
    used = turns * held
    waited = held * (1 + used / (1 - used)) if used < 1 else float("inf")
    connected = figures["connections"]
    return [
        f"- Jobs: {WORKERS:,} / {JOB_SECONDS:g} s = {turns:.2f} a second, each with a claim "
        f"({1e3 * claim:.1f} ms in a stage of {one['jobs']:,} jobs) and a finish "
        f"({1e3 * finish:.1f} ms).",
        f"- Round trips of {1e3 * ROUND_TRIP:g} ms: 2 x {_CALLS_EACH} of them, together "
        f"{1e3 * held:.1f} ms in which the study's row is held.",
        f"- Its use: {turns:.2f} x {1e3 * held:.1f} ms = {used:.1%}. A worker waits "
        f"{1e3 * waited:.1f} ms a job, {waited / JOB_SECONDS:.4%} of its time. At full use, "
        f"{1 / held:.0f} jobs a second: {WORKERS:,} workers with jobs of "
        f"{WORKERS * held:.0f} s.",
        *(
            f"- Signs of life every {beat:g} s: {WORKERS / beat:.0f} a second, "
            f"{WORKERS / beat * one['beat_ms'] / 1e3:.0%} of one connection's time; "
            "they wait for nobody."
            for beat in HEARTBEATS
        ),
        f"- Connections: one a worker, {WORKERS:,} x {connected['bytes_each'] / 2**20:.1f} MiB = "
        f"{WORKERS * connected['bytes_each'] / 2**30:.1f} GiB of the server's memory; "
        f"{connected['connect_ms']:.0f} ms to open one.",
    ]


def traffic_lines(figures: dict[str, Any]) -> list[str]:
    """What checkpoints write, and what failures lose."""
    each = figures["studies"][0]["checkpoint_bytes_a_parameter"]
    size = each * PARAMETERS
    rate = WORKERS * size / 60
    failures = WORKERS * 24 / FAILURE_HOURS
    lost = [_CHECKPOINT_SECONDS + LEASE_BEATS * beat for beat in HEARTBEATS]
    told = " or ".join(
        f"{seconds:.0f} s with a sign of life every {beat:g} s"
        for seconds, beat in zip(lost, HEARTBEATS, strict=True)
    )
    return [
        f"- A checkpoint: {each:.1f} bytes a parameter as measured, {size / 1e6:.0f} MB at "
        f"{PARAMETERS:,} parameters.",
        f"- One a minute from each of {WORKERS:,} workers (an epoch, supposed): "
        f"{rate / 1e9:.2f} GB a second to the shared folder.",
        f"- Failures: one machine in {FAILURE_HOURS:,.0f} h, supposed: {failures:.1f} a day. Each "
        f"loses at most {told}, of one worker: at most "
        f"{failures * max(lost) / (WORKERS * 86400):.5%} of the compute.",
    ]


SEARCH_BLOCKS: dict[str, Callable[[], str]] = {
    "search-run": lambda: transcript("search_small", "thriftnet search small --workers 2"),
    "search-status": lambda: transcript(
        "search_small_status", "thriftnet search status studies/small"
    ),
    "search-medium": lambda: quoted("search_medium", "keep_study.py studies/medium", study_lines),
    "search-kills": lambda: quoted("search_kills", "search_kills.py", kills_lines),
    "search-halving": lambda: quoted("halving_quality", "halving_quality.py", halving_lines),
    "search-overhead": lambda: quoted(
        "search_overhead", "search_overhead.py --study studies/small studies/medium", overhead_lines
    ),
    "search-scaling": lambda: quoted("search_scaling", "search_scaling.py", scaling_lines),
    "search-lag": lambda: quoted("search_scaling", "search_scaling.py", lag_lines),
    "plan-load": lambda: quoted("search_scaling", "search_scaling.py", load_lines),
    "plan-traffic": lambda: quoted(
        "search_overhead", "search_overhead.py --study studies/small studies/medium", traffic_lines
    ),
}
