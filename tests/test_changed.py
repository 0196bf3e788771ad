"""`make check` runs the tests of what changed."""

import pytest

from changed import mirrored_tests


@pytest.mark.parametrize(
    ("changed", "run"),
    [
        ("src/thriftnet/table.py", ["tests/test_table.py"]),
        ("src/thriftnet/optim/muon.py", ["tests/optim/test_muon.py"]),
        ("src/thriftnet/optim/build.py", ["tests/optim"]),
        ("src/thriftnet/py.typed", []),
        ("benchmarks/ablate.py", ["tests/bench/test_ablate.py"]),
        ("reproductions/dreamfire2025/judge.py", ["tests/reproductions"]),
        ("tests/optim/test_muon.py", ["tests/optim/test_muon.py"]),
        ("tests/support/changed.py", ["tests/test_changed.py"]),
        ("results/accuracy.json", ["tests/documents/test_documents.py"]),
        ("docs/recipe.md", ["tests/documents/test_documents.py"]),
        ("benchmarks/documents/quoting.py", ["tests/documents/test_documents.py"]),
    ],
)
def test_a_file_has_the_tests_that_mirror_it(changed: str, run: list[str]):
    assert mirrored_tests(changed) == run
