"""The blocks of docs/serve.md, from results/service*.json and results/predict_many.json."""

from __future__ import annotations

from typing import Any

from documents.quoting import Block, Figures
from thriftnet.table import make_table

_TARGETS = {"one_raw": 0.6, "one_in_a_form": 0.6, "many_in_a_form": 0.95}
"""Target: share of the bare predictor's speed that `best` keeps."""
_MOST_OVER = 3.0
"""Target: overhead of a single request in milliseconds."""
_WAYS = {
    "one_raw": "64 clients, one picture per request, raw",
    "one_in_a_form": "64 clients, one picture per request, in a form",
    "many_in_a_form": "4 clients, 64 pictures per request",
    "lone": "1 client, one picture per request",
}


def service(figures: Figures) -> dict[str, Any]:
    """Render speeds of each network and method, targets, and memory."""
    columns = (
        "network", "views", "clients", ("pictures/s", ",.0f"), ("vs. predictor", ".0%"),
        ("median", "{:.1f} ms".format), ("p99", "{:.1f} ms".format),
        ("processor time per picture", "{:.2f} ms".format),
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    reached: list[tuple[str, bool]] = []
    for name, entries in figures["networks"].items():
        for entry in entries:
            views = {"none": 1, "flip": 2, "flip_shift": 6}[entry["tta"]]
            rows.append((
                f"`{name}`", views, "none: the predictor alone, batches of 64",
                entry["predictor_images_per_second"], None, None, None,
                entry.get("predictor_processor_milliseconds"),
            ))  # fmt: skip
            for way, text in _WAYS.items():
                found = entry[way]
                rows.append((
                    f"`{name}`", views, text, found["images_per_second"],
                    found["share_of_predictor"] if way in _TARGETS else None,
                    found["milliseconds_median"], found["milliseconds_99"],
                    found.get("processor_milliseconds"),
                ))  # fmt: skip
                if name == "best" and entry["tta"] == "none" and way in _TARGETS:
                    share = _TARGETS[way]
                    reached.append((f"{text}: {share:.0%}", found["share_of_predictor"] >= share))
            found, alone = entry["lone"], entry["predictor_milliseconds_of_one"]
            what = f"a lone request for `{name}`, {views} view{'s' * (views > 1)}"
            goal = f"{what}: at most {_MOST_OVER:g} ms over the predictor's {alone:g} ms"
            reached.append((goal, found["milliseconds_over_predictor"] <= _MOST_OVER))
    ways = [
        entry[way] for entries in figures["networks"].values() for entry in entries for way in _WAYS
    ]
    targets = [(text, "reached" if yes else "missed") for text, yes in reached]
    return {
        "table": make_table(columns, rows).markdown(),
        "targets": make_table(("target", "result"), targets).markdown(),
        "asked": sum(way["requests"] for way in ways),
        "failed": sum(way["failed"] for way in ways),
    }


def predict_many(figures: Figures) -> dict[str, Any]:
    """Render which formats were equal after a kill."""
    same = {True: "yes", False: "**no**"}
    told = [f"{kind} {same[equal]}" for kind, equal in figures["same_after_a_kill"].items()]
    return {"same": ", ".join(told)}


SERVICE_BLOCKS = {
    "service": Block("service", "service.py", service),
    "service-fuzz": Block("service_fuzz", "service_fuzz.py"),
    "service-soak": Block("service_soak", "service_soak.py"),
    "predict-many": Block("predict_many", "predict_many.py", predict_many),
}
