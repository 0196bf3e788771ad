"""Does a service fail or grow in ten minutes of requests without a pause?

    python benchmarks/service_soak.py               # 10 minutes; the machine may be busy
    python benchmarks/service_soak.py --minutes 1

64 clients ask `thriftnet serve quick --tta none` with a small PNG a request. Before each tenth of
the time come 500 requests with a damaged picture, which are all refused, and after it the service's
memory is read. Writes results/service_soak.json.
"""

from __future__ import annotations

import argparse

from service import CLIENTS, pictures, raw_request, serving
from support.http_load import load
from support.record import write_result

TENTHS, BAD = 10, 500
MINUTES, REQUESTS = 10, 100_000
"""Targets: without a failure, and with flat memory."""
_FLAT = 1.05
"""Largest growth of memory after the first tenth, in which caches fill."""


def main() -> None:
    """Ask, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    each = parser.parse_args().minutes * 60 / TENTHS
    content = pictures(1)[0]
    good, bad = raw_request(content), raw_request(content[:60])
    seconds, requests, failed, refused = 0.0, 0, 0, 0
    memory: list[float] = []
    with serving("quick", "none") as server:
        for _ in range(TENTHS):
            done = load(server.port, bad, clients=CLIENTS, seconds=3600, requests=BAD)
            assert done["failed"] == done["requests"], "a bad picture was answered"
            refused += done["requests"]
            done = load(server.port, good, clients=CLIENTS, seconds=each)
            seconds += done["seconds"]
            requests += done["requests"]
            failed += done["failed"]
            memory.append(server.memory())
            print(f"{requests:,} requests in {seconds:.0f} s, {failed} failed, {memory[-1]} MB")
    flat = max(memory) <= _FLAT * memory[0]
    figures = {
        "minutes": round(seconds / 60, 2),
        "clients": CLIENTS,
        "requests": requests,
        "failed": failed,
        "bad_pictures_refused": refused,
        "megabytes_after_each_tenth": memory,
        "reached": not failed and flat and requests >= REQUESTS and seconds >= 60 * MINUTES,
    }
    write_result("service_soak", figures)


if __name__ == "__main__":
    main()
