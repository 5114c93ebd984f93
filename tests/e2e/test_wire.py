"""Denials to the byte, long bodies and trailers, on HTTP/1.1 and HTTP/2."""

import json

import pytest
from gateway import METADATA, RESOURCE
from wire import call, headers, http1, http2

PROTOCOLS = pytest.mark.parametrize("send", [http1, http2], ids=["http1", "http2"])
MIB = 1 << 20


@pytest.fixture(autouse=True)
def quiet(python2):
    """Forgets the bytes of earlier requests."""
    python2.recorder.take()


@PROTOCOLS
def test_no_token_gets_the_challenge_of_rfc_9728_without_an_error(python2, send):
    answer = send(python2, headers(python2, None), call("echo", text="x"))
    assert answer.status == 401
    assert answer.values("www-authenticate") == [f'Bearer resource_metadata="{METADATA}"']
    assert answer.values("content-type") == ["application/json"]
    assert answer.reason == "token_missing"
    assert python2.recorder.take() == b""


@PROTOCOLS
def test_an_expired_token_gets_invalid_token(python2, identity, send):
    token = identity.token(iat=1_700_000_000, exp=1_700_000_300)
    answer = send(python2, headers(python2, token), call("echo", text="x"))
    assert answer.status == 401
    (challenge,) = answer.values("www-authenticate")
    assert challenge.startswith('Bearer error="invalid_token", error_description="')
    assert challenge.endswith(f'", resource_metadata="{METADATA}"')
    assert answer.reason == "token_expired"
    assert python2.recorder.take() == b""


def test_the_challenge_leads_to_the_metadata(python2):
    path = "/.well-known/oauth-protected-resource/mcp"
    answer = http1(python2, headers(python2, None), b"", method="GET", path=path)
    assert answer.status == 200
    document = json.loads(answer.body)
    assert document["resource"] == RESOURCE
    assert document["authorization_servers"] == ["https://id.acme.test"]
    assert python2.recorder.take() == b""


@pytest.mark.parametrize("algorithm", ["es256", "rs256", "eddsa"])
def test_each_algorithm_is_verified_in_the_real_host(python2, identity, algorithm):
    token = identity.token(algorithm=algorithm)
    assert http1(python2, headers(python2, token), call("echo", text="x")).status == 200
    start, payload, signature = token.split(".")
    other = "A" if signature[0] != "A" else "B"
    forged = ".".join([start, payload, other + signature[1:]])
    answer = http1(python2, headers(python2, forged), call("echo", text="x"))
    assert (answer.status, answer.reason) == (401, "token_signature_invalid")


@PROTOCOLS
def test_a_body_over_the_limit_is_413_with_a_json_rpc_error(python2, identity, send):
    body = call("echo", text="x" * (MIB + 1))
    answer = send(python2, headers(python2, identity.token()), body)
    assert answer.status == 413
    assert answer.values("content-type") == ["application/json"]
    assert json.loads(answer.body)["jsonrpc"] == "2.0"
    assert answer.reason == "body_too_large", "it was not the filter who answered"
    assert python2.recorder.take() == b""


@PROTOCOLS
def test_a_body_over_the_buffer_of_envoy_is_413_from_envoy_or_the_filter(python2, identity, send):
    """Where more than its buffer holds arrives at once, Envoy refuses before it asks the filter."""
    answer = send(python2, headers(python2, identity.token()), call("echo", text="x" * 6 * MIB))
    assert answer.status == 413
    assert answer.values("content-type") == ["application/json"]
    error = json.loads(answer.body)["error"]
    assert error.get("data", {}).get("reason") == "body_too_large" or error["code"] == -32603
    assert python2.recorder.take() == b""


@PROTOCOLS
def test_a_body_just_under_the_limit_arrives_as_it_was_sent(python2, identity, send):
    empty = len(call("echo", text=""))
    body = call("echo", text="x" * (MIB - empty))
    assert len(body) == MIB
    answer = send(python2, headers(python2, identity.token()), body)
    assert answer.status == 200
    assert python2.recorder.take().count(b"x" * (MIB - empty)) == 1


def with_trailers(gateway, token, body, http_version):
    """A body that ends with trailers: then no body callback says that it is complete."""
    trailers = [("x-checksum", "1234")]
    if http_version == "http2":
        return http2(gateway, headers(gateway, token), body, trailers=trailers)
    return http1(gateway, headers(gateway, token), body, chunked=True, trailers=trailers)


@pytest.mark.parametrize("http_version", ["http1", "http2"])
def test_a_body_with_trailers_is_judged_like_any_other(python2, identity, http_version):
    token = identity.token()
    answer = with_trailers(python2, token, call("delete_repository", owner="acme", repo="web"), http_version)
    assert answer.status == 200
    assert answer.reason == "tier_above_subject"
    assert python2.recorder.take() == b""

    answer = with_trailers(python2, token, call("echo", text="trailing"), http_version)
    assert answer.status == 200
    assert b"echo: trailing" in answer.body
    assert b"trailing" in python2.recorder.take()


@pytest.mark.parametrize("http_version", ["http1", "http2"])
def test_a_check_is_waited_for_when_trailers_are_already_there(python2, identity, http_version):
    token = identity.token()
    denied = call("merge_pull_request", owner="acme", repo="payments", number=1)
    answer = with_trailers(python2, token, denied, http_version)
    assert answer.reason == "check_denied"
    assert python2.recorder.take() == b""
    allowed = call("merge_pull_request", owner="acme", repo="web", number=1)
    answer = with_trailers(python2, token, allowed, http_version)
    assert b"merged acme/web#1" in answer.body


def test_every_decision_is_in_the_access_log_and_counted(python2, identity):
    before = python2.decisions()
    http1(python2, headers(python2, identity.token()), call("echo", text="x"))
    http1(python2, headers(python2, identity.token()), call("rotate_keys", owner="acme", repo="web"))
    http1(python2, headers(python2, None), call("echo", text="x"))
    new = python2.decisions()[len(before) :]
    assert new == [("permit", "allowed"), ("deny", "tool_unknown"), ("deny", "token_missing")]
    counts = python2.counts()
    for labels in new:
        assert counts[labels] == python2.decisions().count(labels)
