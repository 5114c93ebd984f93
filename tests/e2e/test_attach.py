"""The configurations in `envoy/`: both have the settings that security needs, and Envoy accepts the filter of each."""

import base64
import json
import subprocess

import pytest
import yaml
from gateway import CLI, ENVOY, HERE, ROOT, WASM, fill, run

HCM = "envoy.filters.network.http_connection_manager"


@pytest.fixture(scope="module")
def configuration(identity, tmp_path_factory):
    """A configuration that the filter accepts."""
    folder = tmp_path_factory.mktemp("attach")
    policy, bundle = folder / "policy.yaml", folder / "bundle"
    policy.write_text((HERE / "policy.yaml").read_text(encoding="utf-8").replace("@AUTHORITY@", "tools.acme.test"))
    run(CLI, "compile", policy, "--output", bundle)
    return {
        "issuers": [{"issuer": "https://id.acme.test", "algorithms": ["ES256"], "jwks": identity.jwks}],
        "bundle": {"base64": base64.b64encode(bundle.read_bytes()).decode()},
        "checks": {"spicedb": {"cluster": "spicedb", "timeout_ms": 1000}},
    }


def bootstrap(configuration):
    """The bootstrap as Envoy would read it."""
    names = {name: "0" for name in ("LISTEN_PORT", "ADMIN_PORT")} | {"SERVER_PORT": "1", "SPICEDB_PORT": "1"}
    texts = {"WASM": str(WASM), "CONFIGURATION": json.dumps(configuration), "ACCESS_LOG": "/dev/null"}
    return yaml.safe_load(fill(names | {name: json.dumps(text) for name, text in texts.items()}))


def connection_manager(document):
    """The HTTP connection manager of the only listener."""
    (listener,) = document["static_resources"]["listeners"]
    (filter_,) = listener["filter_chains"][0]["filters"]
    return filter_["typed_config"]


def istio(kind):
    """The value of the patch that applies to something of this kind."""
    document = yaml.safe_load((ROOT / "envoy/istio-envoyfilter.yaml").read_text(encoding="utf-8"))
    (patch,) = (patch for patch in document["spec"]["configPatches"] if patch["applyTo"] == kind)
    return patch["patch"]


def istio_filter(configuration):
    """The filter of the EnvoyFilter, with this machine's file and a real configuration."""
    value = istio("HTTP_FILTER")["value"]
    value["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] = str(WASM)
    value["typed_config"]["config"]["configuration"]["value"] = json.dumps(configuration)
    return value


def validate(document, folder):
    """Envoy's verdict, which loads the filter and has it read its configuration."""
    config = folder / "envoy.json"
    config.write_text(json.dumps(document), encoding="utf-8")
    command = [str(ENVOY), "--mode", "validate", "--config-path", str(config)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_envoy_accepts_the_bootstrap(configuration, tmp_path):
    done = validate(bootstrap(configuration), tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


def test_envoy_accepts_the_filter_of_the_envoyfilter(configuration, tmp_path):
    document = bootstrap(configuration)
    filters = connection_manager(document)["http_filters"]
    assert [entry["name"] for entry in filters] == ["toolward", "envoy.filters.http.router"]
    filters[0] = istio_filter(configuration)
    connection_manager(document).update(istio("NETWORK_FILTER")["value"]["typed_config"])
    document["static_resources"]["listeners"][0].update(istio("LISTENER")["value"])
    document["static_resources"]["clusters"][0].update(istio("CLUSTER")["value"])
    done = validate(document, tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]


def test_envoy_refuses_a_configuration_that_the_filter_refuses(configuration, tmp_path):
    done = validate(bootstrap(configuration | {"isuers": []}), tmp_path)
    assert done.returncode != 0


def test_envoy_accepts_a_policy_only_with_the_signatures_that_it_needs(configuration, tmp_path):
    key, bundle = tmp_path / "release.pem", tmp_path / "bundle"
    public = json.loads(run(CLI, "keygen", "--out", key))
    bundle.write_bytes(base64.b64decode(configuration["bundle"]["base64"]))
    unsigned = configuration["bundle"] | {"keys": [public]}
    refused = validate(bootstrap(configuration | {"bundle": unsigned}), tmp_path)
    assert refused.returncode != 0
    assert "bundle is not signed" in refused.stderr
    run(CLI, "sign", bundle, "--key", key)
    signed = unsigned | {"base64": base64.b64encode(bundle.read_bytes()).decode()}
    done = validate(bootstrap(configuration | {"bundle": signed}), tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert validate(bootstrap(configuration | {"bundle": signed | {"min_serial": 1}}), tmp_path).returncode != 0


def test_both_hold_the_head_fail_closed_and_reload_on_a_trap(configuration):
    shipped = connection_manager(bootstrap(configuration))["http_filters"][0]
    for attached in (shipped, istio_filter(configuration)):
        config = attached["typed_config"]["config"]
        assert config["allow_on_headers_stop_iteration"] is True
        assert config["failure_policy"] == "FAIL_RELOAD"
        assert "fail_open" not in config
    assert istio_filter(configuration) == shipped, "one filter, two ways to attach it"


def test_the_envoyfilter_inserts_before_the_router(configuration):
    assert istio("HTTP_FILTER")["operation"] == "INSERT_BEFORE"


@pytest.mark.parametrize("setting", ["normalize_path", "merge_slashes", "path_with_escaped_slashes_action", "http_protocol_options"])
def test_both_leave_paths_alone_and_let_trailers_through(configuration, setting):
    ours = connection_manager(bootstrap(configuration))
    assert istio("NETWORK_FILTER")["value"]["typed_config"][setting] == ours[setting]


BOUNDS = ["http2_protocol_options", "request_headers_timeout", "request_timeout", "stream_idle_timeout", "stream_flush_timeout"]


def test_both_configurations_bound_held_bytes(configuration):
    ours = bootstrap(configuration)
    resources = ours["static_resources"]
    manager, cluster, listener = connection_manager(ours), resources["clusters"][0], resources["listeners"][0]
    theirs = istio("NETWORK_FILTER")["value"]["typed_config"]
    assert {name: theirs[name] for name in BOUNDS} == {name: manager[name] for name in BOUNDS}
    for value, kind in ((cluster, "CLUSTER"), (listener, "LISTENER")):
        assert istio(kind)["value"].items() <= value.items()
    shared = {**ours["overload_manager"], "resource_monitors": ours["overload_manager"]["resource_monitors"][:1]}
    assert istio("BOOTSTRAP")["value"] == {"overload_manager": shared}
    # As envoy/README.md tells how to choose them, for the filter's limits as they are unless configured.
    held = 4 * 1024 * 1024
    assert manager["http2_protocol_options"]["initial_stream_window_size"] > held
    assert listener["per_connection_buffer_limit_bytes"] > held
    (breakers,) = cluster["circuit_breakers"]["thresholds"]
    (heap,) = (monitor for monitor in ours["overload_manager"]["resource_monitors"] if monitor["name"].endswith("fixed_heap"))
    assert heap["typed_config"]["max_heap_size_bytes"] >= 3 * breakers["max_connections"] * held


def test_nothing_retries_a_call(configuration):
    for host in connection_manager(bootstrap(configuration))["route_config"]["virtual_hosts"]:
        assert "retry_policy" not in host
        for route in host["routes"]:
            assert "retry_policy" not in route["route"]


def test_the_admin_page_is_on_loopback(configuration):
    assert bootstrap(configuration)["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"
