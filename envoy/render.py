#!/usr/bin/env python3
"""Fills in `bootstrap.yaml`: an Envoy with Toolward before one MCP server on this machine, on standard output.

    python3 envoy/render.py --issuer https://id.acme.test --jwks jwks.json --bundle acme.bundle --server-port 8000 > envoy.yaml

Meant for a first try and for your own scripts. Python 3.11, no packages.
"""

import argparse
import base64
import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}


def options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--issuer", required=True, help="`iss` of the tokens")
    parser.add_argument("--jwks", required=True, type=Path, help="file with the issuer's public keys (RFC 7517)")
    parser.add_argument("--bundle", required=True, type=Path, help="output of `toolward compile`")
    parser.add_argument("--server-port", required=True, type=int, help="the MCP server's port on 127.0.0.1")
    parser.add_argument("--listen-port", type=int, default=10000, help="Envoy's port for clients on 127.0.0.1")
    parser.add_argument("--admin-port", type=int, default=9901, help="Envoy's admin port on 127.0.0.1")
    parser.add_argument("--spicedb-port", type=int, help="SpiceDB's HTTP port on 127.0.0.1, where the policy has checks")
    parser.add_argument("--spicedb-key", help="SpiceDB's preshared key")
    parser.add_argument("--wasm", type=Path, default=HERE.parent / "dist/toolward.wasm", help="the filter")
    parser.add_argument("--access-log", default="/dev/stdout", help="file for the access log")
    return parser.parse_args()


def configuration(chosen):
    """The filter's configuration; docs/configuration.md describes its fields."""
    jwks = json.loads(chosen.jwks.read_text(encoding="utf-8"))
    algorithms = sorted({ALGORITHMS[key["kty"]] for key in jwks["keys"] if key.get("kty") in ALGORITHMS})
    whole = {
        "issuers": [{"issuer": chosen.issuer, "algorithms": algorithms, "jwks": jwks}],
        "bundle": {"base64": base64.b64encode(chosen.bundle.read_bytes()).decode()},
    }
    if chosen.spicedb_port:
        spicedb = {"cluster": "spicedb"} | ({"bearer_token": chosen.spicedb_key} if chosen.spicedb_key else {})
        whole["checks"] = {"spicedb": spicedb}
    return whole


def main():
    """Replaces each @NAME@; comments, which name them too, are left out."""
    chosen = options()
    values = {
        "LISTEN_PORT": chosen.listen_port,
        "ADMIN_PORT": chosen.admin_port,
        "SERVER_PORT": chosen.server_port,
        "SPICEDB_PORT": chosen.spicedb_port or 1,  # nothing is sent there without checks
        "ACCESS_LOG": chosen.access_log,
        "WASM": str(chosen.wasm.resolve()),
        "CONFIGURATION": json.dumps(configuration(chosen)),  # JSON in one YAML string
    }
    lines = (HERE / "bootstrap.yaml").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#"))
    print(re.sub(r"@([A-Z_]+)@", lambda name: json.dumps(values[name[1]]), text))


if __name__ == "__main__":
    main()
