"""Recordings are read as HTTP, and the comparison sees every difference."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import fields  # noqa: E402
import run  # noqa: E402
from tape import read  # noqa: E402

POST = b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"


def test_requests_and_responses_are_paired_and_unframed():
    received = (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
        b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nx: trailer\r\n\r\n"
        b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
    )
    first, second = read(POST + POST.replace(b"body", b"more"), received)
    assert (first.request.body, first.response.body, first.response.whole) == (b"body", b"abcde", True)
    assert (second.request.body, second.response.start) == (b"more", "HTTP/1.1 202 Accepted")


def test_a_message_that_was_cut_off_is_not_whole():
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    for received in (head + b"5\r\nabc", head + b"3\r\nabc\r\n", head + b"3\r\nabc\r\n0\r\n"):
        (exchange,) = read(POST, received)
        assert (exchange.response.body, exchange.response.whole) == (b"abc", False)
    (exchange,) = read(POST, b"")
    assert exchange.response is None


def exchange(request=b"body", response=b"answer", status=b"200 OK", kind=b"application/json"):
    head = b"HTTP/1.1 %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
    sent = POST.replace(b"body", request)
    return read(sent, head % (status, kind, len(response)) + response)[0]


def test_every_difference_is_reported():
    assert not list(run.differences(exchange(), exchange()))
    for other in (
        exchange(request=b"bodY"),
        exchange(response=b"answeR"),
        exchange(response=b"answer "),
        exchange(status=b"202 Accepted"),
        exchange(kind=b"text/event-stream"),
    ):
        assert len(list(run.differences(other, exchange()))) == 1
        assert len(list(run.differences(exchange(), other))) == 1


def test_a_client_that_leaves_has_seen_the_beginning():
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    (whole,) = read(POST, head + b"3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n")
    (left,) = read(POST, head + b"3\r\nabc\r\n")
    (other,) = read(POST, head + b"3\r\nabX\r\n")
    assert not list(run.differences(left, whole))
    assert list(run.differences(other, whole))
    assert list(run.differences(whole, left))


def test_every_change_of_a_field_is_reported():
    def pair(front, back):
        template = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%scontent-length: 0\r\n\r\n"
        (one,), (other,) = (read(POST, template % added) for added in (front, back))
        return dict(fields.changes_of(one, other))

    key = lambda change: ("response", "json", "x-a", change)  # noqa: E731
    assert pair(b"", b"") == pair(b"x-a: 1\r\n", b"X-A:  1\r\n") == {}
    assert pair(b"x-a: 1\r\n", b"") == {key("added"): (None, ["1"])}
    assert pair(b"", b"x-a: 1\r\n") == {key("removed"): (["1"], None)}
    assert pair(b"x-a: 1\r\nx-a: 2\r\n", b"x-a: 1\r\n") == {key("changed"): (["1"], ["1", "2"])}


def test_a_change_is_the_filters_where_envoy_alone_does_not_make_it():
    date, own, token = (("response", "json", name, "added") for name in ("date", "x-own", "x-token"))
    told = lambda *arguments: list(fields.compare(*arguments))  # noqa: E731
    assert not told({date: 1}, {date: 1}, {})
    assert len(told({date: 1, own: 1}, {date: 1}, {})) == 1
    assert not told({date: 1, own: 1}, {date: 1}, {own: "why"})
    assert len(told({date: 1}, {date: 1}, {own: "why"})) == 1
    undone = (*token[:3], "not added")
    assert len(told({date: 1}, {date: 1, token: 1}, {})) == 1
    assert not told({date: 1}, {date: 1, token: 1}, {undone: "why"})
