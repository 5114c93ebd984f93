"""A server on HTTP/2 behind the filter: the same answers in frames, for clients of both versions."""

import json

import pytest
from raw import CHUNKED, Http2, Http2Server, RawGateway, chunks, result
from wire import call, headers

CALL = call("echo", text="x")
LIST = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
DENIED = call("delete_repository", owner="acme", repo="web")
JSON, STREAM = ("content-type", "application/json"), ("content-type", "text/event-stream")
TOOLS = {"echo": b'{"name":"echo"}', "rotate_keys": b'{"name":"rotate_keys"}'}


class Behind(RawGateway):
    """Envoy speaks HTTP/2 with the server, without TLS."""

    edits = (("http_protocol_options: {enable_trailers: true}}\n    load", "http2_protocol_options: {}}\n    load"),)

    server = None

    def arrived(self):
        """The server's end of the connection, when a request has arrived on it; Envoy keeps the connection."""
        if self.connection is None:
            self.connection = Http2Server(self.upstream.accept())
        return self.connection


@pytest.fixture
def gateway(behind):
    """A connection to the server of each test's own."""
    behind.connection = None
    yield behind
    if behind.connection:
        behind.connection.peer.vanish()


@pytest.fixture(scope="module")
def behind(identity, tmp_path_factory):
    """One for all tests here."""
    with Behind(tmp_path_factory.mktemp("http2"), identity) as running:
        yield running
        assert running.reloads() == 0, "the filter trapped"


class One:
    """A client of HTTP/1.1."""

    def __init__(self, gateway, body, trailers=()):
        self.client = gateway.client()
        end = b"".join(f"{name}: {value}\r\n".encode() for name, value in trailers)
        self.client.send(gateway.head(CHUNKED, "te: trailers"), chunks(body) + b"0\r\n" + end + b"\r\n")

    def answer(self):
        """Status, body, trailers."""
        line, _, body, trailers = self.client.message()
        return int(line.split()[1]), body, trailers


class Two:
    """A client of HTTP/2."""

    def __init__(self, gateway, body, trailers=()):
        self.client = gateway.client()
        self.frames = Http2(self.client, gateway, headers(gateway, gateway.identity.token()))
        self.frames.data(body, end=not trailers)
        if trailers:
            self.frames.connection.send_headers(1, list(trailers), end_stream=True)
            self.frames.flush()

    def answer(self):
        """Status, body, trailers."""
        status, body = self.frames.answer()
        return status, body, self.frames.trailers


CLIENTS = pytest.mark.parametrize("client", [One, Two])


@CLIENTS
def test_a_call_with_trailers_and_its_answer_with_trailers(gateway, client):
    sent = client(gateway, CALL, [("x-checksum", "1")])
    server = gateway.arrived()
    fields, body, trailers = server.request()
    assert (body, trailers) == (CALL, [("x-checksum", "1")])
    assert "authorization" not in fields and "accept-encoding" not in fields
    server.head(200, JSON)
    for byte in result():
        server.data(bytes([byte]))
    server.trailers(("x-other", "2"))
    assert sent.answer() == (200, result(), [("x-other", "2")])


@CLIENTS
def test_a_denied_call_opens_no_stream(gateway, client):
    before = gateway.sent_upstream()
    status, body, _ = client(gateway, DENIED).answer()
    assert (status, json.loads(body)["error"]["data"]["reason"]) == (200, "tier_above_subject")
    assert gateway.sent_upstream() == before


@CLIENTS
def test_a_list_is_cut_down_with_its_length(gateway, client):
    sent = client(gateway, LIST)
    server = gateway.arrived()
    server.request()
    whole = b'{"jsonrpc":"2.0","id":1,"result":{"tools":[%s]}}'
    body = whole % b",".join(TOOLS.values())
    server.head(200, JSON, ("content-length", str(len(body))))
    server.data(body, end=True)
    assert sent.answer()[:2] == (200, whole % TOOLS["echo"])


@CLIENTS
def test_a_stream_in_frames(gateway, client):
    sent = client(gateway, CALL)
    server = gateway.arrived()
    server.request()
    event = b"data: " + result() + b"\n\n"
    server.head(200, STREAM)
    for byte in event:
        server.data(bytes([byte]))
    server.data(b"", end=True)
    assert sent.answer()[:2] == (200, event)


@CLIENTS
@pytest.mark.parametrize(
    ("status", "end"),
    [(status, end) for status in (200, 202) for end in ("in the head", "in a frame", "in trailers")] + [(204, "in the head")],
)
def test_nothing_at_all(gateway, client, status, end):
    sent = client(gateway, LIST)
    server = gateway.arrived()
    server.request()
    server.head(status, JSON, end=end == "in the head")
    if end == "in a frame":
        server.data(b"", end=True)
    elif end == "in trailers":
        server.trailers(("x-other", "2"))
    assert sent.answer()[:2] == (status, b"")


@CLIENTS
def test_informational_frames_are_not_the_answer(gateway, client):
    sent = client(gateway, CALL)
    server = gateway.arrived()
    server.request()
    server.head(103, ("link", "</x>"))
    server.head(200, JSON)
    server.data(result(), end=True)
    assert sent.answer()[:2] == (200, result())


@CLIENTS
def test_half_an_answer_does_not_pass(gateway, client):
    sent = client(gateway, CALL)
    server = gateway.arrived()
    server.request()
    server.head(200, JSON)
    server.data(result()[:-1])
    server.reset()
    status, body, _ = sent.answer()
    assert (status, json.loads(body)["error"]["code"]) == (503, -32603)


@CLIENTS
@pytest.mark.parametrize("off", [-1, 1])
def test_an_answer_that_is_not_as_long_as_it_says_does_not_pass(gateway, client, off):
    sent = client(gateway, CALL)
    server = gateway.arrived()
    server.request()
    server.head(200, JSON, ("content-length", str(len(result()) + off)))
    server.data(result(), end=True)
    status, body, _ = sent.answer()
    assert (status, json.loads(body)["error"]["code"]) == (502, -32603)
