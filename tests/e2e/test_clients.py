"""Official MCP clients through Envoy to official MCP servers: what they are shown, what they may call, what they survive."""

import json
import subprocess

import pytest
from gateway import HERE, PYTHON1, PYTHON2, RMCP

CLIENTS = {
    "python1": ([PYTHON1, HERE / "clients/python1.py"], "legacy"),
    "python2": ([PYTHON2, HERE / "clients/python2.py"], "auto"),
    "python2-legacy": ([PYTHON2, HERE / "clients/python2.py"], "legacy"),
    "python2-modern": ([PYTHON2, HERE / "clients/python2.py"], "modern"),
    "typescript1": (["node", HERE / "clients/typescript1.mjs"], "legacy"),
    "typescript2": (["node", HERE / "clients/typescript2.mjs"], "auto"),
    "typescript2-legacy": (["node", HERE / "clients/typescript2.mjs"], "legacy"),
    "typescript2-modern": (["node", HERE / "clients/typescript2.mjs"], "modern"),
    "rmcp-legacy": ([RMCP], "legacy"),
    "rmcp-modern": ([RMCP], "modern"),
}
# Only this server knows the revision 2026-07-28.
MODERN_SERVERS = {"python2"}

ECHO = {"call": "echo", "arguments": {"text": "hello"}}
REPOSITORY = {"owner": "acme", "repo": "web"}


def run(client, url, token, steps):
    """Runs a client program; its result, or a failure of the test."""
    command, era = CLIENTS[client]
    script = {"url": url, "token": token, "steps": steps} | ({} if era == "auto" else {"era": era})
    done = subprocess.run(
        [*map(str, command), json.dumps(script)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def pytest_generate_tests(metafunc):
    """Every client with every server, but for revisions that a server does not know."""
    if "client" in metafunc.fixturenames:
        pairs = [
            pytest.param(server, client, id=f"{client}-to-{server}")
            for server in ("python1", "python2", "typescript")
            for client in CLIENTS
            if server in MODERN_SERVERS or not client.endswith("-modern")
        ]
        metafunc.parametrize(("recorded", "client"), pairs, indirect=["recorded"])


def reason(result):
    """The reason code of a denial, as the client saw it."""
    error = result["error"]
    return (error.get("data") or {}).get("reason") or error["message"]


def test_a_client_lists_calls_is_denied_and_goes_on(recorded, client, identity):
    recorded.recorder.take()
    outcome = run(
        client,
        recorded.url,
        identity.token(),
        [
            {},
            ECHO,
            {"call": "delete_repository", "arguments": REPOSITORY},
            ECHO,
            {"call": "rotate_keys", "arguments": REPOSITORY},
            {"call": "merge_pull_request", "arguments": {**REPOSITORY, "number": 7}},
            {"call": "merge_pull_request", "arguments": {"owner": "acme", "repo": "payments", "number": 7}},
            ECHO,
            {},
        ],
    )
    assert "fatal" not in outcome, outcome
    shown, echo, deleted, again, rotated, merged, not_merged, at_last, shown_again = outcome["results"]

    assert shown == shown_again == {"tools": ["echo", "wait", "merge_pull_request"]}
    assert echo == again == at_last == {"text": "echo: hello", "is_error": False}
    assert merged == {"text": "merged acme/web#7", "is_error": False}
    assert reason(deleted) == "tier_above_subject"
    assert reason(rotated) == "tool_unknown"
    assert reason(not_merged) == "check_denied"
    expected = "2026-07-28" if recorded.server in MODERN_SERVERS and not is_legacy(client) else "2025-11-25"
    assert outcome["protocol"] == expected

    seen = recorded.recorder.take()
    assert seen.count(b"echo") >= 3
    for hidden in (b"delete_repository", b"rotate_keys", b"payments"):
        assert hidden not in seen, f"the server saw {hidden} of a denied request"


def is_legacy(client):
    """Whether a client never tries the revision 2026-07-28."""
    return CLIENTS[client][1] == "legacy"


def test_a_client_without_a_token_reaches_nothing(recorded, client):
    recorded.recorder.take()
    outcome = run(client, recorded.url, None, [{}, ECHO])
    failed = "fatal" in outcome or all("error" in result for result in outcome["results"])
    assert failed, outcome
    assert recorded.recorder.take() == b"", "the server saw bytes of a request without a token"


def test_a_client_with_an_expired_token_reaches_nothing(recorded, client, identity):
    recorded.recorder.take()
    outcome = run(client, recorded.url, identity.token(iat=1_700_000_000, exp=1_700_000_300), [{}, ECHO])
    failed = "fatal" in outcome or all("error" in result for result in outcome["results"])
    assert failed, outcome
    assert recorded.recorder.take() == b"", "the server saw bytes of a request with an expired token"
