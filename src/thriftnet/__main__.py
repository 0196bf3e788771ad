"""`thriftnet` and `python -m thriftnet`."""

import contextlib
import sys


def main() -> None:
    """Run the command line; Ctrl-C before or after it, as during imports, prints one line."""
    try:
        from thriftnet.cli import main as run

        run()
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):
            print("thriftnet: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
