"""`make sbom`: the bill of materials of the shipped dependencies as CycloneDX 1.6, from the lock and nothing else.

Equal locks give equal bytes: there is no time in it, and its serial number is made of its content.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from syncd import __version__
from tests.supply_chain.lock import Locked, read_lock


def bill(packages: Sequence[Locked], version: str = __version__) -> dict[str, Any]:
    """The document. A package's hashes are those of its files in the index, one an external reference each."""
    root = f"pkg:pypi/syncd@{version}"
    names = {each.name: _url(each) for each in packages}
    needs: dict[str, list[str]] = {root: [], **{url: [] for url in names.values()}}
    for each in packages:
        for parent in each.needed_by:
            needs[root if parent == "syncd" else names[parent]].append(_url(each))
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "syncd",
                "version": version,
                "purl": root,
                "licenses": [{"license": {"id": "MIT"}}],
            },
        },
        "components": [_component(each) for each in packages],
        "dependencies": [{"ref": ref, "dependsOn": sorted(set(parts))} for ref, parts in sorted(needs.items())],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()
    return {**document, "serialNumber": UUID(bytes=digest[:16], version=4).urn}


def _url(package: Locked) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _component(package: Locked) -> dict[str, Any]:
    files = [
        {"type": "distribution", "url": _url(package), "hashes": [{"alg": "SHA-256", "content": digest}]}
        for digest in package.hashes
    ]
    url = _url(package)
    named = {"name": package.name, "version": package.version, "purl": url}
    return {"type": "library", "bom-ref": url, **named, "scope": "required", "externalReferences": files}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill(read_lock()), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    sys.stdout.write(f"{target}\n")
