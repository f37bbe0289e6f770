"""`python -m heatloop` is the command line."""

import sys

from heatloop.cli import main

if __name__ == "__main__":
    sys.exit(main())
