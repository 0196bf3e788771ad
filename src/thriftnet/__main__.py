"""`thriftnet` and `python -m thriftnet`."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C during imports prints one line."""
    try:
        from thriftnet.cli import main as run
    except KeyboardInterrupt:
        print("thriftnet: interrupted", file=sys.stderr)
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
