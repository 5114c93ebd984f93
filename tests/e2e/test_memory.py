"""The memory that clients and servers occupy in Envoy stays under the limit. Honest clients are served during and after it.

Memory is read from the process, against limits that `envoy/README.md` documents: nothing here is a time.
"""

import json
import re
import time
from pathlib import Path

import pytest
from flood import Flood, Server
from gateway import Gateway
from raw import RawGateway, answer, result
from wire import call, headers, http1, http2

MIB = 1 << 20
#: The shipped limits, each a sixteenth, so that a small flood is enough.
HEAP, EXCHANGES = 192 * MIB, 16
CALL = call("echo", text="x")
LONG = result("x" * 3_900_000)
ANSWER = answer(f"content-length: {len(LONG)}", body=LONG)
EVENTS = answer(kind="text/event-stream", body=(b": " + b"x" * 60_000 + b"\n\n") * 66)
PATIENCE = 20


class Flooded(RawGateway):
    """Envoy as it is shipped, before a server with long answers."""

    reply = ANSWER

    def start_server(self):
        """The server."""
        self.upstream = Server(self.server_port, self.reply)

    def __exit__(self, *_):
        Gateway.__exit__(self)
        self.upstream.close()
        self.checks.socket.close()

    def memory(self, what):
        """Resident memory in bytes: `VmRSS` now, `VmHWM` at most so far."""
        status = Path(f"/proc/{self.processes['envoy'].pid}/status").read_text(encoding="utf-8")
        return int(re.search(rf"^{what}:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024

    def asked(self, send=http1):
        """An honest client's request: its status."""
        reply = send(self, headers(self, self.token), CALL)
        if reply.status == 503:
            assert json.loads(reply.body)["error"]["code"] == -32603
        return reply.status

    def until(self, true):
        """Waits for it."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, self.stats("/stats?filter=overload|downstream_rq_active")
            time.sleep(0.05)


class Small(Flooded):
    """With a sixteenth of the limits."""

    edits = (
        ("max_heap_size_bytes: 3221225472", f"max_heap_size_bytes: {HEAP}"),
        ("max_connections: 256", f"max_connections: {EXCHANGES}"),
    )


@pytest.fixture
def start(identity, tmp_path):
    """Starts a gateway of a kind, after which it must not have trapped."""
    running = []

    def begin(kind, reply=ANSWER):
        gateway = kind(tmp_path, identity)
        gateway.reply, gateway.token = reply, identity.token()
        running.append(gateway.__enter__())
        gateway.before = gateway.memory("VmRSS")
        return gateway

    yield begin
    for gateway in running:
        try:
            assert gateway.reloads() == 0, "the filter trapped"
        finally:
            gateway.__exit__()


def bodies(gateway, flood):
    """As many bodies as the connection admits, each up to the filter's limit, none with an end."""
    for _ in range(flood.most):
        flood.send(flood.open(end=None), b" " * MIB)
    assert gateway.upstream.requests == 0, "nothing was decided"


def answers(gateway, flood):
    """As many answers as the connection admits, without reading any of them."""
    del gateway
    for _ in range(flood.most):
        flood.open(end=CALL)


@pytest.mark.parametrize(("hold", "most"), [(bodies, 32 * MIB), (answers, 128 * MIB)])
def test_one_connection_holds_no_more_than_its_streams_by_the_limits(start, hold, most):
    gateway = start(Flooded)
    with Flood(gateway, gateway.token, window=0 if hold is answers else 65535) as flood:
        hold(gateway, flood)
        gateway.until(lambda: hold is bodies or not flood.waiting)
        # A half more for the allocator and the filter's own copy.
        assert gateway.memory("VmHWM") - gateway.before < most * 3 // 2
        for send in (http1, http2):
            reply = send(gateway, headers(gateway, gateway.token), CALL)
            assert (reply.status, reply.body) == (200, LONG), "the longest answer that the filter takes passes"


@pytest.mark.parametrize(("hold", "reply", "connections"), [(bodies, ANSWER, 10), (answers, ANSWER, 4), (answers, EVENTS, 4)])
def test_many_connections_hold_no_more_than_the_limit(start, hold, reply, connections):
    gateway = start(Small, reply)
    floods, statuses = [], []
    try:
        for _ in range(connections):
            floods.append(Flood(gateway, gateway.token, window=0 if hold is answers else 65535))
            hold(gateway, floods[-1])
        # The largest streams are reset until there is room again, though all of their clients stay.
        gateway.until(lambda: hold is bodies or not any(flood.waiting for flood in floods))
        gateway.until(lambda: statuses.append(gateway.asked()) or statuses[-1] == 200)
        assert sum(len(flood.streams) for flood in floods) < connections * 32
    finally:
        for flood in floods:
            flood.__exit__()
    assert gateway.memory("VmHWM") - gateway.before < HEAP
    assert set(statuses) <= {200, 503}
    assert gateway.asked() == 200


class Overloaded(Flooded):
    """Refuses requests from the start."""

    edits = (("threshold: {value: 0.65}", "threshold: {value: 0.0}"),)


def test_requests_rejected_by_overload_do_not_go_on(start):
    gateway = start(Overloaded)
    gateway.until(lambda: "stop_accepting_requests.active: 1" in gateway.stats("/stats?filter=overload"))
    for send in (http1, http2):
        assert gateway.asked(send) == 503
    assert (gateway.upstream.requests, gateway.sent_upstream(), gateway.counts()) == (0, 0, {})
