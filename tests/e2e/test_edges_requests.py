"""The edges of HTTP on the way to the server: however a request is framed, cut or slowed down, it is judged whole, and
nothing of it reaches the server before."""

import json
import socket

import pytest
from raw import CHUNKED, Http2, RawGateway, answer, chunks, result
from wire import call, headers, http1, http2

CALL = call("echo", text="zwölf Boxkämpfer")
DENIED = call("delete_repository", owner="acme", repo="web")
LENGTH = f"content-length: {len(CALL)}"
ANSWER = answer(f"content-length: {len(result())}", body=result())


@pytest.fixture(scope="module")
def gateway(identity, tmp_path_factory):
    """One for all tests here."""
    with RawGateway(tmp_path_factory.mktemp("requests"), identity) as running:
        yield running
        assert running.reloads() == 0, "the filter trapped"


def served(gateway, client):
    """Serves the next request. Returns its fields, body and trailers when the client has its answer."""
    with gateway.upstream.accept() as server:
        line, fields, body, trailers = server.message()
        assert line == "POST /mcp HTTP/1.1"
        server.send(ANSWER)
        status, _, got, _ = client.message()
        assert (status, got) == ("HTTP/1.1 200 OK", result())
    return dict(fields), body, trailers


def refused(gateway, client, status, reason=None):
    """The client is answered, and the server saw nothing."""
    line, _, body, _ = client.message()
    assert line.split()[1] == str(status), body
    if reason:
        assert json.loads(body)["error"]["data"]["reason"] == reason
    assert gateway.upstream.is_alone()
    return body


# --- Expect ---


def test_expect_is_answered_before_the_decision_and_does_not_go_on(gateway):
    with gateway.client() as client:
        client.send(gateway.head("expect: 100-continue", LENGTH))
        assert client.head() == ("HTTP/1.1 100 Continue", [])
        assert gateway.upstream.is_alone(), "the head must wait for the body"
        client.send(CALL)
        fields, body, _ = served(gateway, client)
        assert body == CALL and "expect" not in fields


def test_a_request_that_expects_and_is_refused_at_its_head_is_refused_without_its_body(gateway):
    with gateway.client() as client:
        client.send(gateway.head("expect: 100-continue", LENGTH, token=False))
        assert client.head() == ("HTTP/1.1 100 Continue", [])
        refused(gateway, client, 401, "token_missing")


def test_expect_on_http2(gateway, identity):
    # The client here sends its body without waiting; it is the informational response that must do no harm.
    fields = [*headers(gateway, identity.token()), ("expect", "100-continue")]
    denied = http2(gateway, fields, DENIED)
    assert denied.reason == "tier_above_subject"
    assert gateway.upstream.is_alone()


def test_another_expectation_is_the_servers(gateway):
    with gateway.client() as client:
        client.send(gateway.head("expect: tea", LENGTH), CALL)
        assert served(gateway, client)[0]["expect"] == "tea"


# --- chunks ---


def test_chunks_of_one_byte_and_writes_of_one_byte(gateway):
    framed = chunks(*(CALL[at : at + 1] for at in range(len(CALL)))) + b"0\r\n\r\n"
    with gateway.client() as client:
        client.send(gateway.head(CHUNKED), *(framed[at : at + 1] for at in range(len(framed))))
        assert served(gateway, client)[1] == CALL


def test_a_chunked_call_that_is_denied_arrives_in_no_part(gateway):
    with gateway.client() as client:
        client.send(gateway.head(CHUNKED), chunks(DENIED[:40]), chunks(DENIED[40:]) + b"0\r\n\r\n")
        refused(gateway, client, 200, "tier_above_subject")


def test_the_end_of_the_chunks_may_come_late_and_nothing_goes_on_before(gateway):
    with gateway.client() as held, gateway.client() as other:
        held.send(gateway.head(CHUNKED), chunks(CALL))
        # The later request arrives first: the body that lacks only its last chunk waits.
        other.send(gateway.head(LENGTH), CALL)
        assert served(gateway, other)[1] == CALL
        assert gateway.upstream.is_alone()
        held.send(b"0\r\n\r\n")
        assert served(gateway, held)[1] == CALL


def test_trailers_wait_with_the_body(gateway):
    with gateway.client() as client:
        client.send(gateway.head(CHUNKED), chunks(CALL), b"0\r\nx-check", b"sum: 12\r\n", b"\r\n")
        _, body, trailers = served(gateway, client)
        assert (body, trailers) == (CALL, [("x-checksum", "12")])


def test_http2_frames_without_data_end_nothing(gateway, identity):
    pieces = [b"", CALL[:1], b"", CALL[1:]]
    with gateway.client() as client:
        frames = Http2(client, gateway, headers(gateway, identity.token()))
        for piece in pieces:
            frames.data(piece)
        assert gateway.upstream.is_alone()
        frames.data(b"", end=True)
        with gateway.upstream.accept() as server:
            assert server.message()[2] == CALL
            server.send(ANSWER)
            assert frames.answer() == (200, result())


# --- nothing at all ---


@pytest.mark.parametrize(
    ("framing", "body"),
    [("content-length: 0", b""), ("x-none: 1", b""), (CHUNKED, b"0\r\n\r\n"), (CHUNKED, b"0\r\nx-checksum: 1\r\n\r\n")],
    ids=["length 0", "no framing", "no chunk", "no chunk but trailers"],
)
def test_a_post_of_nothing(gateway, framing, body):
    with gateway.client() as client:
        client.send(gateway.head(framing), body)
        refused(gateway, client, 400, "body_missing")


