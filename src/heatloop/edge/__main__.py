"""`python -m heatloop.edge`."""

from __future__ import annotations

import sys

from heatloop.edge.process import main

if __name__ == "__main__":
    sys.exit(main())
