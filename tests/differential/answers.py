"""The hostile answers against real clients: whatever one of them would hear that the policy denies must have been taken
out by the filter.

    answers.py --cli dist/test/toolward --rmcp PATH [--go PATH] [--page docs/differential-answers.md] [--out PATH]

Gives each answer of `tests/scenarios/differential-answers` to each client three times: as the server sent it, as the
filter let it go on, and that byte for byte in chunks of their own. With `BLESS=1` the page is written, else it must be
as the clients say. `tests/differential/README.md` says more.
"""

import argparse
import base64
import concurrent.futures
import json
import os
import subprocess
import sys
from pathlib import Path

from answers_page import write_page
from replay import Answer, Replay, Route

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TOOLS = ROOT / ".tools"
READ_SECONDS = 300
RAW, FILTERED, BYTES = "raw", "filtered", "bytes"
# A body that is longer comes in one piece only.
MOST_PIECES = 2000
# The streams of HTTP with SSE (2024-11-05), and how long they stay open.
SSE_FILE, OPEN_SECONDS = "endpoints/", 1
# What clients see of the path that the corpus names.
PATH = b"/mcp/github"
# What the policy of the corpus permits; whatever else is heard is denied.
PERMITTED = {
    "tool safe",
    "form",
    "updated file:///safe",
    "ping",
    "notifications/progress",
    "notifications/cancelled",
    "notifications/tools/list_changed",
    "notifications/elicitation/complete",
}
# Where a client of HTTP with SSE may post to.
PERMITTED_POST = "posts to /messages/"
PERMITTED_PAGE = "page https://ask.acme.test/consent"


class Client:
    """One client: its name and its command; `None` where it is not here."""

    def __init__(self, name, command):
        self.name, self.command = name, command


def clients(options):
    """Every client, in the order of the page."""
    node = lambda version: ("node", HERE / f"clients/typescript{version}.mjs")
    python = lambda version: (TOOLS / f"mcp{version}/bin/python", HERE / f"clients/python{version}.py")
    return [
        Client("TypeScript 1.x", node(1)),
        Client("TypeScript 2.x", node(2)),
        Client("Python 1.x", python(1)),
        Client("Python 2.x", python(2)),
        Client("rmcp", (options.rmcp,)),
        Client("Go SDK", (options.go,) if options.go else None),
    ]


def permitted(heard):
    """Whether the policy lets the client hear this."""
    if heard.startswith(PERMITTED_POST):
        return True
    return heard in PERMITTED or heard == PERMITTED_PAGE or heard.startswith(PERMITTED_PAGE + "/")