def test_a_post_of_nothing_on_http2(gateway, identity):
    fields = headers(gateway, identity.token())
    assert http2(gateway, fields, b"").reason == "body_missing"
    with gateway.client() as client:
        Http2(client, gateway, fields, end=True)
        assert client.until(b"body_missing")
    assert gateway.upstream.is_alone()


def test_a_get_whose_chunks_are_none_goes_on(gateway):
    with gateway.client() as client:
        client.send(gateway.head(CHUNKED, method="GET", drop=("content-type",)), b"0\r\n\r\n")
        with gateway.upstream.accept() as server:
            assert server.message()[0] == "GET /mcp HTTP/1.1"
            server.send(answer("content-length: 0", kind="text/event-stream"))
            assert client.message()[0] == "HTTP/1.1 200 OK"


# --- slow ---


def test_a_slow_body_arrives_whole_or_not_at_all(gateway):
    with gateway.client() as slow, gateway.client() as other:
        slow.send(gateway.head(LENGTH))
        for at in range(0, len(CALL) - 1, 10):
            slow.send(CALL[at : at + 10][: len(CALL) - 1 - at])
            # Whole requests overtake it all the time.
            other.send(gateway.head(LENGTH), CALL)
            served(gateway, other)
            other.socket.close()
            other.__init__(socket.create_connection(("127.0.0.1", gateway.port)))
        assert gateway.upstream.is_alone()
        slow.send(CALL[-1:])
        assert served(gateway, slow)[1] == CALL


# --- what other readers of HTTP could take for something else ---


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        ((LENGTH, CHUNKED), chunks(CALL) + b"0\r\n\r\n"),
        ((LENGTH, "content-length: 1"), CALL),
        (("transfer-encoding: gzip, chunked",), chunks(CALL) + b"0\r\n\r\n"),
        (("transfer-encoding: chunked, identity",), chunks(CALL) + b"0\r\n\r\n"),
        ((CHUNKED,), b"-1\r\n" + CALL),
        ((CHUNKED,), chunks(CALL)[:-2] + b"0\r\n\r\n"),
        ((LENGTH, "upgrade: websocket", "connection: upgrade"), CALL),
    ],
    ids=["length and chunks", "two lengths", "gzip as framing", "chunked is not last", "a negative chunk", "a chunk too short", "upgrade"],
)
def test_framing_that_is_ambiguous_is_refused_before_the_server(gateway, framing, body):
    with gateway.client() as client:
        client.send(gateway.head(*framing), body)
        status = client.head()[0].split()[1]
        assert status in ("400", "403", "501"), status
    assert gateway.upstream.is_alone()


def test_an_upgrade_to_http2_in_clear_is_not_made(gateway):
    with gateway.client() as client:
        client.send(gateway.head(LENGTH, "upgrade: h2c", "connection: upgrade, http2-settings", "http2-settings: AAMAAABk"), CALL)
        fields, body, _ = served(gateway, client)
        assert body == CALL and not {"upgrade", "http2-settings"} & set(fields)


def test_http_1_0_is_refused(gateway):
    with gateway.client() as client:
        client.send(gateway.head(LENGTH).replace("HTTP/1.1", "HTTP/1.0"), CALL)
        assert client.head()[0].split()[1] == "426"
    assert gateway.upstream.is_alone()


def test_a_body_longer_than_it_says_is_the_next_request(gateway):
    # Bytes after the length are another request, which is judged by itself.
    smuggled = gateway.head(f"content-length: {len(DENIED)}").encode() + DENIED
    with gateway.client() as client:
        client.send(gateway.head(LENGTH).encode() + CALL + smuggled)
        assert served(gateway, client)[1] == CALL
        refused(gateway, client, 200, "tier_above_subject")


def test_an_http2_body_that_is_not_as_long_as_it_says_does_not_arrive(gateway, identity):
    for length in (len(CALL) - 1, len(CALL) + 1):
        with gateway.client() as client:
            frames = Http2(client, gateway, [*headers(gateway, identity.token()), ("content-length", str(length))])
            frames.data(CALL, end=True)
            assert frames.answer() == "reset"
        assert gateway.upstream.is_alone()


# --- encodings ---


@pytest.mark.parametrize("send", [http1, http2])
def test_an_encoded_body_is_refused_and_a_compressed_answer_not_asked_for(gateway, identity, send):
    fields = headers(gateway, identity.token())
    assert send(gateway, [*fields, ("content-encoding", "gzip")], CALL).reason == "content_encoding_unsupported"
    both = [*fields, ("content-encoding", "identity"), ("content-encoding", "gzip")]
    assert send(gateway, both, CALL).reason == "content_encoding_unsupported"
    assert gateway.upstream.is_alone()


def test_no_answer_is_asked_for_that_could_not_be_read(gateway):
    with gateway.client() as client:
        client.send(gateway.head(LENGTH, "accept-encoding: gzip, br", "te: gzip, trailers", "connection: te"), CALL)
        fields, _, _ = served(gateway, client)
        assert "accept-encoding" not in fields
        assert "gzip" not in fields.get("te", "")
