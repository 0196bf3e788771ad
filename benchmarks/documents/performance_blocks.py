"""Blocks of docs/performance.md, each from its file of results/, or saying that there is none."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from documents.quoting import ROOT, duration, machine, result
from thriftnet.comparison.statistics import compare_seeds, estimate, holm
from thriftnet.evaluation.metrics import wilson_interval

_HELD_OUT = 5_000
"""Images that a run of an ablation was read on where its entry does not say."""
_FIGURE = "docs/figures/cost_growth.svg"


def quoted(name: str, script: str, block: Callable[[dict[str, Any]], list[str]]) -> str:
    """A block of lines with its origin, or what to run where it was not measured yet."""
    figures = result(name)
    if figures is None:
        return f"Not measured yet (`python benchmarks/{script}`)."
    origin = f"`results/{name}.json`: `{figures['command']}`; {machine(figures)}."
    return "\n".join([*block(figures), "", origin])


def table(*columns: str) -> list[str]:
    """Head of a table."""
    return [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]


def _verdict(reached: bool, target: str) -> str:
    return f"Target {target}: {'reached' if reached else '**not reached**'}."


def _spread(values: list[float]) -> str:
    text = f"{statistics.mean(values):.2%}"
    return f"{text} ± {statistics.stdev(values):.2%} (sd)" if len(values) > 1 else text


def peer_lines(figures: dict[str, Any]) -> list[str]:
    """Every run of both sides; means, and the ratio of the wall times."""
    rows = table("who", "seed", "test accuracy", "without TTA", "wall time")
    for who, runs in (("peer", figures["peer"]), (f"`{figures['recipe']}`", figures["ours"])):
        rows += [
            f"| {who} | {run['seed']} | {run['accuracy']:.2%} | "
            f"{_share(run.get('accuracy_without_tta'))} | {run['wall_seconds']:.0f} s |"
            for run in runs
        ]
    ours = figures["ours"]
    target = figures["target"]
    return [
        *rows,
        "",
        f"`{figures['recipe']}` reaches {_spread([run['accuracy'] for run in ours])} over "
        f"{len(ours)} seed{'s' if len(ours) > 1 else ''}, "
        f"{_spread([run['accuracy_without_tta'] for run in ours])} without test-time "
        f"augmentation, in {figures['wall_ratio']:.2f} of the peer's wall time (medians).",
        _verdict(
            figures["reached"],
            f"{target['mean_accuracy']:.0%} over {target['seeds']} seeds in "
            f"{target['wall_ratio']:g} of the time",
        )
        + f" Beside it {100 * (figures['mean_accuracy'] - target['mean_accuracy']):+.2f} points "
        f"and {figures['wall_ratio'] - target['wall_ratio']:+.2f} of the time.",
    ]


def beside_peer(figures: dict[str, Any]) -> list[str]:
    """One sentence of `peer_lines`, for the README."""
    ours, peer = figures["ours"], figures["peer"]
    took, needed = (statistics.median(run["wall_seconds"] for run in runs) for runs in (ours, peer))
    return [
        f"From start to test accuracy, `{figures['recipe']}` takes {took:.0f} s where the peer's "
        f"script takes {needed:.0f} s, {figures['wall_ratio']:.2f} of the time, and reaches "
        f"{_spread([run['accuracy'] for run in ours])} over {len(ours)} seeds where it reaches "
        f"{_spread([run['accuracy'] for run in peer])} over {len(peer)}."
    ]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def lever_lines(figures: dict[str, Any]) -> list[str]:
    """What changing one thing gave, on validation images; beside base with the same seeds."""
    variants = figures["variants"]
    base = {run["seed"]: run["accuracy"] for run in variants["base"]["runs"]}
    corrected = _corrected(base, variants)
    tested = ("p, by Holm",) if corrected else ()
    rows = table(
        "variant", "changed", "seeds", "validation accuracy", "beside base", *tested, "PFLOP",
        "time",
    )  # fmt: skip
    for name, entry in variants.items():
        runs = entry["runs"]
        changed = ", ".join(f"`{each}`" for each in entry["overrides"]) or "–"
        gained = [run["accuracy"] - base[run["seed"]] for run in runs if run["seed"] in base]
        beside = points(gained) if gained else "–"
        rows.append(
            f"| {name} | {changed} | {len(runs)} | {_spread([run['accuracy'] for run in runs])} | "
            f"{'–' if name == 'base' else beside} | "
            f"{f'{_p(corrected.get(name))} | ' if corrected else ''}"
            f"{statistics.mean(run['pflop'] for run in runs):.3f} | "
            f"{duration(statistics.mean(run['seconds'] for run in runs))} |"
        )
    horizon = ", ".join(f"`{each}`" for each in figures["horizon"])
    images = variants["base"]["runs"][0].get("images", _HELD_OUT)
    low, high = wilson_interval(round(statistics.mean(base.values()) * images), images)
    return [
        *rows,
        "",
        f"All with {horizon}. No test image was read. One reading of {images:,} images has a 95% "
        f"interval of ± {50 * (high - low):.2f} points. Beside base stands the mean of the "
        "differences seed by seed, with half of its 95% interval (t) where there are several"
        + (", and p of the paired t test, corrected for their number. " if corrected else ". ")
        + "Times are of several sittings, or of several trainings at once.",
    ]


def _corrected(base: dict[int, float], variants: dict[str, Any]) -> dict[str, float]:
    """P by Holm of each variant that shares several seeds with base; paired t tests."""
    found: dict[str, float] = {}
    for name, entry in variants.items():
        runs = {r["seed"]: r["accuracy"] for r in entry["runs"] if r["seed"] in base}
        if name == "base" or len(runs) < 2:
            continue
        test = compare_seeds({seed: base[seed] for seed in runs}, runs)
        if test.p is not None:
            found[name] = test.p
    return dict(zip(found, holm(list(found.values())), strict=True))


def _p(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def points(differences: list[float]) -> str:
    """Mean difference of shares, and half of its 95% interval (t) where there are several."""
    found = estimate(differences)
    half = "" if found.half_width is None else f" ± {100 * found.half_width:.2f}"
    return f"{100 * found.mean:+.2f}{half} points"


def step_lever_lines(figures: dict[str, Any]) -> list[str]:
    """What each lever on a step's time gave, beside the bases before and after it."""
    rows = table("changed", "step", "beside base: median, range", "first step")
    for name, found in figures["variants"].items():
        if "failed" in found:
            rows.append(f"| {name} | – | **{found['failed']}** | – |")
            continue
        rows.append(
            f"| {name} | {found['step_seconds']:.2f} s | {found['beside_base']:.2f}, "
            f"{min(found['every_ratio']):.2f} to {max(found['every_ratio']):.2f} | "
            f"{found['first_step_seconds']:.1f} s |"
        )
    return [*rows, "", f"Batches of {figures['batch_size']:,}, {figures['rounds']} rounds."]


