"""`python -m thriftnet`."""

from thriftnet.cli import main

if __name__ == "__main__":
    main()
