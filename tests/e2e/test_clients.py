"""Official MCP clients through Envoy to official MCP servers: the tools they see, the calls they may make, and denials."""

import pytest
from sdk_clients import CLIENTS, ECHO, STEPS, check_steps, is_legacy, run

# Only this server knows the revision 2026-07-28.
MODERN_SERVERS = {"python2"}


def pytest_generate_tests(metafunc):
    """Every client with every server that knows its revision."""
    if "client" in metafunc.fixturenames:
        pairs = [
            pytest.param(server, client, id=f"{client}-to-{server}")
            for server in ("python1", "python2", "typescript")
            for client in CLIENTS
            if server in MODERN_SERVERS or not client.endswith("-modern")
        ]
        metafunc.parametrize(("recorded", "client"), pairs, indirect=["recorded"])


def test_a_client_lists_calls_is_denied_and_goes_on(recorded, client, identity):
    recorded.recorder.take()
    outcome = run(client, recorded.url, identity.token(), STEPS)
    check_steps(outcome)
    expected = "2026-07-28" if recorded.server in MODERN_SERVERS and not is_legacy(client) else "2025-11-25"
    assert outcome["protocol"] == expected

    seen = recorded.recorder.take()
    assert seen.count(b"echo") >= 3
    for hidden in (b"delete_repository", b"rotate_keys", b"payments"):
        assert hidden not in seen, f"the server saw {hidden} of a denied request"


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
