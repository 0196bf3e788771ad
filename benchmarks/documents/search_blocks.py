"""Blocks of docs/searching.md, each from its files of results/."""

from __future__ import annotations

from collections import Counter
from typing import Any

from documents.quoting import ROOT, Block, Figures, machine, result, seconds
from documents.search_transcript import printed_today
from halving_quality import is_current
from search_scaling import CLAIMS
from thriftnet.table import Table, make_table


def transcript(name: str, command: str) -> str:
    """Recorded output of a command."""
    path = ROOT / "results" / f"{name}.txt"
    if not path.is_file():
        return f"Not kept yet (`{command} > results/{name}.txt`)."
    study = result("search_small")
    assert study is not None
    text = path.read_text("utf-8").strip()
    again = ""
    if name == "search_small":
        text = printed_today(text, study["outcomes"])
        again = "; the outcomes are printed again by today's program"
    return f"```\n$ {command}\n{shortened(text)}\n```\n\nOn {machine(study)}{again}."


def shortened(text: str, *, first: int = 5, last: int = 3) -> str:
    """Shorten long paragraphs, such as tables with dozens of rows, in the middle."""

    def cut(paragraph: str) -> str:
        lines = paragraph.split("\n")
        if len(lines) <= first + last + 2:
            return paragraph
        left_out = len(lines) - first - last
        return "\n".join([*lines[:first], f"... {left_out} lines ...", *lines[-last:]])

    return "\n\n".join(map(cut, text.split("\n\n")))


def kills(figures: Figures) -> dict[str, Any]:
    """Render the effect of ten kills."""
    keys = ("same_jobs_in_the_same_order", "same_accuracies_to_the_bit", "same_winner")
    return {
        "same": all(figures[key] for key in keys),
        "by_stage": Counter(figures.get("stage_at_each_kill", [])),
    }


def study(figures: Figures) -> dict[str, Any]:
    """Render the candidates of a finished study and the winner."""
    stages = figures["outcomes"]
    columns = (
        "network", "parameters", ("multiply-accumulates", _millions), "seeds",
        ("mean, 95%", _mean), ("winner − this", _ahead),
    )  # fmt: skip
    rows = [
        (
            one["label"] + (" (the paper)" if one["reference"] else ""),
            *(one["parameters"], one["macs"], len(one["seeds"]), one, one["winner_less_this"]),
        )
        for one in stages["validation"]["ranking"]
    ]
    return {"table": make_table(columns, rows).markdown(), **stages}


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f}M"


def _mean(one: dict[str, Any]) -> str:
    return f"{one['mean']:.1%} ± {100 * one['half_width']:.1f}"


def _ahead(test: dict[str, Any]) -> str:
    return f"{100 * test['difference']:+.2f} points, p {test['p_holm']:.3f}"


def halving(figures: Figures) -> dict[str, Any]:
    """Render the distance to the exhaustive best and the share of compute."""
    columns = (
        "rungs", ("eta", "d"), "share of the compute: mean, largest",
        "below the best: mean, largest", ("orders within 0.5 points", ".1%"),
        ("and within the compute", ".1%"),
    )  # fmt: skip
    rows = [
        (
            ", ".join(map(str, one.get("rungs", ["–"]))),
            one["eta"],
            f"{one['mean_share_of_compute']:.1%}, {one['worst_share_of_compute']:.1%}",
            f"{100 * one['mean_regret']:.2f}, {100 * one['worst_regret']:.2f} points",
            one["share_of_orders_within_half_a_point"],
            one["share_of_orders_reached"],
        )
        for one in (figures, *figures.get("others", []))
    ]
    full = result("halving_table")
    assert full is not None
    return {"table": make_table(columns, rows).markdown(), "full": full, "own": is_current(full)}


def overhead(figures: Figures) -> dict[str, Any]:
    """Render the wall time of real studies and the parts of the overhead."""
    stages = make_table(
        (
            "space", "stage", "jobs", ("wall", seconds(0)), ("training per worker", seconds(0)),
            ("idle", seconds(0)), "overhead",
        ),
        [
            (
                study["space"],
                name,
                *(one[key] for key in ("jobs", "wall_seconds", "training_seconds", "idle_seconds")),
                f"{one['overhead_seconds']:.1f} s, {one['share_of_wall']:.1%}",
            )
            for study in figures["studies"]
            for name, one in study["stages"].items()
        ],
    )  # fmt: skip
    parts = make_table(
        (
            "storage", ("start of a worker", seconds(1)), ("preparing a job", _milliseconds),
            ("storage per job", _milliseconds), ("claim", _ms), ("lease renewal", _ms),
            ("finish", _ms),
        ),
        [
            (
                name,
                one["start_seconds_a_worker"],
                one["preparing_seconds_a_job"],
                one["storage_seconds_a_job"],
                *map(one["milliseconds_a_call"].get, ("claim", "beat", "finish")),
            )
            for name, one in figures["parts"].items()
        ],
    )  # fmt: skip
    return {"stages": stages.markdown(), "parts_table": parts.markdown()}


