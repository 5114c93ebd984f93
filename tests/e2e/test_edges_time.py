"""Timeouts and disconnects: who ends exchanges that stopped, the state left by clients that went, and long streams."""

import collections
import json
import re
import time

import pytest
import yaml
from raw import CHUNKED, YES, Http2, RawGateway, answer, chunks, result
from wire import SECONDS, call, headers

CALL = call("echo", text="x")
CHECKED = call("merge_pull_request", owner="acme", repo="web", number=1)
STREAM = answer(CHUNKED, kind="text/event-stream")


@pytest.fixture(scope="module")
def gateway(identity, tmp_path_factory):
    """Envoy as it is shipped, telling every callback."""
    with RawGateway(tmp_path_factory.mktemp("time"), identity) as running:
        running.trace()
        yield running
        assert running.reloads() == 0, "the filter trapped"


class Hasty(RawGateway):
    """The limits of time that are shipped, short."""

    settings = {"checks": {"spicedb": {"cluster": "spicedb", "timeout_ms": 300}}}
    edits = (
        ("request_headers_timeout: 10s", "request_headers_timeout: 0.3s"),
        ("request_timeout: 30s", "request_timeout: 0.5s"),
        ("stream_idle_timeout: 1800s", "stream_idle_timeout: 1s"),
    )


@pytest.fixture(scope="module")
def hasty(identity, tmp_path_factory):
    """A gateway with short timeouts."""
    with Hasty(tmp_path_factory.mktemp("hasty"), identity) as running:
        yield running
        assert running.reloads() == 0, "the filter trapped"


def until(what):
    """Waits until something is so."""
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def request(body, method="POST"):
    """The framing of a body."""
    return (f"content-length: {len(body)}",) if method == "POST" else ()


def permitted(gateway, client, body=CALL, method="POST"):
    """Sends a request; the connection on which it arrived."""
    client.send(gateway.head(*request(body, method), method=method, drop=() if body else ("content-type",)), body)
    server = gateway.upstream.accept()
    server.message()
    return server


def log(gateway):
    """The lines of the access log."""
    text = gateway.access_log.read_text(encoding="utf-8") if gateway.access_log.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


# --- what stops ---


def ended_by_envoy(client, status):
    """Envoy's own answer, as a JSON-RPC error."""
    line, fields, body, _ = client.message()
    assert line.split()[1] == str(status), line
    assert dict(fields)["content-type"] == "application/json"
    assert json.loads(body)["error"]["code"] == -32603


@pytest.mark.parametrize("framing", [CHUNKED, f"content-length: {len(CALL)}"])
def test_a_body_that_stops_is_ended_by_request_timeout(hasty, framing):
    before = len(log(hasty))
    with hasty.client() as client:
        client.send(hasty.head(framing), chunks(CALL) if framing == CHUNKED else CALL[:-1])
        ended_by_envoy(client, 408)
    assert hasty.upstream.is_alone()
    until(lambda: len(log(hasty)) > before)
    # There was no decision, so there is no record.
    assert log(hasty)[-1]["decision"] is None and log(hasty)[-1]["details"] == "request_overall_timeout"


def test_a_head_that_stops_is_ended_by_request_headers_timeout(hasty):
    with hasty.client() as client:
        client.send(hasty.head()[:-4])
        ended_by_envoy(client, 408)
    assert hasty.upstream.is_alone()


def test_a_check_that_is_not_answered_is_ended_by_its_own_timeout(hasty):
    with hasty.client() as client:
        client.send(hasty.head(*request(CHECKED)), CHECKED)
        with hasty.checks.accept() as question:
            question.message()
            assert json.loads(client.message()[2])["error"]["data"]["reason"] == "check_timeout"
    assert hasty.upstream.is_alone()


def test_an_answer_that_stops_is_ended_by_stream_idle_timeout(hasty):
    with hasty.client() as client, permitted(hasty, client) as server:
        server.send(answer(CHUNKED), chunks(result()[:-1]))
        ended_by_envoy(client, 504)
        # The server is told.
        server.ended()


def test_a_server_that_says_nothing_is_ended_by_stream_idle_timeout(hasty):
    with hasty.client() as client, permitted(hasty, client) as server:
        ended_by_envoy(client, 504)
        server.ended()


def test_a_silent_stream_is_ended_by_stream_idle_timeout_and_a_comment_keeps_it(hasty):
    comment = b": hello\n\n"
    with hasty.client() as client, hasty.client() as other:
        with permitted(hasty, client) as server, permitted(hasty, other, b"", "GET") as behind:
            streams = ((client, server), (other, behind))
            for reader, writer in streams:
                writer.send(STREAM)
                reader.head()
            # Twice the limit: any byte that goes on keeps a stream alive.
            for _ in range(4):
                time.sleep(0.5)
                for reader, writer in streams:
                    writer.send(chunks(comment))
                    assert reader.chunk() == comment
            for reader, writer in streams:
                writer.ended()
                assert reader.ended() == b"", "a stream that is ended has no last chunk"
    until(lambda: log(hasty)[-1]["details"] == "stream_idle_timeout")


