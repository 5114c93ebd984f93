"""The filter, configured as a network (L4) filter by mistake: Envoy keeps running, and no byte reaches the server."""

import base64
import json
import socket

import pytest
from gateway import CLI, ENVOY, HERE, WASM, Gateway, run


class NetworkGateway(Gateway):
    """A TCP proxy with the filter as its network filter."""

    def start_envoy(self):
        bundle = self.folder / "policy.bundle"
        policy = self.folder / "policy.yaml"
        policy.write_text(
            (HERE / "policy.yaml").read_text(encoding="utf-8").replace("@AUTHORITY@", self.authority), encoding="utf-8"
        )
        run(CLI, "compile", policy, "--output", bundle)
        configuration = json.dumps(self.configuration(base64.b64encode(bundle.read_bytes()).decode()))
        wasm = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm",
            "config": {
                "name": "toolward",
                "root_id": "toolward",
                "fail_open": False,
                "vm_config": {
                    "vm_id": "toolward",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": str(WASM)}},
                },
                "configuration": {"@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration},
            },
        }
        proxy = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "server",
            "cluster": "server",
        }
        filters = [
            {"name": "toolward", "typed_config": wasm},
            {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy},
        ]

        def address(port):
            return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

        endpoint = {"endpoint": {"address": address(self.recorder.port)}}
        assignment = {"cluster_name": "server", "endpoints": [{"lb_endpoints": [endpoint]}]}
        document = {
            "admin": {"address": address(self.admin)},
            "static_resources": {
                "listeners": [{"address": address(self.port), "filter_chains": [{"filters": filters}]}],
                "clusters": [{"name": "server", "type": "STATIC", "load_assignment": assignment}],
            },
        }
        config = self.folder / "envoy.json"
        config.write_text(json.dumps(document), encoding="utf-8")
        command = (ENVOY, "--config-path", config, "--concurrency", "1", "--disable-hot-restart")
        self.start("envoy", self.port, *command, "--log-level", "warning")


@pytest.fixture
def gateway(identity, tmp_path):
    with NetworkGateway("python2", tmp_path, identity) as running:
        yield running


def test_no_byte_passes_and_the_vm_does_not_trap(gateway):
    gateway.recorder.take()
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as client:
            client.sendall(b"POST /mcp HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
            client.settimeout(1)
            try:
                assert client.recv(1) == b"", "a byte came back"
            except TimeoutError:
                pass
    assert gateway.recorder.take() == b"", "a byte reached the server"
    assert gateway.reloads() == 0, "the filter trapped"
    log = (gateway.folder / "envoy.log").read_text(errors="replace")
    assert "panicked" not in log and "Proc exit" not in log, log
