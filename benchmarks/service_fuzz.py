"""Does any request that can be made from the OpenAPI document make the service fail?

    python benchmarks/service_fuzz.py                  # 4,000 requests of each kind
    python benchmarks/service_fuzz.py --examples 200

schemathesis makes requests that fit the document and requests that do not, for each page of
`thriftnet serve quick`. Writes results/service_fuzz.json with the number of answers by status.
"""

from __future__ import annotations

import argparse
from collections import Counter
from importlib import metadata
from typing import Any

import hypothesis
import schemathesis
from schemathesis import GenerationMode

from service import serving
from support.record import write_result

PAGES = {"/v1/predict": "POST", "/v1/model": "GET", "/healthz": "GET", "/readyz": "GET"}
KINDS = [
    *((page, GenerationMode.POSITIVE) for page in PAGES),
    ("/v1/predict", GenerationMode.NEGATIVE),  # the others take nothing that could be wrong
]


def asked(url: str, page: str, mode: GenerationMode, examples: int) -> Counter[int]:
    """How often each status was the answer."""
    document = schemathesis.openapi.from_url(f"{url}/openapi.json")
    statuses: Counter[int] = Counter()

    @hypothesis.given(case=document[page][PAGES[page]].as_strategy(generation_mode=mode))
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def ask(case: Any) -> None:
        statuses[case.call(base_url=url).status_code] += 1

    ask()
    return statuses


def main() -> None:
    """Ask, count, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=4000)
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with serving("quick", "none") as server:
        for page, mode in KINDS:
            statuses = asked(f"http://127.0.0.1:{server.port}", page, mode, arguments.examples)
            rows.append({"page": page, "requests": mode.value, "answers": dict(statuses)})
            print(rows[-1])
        alive = server.process.poll() is None
    answers = Counter[int]()
    for row in rows:
        answers.update(row["answers"])
    failed = sum(count for status, count in answers.items() if status >= 500)
    figures = {
        "schemathesis": metadata.version("schemathesis"),
        "requests": answers.total(),
        "failed": failed,
        "alive": alive,
        "reached": alive and not failed,
        "rows": rows,
    }
    write_result("service_fuzz", figures)


if __name__ == "__main__":
    main()