def load(options):
    """Every input: id to its kind (`list`, `stream` of GET, `sse`), its answers by variant, and its decision records."""
    command = [options.cli, "run", "--target", "native", "--json", "--exchanges", ROOT / "tests/scenarios/differential-answers"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    inputs = {}
    for line in done.stdout.splitlines():
        if not line.startswith("{"):
            continue
        run = json.loads(line)
        if run["result"] != "passed":
            raise SystemExit(f"{run['id']}: {run['differences']}")
        (exchange,) = run["exchanges"]

        def answer(kind, cuts, exchange=exchange):
            seen = exchange[kind]
            headers = [(name, base64.b64decode(value)) for name, value in seen["headers"]]
            body = base64.b64decode(seen["body"])
            return Answer(seen["status"], headers, body, () if len(body) > MOST_PIECES and cuts is None else cuts)

        variants = {RAW: answer("answer", exchange["answer"]["chunks"]), FILTERED: answer("response", ())}
        if variants[FILTERED].status != 502:
            # Else the words are the filter's own.
            variants[BYTES] = answer("response", None)
        scenario = run["id"].split("/", 1)[1]
        kind = "stream" if exchange["request"]["method"] == "GET" else "list"
        kind = "sse" if scenario.startswith(SSE_FILE) else kind
        inputs[scenario] = (kind, variants, exchange["records"])
    if not inputs:
        raise SystemExit(done.stderr or "no inputs")
    return inputs


def run_client(client, inputs):
    """What the client heard: variant and id to a list; `None` where it is not here."""
    if client.command is None:
        return None
    routes, asked = {}, []
    for number, (scenario, (kind, variants, _)) in enumerate(inputs.items()):
        for variant, answer in variants.items():
            path = f"/{variant}/{number}"
            if kind == "sse":
                answer = Answer(answer.status, answer.headers, answer.body.replace(PATH, path.encode()), answer.cuts, OPEN_SECONDS)
            routes[path] = Route(kind, answer)
            asked.append((path, {"id": f"{variant} {scenario}", "kind": kind}))
    replay = Replay(routes)
    for path, each in asked:
        each["url"] = f"http://127.0.0.1:{replay.port}{path}"
    quiet = subprocess.DEVNULL if os.environ.get("VERBOSE") != "1" else None
    done = subprocess.run(
        [str(part) for part in client.command],
        input=json.dumps([each for _, each in asked]),
        stdout=subprocess.PIPE,
        stderr=quiet,
        text=True,
        timeout=READ_SECONDS,
        check=False,
    )
    result = {}
    for line in done.stdout.splitlines():
        told = json.loads(line)
        variant, scenario = told["id"].split(" ", 1)
        result[variant, scenario] = told["heard"]
    for path, each in asked:
        posts = sorted(set(routes[path].posted))
        result.get(tuple(each["id"].split(" ", 1)), []).extend(f"posts to {post}" for post in posts)
    missing = len(asked) - len(result)
    if missing:
        raise SystemExit(f"{client.name} did not tell of {missing} answers; VERBOSE=1 shows what it says")
    return result


def violations_of(every, results):
    """What goes against the law."""
    violations = []
    for client, result in zip(every, results):
        for (variant, scenario), heard in (result or {}).items():
            denied = [what for what in heard if not permitted(what)]
            if variant != RAW and denied:
                violations.append(f"{scenario}: {client.name} heard {denied} of what the filter let go on ({variant})")
        # A client that hears nothing would agree with everything.
        for variant in (RAW, FILTERED, BYTES) if result is not None else ():
            count = sum(1 for (of, _), heard in result.items() if of == variant and heard)
            if count < 10:
                violations.append(f"{client.name} heard something of {count} answers ({variant}): it is not working")
    return violations


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--cli", required=True, help="the command line with `toolward run`")
    arguments.add_argument("--rmcp", required=True, help="the client on rmcp")
    arguments.add_argument("--go", help="the client in Go; left out where Go is missing")
    arguments.add_argument("--page", type=Path, default=ROOT / "docs/differential-answers.md", help="the page that must be true")
    arguments.add_argument("--out", type=Path, default=ROOT / "dist/differential-answers.md", help="the page of this run")
    options = arguments.parse_args()

    inputs = load(options)
    every = clients(options)
    missing = [client.name for client in every if client.command is None]
    with concurrent.futures.ThreadPoolExecutor(len(every)) as pool:
        results = list(pool.map(lambda client: run_client(client, inputs), every))
    violations = violations_of(every, results)
    page = write_page(inputs, results, permitted)
    told = lambda: options.page.exists() and options.page.read_text(encoding="utf-8") == page  # noqa: E731
    if not missing and not told():
        # A client gives each answer a second or so, and on a busy machine hears less of what servers sent than it could:
        # once more, one client at a time. What goes against the law in either run counts.
        print("other cells than the page has; once more, one client at a time", flush=True)
        results = [run_client(client, inputs) for client in every]
        violations += violations_of(every, results)
        page = write_page(inputs, results, permitted)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    for name in missing:
        print(f"NOT RUN: {name}: its toolchain is missing", flush=True)
    stale = False
    if os.environ.get("BLESS") == "1":
        if missing:
            raise SystemExit("the page is only written where every client runs")
        options.page.write_text(page, encoding="utf-8")
    elif not missing:
        stale = not told()
        if stale:
            print(f"{options.page} is not what the clients do now: `BLESS=1 make differential`, and look at the change")
    for violation in violations:
        print(f"VIOLATION {violation}")
    count = len(inputs) * (len(every) - len(missing))
    print(f"{len(inputs)} answers, {len(every) - len(missing)} clients: {len(violations)} violations", flush=True)
    print(f"{count - len(violations)} passed, {len(violations) + stale} failed")
    return 1 if violations or stale else 0


if __name__ == "__main__":
    sys.exit(main())
