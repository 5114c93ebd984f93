"""The demo passes, fails if the product behaves differently, and ends cleanly."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parents[2] / "examples/demo"
PORTS = range(7700, 7704)
SECONDS = 120


def demo(*arguments):
    """Starts the demo in a session of its own; its tools are named by the environment that the Makefile sets."""
    command = [sys.executable, "-B", str(DEMO / "demo.py"), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    )


def listening():
    """The demo's ports that are in use."""
    taken = []
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                taken.append(port)
    return taken


@pytest.fixture(autouse=True)
def nothing_is_left():
    """Nothing runs before, and nothing after."""
    assert listening() == [], "the demo's ports are taken: end `make up`"
    yield
    assert listening() == []


def finish(process):
    output, _ = process.communicate(timeout=SECONDS)
    return process.returncode, output


def test_the_story_is_true():
    status, output = finish(demo("story"))
    assert status == 0, output
    assert "All of it true." in output
    assert "\033[" not in output, "colours belong on a terminal"


def test_the_story_fails_when_the_policy_is_another_one(tmp_path):
    policy = (DEMO / "policy/acme.yaml").read_text(encoding="utf-8")
    weaker, changed = re.subn(r"(subject: \"agent:researcher\"\n +ceiling: )read", r"\1write", policy)
    assert changed == 1
    (tmp_path / "acme.yaml").write_text(weaker, encoding="utf-8")
    status, output = finish(demo("story", "--policy", str(tmp_path)))
    assert status == 1, output
    assert "the product did something else than the story says" in output
    assert "tools that the researcher is shown" in output


def test_a_mistake_in_the_policy_is_reported_with_its_line(tmp_path):
    policy = (DEMO / "policy/acme.yaml").read_text(encoding="utf-8")
    (tmp_path / "acme.yaml").write_text(policy.replace("{tier: destructive}", "{teir: destructive}"), encoding="utf-8")
    status, output = finish(demo("story", "--policy", str(tmp_path)))
    assert status == 1, output
    line = next(n for n, text in enumerate(policy.splitlines(), start=1) if "{tier: destructive}" in text)
    assert f"acme.yaml:{line}:" in output
    assert "did you mean `tier`" in " ".join(output.split())


def test_a_taken_port_is_named():
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 7702))
        holder.listen()
        status, output = finish(demo("story"))
    assert status == 1, output
    assert "7702 (the MCP server)" in output


def test_up_prints_a_configuration_that_works_and_ends_on_an_interrupt():
    process = demo("up")
    try:
        lines = []
        deadline = time.monotonic() + SECONDS
        while "Ctrl-C ends everything." not in "".join(lines):
            assert time.monotonic() < deadline and process.poll() is None, "".join(lines)
            lines.append(process.stdout.readline())
        text = "".join(lines)
        curl = re.search(r"^curl .*?tools/list.*?'$", text, re.MULTILINE | re.DOTALL)[0]
        answer = subprocess.run(["sh", "-c", curl], capture_output=True, text=True, timeout=30, check=True).stdout
        tools = [tool["name"] for tool in json.loads(answer.split("data: ", 1)[1])["result"]["tools"]]
        assert tools == ["list_repositories", "read_file", "search_code", "open_issue", "merge_pull_request"]
        block = json.loads(re.search(r"^\{$.*?^\}$", text, re.MULTILINE | re.DOTALL)[0])
        assert set(block["mcpServers"]["code"]) == {"type", "url", "headers"}
    finally:
        process.send_signal(signal.SIGINT)
        status, rest = finish(process)
    assert status == 0, rest
    assert "nothing is left running" in rest
