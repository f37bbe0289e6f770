"""Every endpoint and every role: who may call what (clauses 6.1.3 e and 8.2 c).

`python -m heatloop.proof.route_matrix` reads the routes of the program itself and prints a CSV of
endpoint x role with `yes` or `no`; `--markdown` prints a table, `--json` one object. Returns 1
when a route declares no right.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TextIO

from heatloop.security.access import Role

if TYPE_CHECKING:
    from heatloop.app.views.rights import RightsMatrix

NOBODY = "nobody"
"""Column of whoever has not signed in."""
_OPEN = "open"


def matrix() -> RightsMatrix:
    """Return the matrix of the routes of this version."""
    # By name: the face and its proof stand side by side, and neither is built on the other.
    factory: Any = importlib.import_module("heatloop.web.factory")
    rights: Any = importlib.import_module("heatloop.web.rights")
    found: RightsMatrix = rights.matrix_of(rights.route_rights(factory.bare_app().routes))
    return found


def rows(found: RightsMatrix) -> list[dict[str, str]]:
    """Return a row a route: method, path, right, and `yes` or `no` for nobody and every role."""
    return [
        {"method": each.method, "path": each.path, "right": each.right}
        | {NOBODY: _word(each.right == _OPEN)}
        | {role.value: _word(role.value in each.roles) for role in Role}
        for each in found.items
    ]


def _word(may: bool) -> str:
    return "yes" if may else "no"


def main(arguments: Sequence[str] | None = None, out: TextIO | None = None) -> int:
    """Print the matrix; return 1 when a route declares no right."""
    parser = argparse.ArgumentParser(
        prog="python -m heatloop.proof.route_matrix", description=__doc__
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--markdown", action="store_true", help="a Markdown table")
    options = parser.parse_args(arguments)
    stream = out or sys.stdout
    made = rows(matrix())
    names = list(made[0])
    if options.json:
        json.dump({"columns": names, "rows": made}, stream, ensure_ascii=False, indent=1)
        stream.write("\n")
    elif options.markdown:
        stream.write("| " + " | ".join(names) + " |\n|" + "---|" * len(names) + "\n")
        for row in made:
            stream.write("| " + " | ".join(row.values()) + " |\n")
    else:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(made)
    bare = [f"{row['method']} {row['path']}" for row in made if not row["right"]]
    for each in bare:
        print(f"route_matrix: no right declared: {each}", file=sys.stderr)
    return 1 if bare else 0


if __name__ == "__main__":
    sys.exit(main())
