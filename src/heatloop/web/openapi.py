"""Prints the API document: `python -m heatloop.web.openapi > openapi.json`."""

from __future__ import annotations

import json
import sys

from heatloop.web.factory import bare_app


def document() -> str:
    """Return the OpenAPI document as text, the same for the same code."""
    return json.dumps(bare_app().openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Write the document to standard output."""
    sys.stdout.write(document())


if __name__ == "__main__":
    main()
