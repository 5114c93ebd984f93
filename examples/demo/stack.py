"""Starts and ends the demo's processes: SpiceDB, the MCP server and Envoy with the filter, all on 127.0.0.1."""

import base64
import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import terminal as out

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PROXY_PORT, ADMIN_PORT, SERVER_PORT, SPICEDB_PORT = 7700, 7701, 7702, 7703
PORTS = {PROXY_PORT: "Envoy", ADMIN_PORT: "Envoy's admin", SERVER_PORT: "the MCP server", SPICEDB_PORT: "SpiceDB"}
PATH = "/mcp/code"
URL = f"http://127.0.0.1:{PROXY_PORT}{PATH}"
ISSUER = "https://id.acme.test"
PRESHARED_KEY = "demo-only"
READY_SECONDS = 20


class Trouble(Exception):
    """A problem that keeps the demo from running, with a remedy."""


def tool(variable, *candidates):
    """The file that an environment variable names, else the first candidate that exists."""
    named = os.environ.get(variable)
    for path in [named] if named else candidates:
        if Path(path).is_file():
            return str(Path(path).resolve())
    looked = named or ", ".join(os.path.relpath(path, ROOT) for path in candidates)
    raise Trouble(f"`{variable}` not found (looked at {looked}); run `make demo`, which builds and installs it")


class Files:
    """The build's artefacts that the demo needs."""

    def __init__(self, policy):
        self.policy = policy
        libraries = sorted(ROOT.glob(".tools/**/prebuilds/*/libspicedb.*"))
        self.cli = tool("TOOLWARD_CLI", ROOT / "dist/toolward")
        self.wasm = tool("TOOLWARD_WASM", ROOT / "dist/toolward.wasm")
        self.envoy = tool("TOOLWARD_ENVOY", Path(sys.executable).parent / "envoy")
        self.spicedb = tool("SPICEDB_LIBRARY_PATH", *libraries)


def check_ports():
    """Says which of the fixed ports are taken."""
    taken = []
    for port, name in PORTS.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                taken.append(f"{port} ({name})")
    if taken:
        raise Trouble(
            f"on 127.0.0.1 taken: {', '.join(taken)}. Another `make up` or `make demo`? End it, or see who listens "
            f"with `ss -ltnp` or `lsof -nP -iTCP -sTCP:LISTEN`."
        )


def run(command):
    """Runs a short command and returns its output."""
    # Its own session, as in `Stack.start`: Ctrl-C is for this program.
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, start_new_session=True
    )
    if done.returncode != 0:
        raise Trouble(f"`{' '.join(command[:2])}` failed with status {done.returncode}:\n{done.stderr or done.stdout}")
    return done.stdout


def die_with_parent():
    """In the child: end if this program is killed outright (Linux; elsewhere only `stop` ends it)."""
    if sys.platform == "linux":
        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Stack:
    """The processes and their files; use as a context manager."""

    def __init__(self, files):
        self.files = files
        self.processes = {}
        self.folder = Path(tempfile.mkdtemp(prefix="toolward-demo-"))
        self.access_log = self.folder / "access.log"

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for name in list(self.processes):
            self.stop(name)
        if kind is None or issubclass(kind, KeyboardInterrupt):
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            out.note(f"Everything is ended; logs and configuration are kept in {self.folder}")

    def log(self, name):
        """Where a process writes."""
        return self.folder / f"{name}.log"

    def start(self, name, *command, **environment):
        """Starts a process in its own session, so that Ctrl-C reaches only this program, which ends them in order."""
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
                env={**os.environ, **environment},
            )

    def stop(self, name):
        """Ends a process and waits for it."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait(self, name, ready, ticker=None):
        """Waits until it is ready; says why if it ends or takes too long."""
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            status = self.processes[name].poll()
            if status is not None or time.monotonic() > deadline:
                what = f"ended with status {status}" if status is not None else f"not ready after {READY_SECONDS} s"
                lines = self.log(name).read_text(errors="replace").splitlines()[-15:]
                raise Trouble("\n".join([f"{name}: {what}; the end of {self.log(name)}:", *lines]))
            if ticker:
                ticker.tick()
            time.sleep(0.05)

    def start_spicedb(self, ticker=None):
        """The real engine behind its HTTP paths."""
        front = ROOT / "tests/servers/spicedb_front.py"
        self.start(
            "spicedb",
            *(sys.executable, str(front), "--port", str(SPICEDB_PORT), "--preshared-key", PRESHARED_KEY),
            *("--schema", str(HERE / "relations/schema.zed")),
            *("--relationships", str(HERE / "relations/relationships.txt")),
            SPICEDB_LIBRARY_PATH=self.files.spicedb,
        )
        self.wait("spicedb", lambda: get(SPICEDB_PORT, "/healthz")[0] == 200, ticker)

    def start_server(self, ticker=None):
        """The MCP server to guard."""
        self.start("server", sys.executable, str(HERE / "server.py"), "--port", str(SERVER_PORT))
        self.wait("server", lambda: get(SERVER_PORT, "/_seen")[0] == 200, ticker)

    def start_envoy(self, bundle, jwks, ticker=None):
        """The proxy with the filter."""
        values = {
            "ADMIN_PORT": str(ADMIN_PORT),
            "LISTEN_PORT": str(PROXY_PORT),
            "SERVER_PORT": str(SERVER_PORT),
            "SPICEDB_PORT": str(SPICEDB_PORT),
            "ACCESS_LOG": json.dumps(str(self.access_log)),
            "WASM": json.dumps(self.files.wasm),
            "CONFIGURATION": json.dumps(json.dumps(filter_configuration(bundle, jwks))),
        }
        template = (ROOT / "envoy/bootstrap.yaml").read_text(encoding="utf-8")
        lines = [line for line in template.splitlines() if not line.startswith("#")]
        text = re.sub(r"@([A-Z_]+)@", lambda name: values[name[1]], "\n".join(lines))
        bootstrap = self.folder / "envoy.yaml"
        bootstrap.write_text(text, encoding="utf-8")
        self.start(
            "envoy",
            *(self.files.envoy, "--config-path", str(bootstrap), "--concurrency", "2", "--disable-hot-restart"),
            *("--file-flush-interval-msec", "30", "--log-level", "warning", "--component-log-level", "wasm:info"),
        )
        self.wait("envoy", lambda: get(ADMIN_PORT, "/ready")[0] == 200, ticker)

    def records(self):
        """The decision records that Envoy's access log holds so far."""
        if not self.access_log.exists():
            return []
        # A line that is still being written has no end yet.
        lines = self.access_log.read_text(encoding="utf-8").splitlines(keepends=True)
        decisions = [json.loads(line)["decision"] for line in lines if line.endswith("\n")]
        return [json.loads(decision) for decision in decisions if decision]


def filter_configuration(bundle, jwks):
    """The filter's configuration: issuers, policy and engine."""
    return {
        "issuers": [{"issuer": ISSUER, "algorithms": ["RS256", "ES256", "EdDSA"], "jwks": json.loads(jwks)}],
        "bundle": {"base64": base64.b64encode(bundle).decode()},
        "checks": {
            "spicedb": {
                "cluster": "spicedb",
                "authority": "spicedb.acme.test",
                "timeout_ms": 1000,
                "bearer_token": PRESHARED_KEY,
            }
        },
    }


def request(port, method, path, headers=None, body=None):
    """One HTTP exchange on loopback: status, headers in lower case, body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def get(port, path):
    """A GET. Returns status 0 if no server listens yet."""
    try:
        return request(port, "GET", path)
    except OSError:
        return 0, {}, b""
