"""Servers and SpiceDB are killed while idle and during a call. The gateway denies or reports it, and recovers."""

import json
import threading
import time

import pytest
from gateway import Gateway
from wire import call, headers, http1


@pytest.fixture
def gateway(identity, tmp_path):
    """A separate gateway without a recorder, so that Envoy talks directly to the processes that tests kill."""
    with Gateway("python2", tmp_path, identity, recorded=False) as running:
        yield running
        assert running.reloads() == 0, "the filter trapped"


def send(gateway, token, body):
    """One request."""
    return http1(gateway, headers(gateway, token), body)


def assert_unavailable(answer):
    """Envoy's own answer, as a JSON-RPC error."""
    assert answer.status == 503, answer
    assert answer.values("content-type") == ["application/json"]
    assert json.loads(answer.body)["error"]["code"] == -32603


def test_a_server_that_is_killed_while_idle_and_comes_back(gateway, identity):
    token = identity.token()
    assert send(gateway, token, call("echo", text="one")).status == 200
    gateway.kill("server")
    assert_unavailable(send(gateway, token, call("echo", text="two")))
    # Denials do not depend on it.
    denied = send(gateway, token, call("delete_repository", owner="acme", repo="web"))
    assert (denied.status, denied.reason) == (200, "tier_above_subject")
    gateway.start_server()
    answer = send(gateway, token, call("echo", text="three"))
    assert answer.status == 200
    assert b"echo: three" in answer.body


def test_a_server_that_is_killed_in_the_middle_of_a_call(gateway, identity):
    token = identity.token()
    answers = []
    caller = threading.Thread(target=lambda: answers.append(send(gateway, token, call("wait", seconds=30))))
    caller.start()
    time.sleep(1)
    gateway.kill("server")
    caller.join(timeout=10)
    assert not caller.is_alive(), "the client hangs"
    assert_unavailable(answers[0])
    gateway.start_server()
    assert send(gateway, token, call("echo", text="again")).status == 200


def test_spicedb_that_is_killed_denies_and_comes_back(gateway, identity):
    token = identity.token()
    merge = call("merge_pull_request", owner="acme", repo="web", number=7)
    assert b"merged" in send(gateway, token, merge).body
    gateway.kill("spicedb")
    answer = send(gateway, token, merge)
    assert answer.status == 200
    assert answer.reason == "check_unreachable"
    assert json.loads(answer.body)["id"] == 1
    # Calls without a check go on.
    assert send(gateway, token, call("echo", text="x")).status == 200
    gateway.start_spicedb()
    assert b"merged" in send(gateway, token, merge).body
    assert gateway.decisions().count(("deny", "check_unreachable")) == 1