def paper_speed_lines(figures: dict[str, Any]) -> list[str]:
    """Our loop and the plain one."""
    rates, target = figures["images_per_second"], f"{figures['target']['ratio']:g} times"
    shares = ", ".join(f"`{k}` {v:.1%}" for k, v in figures["augmentation_share"].items())
    return [
        *table("loop", "images/s"),
        f"| plain fp32 PyTorch, two DataLoader workers | {rates['plain']:.1f} |",
        f"| recipe `paper` | {rates['ours']:.1f} |",
        "",
        f"{figures['ratio']:.2f} times as fast. {_verdict(figures['reached'], target)}",
        f"Augmentation's share of a step: {shares}.",
    ]


def profile_lines(figures: dict[str, Any]) -> list[str]:
    """Shares by kind, convolutions by layer, and how near to the machine's rate it all is."""
    rate, target = figures["convolution_rate_gflops"], figures["target"]
    shares = figures["profile"]["share"].items()
    lines = [
        f"A step of {figures['batch_size']} images in micro-batches of {figures['micro_batch']} "
        f"takes {figures['step_seconds']:.2f} s: {figures['step_gflops']:.0f} of the "
        f"{rate:.0f} GFLOP/s that a large {figures['precision']} convolution reaches here, "
        f"{figures['share_of_convolution_rate']:.0%}. "
        + _verdict(figures["reached"], f"{target['share_of_convolution_rate']:.0%}"),
        *_whole_training(figures),
        "",
        *table("kind", "share of a step"),
        *(f"| {kind} | {share:.1%} |" for kind, share in shares),
        "",
        *table("convolution", "direction", "GFLOP a step", "ms a step", "GFLOP/s"),
        *(
            f"| {row['layer']} | {row['direction']} | {row['gflop_per_step']:.1f} | "
            f"{row['milliseconds_per_step']:.1f} | {row['gflops']:.0f} |"
            for row in figures["profile"]["convolutions"]
        ),
        "",
        *table("oneDNN implementation", "work", "calls", "ms"),
        *(
            f"| `{row['name']}` | {row['primitive']}, {row['direction']} | "
            f"{row['calls']} | {row['milliseconds']:.1f} |"
            for row in figures["onednn"]["implementations"]
            if row["primitive"] == "convolution"
        ),
    ]
    slow = figures["onednn"]["convolutions_by_reference"]
    told = f"**{'; '.join(slow)}**" if slow else "none"
    return [*lines, "", f"Convolutions by a `ref` implementation: {told}."]


