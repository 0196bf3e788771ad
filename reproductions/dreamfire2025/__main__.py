"""`make paper`: judge every claim of the paper by results/ and write a page of them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reproductions.dreamfire2025.build import write_paper_report
from reproductions.dreamfire2025.terminal import print_paper_report
from thriftnet.errors import ThriftnetError
from thriftnet.terminal.work import working


def main() -> None:
    """Parse the command line, write the page, print the verdicts."""
    parser = argparse.ArgumentParser(prog="make paper", description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR",
                        help="the results files (default: results)")  # fmt: skip
    parser.add_argument("--out", type=Path, default=Path("paper.html"), metavar="FILE",
                        help="the page (default: paper.html)")  # fmt: skip
    arguments = parser.parse_args()
    try:
        with working("judging the claims and drawing the page"):
            report = write_paper_report(arguments.results, arguments.out)
        print_paper_report(report)
    except ThriftnetError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
