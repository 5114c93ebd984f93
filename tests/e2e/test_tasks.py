"""Sealed task ids in the real proxy: a real client runs tools as tasks and notices nothing. Its ids do not work for other
callers, although the server lets every caller use every task."""

import base64
import http.client
import json
import os
import re
import subprocess

import pytest
from gateway import HERE, PYTHON1, Gateway
from wire import headers, http1

KEYS = [base64.b64encode(os.urandom(32)).decode() for _ in range(2)]
NO_SUCH_TASK = "unknown task; use an id that this gateway gave you"


class Sealing(Gateway):
    """A gateway that seals, before a server whose tasks are everybody's."""

    policy = HERE / "tasks.yaml"
    settings = {"sessions": {"keys": KEYS[:1]}}


@pytest.fixture(scope="module")
def sealing(tmp_path_factory, identity):
    """One for all tests here."""
    with Sealing("tasks", tmp_path_factory.mktemp("tasks"), identity) as gateway:
        yield gateway
        assert gateway.reloads() == 0


def run(gateway, token, *steps):
    """Runs the client. Returns the result of each step, and the server's notifications."""
    script = {"url": gateway.url, "token": token, "steps": steps}
    command = [PYTHON1, HERE / "clients/tasks.py", json.dumps(script)]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    return outcome["results"], outcome["seen"]


def test_a_client_runs_a_task_and_the_server_sees_its_own_id(sealing, identity):
    sealing.recorder.take()
    results, seen = run(sealing, identity.token(), {"start": "build"}, {"poll": 0}, {"result": 0}, {"poll": 0})
    sealed = results[0]["task"]
    assert sealed.startswith("E") and len(sealed) > 80
    assert results[1:] == [
        {"task": sealed, "status": "completed"},
        {"task": sealed, "text": "built"},
        {"task": sealed, "status": "completed"},
    ]
    assert all(said == {"told": sealed} for said in seen)
    arrived = sealing.recorder.take().decode()
    assert sealed not in arrived
    assert set(re.findall(r'"taskId": ?"([^"]*)"', arrived)) == {"1"}


def test_a_question_of_a_task_says_whose_it_is(sealing, identity):
    results, seen = run(sealing, identity.token(), {"start": "ask"}, {"result": 0})
    assert results[1] == {"task": results[0]["task"], "text": "built main"}
    assert {"asked": results[0]["task"]} in seen


def test_a_client_cancels_its_task(sealing, identity):
    results, _ = run(sealing, identity.token(), {"start": "wait"}, {"cancel": 0}, {"poll": 0})
    assert results[1] == results[2] == {"task": results[0]["task"], "status": "cancelled"}


def test_no_other_caller_can_use_a_task(sealing, identity):
    (started, _), _ = run(sealing, identity.token(), {"start": "wait"}, {"list": True})
    sealed = started["task"]
    for other in (identity.token(sub="u-mallory"), identity.token(act={"sub": "agent:robot"})):
        sealing.recorder.take()
        results, _ = run(sealing, other, {"poll": sealed}, {"result": sealed}, {"cancel": sealed}, {"poll": "1"})
        for result in results:
            assert (result["error"]["code"], result["error"]["message"]) == (-32602, NO_SUCH_TASK)
            assert result["error"]["data"]["reason"] == "task_unknown"
        assert b"tasks/" not in sealing.recorder.take()
        reasons = [reason for _, reason in sealing.decisions() if reason.startswith("task_")]
        assert reasons[-4:] == ["task_foreign"] * 3 + ["task_unknown"]
    # A new session and a new token of the same human and agent go on.
    results, _ = run(sealing, identity.token(jti="another"), {"cancel": sealed})
    assert results == [{"task": sealed, "status": "cancelled"}]


def test_tasks_are_not_listed(sealing, identity):
    sealing.recorder.take()
    (refused,), _ = run(sealing, identity.token(), {"list": True})
    assert (refused["error"]["code"], refused["error"]["data"]["reason"]) == (-32601, "task_list_refused")
    assert b"tasks/list" not in sealing.recorder.take()


def test_the_length_goes_with_the_body(sealing, identity):
    token = identity.token()
    (started,), _ = run(sealing, token, {"start": "build"})
    begin = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": begin}
    (session,) = http1(sealing, headers(sealing, token), json.dumps(message).encode()).values("mcp-session-id")
    sealing.recorder.take()
    message = {"jsonrpc": "2.0", "id": 7, "method": "tasks/get", "params": {"taskId": started["task"]}}
    connection = http.client.HTTPConnection("127.0.0.1", sealing.port, timeout=20)
    fields = dict([*headers(sealing, token), ("mcp-session-id", session)])
    connection.request("POST", "/mcp", json.dumps(message).encode(), fields)
    assert started["task"].encode() in connection.getresponse().read()
    connection.close()
    head, body = sealing.recorder.take().split(b"\r\n\r\n", 1)
    (length,) = re.findall(rb"content-length: (\d+)", head.lower())
    assert int(length) == len(body) and json.loads(body)["params"]["taskId"].isdigit()


def test_ids_of_the_old_key_open_until_that_key_is_removed(sealing, identity):
    token = identity.token()
    (started,), _ = run(sealing, token, {"start": "build"})

    def restart(keys):
        sealing.settings = {"sessions": {"keys": keys}}
        sealing.kill("envoy")
        sealing.start_envoy()

    restart([KEYS[1], KEYS[0]])
    (state,), _ = run(sealing, token, {"poll": started["task"]})
    assert state == {"task": started["task"], "status": "completed"}
    restart([KEYS[1]])
    (lost,), _ = run(sealing, token, {"poll": started["task"]})
    assert lost["error"]["data"]["reason"] == "task_unknown"
    restart(KEYS[:1])


class Listed(Sealing):
    """A gateway that believes the lists of a server which binds tasks to sessions."""

    settings = {**Sealing.settings, "servers": {"tools": {"tasks": "listed"}}}


def test_a_server_that_binds_tasks_lists_a_session_its_own(tmp_path_factory, identity):
    with Listed("tasks-bound", tmp_path_factory.mktemp("listed"), identity) as gateway:
        steps = ({"start": "wait"}, {"start": "build"}, {"list": True})
        results, _ = run(gateway, identity.token(), *steps)
        assert sorted(results[2]["tasks"]) == sorted([results[0]["task"], results[1]["task"]])
        (nothing, lost), _ = run(gateway, identity.token(), {"list": True}, {"poll": results[0]["task"]})
        # The server binds tasks to sessions, which is more than the seal asks for.
        assert nothing == {"tasks": []} and "not found" in lost["error"]["message"]
        assert gateway.reloads() == 0
