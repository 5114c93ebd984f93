"""Makes the list of crates in a release true, and independent of the folder in which it was made.

cargo-cyclonedx resolves the features of the whole workspace at once. Its list therefore names crates that only tests use.
`cargo tree -p` resolves them as `cargo build -p` does; this script keeps the crates that it names.

    cargo tree … --prefix none --format '{p}' | sbom.py FROM.json TO.json ARTEFACT ROOT
"""

import hashlib
import json
import sys
from pathlib import Path


def built(tree):
    """Name and version of each crate that `cargo tree` names."""
    return {(name, version.removeprefix("v")) for name, version, *_ in map(str.split, filter(str.strip, tree))}


def pruned(bom, crates, artefact):
    """The SBOM with these crates alone, and with the digest of the file that it describes."""
    bom["components"] = [one for one in bom["components"] if (one["name"], one["version"]) in crates]
    listed = {(one["name"], one["version"]) for one in bom["components"]}
    subject = bom["metadata"]["component"]
    missing = crates - listed - {(subject["name"], subject["version"])}
    if missing:
        sys.exit(f"crates that the SBOM does not list: {sorted(missing)}")
    known = {one["bom-ref"] for one in bom["components"]} | {subject["bom-ref"]}
    bom["dependencies"] = [
        {**one, "dependsOn": [ref for ref in one.get("dependsOn", []) if ref in known]}
        for one in bom["dependencies"]
        if one["ref"] in known
    ]
    subject["hashes"] = [{"alg": "SHA-256", "content": hashlib.sha256(artefact).hexdigest()}]
    return bom


if __name__ == "__main__":
    source, target, artefact, root = sys.argv[1:]
    bom = pruned(json.loads(Path(source).read_text()), built(sys.stdin), Path(artefact).read_bytes())
    Path(target).write_text(json.dumps(bom, indent=2).replace(f"file://{root}", "file:///toolward") + "\n")
