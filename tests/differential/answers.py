"""The hostile answers against real clients. The filter must remove every message that a client could hear and that the
policy denies.

    answers.py --cli dist/test/toolward --rmcp PATH [--go PATH] [--page docs/differential-answers.md] [--out PATH]

Gives each answer of `tests/scenarios/differential-answers` to each client three times: as the server sent it, as the
filter let it go on, and that byte for byte in chunks of their own. With `BLESS=1` the page is written, else it must be
as the clients say. `tests/differential/README.md` says more.
"""

import base64
import concurrent.futures
import json
import subprocess
import sys

import corpus
from answers_page import write_page
from corpus import HERE, LEAST_HEARD, TOOLS
from replay import Answer, Replay, Route

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
    """One client: its name, and its command or `None` if it is not installed."""

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


def load(cli):
    """Every input: id to its kind (`list`, `stream` of GET, `sse`), its answers by variant, and its decision records."""
    inputs = {}
    for scenario, exchange in corpus.load(cli, "differential-answers"):

        def answer(kind, cuts, exchange=exchange):
            seen = exchange[kind]
            body = base64.b64decode(seen["body"])
            cuts = () if len(body) > MOST_PIECES and cuts is None else cuts
            return Answer(seen["status"], corpus.fields(seen["headers"]), body, cuts)

        variants = {RAW: answer("answer", exchange["answer"]["chunks"]), FILTERED: answer("response", ())}
        if variants[FILTERED].status != 502:
            # A 502 is the filter's own text.
            variants[BYTES] = answer("response", None)
        kind = "stream" if exchange["request"]["method"] == "GET" else "list"
        kind = "sse" if scenario.startswith(SSE_FILE) else kind
        inputs[scenario] = (kind, variants, exchange["records"])
    return inputs


def run_client(client, inputs):
    """What the client heard: variant and id to a list; `None` if the client is not installed."""
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
    done = subprocess.run(
        [str(part) for part in client.command],
        input=json.dumps([each for _, each in asked]),
        stdout=subprocess.PIPE,
        stderr=corpus.output(),
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
    """The violations of the law."""
    violations = []
    for client, result in zip(every, results):
        for (variant, scenario), heard in (result or {}).items():
            denied = [what for what in heard if not permitted(what)]
            if variant != RAW and denied:
                violations.append(f"{scenario}: {client.name} heard {denied} of what the filter let go on ({variant})")
        # A client that hears nothing would agree with everything.
        for variant in (RAW, FILTERED, BYTES) if result is not None else ():
            count = sum(1 for (of, _), heard in result.items() if of == variant and heard)
            if count < LEAST_HEARD:
                violations.append(f"{client.name} heard something of {count} answers ({variant}): it is not working")
    return violations


def main():
    options = corpus.options(__doc__, program="client", page="differential-answers.md")
    inputs = load(options.cli)
    every = clients(options)
    missing = [client.name for client in every if client.command is None]
    with concurrent.futures.ThreadPoolExecutor(len(every)) as pool:
        results = list(pool.map(lambda client: run_client(client, inputs), every))
    violations = violations_of(every, results)
    page = write_page(inputs, results, permitted)
    if not missing and not corpus.is_true(options.page, page):
        # A client spends about a second on each answer, so on a busy machine it may hear less than was sent. The second
        # attempt runs one client at a time. A violation in either run counts.
        print("the page says otherwise; trying again with one client at a time", flush=True)
        results = [run_client(client, inputs) for client in every]
        violations += violations_of(every, results)
        page = write_page(inputs, results, permitted)
    counts = {"inputs": len(inputs), "programs": len(every)}
    return corpus.finish(
        options, page, **counts, missing=missing, violations=violations, names=("answers", "clients")
    )


if __name__ == "__main__":
    sys.exit(main())