def _ms(value: float) -> str:
    return f"{value:.1f} ms"


def _milliseconds(value: float) -> str:
    return f"{1e3 * value:.0f} ms"


def scaling(figures: Figures) -> dict[str, Any]:
    """Render waiting by workers, cost by jobs, and saturation."""
    databases = figures["databases"].items()
    columns = (
        "storage", "workers", "job length", "time waiting", ("writes/s", ".0f"),
        ("claim: median, p95", _median), ("lease renewal: median, p95", _median),
        ("finish: median, p95", _median), "duplicated, lost jobs",
    )  # fmt: skip
    workers = make_table(
        columns,
        [
            (
                name,
                run["workers"],
                f"{run['trial_seconds']:g} s",
                _waited(run),
                run["writes_per_second"],
                *(run["calls"][call] for call in ("claim", "beat", "finish")),
                f"{run['twice']}, {run['lost']}",
            )
            for name, found in databases
            for run in found["by_workers"]
        ],
    )
    keys = ("jobs", "claim_ms", "beat_ms", "finish_ms")
    jobs = make_table(
        ("storage", "jobs of the stage", ("claim", _ms), ("lease renewal", _ms), ("finish", _ms)),
        [
            (name, *(one[key] for key in keys))
            for name, found in databases
            for one in found["by_jobs"]
        ],
    )  # fmt: skip
    return {
        "by_workers": workers.markdown(),
        "by_jobs": jobs.markdown(),
        "saturation": [
            (name, trial, one, one["enough_for"] in _held(found["by_workers"], trial))
            for name, found in databases
            for trial, one in found["saturation"].items()
        ],
    }


def _held(runs: list[dict[str, Any]], trial: str) -> list[int]:
    """Numbers of workers with enough claims in the window."""
    chosen = [run for run in runs if f"{run['trial_seconds']:g}" == trial]
    return [run["workers"] for run in chosen if run["calls"]["claim"]["count"] >= CLAIMS]


def _median(call: dict[str, Any]) -> str:
    return f"{call['median_ms']:.0f}, {call['p95_ms']:.0f} ms" if call["count"] else "–"


def _waited(run: dict[str, Any]) -> str:
    """Share of time waited, if the window has enough claims."""
    few = run["calls"]["claim"]["count"] < CLAIMS
    return "too few claims" if few else f"{run['share_of_time_waited']:.2%}"


def lag(figures: Figures) -> Table:
    """Render how far back a choice has to look."""
    columns = (("lag / workers", str), ("idle time", ".1%"))
    rows = [(one["lag_in_workers"], one["idle_share"]) for one in figures["idle_by_lag"]]
    return make_table(columns, rows)


def suggestions(figures: Figures) -> dict[str, Any]:
    """Render processor time of a claim inside and outside its transaction."""
    columns = (
        "finished trials", ("inside the transaction", _milliseconds),
        ("outside of it", _milliseconds),
    )  # fmt: skip
    rows = [
        tuple(one[key] for key in ("trials", "inside_seconds", "outside_seconds"))
        for one in figures["claims"]
    ]
    return {"table": make_table(columns, rows).markdown()}


_OVERHEAD = "search_overhead.py --study studies/small studies/medium"
SEARCH_BLOCKS = {
    "search-medium": Block("search_medium", "keep_study.py studies/medium", study),
    "search-kills": Block("search_kills", "search_kills.py", kills),
    "search-halving": Block("halving_quality", "halving_quality.py", halving),
    "search-overhead": Block("search_overhead", _OVERHEAD, overhead),
    "search-scaling": Block("search_scaling", "search_scaling.py", scaling),
    "search-lag": Block("search_scaling", "search_scaling.py", lag),
    "search-suggestions": Block("search_suggestions", "search_suggestions.py", suggestions),
}
TRANSCRIPTS = {
    "search-run": ("search_small", "thriftnet search small --workers 2"),
    "search-status": ("search_small_status", "thriftnet search status studies/small"),
}
