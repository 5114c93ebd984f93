"""Fixtures of the end-to-end tests."""

import pytest
from gateway import Gateway, Identity


@pytest.fixture(scope="session")
def identity(tmp_path_factory):
    """One identity provider for all tests."""
    return Identity(tmp_path_factory.mktemp("identity"))


@pytest.fixture(scope="session")
def gateways(identity, tmp_path_factory):
    """Gateways by server, started when first asked for, with a recorder between Envoy and the server."""
    running = {}

    def get(server):
        if server not in running:
            running[server] = Gateway(server, tmp_path_factory.mktemp(server), identity).__enter__()
        return running[server]

    yield get
    traps = {server: gateway.reloads() for server, gateway in running.items()}
    for gateway in running.values():
        gateway.__exit__()
    assert not any(traps.values()), f"the filter trapped: {traps}"


@pytest.fixture
def recorded(request, gateways):
    """A gateway before the server that the test names."""
    return gateways(request.param)


@pytest.fixture
def python2(gateways):
    """A gateway before the Python SDK 2 server, for requests made by hand."""
    return gateways("python2")