def _whole_training(profile: dict[str, Any]) -> list[str]:
    """The same over whole trainings of that recipe, where it has been trained as it stands."""
    trained = result(f"train_{profile['recipe']}")
    if trained is None or trained["digest"] != profile["digest"]:
        return ["Over a whole training: not measured yet."]
    runs = trained["runs"]
    found = statistics.mean(run["pflop"] * 1e6 / run["training_seconds"] for run in runs)
    told = f"Over whole trainings (`results/train_{profile['recipe']}.json`): {found:.0f} GFLOP/s"
    # A rate from another hour would not do: the machine's speed changes.
    rates = [run.get("convolution_rate_gflops") for run in runs]
    if None in rates:
        return [f"{told}; the convolution rate of that hour was not measured."]
    return [f"{told}, {found / statistics.mean(rates):.0%} of the rate before and after them."]


def inference_lines(figures: dict[str, Any]) -> list[str]:
    """Every way of reading beside the others."""
    variants = figures["variants"]
    base = variants[figures["baseline"]]["batch_256"]["images_per_second"]
    rows = table(
        "way",
        "batch 1: median, p95",
        "batch 256: median, p95",
        "images/s",
        "beside eager",
        "largest difference",
        "equal answers",
        "validation accuracy",
        "first call at 256",
    )
    for name, found in variants.items():
        one, many = found["batch_1"], found["batch_256"]
        rows.append(
            f"| {name} | {one['latency_ms']:.2f}, {one['latency_p95_ms']:.2f} ms | "
            f"{many['latency_ms']:.0f}, {many['latency_p95_ms']:.0f} ms | "
            f"{many['images_per_second']:.0f} | {many['images_per_second'] / base:.2f} | "
            f"{found['largest_difference']:.1e} | {found['equal_top1']:.2%} | "
            f"{_share(found['validation_accuracy'])} | {many['first_call_seconds']:.1f} s |"
        )
    lines = [
        *rows,
        "",
        f"The predictor reads {figures['predictor_over_baseline']:.2f} times as fast as eager fp32 "
        f"at batch 256. "
        + _verdict(figures["reached"], f"{figures['target']['predictor_over_baseline']:g} times"),
        f"Compared on {figures['compared_images']:,} "
        f"{'held-out' if figures['held_out'] else 'training'} images, "
        f"{'trained' if figures['trained'] else 'untrained'} network.",
    ]
    if figures["wrong"]:
        lines.append(
            f"**Wrong answers, so its speed counts for nothing**: {_and(figures['wrong'])}."
        )
    if figures["missing"]:
        lines.append(f"Left out, as not installed: {_and(figures['missing'])}.")
    return lines


def _and(names: list[str]) -> str:
    return ", ".join(names)


def growth_lines(figures: dict[str, Any]) -> list[str]:
    """The figure, and a table of every point."""
    lines = [f"![Time and memory as training grows]({_FIGURE.removeprefix('docs/')})", ""]
    assert (ROOT / _FIGURE).exists()
    lines += table(
        "varied", "images", "parameters", "threads", "batch", "micro-batch", "time", "images/s",
        "GFLOP/s", "peak memory",
    )  # fmt: skip
    for axis in ("images", "parameters", "threads", "batch_size", "micro_batch"):
        lines += [
            f"| {axis.replace('_', ' ')} | {point['images']:,} | {point['parameters']:,} | "
            f"{point['threads']} | {point['batch_size']} | {point['micro_batch']} | "
            f"{_seconds(point)} | {point['images_per_second']:.0f} | "
            f"{point['gflops']:.0f} | {point['peak_memory_bytes'] / 2**30:.2f} GiB |"
            for point in figures[axis]
        ]
    return lines


def _seconds(point: dict[str, Any]) -> str:
    """The median, and the range where there were several rounds."""
    times = point.get("every_time_seconds", [])
    spread = f" ({min(times):.1f} to {max(times):.1f})" if len(times) > 1 else ""
    return f"{point['seconds']:.1f} s{spread}"


PERFORMANCE_BLOCKS: dict[str, Callable[[], str]] = {
    "against-peer": lambda: quoted("against_peer", "against_peer.py --peer DIR", peer_lines),
    "beside-peer": lambda: quoted("against_peer", "against_peer.py --peer DIR", beside_peer),
    "levers": lambda: quoted("ablation_quick", "ablate.py quick", lever_lines),
    "step-levers": lambda: quoted("step_levers_quick", "step_levers.py quick", step_lever_lines),
    "paper-speed": lambda: quoted("paper_speed", "paper_speed.py", paper_speed_lines),
    "profile": lambda: quoted("profile_quick", "profile_layers.py quick", profile_lines),
    "inference": lambda: quoted("inference_quick", "inference.py RUN", inference_lines),
    "growth": lambda: quoted("cost_growth", "cost_growth.py", growth_lines),
}
