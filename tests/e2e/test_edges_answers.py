"""The edges of HTTP on the way back: however an answer is framed, cut or slowed down, it is judged whole, passes to the
byte, and no half of one passes for a whole."""

import gzip
import json

import pytest
from raw import CHUNKED, Http2, RawGateway, answer, chunks, result
from wire import call, headers, http2

CALL = call("echo", text="x")
LIST = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
RESULT = result("zwölf Boxkämpfer")
SHOWN = [{"name": "echo", "inputSchema": {"type": "object"}}, {"name": "wait", "inputSchema": {"type": "object"}}]
HIDDEN = {"name": "rotate_keys", "inputSchema": {"type": "object"}}


def tools(*entries):
    """The answer to a list."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": entries}}).encode()


def event(data, *lines):
    """One event of a stream."""
    return "".join(f"{line}\n" for line in lines).encode() + b"data: " + data + b"\n\n"


@pytest.fixture(scope="module")
def gateway(identity, tmp_path_factory):
    """One for all tests here."""
    with RawGateway(tmp_path_factory.mktemp("answers"), identity) as running:
        yield running
        assert running.reloads() == 0, "the filter trapped"


class Exchange:
    """A permitted request that has arrived at the server, and waits there."""

    def __init__(self, gateway, body=CALL, *fields, method="POST"):
        self.client = gateway.client()
        drop = () if body else ("content-type",)
        framing = (f"content-length: {len(body)}",) if body else ()
        self.client.send(gateway.head(*framing, *fields, method=method, drop=drop), body)
        self.server = gateway.upstream.accept()
        assert self.server.message()[2] == body

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.socket.close()
        self.server.socket.close()

    def refused(self, reason, status=502):
        """The client is told, with its id."""
        line, _, body, _ = self.client.message()
        found = json.loads(body)
        assert (line.split()[1], found["id"]) == (str(status), 1), body
        assert found["error"]["data"]["reason"] == reason


# --- cut anywhere ---


@pytest.mark.parametrize("framing", ["chunks", "length", "end"])
def test_an_answer_cut_at_every_byte(gateway, framing):
    with Exchange(gateway) as exchange:
        if framing == "chunks":
            exchange.server.send(answer(CHUNKED))
            pieces = [chunks(RESULT[at : at + 1]) for at in range(len(RESULT))] + [b"0\r\n\r\n"]
        else:
            exchange.server.send(answer(*([f"content-length: {len(RESULT)}"] if framing == "length" else [])))
            pieces = [RESULT[at : at + 1] for at in range(len(RESULT))]
        exchange.server.send(*pieces[:-1])
        assert exchange.client.is_silent(), "an answer passes whole or not at all"
        exchange.server.send(pieces[-1])
        exchange.server.socket.close()
        line, _, body, _ = exchange.client.message()
        assert (line, body) == ("HTTP/1.1 200 OK", RESULT)


def test_a_list_cut_at_every_byte_is_cut_down(gateway):
    whole = tools(SHOWN[0], HIDDEN, SHOWN[1])
    with Exchange(gateway, LIST) as exchange:
        exchange.server.send(answer(CHUNKED), *(chunks(whole[at : at + 1]) for at in range(len(whole))), b"0\r\n\r\n")
        body = exchange.client.message()[2]
        assert [tool["name"] for tool in json.loads(body)["result"]["tools"]] == ["echo", "wait"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_stream_cut_at_every_byte(gateway, end):
    first = f"id: 1{end}data: {{\"jsonrpc\":\"2.0\",{end}data: \"method\":\"notifications/progress\",\"params\":{{}}}}{end}{end}"
    whole = f": hello{end}{end}{first}".encode() + event(RESULT).replace(b"\n", end.encode())
    with Exchange(gateway) as exchange:
        exchange.server.send(answer(CHUNKED, kind="text/event-stream"))
        exchange.server.send(*(chunks(whole[at : at + 1]) for at in range(len(whole))), b"0\r\n\r\n")
        # A CR that ends a line alone goes on as CRLF, once it is known that it does (docs/answers.md).
        expected = whole.replace(b"\r", b"\r\n").removesuffix(b"\n") if end == "\r" else whole
        assert exchange.client.message()[2] == expected


# --- trailers ---


def test_trailers_of_a_held_answer(gateway):
    with Exchange(gateway, CALL, "te: trailers") as exchange:
        exchange.server.send(answer(CHUNKED), chunks(RESULT) + b"0\r\nx-checksum: 12\r\n")
        assert exchange.client.is_silent()
        exchange.server.send(b"\r\n")
        assert exchange.client.message()[2:] == (RESULT, [("x-checksum", "12")])


def test_trailers_of_a_list_that_is_cut_down(gateway):
    with Exchange(gateway, LIST, "te: trailers") as exchange:
        exchange.server.send(answer(CHUNKED), chunks(tools(*SHOWN, HIDDEN)) + b"0\r\nx-checksum: 12\r\n\r\n")
        body, trailers = exchange.client.message()[2:]
        assert json.loads(body) == json.loads(tools(*SHOWN)) and trailers == [("x-checksum", "12")]


def test_trailers_do_not_save_an_answer_that_cannot_be_read(gateway):
    with Exchange(gateway, LIST) as exchange:
        exchange.server.send(answer(CHUNKED), chunks(tools(*SHOWN)[:-1]) + b"0\r\nx-checksum: 12\r\n\r\n")
        exchange.refused("list_unreadable")


def test_trailers_of_a_stream(gateway):
    with Exchange(gateway) as exchange:
        exchange.server.send(answer(CHUNKED, kind="text/event-stream"), chunks(event(RESULT)))
        assert exchange.client.head()[0] == "HTTP/1.1 200 OK"
        assert exchange.client.chunk() == event(RESULT)
        # Half an event, then trailers: an incomplete event is not forwarded.
        exchange.server.send(chunks(b"data: half"), b"0\r\nx-checksum: 12\r\n\r\n")
        assert exchange.client.chunk() == b""
        assert exchange.client.until(b"\r\n\r\n") == b"x-checksum: 12\r\n\r\n"


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_trailers_on_http2(gateway, identity, kind):
    body = RESULT if kind == "application/json" else event(RESULT)
    with gateway.client() as client:
        frames = Http2(client, gateway, headers(gateway, identity.token()))
        frames.data(CALL, end=True)
        with gateway.upstream.accept() as server:
            server.message()
            server.send(answer(CHUNKED, kind=kind), chunks(body) + b"0\r\nx-checksum: 12\r\n\r\n")
            assert frames.answer() == (200, body)
            assert frames.trailers == [("x-checksum", "12")]


# --- nothing at all ---

EMPTY = {
    "200, length 0": answer("content-length: 0"),
    "200, no chunk": answer(CHUNKED) + b"0\r\n\r\n",
    "200, no framing": answer(),
    "200, no chunk but trailers": answer(CHUNKED) + b"0\r\nx-checksum: 1\r\n\r\n",
    "202, length 0": answer("content-length: 0", status="202 Accepted", kind=None),
    "202, no chunk": answer(CHUNKED, status="202 Accepted", kind=None) + b"0\r\n\r\n",
    "204": answer(status="204 No Content", kind=None),
    "204 with a type": answer(status="204 No Content"),
    "stream, length 0": answer("content-length: 0", kind="text/event-stream"),
    "stream, no chunk": answer(CHUNKED, kind="text/event-stream") + b"0\r\n\r\n",
}


@pytest.mark.parametrize("asked", [CALL, LIST], ids=["call", "list"])
@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_answer_stays_one_however_it_is_framed(gateway, asked, name):
    with Exchange(gateway, asked) as exchange:
        exchange.server.send(EMPTY[name])
        exchange.server.socket.close()
        line, _, body, _ = exchange.client.message()
        assert (line.split()[1], body) == (EMPTY[name].split()[1].decode(), b"")


# --- what comes before the answer ---


@pytest.mark.parametrize("status", ["100 Continue", "103 Early Hints", "199 Whatever"])
def test_informational_responses_are_not_the_answer(gateway, status):
    with Exchange(gateway, LIST) as exchange:
        exchange.server.send(f"HTTP/1.1 {status}\r\nlink: </x>\r\n\r\n")
        whole = tools(HIDDEN, *SHOWN)
        exchange.server.send(answer(f"content-length: {len(whole)}", body=whole))
        line, fields = exchange.client.head()
        while line.split()[1].startswith("1"):
            line, fields = exchange.client.head()
        assert line == "HTTP/1.1 200 OK"
        assert json.loads(exchange.client.rest(fields)[0]) == json.loads(tools(*SHOWN))


@pytest.mark.parametrize("status", ["101 Switching Protocols", "099 Whatever"])
def test_a_status_that_has_no_business_here_is_ended_by_envoy(gateway, status):
    with Exchange(gateway, LIST) as exchange:
        exchange.server.send(answer(f"content-length: {len(tools(HIDDEN))}", "upgrade: x", body=tools(HIDDEN), status=status))
        line, _, body, _ = exchange.client.message()
        assert (line.split()[1], json.loads(body)["error"]["code"]) == ("502", -32603)


@pytest.mark.parametrize("status", ["205 Reset Content", "307 Temporary Redirect", "404 Not Found", "600 Whatever"])
def test_a_list_is_cut_down_under_whatever_status_it_comes(gateway, status):
    whole = tools(HIDDEN, SHOWN[0])
    with Exchange(gateway, LIST) as exchange:
        exchange.server.send(answer(f"content-length: {len(whole)}", body=whole, status=status))
        line, _, body, _ = exchange.client.message()
        assert (line.split()[1], json.loads(body)) == (status.split()[0], json.loads(tools(SHOWN[0])))


# --- encodings ---


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
@pytest.mark.parametrize(
    "fields",
    [
        ("content-encoding: gzip",),
        ("content-encoding: GZIP",),
        ("content-encoding: identity", "content-encoding: gzip"),
        ("content-encoding: identity, gzip",),
        ("content-encoding: zstd",),
    ],
    ids=" and ".join,
)
def test_a_compressed_answer_is_refused(gateway, kind, fields):
    packed = gzip.compress(tools(*SHOWN, HIDDEN))
    with Exchange(gateway, LIST) as exchange:
        exchange.server.send(answer(*fields, f"content-length: {len(packed)}", kind=kind, body=packed))
        exchange.refused("list_unreadable")


def test_an_answer_that_says_it_is_not_compressed_passes(gateway):
    with Exchange(gateway) as exchange:
        exchange.server.send(answer("content-encoding: identity", f"content-length: {len(RESULT)}", body=RESULT))
        assert exchange.client.message()[2] == RESULT


@pytest.mark.parametrize(
    "framing",
    [("transfer-encoding: gzip, chunked",), (CHUNKED, "content-length: 5"), ("content-length: 5", "content-length: 6")],
    ids=["gzip as framing", "chunks and length", "two lengths"],
)
def test_an_answer_whose_framing_is_ambiguous_does_not_pass(gateway, framing):
    packed = gzip.compress(RESULT)
    with Exchange(gateway) as exchange:
        exchange.server.send(answer(*framing), chunks(packed) + b"0\r\n\r\n")
        line, _, body, _ = exchange.client.message()
        assert line.split()[1] in ("502", "503"), line
        assert json.loads(body)["error"]["code"] == -32603


# --- half an answer ---


@pytest.mark.parametrize("framing", [CHUNKED, f"content-length: {len(RESULT)}"])
def test_half_an_answer_does_not_pass(gateway, framing):
    half = RESULT[:-5]
    with Exchange(gateway) as exchange:
        exchange.server.send(answer(framing), chunks(half) if framing == CHUNKED else half)
        exchange.server.socket.close()
        line, _, body, _ = exchange.client.message()
        assert (line, json.loads(body)["error"]["code"]) == ("HTTP/1.1 502 Bad Gateway", -32603)


def test_whole_events_of_a_broken_stream_have_arrived(gateway):
    with Exchange(gateway) as exchange:
        exchange.server.send(answer(CHUNKED, kind="text/event-stream"), chunks(event(b"", "id: 1") + b"data: {\"half"))
        exchange.client.head()
        assert exchange.client.chunk() == event(b"", "id: 1")
        exchange.server.vanish()
        assert b"half" not in exchange.client.ended()


def test_bytes_after_an_answer_reach_no_client(gateway):
    more = answer(f"content-length: {len(RESULT)}", body=RESULT)
    with Exchange(gateway) as exchange:
        exchange.server.send(answer(f"content-length: {len(RESULT)}", body=RESULT) + more)
        assert exchange.client.message()[2] == RESULT
        # The next request of this client gets its own answer.
        exchange.client.send(gateway.head(f"content-length: {len(CALL)}"), CALL)
        with gateway.upstream.accept() as server:
            server.message()
            server.send(answer(f"content-length: {len(result('own'))}", body=result("own")))
            assert exchange.client.message()[2] == result("own")
