"""How pytest-xdist shares the tests between processes: a file at a time, the longest first."""

from __future__ import annotations

import os
from typing import Any

import pytest

TOGETHER = (
    ("tests/data/cifar10/",),
    ("tests/tracking/",),
    (
        "tests/export/",
        "tests/hub/",
        "tests/inference/test_onnx_graph.py",
        "tests/inference/test_openvino_runtime.py",
        "tests/serve/test_onnx.py",
        "tests/bench/test_inference_ways.py",
        "tests/end_to_end/documents/test_documented_commands.py",
        "tests/end_to_end/documents/test_documented_python.py",
        "tests/end_to_end/test_export.py",
        "tests/end_to_end/test_one_answer.py",
    ),
    (
        "tests/end_to_end/search/test_search_killed.py",
        "tests/end_to_end/search/test_search_on_postgres.py",
        "tests/end_to_end/search/test_search_on_ray.py",
        "tests/training/distributed/test_several_processes.py",
        "tests/end_to_end/search/test_search_from_stage_to_stage.py",
        "tests/end_to_end/search/test_search_retry.py",
        "tests/end_to_end/search/test_search.py",
        "tests/end_to_end/documents/test_journeys.py",
        "tests/end_to_end/own/test_own_downstream.py",
        "tests/end_to_end/test_before_the_move.py",
        "tests/end_to_end/test_stopped.py",
        "tests/documents/test_site.py",
    ),
)
"""Each for one process: what they import takes seconds, as exporters do, or what fixtures make, as
the process that forks the workers of searches (forked.py)."""
LONGEST = (
    "tests/export/",
    "tests/end_to_end/search/test_search_on_postgres.py",
    "tests/end_to_end/search/test_search_killed.py",
    "tests/end_to_end/own/test_without_recipe.py",
    "tests/end_to_end/test_workflow.py",
    "tests/training/distributed/test_several_processes.py",
    "tests/tracking/",
    "tests/end_to_end/search/test_search_on_ray.py",
    "tests/data/cifar10/",
    "tests/end_to_end/test_odd_values.py",
)
"""More than fifteen seconds each. Those that start many processes alternate with others."""


def _together(nodeid: str) -> str:
    """The name of the tests that one process takes together."""
    names = (places[0] for places in TOGETHER if nodeid.startswith(places))
    return next(names, nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One more for each two cores: a part of its time, a test waits for other processes."""
    if len(config.args) < 4 and all(".py" in name for name in config.args):
        return 0  # another process would be ready when this one is done
    if "THRIFTNET_TEST_THREADS" in os.environ:  # a process has threads of its own, and none waits
        return None
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return cores + cores // 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _together(nodeid)

    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """None of the longest is left alone at the end."""

    def place(item: pytest.Item) -> int:
        starts = map(item.nodeid.startswith, LONGEST)
        return next((number for number, found in enumerate(starts) if found), len(LONGEST))

    items.sort(key=place)
