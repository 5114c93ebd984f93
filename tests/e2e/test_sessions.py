"""Sealed session ids in the real proxy: real clients notice nothing, and other clients cannot use their ids."""

import base64
import json
import os

import pytest
from gateway import Gateway
from sdk_clients import ECHO, run
from wire import call, headers, http1

KEYS = [base64.b64encode(os.urandom(32)).decode() for _ in range(2)]


class Sealing(Gateway):
    """A gateway that seals, before a server that keeps sessions."""

    settings = {"sessions": {"keys": KEYS[:1], "lifetime_seconds": 600}}


@pytest.fixture(scope="module")
def sealing(tmp_path_factory, identity):
    """One for all tests here."""
    with Sealing("sessions", tmp_path_factory.mktemp("sessions"), identity) as gateway:
        yield gateway
        assert gateway.reloads() == 0


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}},
}


def begin(gateway, token):
    """Begins a session; the id that the client was given."""
    answer = http1(gateway, headers(gateway, token), json.dumps(INITIALIZE).encode())
    assert answer.status == 200
    (session,) = answer.values("mcp-session-id")
    return session


def say(gateway, token, session, **request):
    """A call in a session."""
    return http1(gateway, [*headers(gateway, token), ("mcp-session-id", session)], call("echo", text="x"), **request)


def test_the_server_sees_its_own_id_and_the_client_another(sealing, identity):
    token = identity.token()
    session = begin(sealing, token)
    sealing.recorder.take()
    answer = say(sealing, token, session)
    assert answer.status == 200 and b"echo 1: x" in answer.body
    assert answer.values("mcp-session-id") in ([], [session])
    seen = sealing.recorder.take().decode().lower()
    (own,) = [line.split(": ")[1] for line in seen.split("\r\n") if line.startswith("mcp-session-id")]
    assert len(own) == 36 and own != session and session.lower() not in seen
    assert say(sealing, token, own).reason == "session_unknown"
    assert sealing.recorder.take() == b""


def test_no_other_caller_can_use_a_session(sealing, identity):
    session = begin(sealing, identity.token())
    sealing.recorder.take()
    for other in (identity.token(sub="u-mallory"), identity.token(act={"sub": "agent:other"})):
        for method, body in (("POST", call("echo", text="x")), ("GET", b""), ("DELETE", b"")):
            fields = [*headers(sealing, other), ("mcp-session-id", session)]
            answer = http1(sealing, fields, body, method=method)
            assert (answer.status, answer.reason) == (404, "session_foreign")
    assert sealing.recorder.take() == b""
    # A new token of the same human and agent goes on.
    assert b"echo 1: x" in say(sealing, identity.token(jti="another"), session).body


def test_ids_of_the_old_key_open_until_that_key_is_removed(sealing, identity):
    token = identity.token()
    session = begin(sealing, token)

    def restart(keys):
        """Another proxy, as a replica or after a restart: it shares the keys and nothing else."""
        sealing.settings = {"sessions": {"keys": keys}}
        sealing.kill("envoy")
        sealing.start_envoy()

    restart([KEYS[1], KEYS[0]])
    assert b"echo 1: x" in say(sealing, token, session).body
    second = begin(sealing, token)
    restart([KEYS[1]])
    assert say(sealing, token, session).reason == "session_unknown"
    assert b"echo 1: x" in say(sealing, token, second).body
    restart(KEYS[:1])


@pytest.mark.parametrize("client", ["python1", "python2-legacy", "typescript1", "typescript2-legacy", "rmcp-legacy"])
def test_a_client_works_in_one_session_and_notices_nothing(sealing, identity, client):
    outcome = run(client, sealing.url, identity.token(), [ECHO, ECHO])
    assert [result["text"] for result in outcome["results"]] == ["echo 1: hello", "echo 2: hello"]
