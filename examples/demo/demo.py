"""`make demo` tells the story and ends; `make up` leaves everything running until Ctrl-C.

    python demo.py story|up [--seconds N] [--policy FOLDER]
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import stack
import terminal as out


# The release that the tests of this project have seen working; npx takes an older one on older Nodes.
INSPECTOR = "2.12.0"


def begin(running, files):
    """Compiles, mints and starts, with what each step took."""
    from cast import Mint

    bundle = running.folder / "acme.bundle"
    with out.step(f"compiling the policy ({os.path.relpath(files.policy, stack.ROOT)})"):
        stack.run([files.cli, "compile", str(files.policy), "--output", str(bundle)])
    with out.step("making keys, as acme's identity provider has them"):
        mint = Mint(files, running.folder)
    with out.step("starting SpiceDB with its relations") as ticker:
        running.start_spicedb(ticker)
    with out.step("starting the MCP server, a small code host") as ticker:
        running.start_server(ticker)
    with out.step("starting Envoy with the filter before it") as ticker:
        running.start_envoy(bundle.read_bytes(), mint.jwks, ticker)
    return mint


def flat(error):
    """The causes inside exception groups, which task groups make of them."""
    if isinstance(error, BaseExceptionGroup):
        return [cause for inner in error.exceptions for cause in flat(inner)]
    return [error]


def tell(running, mint):
    """The story; its first failure is the failure of the demo."""
    from story import Broken, Story

    start = time.monotonic()
    try:
        asyncio.run(Story(running, mint).tell())
    except* Broken as group:
        raise stack.Trouble(f"the product did something else than the story says\n{flat(group)[0]}") from None
    out.say()
    out.say(out.paint(f"  All of it true. {time.monotonic() - start:.1f} s.", "green", "bold"))
    out.note("`make up` keeps it running for your own client. The policy is examples/demo/policy/acme.yaml: change it and run again.")


def stay(mint, seconds):
    """Prints how to connect, and waits."""
    token = mint.alice("agent:planner", ttl=8 * 3600)
    header = f"Bearer {token}"
    servers = {"code": {"type": "http", "url": stack.URL, "headers": {"Authorization": header}}}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    out.title("Running. Alice's planner, for eight hours:")
    sections = (
        ("URL", stack.URL),
        ("Token", token),
        ("Clients that read a JSON configuration (`mcpServers`)", json.dumps({"mcpServers": servers}, indent=2)),
        (
            "curl",
            f"curl -s {stack.URL} \\\n  -H 'authorization: {header}' \\\n  -H 'content-type: application/json' \\\n"
            f"  -H 'accept: application/json, text/event-stream' \\\n  -H 'mcp-protocol-version: 2025-11-25' \\\n  -d '{json.dumps(call)}'",
        ),
        (
            "Inspector (command line)",
            f"npx --yes @modelcontextprotocol/inspector@{INSPECTOR} --cli {stack.URL} --transport http \\\n"
            f"  --header 'Authorization: {header}' --method tools/list",
        ),
        ("Counters", f"curl -s http://127.0.0.1:{stack.ADMIN_PORT}/stats/prometheus | grep toolward"),
    )
    for name, text in sections:
        out.say()
        out.say(out.paint(f"# {name}", "bold"))
        out.say(text)  # never folded: it is there to be copied
    out.say()
    out.note("Ctrl-C ends everything.")
    deadline = time.monotonic() + seconds if seconds else None
    return deadline


def watch(running, deadline):
    """Waits for Ctrl-C, printing the decisions as they come; says so if a process ends."""
    shown = len(running.records())
    while deadline is None or time.monotonic() < deadline:
        for name, process in running.processes.items():
            if process.poll() is not None:
                raise stack.Trouble(f"{name} ended with status {process.returncode}; its output: {running.log(name)}")
        records = running.records()
        for record in records[shown:]:
            colour = "green" if record["result"] == "permit" else "red"
            what = record.get("tool") or record.get("method") or record["http"]["method"]
            out.say(f"  {out.paint(record['result'], colour)}  {what}  {record['reason']}")
        shown = len(records)
        time.sleep(0.3)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", choices=["story", "up"])
    arguments.add_argument("--seconds", type=int, default=0, help="end `up` after so long (for tests)")
    arguments.add_argument("--policy", type=Path, default=stack.HERE / "policy", help="another policy than the demo's")
    options = arguments.parse_args()

    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    try:
        files = stack.Files(options.policy)
        stack.check_ports()
        out.title("Toolward: what an agent may do with a code host, decided in Envoy")
        with stack.Stack(files) as running:
            mint = begin(running, files)
            if options.what == "story":
                tell(running, mint)
            else:
                watch(running, stay(mint, options.seconds))
    except stack.Trouble as trouble:
        out.failed(str(trouble))
        return 1
    except ImportError as error:
        out.failed(f"the Python package `{error.name}` is missing; run `make {'up' if options.what == 'up' else 'demo'}`, which installs it")
        return 1
    except KeyboardInterrupt:
        out.say()
        out.note("Ended; nothing is left running.")
        return 0 if options.what == "up" else 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
