"""Nothing leaves as a file but by the door of exports, or for a reason written here (8.2 f)."""

from __future__ import annotations

import json

from heatloop.web.openapi import document

NOT_EXPORTS = {
    "/device-profiles/{name}/export": "a signed register map, meant for other installations",
    "/device-tests/{run}/report.pdf": "one signed report, shown to whoever accepts the device",
    "/devices/files/{sha256}": "one document of a device, as it was handed in",
    "/keeping/files/{sha256}": "one photo or sound, as it was handed in",
    "/gateways/crl": "public: which certificates are withdrawn",
    "/metrics": "counts for monitoring, no measured value",
    "/personal/given/{id}/file": "sealed for its receiver already",
    "/samples": "read by programs of this installation; asks for a purpose and a release",
    "/security/assessment/report": "the self-assessment, no operating data",
    "/security/sbom": "the bill of materials",
    "/stream": "a live view",
    "/subscribe": "a live view of programs, by scope",
}


def test_8_2_f_whatever_leaves_as_a_file_goes_out_by_the_door_of_exports() -> None:
    sealed, open_ = set(), set()
    for path, operations in json.loads(document())["paths"].items():
        answer = operations.get("get", {}).get("responses", {}).get("200", {})
        if not set(answer.get("content", {})) - {"application/json"}:
            continue
        asked = {each["name"] for each in operations["get"].get("parameters", [])}
        place = sealed if "X-Heatloop-Export-Passphrase" in asked else open_
        place.add(path.removeprefix("/api/v1"))
    assert open_ == set(NOT_EXPORTS)
    assert {"/ledger/export", "/bulk/samples", "/imports/{id}/refused"} <= sealed