def test_the_limits_of_time_are_those_that_the_page_names():
    page = (RawGateway.policy.parents[2] / "envoy/README.md").read_text(encoding="utf-8")
    shipped = RawGateway.policy.parents[2] / "envoy/bootstrap.yaml"
    text = re.sub(r"@[A-Z_]+@", "1", shipped.read_text(encoding="utf-8"))
    document = yaml.safe_load(text)["static_resources"]
    manager = document["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    names = ("request_headers_timeout", "request_timeout", "stream_idle_timeout")
    for name in names:
        assert f"| `{name}: {manager[name]}` |" in page, name
    # None that would end a silent stream earlier than that.
    assert manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]["timeout"] == "0s"
    assert "max_stream_duration" not in text and "idle_timeout" not in json.dumps(document["clusters"])
    assert manager["stream_idle_timeout"] == "1800s"
    assert "proxy_100_continue" not in text


# --- clients that leave ---


def nothing_is_left(gateway):
    """Every stream that the filter created has been deleted."""

    def same():
        created, deleted = map(collections.Counter, gateway.contexts())
        return created == deleted and created

    until(same)


def serves(gateway):
    """The next client is served as if nothing had happened."""
    before = len(log(gateway))
    with gateway.client() as client, permitted(gateway, client) as server:
        server.send(answer(f"content-length: {len(result())}", body=result()))
        assert client.message()[2] == result()
    until(lambda: len(log(gateway)) > before)


def leave(gateway, how, body):
    """A client that sends and leaves, by `how`. Returns the function that makes it leave."""
    client = gateway.client()
    if how == "h2":
        frames = Http2(client, gateway, headers(gateway, gateway.identity.token()))
        frames.data(body, end=True)
        return frames.reset
    client.send(gateway.head(f"content-length: {len(body)}"), body)
    return client.vanish if how == "reset" else client.socket.close


HOWS = pytest.mark.parametrize("how", ["close", "reset", "h2"])


@HOWS
def test_a_client_that_leaves_before_its_body_is_there(gateway, how):
    before = len(log(gateway))
    client = gateway.client()
    if how == "h2":
        frames = Http2(client, gateway, headers(gateway, gateway.identity.token()))
        frames.data(CALL[:50])
    else:
        client.send(gateway.head(*request(CALL)), CALL[:50])
    until(lambda: len(gateway.contexts()[0]) > len(gateway.contexts()[1]))
    (frames.reset if how == "h2" else client.vanish if how == "reset" else client.socket.close)()
    until(lambda: len(log(gateway)) > before)
    assert log(gateway)[-1]["decision"] is None, "nothing was decided"
    assert gateway.upstream.is_alone()
    nothing_is_left(gateway)
    serves(gateway)


@HOWS
def test_a_client_that_leaves_while_a_check_is_pending(gateway, how):
    before = len(log(gateway))
    go = leave(gateway, how, CHECKED)
    with gateway.checks.accept() as question:
        question.message()
        go()
        until(lambda: len(log(gateway)) > before)
        nothing_is_left(gateway)
        # The answer comes for a stream that has ended: a yes forwards nothing.
        question.send(answer(f"content-length: {len(YES)}", body=YES))
        question.ended()
    assert log(gateway)[-1]["decision"] is None, "nothing was decided"
    assert gateway.upstream.is_alone()
    serves(gateway)


@HOWS
def test_a_client_that_leaves_while_the_server_works(gateway, how):
    before = len(log(gateway))
    go = leave(gateway, how, CALL)
    with gateway.upstream.accept() as server:
        server.message()
        go()
        # The server is told, and what it says now reaches nobody.
        server.ended()
    until(lambda: len(log(gateway)) > before)
    # The permit was decided and recorded before.
    assert json.loads(log(gateway)[-1]["decision"])["result"] == "permit"
    nothing_is_left(gateway)
    serves(gateway)


@HOWS
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_a_client_that_leaves_in_the_middle_of_an_answer(gateway, how, kind):
    go = leave(gateway, how, CALL)
    with gateway.upstream.accept() as server:
        server.message()
        server.send(answer(CHUNKED, kind=kind), chunks(b"data: {\"half\":" if kind != "application/json" else b"{"))
        until(lambda: "proxy_on_response_body" in (gateway.folder / "envoy.log").read_text(errors="replace"))
        go()
        server.ended()
    nothing_is_left(gateway)
    serves(gateway)


# --- long streams ---


def test_each_event_reaches_the_client_before_the_next_is_sent(gateway):
    with gateway.client() as client, permitted(gateway, client) as server:
        server.send(STREAM)
        client.head()
        for number in range(3000):
            note = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": number}}
            event = b"id: %d\ndata: %s\n\n" % (number, json.dumps(note).encode())
            # In two pieces, so that it is the end of the event that lets it go.
            server.send(chunks(event[:20]), chunks(event[20:]))
            assert client.chunk() == event
        server.send(chunks(b"data: " + result() + b"\n\n") + b"0\r\n\r\n")
        assert client.chunk() == b"data: " + result() + b"\n\n"


def test_a_client_that_does_not_read_stops_the_server(gateway):
    note = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"text": "x" * 60_000}}
    event = b"data: " + json.dumps(note).encode() + b"\n\n"
    piece = chunks(event)
    with gateway.client() as client, permitted(gateway, client) as server:
        server.send(STREAM)
        client.head()
        server.socket.settimeout(0.5)
        sent = 0
        # Buffers of the two connections and of Envoy are filled; beyond them the server has to wait.
        with pytest.raises(TimeoutError):
            while sent < 200_000_000:
                sent += server.socket.send(piece[sent % len(piece) :])
        assert sent < 60_000_000, "somebody holds it all"
        whole, got = sent // len(piece), b""
        while len(got) < whole * len(event):
            got += client.chunk()
        assert got == event * whole
