"""The idle limit of sessions in the real proxy: two workers know the same, an open stream is a use, and clients whose session
is over say so or start anew."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from gateway import ROOT, Gateway
from sdk_clients import ECHO, run
from test_sessions import KEYS, begin, say
from wire import SECONDS, call, headers, read_http1

IDLE = 4
CLIENTS = ["python1", "python2-legacy", "typescript1", "typescript2-legacy", "rmcp-legacy"]
PAUSED = {**ECHO, "after_seconds": IDLE + 1}


class Limited(Gateway):
    """A gateway with an idle limit."""

    settings = {"sessions": {"keys": KEYS[:1], "lifetime_seconds": 600, "idle_seconds": IDLE}}


class Silent(Limited):
    """The same in front of a server without streams, so that only calls use a session."""

    def start_server(self):
        self.start("server", self.server_port, "node", ROOT / "tests/servers/sessions.mjs", self.server_port, "silent")


@pytest.fixture(scope="module")
def limited(tmp_path_factory, identity):
    """One for all tests here."""
    with Limited("sessions", tmp_path_factory.mktemp("limited"), identity) as gateway:
        yield gateway
        assert gateway.reloads() == 0


@pytest.fixture(scope="module")
def silent(tmp_path_factory, identity):
    """One for all tests here."""
    with Silent("sessions", tmp_path_factory.mktemp("silent"), identity) as gateway:
        yield gateway
        assert gateway.reloads() == 0


def connections_by_worker(gateway):
    """How many connections each worker of the listener has taken."""
    page = gateway.stats(f"/stats?filter=^listener.*{gateway.port}.*worker_[0-9]+.downstream_cx_total")
    return {worker: int(count) for worker, count in re.findall(r"\.(worker_\d+)\.downstream_cx_total: (\d+)", page)}


def connect_to_each_worker(gateway):
    """A connection to each worker: the kernel deals them out, so as many are opened as it takes."""
    open_ = {}
    for _ in range(200):
        before = connections_by_worker(gateway)
        connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=SECONDS)
        deadline = time.monotonic() + SECONDS
        while (after := connections_by_worker(gateway)) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        (worker,) = [worker for worker in after if after[worker] != before.get(worker)]
        open_.setdefault(worker, connection)
        if open_[worker] is not connection:
            connection.close()
        if len(open_) == 2:
            return list(open_.values())
    raise AssertionError(f"all connections went to one worker: {connections_by_worker(gateway)}")


def say_on(connection, gateway, token, session):
    """A call in a session on a connection that stays open."""
    body = call("echo", text="x")
    fields = [*headers(gateway, token), ("mcp-session-id", session), ("content-length", str(len(body)))]
    head = "POST /mcp HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    connection.sendall(head.encode() + body)
    return read_http1(connection)


def test_a_use_at_one_worker_counts_at_the_other(silent, identity):
    token = identity.token()
    session = begin(silent, token)
    one, other = connect_to_each_worker(silent)
    since = time.monotonic()
    # The limit passes twice over, but never between two uses.
    while time.monotonic() - since < 2 * IDLE:
        assert say_on(one, silent, token, session).status == 200
        time.sleep(0.5)
    # This worker never saw the session.
    assert b"echo" in say_on(other, silent, token, session).body
    one.close()
    other.close()


def test_an_idle_session_is_over_and_a_new_one_begins(silent, identity):
    token = identity.token()
    session = begin(silent, token)
    assert say(silent, token, session).status == 200
    time.sleep(IDLE)
    silent.recorder.take()
    for _ in range(2):
        answer = say(silent, token, session)
        assert (answer.status, answer.reason) == (404, "session_expired")
    assert silent.recorder.take() == b""
    assert b"echo 1: x" in say(silent, token, begin(silent, token)).body


def test_a_restarted_proxy_ends_unknown_sessions_and_keeps_young_ones(silent, identity):
    token = identity.token()
    old = begin(silent, token)
    for _ in range(2):
        time.sleep(IDLE * 0.6)
        assert say(silent, token, old).status == 200
    young = begin(silent, token)
    silent.kill("envoy")
    silent.start_envoy()
    assert say(silent, token, old).reason == "session_expired"
    assert say(silent, token, young).status == 200


def of_each_client(gateway, identity, steps):
    """The outcome of each client's steps. All clients run at the same time."""
    with ThreadPoolExecutor(len(CLIENTS)) as pool:
        outcomes = pool.map(lambda client: run(client, gateway.url, identity.token(), steps), CLIENTS)
        return dict(zip(CLIENTS, outcomes, strict=True))


def test_a_client_that_listens_is_never_idle(limited, identity):
    for client, outcome in of_each_client(limited, identity, [ECHO, PAUSED]).items():
        texts = [result.get("text") for result in outcome["results"]]
        assert texts == ["echo 1: hello", "echo 2: hello"], (client, outcome)


def test_clients_report_an_ended_session_or_start_a_new_one(silent, identity):
    outcomes = of_each_client(silent, identity, [ECHO, PAUSED, ECHO])
    before = {client: outcome["results"][0].get("text") for client, outcome in outcomes.items()}
    assert before == dict.fromkeys(CLIENTS, "echo 1: hello")
    # rmcp begins a new session by itself and repeats the call in it.
    again = outcomes.pop("rmcp-legacy")["results"]
    assert [result.get("text") for result in again[1:]] == ["echo 1: hello", "echo 2: hello"]
    # The others report it to their callers, who must begin a new one.
    for client, outcome in outcomes.items():
        for result in outcome["results"][1:]:
            told = str(result["error"])
            assert "Session terminated" in told or "session_expired" in told, (client, outcome)
