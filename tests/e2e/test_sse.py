"""HTTP with SSE (2024-11-05): the SDKs' own clients and servers through Envoy; endpoints, denials, and owners of sessions."""

import base64
import os
import socket
import threading
import time

import pytest
from gateway import Gateway
from sdk_clients import ECHO, STEPS, check_steps, run
from wire import call, http1

SERVERS = ("sse-python1", "sse-python2", "sse-typescript")
SDKS = ("python1", "python2", "python2-legacy", "typescript1", "typescript2", "typescript2-legacy")
REVISIONS = ["2024-11-05", "2025-11-25"]
KEYS = [base64.b64encode(os.urandom(32)).decode()]
SECONDS = 20


class Plain(Gateway):
    """A gateway before a server of HTTP with SSE."""

    settings = {"revisions": REVISIONS, "servers": {"tools": {"messages": "/messages/"}}}


class Sealing(Plain):
    """The same, with sealed session ids."""

    settings = {**Plain.settings, "sessions": {"keys": KEYS, "lifetime_seconds": 600}}


@pytest.fixture(scope="module")
def gateway(request, tmp_path_factory, identity):
    """One for each kind and server."""
    kind, server = request.param
    with kind(server, tmp_path_factory.mktemp(server), identity) as gateway:
        yield gateway
        assert gateway.reloads() == 0


ALL, SEALED = (
    pytest.mark.parametrize(
        "gateway",
        [pytest.param((kind, server), id=f"{server}-{kind.__name__.lower()}") for kind in kinds for server in SERVERS],
        indirect=True,
        scope="module",
    )
    for kinds in ((Plain, Sealing), (Sealing,))
)


@ALL
@pytest.mark.parametrize("client", SDKS)
def test_a_client_lists_calls_is_denied_and_goes_on(gateway, identity, client):
    gateway.recorder.take()
    outcome = run(client, gateway.url, identity.token(), STEPS, transport="sse")
    check_steps(outcome)
    assert outcome["protocol"] in (None, "2025-11-25")
    # The server is asked to report that a request was denied, and learns nothing about the request.
    seen = gateway.recorder.take()
    assert b"delete_repository" not in seen and b"rotate_keys" not in seen and b"payments" not in seen
    assert seen.count(b"toolward-denied.") >= 3


class Stream:
    """The stream of one session, read by hand."""

    def __init__(self, gateway, token):
        self.connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS)
        fields = [("host", gateway.authority), ("accept", "text/event-stream"), ("authorization", f"Bearer {token}")]
        head = "GET /mcp HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
        self.connection.sendall(head.encode())
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def until(self, text):
        """Everything so far, once this is there."""
        while text not in self.bytes:
            part = self.connection.recv(65536)
            assert part, f"the stream ended after {self.bytes!r}"
            self.bytes += part
        return self.bytes

    def endpoint(self):
        """The address to which the client must post."""
        seen = self.until(b"/messages/?")
        while b"\n" not in (rest := seen.split(b"data: ", 1)[1]):
            seen = self.until(b"\n\n")
        return rest.split()[0].decode()


def post(gateway, token, endpoint, body):
    """A message posted by hand."""
    fields = [("host", gateway.authority), ("content-type", "application/json"), ("authorization", f"Bearer {token}")]
    return http1(gateway, fields, body, path=endpoint)


@SEALED
def test_a_session_is_its_own_clients_and_the_server_sees_its_own_query(gateway, identity):
    token = identity.token()
    with Stream(gateway, token) as stream:
        endpoint = stream.endpoint()
        assert endpoint.startswith("/messages/?session_id=E") and len(endpoint) > 120
        gateway.recorder.take()
        for other in (identity.token(sub="u-mallory"), identity.token(act={"sub": "agent:other"})):
            answer = post(gateway, other, endpoint, call("echo", text="x"))
            assert (answer.status, answer.reason) == (404, "session_foreign")
        for changed in (endpoint[:-2] + ("A" if endpoint[-2] != "A" else "B") + endpoint[-1], "/messages/", endpoint + "&x=1"):
            answer = post(gateway, token, changed, call("echo", text="x"))
            assert (answer.status, answer.reason) == (404, "session_unknown")
        assert gateway.recorder.take() == b""
        assert post(gateway, token, endpoint, b'{"jsonrpc":"2.0","id":7,"method":"ping"}').status == 202
        assert b'"id":7' in stream.until(b'"id":7')
        line = gateway.recorder.take().split(b"\r\n")[0].decode()
        own = line.split("?")[1].split(" ")[0]
        assert line.startswith("POST /messages/?") and own.split("=")[0] in ("session_id", "sessionId")
        assert len(own) < 60
        # Who overhears the server's own query has nothing.
        answer = post(gateway, token, f"/messages/?{own}", call("echo", text="x"))
        assert (answer.status, answer.reason) == (404, "session_unknown")


@ALL
def test_a_denial_comes_on_the_stream_and_the_server_learns_nothing_else(gateway, identity):
    token = identity.token()
    with Stream(gateway, token) as stream:
        endpoint = stream.endpoint()
        gateway.recorder.take()
        answer = post(gateway, token, endpoint, call("delete_repository", secret="do not tell"))
        assert answer.status == 202
        seen = stream.until(b"tier_above_subject")
        assert b'"jsonrpc":"2.0","id":1,"error":{"code":403' in seen and b"toolward-denied" not in seen
        assert b"do not tell" not in gateway.recorder.take()
        assert ("deny", "tier_above_subject") in gateway.decisions()


class Hostile:
    """A server whose stream names an endpoint of its choice, and that notes who else is asked."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.posts = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client:
            request = client.recv(65536)
            if request.startswith(b"POST"):
                self.posts.append(request)
                return
            client.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
            client.sendall(f"event: endpoint\ndata: {self.endpoint.replace('@PORT@', str(self.port))}\n\n".encode())
            while client.recv(65536):
                pass


class Stolen(Plain):
    """A gateway before a hostile server."""

    def start_server(self):
        """Set by the test."""

    def __init__(self, hostile, *arguments):
        super().__init__("hostile", *arguments, recorded=False)
        self.server_port = hostile.port


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:@PORT@/messages/?s=1", "//127.0.0.1:@PORT@/messages/", "/admin/delete"])
@pytest.mark.parametrize("client", ["python1", "python2-legacy", "typescript1", "typescript2-legacy"])
def test_a_stolen_endpoint_does_not_reach_the_client_which_reports_it(tmp_path, identity, client, endpoint):
    hostile = Hostile(endpoint)
    with Stolen(hostile, tmp_path, identity) as gateway:
        began = time.monotonic()
        outcome = run(client, gateway.url, identity.token(), [ECHO], transport="sse", seconds=SECONDS)
        assert "fatal" in outcome and time.monotonic() - began < SECONDS
        assert hostile.posts == []
        assert ("deny", "endpoint_refused") in gateway.decisions()
    hostile.listener.close()
