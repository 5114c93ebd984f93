"""The README's steps to guard your own server: its commands as written, with other ports."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port, process, log):
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}: {log.read_text()}")


def post(url, token, method, **params):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    headers = {
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2025-11-25",
        "authorization": f"Bearer {token}",
    }
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        text = answer.read().decode()
    return json.loads(re.search(r"\{.*\}", text)[0])


def test_the_commands_of_the_readme_guard_a_server(tmp_path):
    section = (ROOT / "README.md").read_text().split("## Your own server")[1].split("\n## ")[0]
    script = re.search(r"```sh\n(.*?)```", section, re.S)[1]
    build, begin, commands = script.partition("mkdir policy")
    assert "make build tools" in build and begin
    commands, envoy, rest = commands.partition(".tools/envoy/envoy --config-path envoy.yaml")
    assert envoy and not rest.strip()

    server, listen, admin = free_port(), free_port(), free_port()
    for written, meant in [(":8000/mcp", f":{server}/mcp/code"), (":10000/mcp", f":{listen}/mcp/code")]:
        assert written in commands
        commands = commands.replace(written, meant)
    options = f"--server-port {server} --listen-port {listen} --admin-port {admin} --wasm {os.environ['TOOLWARD_WASM']} --access-log access.log"
    commands = commands.replace("--server-port 8000", options)
    commands = commands.replace("envoy/render.py", str(ROOT / "envoy/render.py"))
    # The person who reviews the catalogue.
    editor = tmp_path / "review"
    editor.write_text("#!/bin/sh\nsed -i -e '/review: pending/d' -e '/read_file:/,/note:/s/tier: destructive/tier: read/' \"$1\"\n")
    editor.chmod(0o755)
    path = tmp_path / "bin"
    path.mkdir()
    (path / "toolward").symlink_to(os.environ["TOOLWARD_CLI"])

    log = tmp_path / "log"
    with log.open("wb") as out:
        running = [subprocess.Popen([sys.executable, ROOT / "examples/demo/server.py", "--port", str(server)], stdout=out, stderr=out)]
        try:
            wait_for(server, running[0], log)
            environment = os.environ | {"PATH": f"{path}:{os.environ['PATH']}", "EDITOR": str(editor)}
            script = f"set -eu\nmkdir policy{commands}"
            done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done.stderr
            token = done.stdout.strip().splitlines()[-1]
            running.append(subprocess.Popen([os.environ["TOOLWARD_ENVOY"], "--config-path", "envoy.yaml"], cwd=tmp_path, stdout=out, stderr=out))
            wait_for(listen, running[1], log)
            url = f"http://127.0.0.1:{listen}/mcp/code"
            tools = [tool["name"] for tool in post(url, token, "tools/list")["result"]["tools"]]
            assert tools == ["read_file"]
            denied = post(url, token, "tools/call", name="delete_repository", arguments={"owner": "acme", "repo": "web"})
            assert denied["error"]["data"]["reason"] == "tier_above_subject"
            read = post(url, token, "tools/call", name="read_file", arguments={"owner": "acme", "repo": "web", "path": "README.md"})
            assert "result" in read and not read["result"].get("isError")
        finally:
            for process in running:
                process.terminate()
                process.wait(timeout=30)
