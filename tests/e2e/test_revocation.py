"""A configuration that revokes reaches a running Envoy by ECDS: open streams end, and nothing more is permitted."""

import http.client
import json
import os
import threading
import time

import pytest
import yaml
from gateway import Gateway
from wire import call, headers, http1

SECONDS = 15


class Discovered(Gateway):
    """A gateway whose filter Envoy watches in a file, as `envoy/README.md` advises."""

    def bootstrap(self, values):
        document = yaml.safe_load(super().bootstrap(values))
        (listener,) = document["static_resources"]["listeners"]
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        place = next(at for at, one in enumerate(manager["http_filters"]) if one["name"] == "toolward")
        self.filter = manager["http_filters"][place]["typed_config"]
        self.watched = self.folder / "filter.json"
        self.deliver()
        manager["http_filters"][place] = {
            "name": "toolward",
            "config_discovery": {
                "config_source": {"path_config_source": {"path": str(self.watched)}, "resource_api_version": "V3"},
                "type_urls": [self.filter["@type"]],
            },
        }
        # Envoy wants to know who it is before it discovers anything.
        document["node"] = {"id": "test", "cluster": "test"}
        return yaml.safe_dump(document)

    def deliver(self, **changes):
        """Puts a configuration with these changes where Envoy looks; it sees files that are moved there."""
        value = self.filter["config"]["configuration"]
        value["value"] = json.dumps(json.loads(value["value"]) | changes)
        extension = {
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": "toolward",
            "typed_config": self.filter,
        }
        new = self.folder / "filter.new"
        new.write_text(json.dumps({"resources": [extension]}), encoding="utf-8")
        os.replace(new, self.watched)


@pytest.fixture
def gateway(identity, tmp_path):
    """One of its own for each test, since each revokes."""
    with Discovered("sessions", tmp_path, identity, recorded=False) as running:
        yield running
        assert running.reloads() == 0


class Stream:
    """A GET stream of a session; `ended` is set when it ends."""

    def __init__(self, gateway, token):
        begin = {
            "jsonrpc": "2.0",
            "id": 0,
            "method": "initialize",
            "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "e2e", "version": "1"}},
        }
        (session,) = http1(gateway, headers(gateway, token), json.dumps(begin).encode()).values("mcp-session-id")
        fields = {name: value for name, value in headers(gateway, token) if name not in ("host", "content-type")}
        self.connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        self.connection.request("GET", "/mcp", headers=fields | {"mcp-session-id": session, "accept": "text/event-stream"})
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        self.ended = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            while self.response.read1(1000):
                pass
        except (http.client.HTTPException, OSError):
            pass
        self.ended.set()


def eventually(holds):
    """Waits until it holds."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)


def test_a_revocation_ends_the_silent_streams_that_it_names_and_no_others(gateway, identity):
    revoked, other = identity.token(sub="u-bob"), identity.token()
    ends, stays = Stream(gateway, revoked), Stream(gateway, other)
    gateway.deliver(revocations=[{"issuer": "https://id.acme.test", "subject": "u-bob"}])
    assert ends.ended.wait(SECONDS), "the stream outlives the revocation"
    answer = http1(gateway, headers(gateway, revoked), call("echo", text="x"))
    assert (answer.status, answer.reason) == (401, "token_revoked")
    # A tick later than the one that ended the other.
    assert not stays.ended.wait(2)
    assert http1(gateway, headers(gateway, other), call("echo", text="x")).status != 401
    eventually(lambda: ("deny", "token_revoked") in gateway.decisions())


def test_a_token_issued_after_the_revocation_is_good(gateway, identity):
    now = int(time.time())
    before, after = identity.token(iat=now - 60), identity.token(iat=now)
    stream = Stream(gateway, before)
    later = Stream(gateway, after)
    gateway.deliver(revocations=[{"issuer": "https://id.acme.test", "actor": "agent:planner", "issued_before": now}])
    assert stream.ended.wait(SECONDS)
    assert not later.ended.wait(2)


def test_a_configuration_that_is_refused_revokes_nothing_and_takes_nothing_back(gateway, identity):
    token = identity.token(sub="u-bob")
    gateway.deliver(revocations=[{"issuer": "https://id.acme.test", "subject": "u-bob"}])
    ask = lambda: http1(gateway, headers(gateway, token), call("echo", text="x")).status  # noqa: E731
    eventually(lambda: ask() == 401)
    gateway.deliver(revocations=[{"issuer": "https://id.acme.test", "subjct": "u-bob"}])
    log = gateway.folder / "envoy.log"
    eventually(lambda: "/revocations/0/subjct: unknown key" in log.read_text(encoding="utf-8", errors="replace"))
    assert ask() == 401
