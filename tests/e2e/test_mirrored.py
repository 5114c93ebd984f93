"""Arguments that clients repeat in headers: real requests pass, and headers that contradict the body are rejected."""

import json
import re

import pytest
from gateway import CLI, HERE, Gateway, run
from sdk_clients import CLIENTS
from sdk_clients import run as client_run
from wire import headers, http1

MODERN = [client for client in CLIENTS if client.endswith("-modern")]
LEGACY = [client for client in CLIENTS if client.endswith("-legacy")]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


class Mirrored(Gateway):
    """A gateway whose catalogue is the output of `toolward import` for the server."""

    def start_server(self):
        super().start_server()
        listed = run(CLI, "import", f"http://127.0.0.1:{self.server_port}/mcp", "--name", "listed")
        listed = listed.replace("policy: toolward/v1\n", "").replace("        review: pending\n", "")
        self.policy = self.folder / "imported.yaml"
        self.policy.write_text((HERE / "mirrored.yaml").read_text(encoding="utf-8") + listed, encoding="utf-8")


@pytest.fixture(scope="module")
def gateway(identity, tmp_path_factory):
    """The gateway, which must not trap."""
    with Mirrored("mirrored", tmp_path_factory.mktemp("mirrored"), identity) as gateway:
        yield gateway
        assert gateway.reloads() == 0


def test_import_keeps_repeated_arguments(gateway):
    text = gateway.policy.read_text(encoding="utf-8")
    names = re.findall(r'"?x-mcp-header"?: "?([\w-]+)', text)
    assert names == ["Region", "Size_GB", "Dry-Run"], text


@pytest.mark.parametrize("client", MODERN)
@pytest.mark.parametrize(
    ("region", "header"),
    [("eu west", b"eu west"), ("zürich", b"=?base64?esO8cmljaA==?="), ("=?base64?ZXU=?=", b"=?base64?PT9iYXNlNjQ/WlhVPT89?=")],
)
def test_a_client_that_repeats_arguments_passes(gateway, identity, client, region, header):
    gateway.recorder.take()
    arguments = {"name": "web", "region": region, "size": 42, "dry": True}
    outcome = client_run(client, gateway.url, identity.token(), [{}, {"call": "deploy", "arguments": arguments}])
    assert "fatal" not in outcome, outcome
    assert outcome["results"] == [
        {"tools": ["deploy"]},
        {"text": f"web in {region}, 42, True", "is_error": False},
    ]
    seen = gateway.recorder.take().lower()
    for line in (b"mcp-param-region: " + header.lower(), b"mcp-param-size_gb: 42", b"mcp-param-dry-run: true"):
        assert line in seen, seen


@pytest.mark.parametrize("client", LEGACY)
def test_a_legacy_client_repeats_nothing_and_passes(gateway, identity, client):
    arguments = {"name": "web", "region": "eu"}
    outcome = client_run(client, gateway.url, identity.token(), [{}, {"call": "deploy", "arguments": arguments}])
    assert outcome["results"][1] == {"text": "web in eu, 1, False", "is_error": False}


def post(gateway, token, arguments, said, *, modern=True):
    """One call made by hand."""
    params = {"name": "deploy", "arguments": arguments} | ({"_meta": META} if modern else {})
    fields = headers(gateway, token)
    if modern:
        fields = [(name, value) for name, value in fields if name != "mcp-protocol-version"]
        fields += [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "deploy")]
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    return http1(gateway, [*fields, *said], body)


@pytest.mark.parametrize("modern", [True, False], ids=["modern", "legacy"])
def test_a_client_that_says_something_else_is_refused(gateway, identity, modern):
    token, arguments = identity.token(), {"name": "eu", "region": "us"}
    assert post(gateway, token, arguments, [("Mcp-Param-Region", "us")], modern=modern).status == 200
    gateway.recorder.take()
    lies = [
        [("Mcp-Param-Region", "eu")],
        [("Mcp-Param-Region", "=?base64?ZXU=?=")],
        [("Mcp-Param-Region", "us"), ("Mcp-Param-Size_GB", "1")],
        [("Mcp-Param-Region", "us"), ("Mcp-Param-Other", "ch")],
    ] + ([[]] if modern else [])
    for said in lies:
        answer = post(gateway, token, arguments, said, modern=modern)
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, -32020), (said, answer.body)
        assert answer.reason == "header_mismatch"
    twice = [("Mcp-Param-Region", "us"), ("mcp-param-region", "eu")]
    assert post(gateway, token, arguments, twice, modern=modern).reason == "header_repeated"
    assert gateway.recorder.take() == b"", "the server saw a request that was refused"
