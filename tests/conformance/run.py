"""The official conformance suite, straight at the fixture servers and through Envoy with the filter.

Prints what every check gave in both, and ends with 1 where they differ, where a body or a header field that passed the
filter is not the one that was sent, or where the filter refused what it should not.
"""

import argparse
import base64
import collections
import concurrent.futures
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import fields
import suite
import tape

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import gateway  # noqa: E402
from recorder import Recorder  # noqa: E402

FIXTURES = {"2025-11-25": "legacy.mjs", "2026-07-28": "modern.mjs"}
# What the filter admits is what the server behind it speaks: the filter tells clients which revisions they can have.
REVISIONS = {"2025-11-25": ["2025-06-18", "2025-11-25"], "2026-07-28": ["2026-07-28"]}
STATUSES = ("SUCCESS", "FAILURE", "WARNING", "SKIPPED")
# Checks that must come out otherwise, by revision and column, and why.
OTHERWISE = {
    ("2026-07-28", "sealed"): {
        ("tasks-capability-negotiation", "sep-2663-tasks-methods-non-declaring", 0): "the suite asks for a task that nobody "
        "was given, and the filter says so (-32602) before the server can say that the client has no tasks (-32021)",
    },
}
# The page that says what comes of it, between these marks; `BLESS=1` writes it anew.
PAGE = HERE.parents[1] / "docs/conformance.md"
BEGIN, END = "<!-- results:begin (written by `BLESS=1 make conformance`) -->\n", "<!-- results:end -->\n"
# The filter of a gateway's own ahead of ours, since the suite cannot send a header.
TOKEN_FILTER = """          - name: envoy.filters.http.header_mutation
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
              mutations:
                request_mutations:
                - append:
                    header: {{key: authorization, value: "Bearer {token}"}}
                    append_action: OVERWRITE_IF_EXISTS_OR_ADD
"""


class Through(gateway.Gateway):
    """Envoy with the filter before a fixture, and a recorder on each side of it."""

    policy = HERE / "policy.yaml"

    def __init__(self, fixture, folder, identity):
        super().__init__(fixture, folder, identity, recorded=False)
        self.token = identity.token()
        self.before = Recorder(self.port, conversations=True)
        self.behind = Recorder(self.server_port, conversations=True)
        self.authority = f"127.0.0.1:{self.before.port}"
        self.url = f"http://{self.authority}/mcp"

    def start_spicedb(self):
        """Nothing here uses SpiceDB."""

    def start_server(self):
        """The fixture, which the suite reaches under the recorder's name."""
        start_fixture(self, self.server, self.server_port, self.authority)

    def configuration(self, bundle):
        """The filter's configuration."""
        # The suite sends an origin that a server must accept, and one that it must reject.
        own = {"allowed_origins": [f"http://{self.authority}"], "revisions": REVISIONS[self.server]}
        return super().configuration(bundle) | own

    def bootstrap(self, values):
        """Envoy's configuration as it is shipped, with the token, and with ids that both recorders see."""
        text = super().bootstrap(values | {"SERVER_PORT": str(self.behind.port)})
        for anchor, added in (
            ("          http_filters:\n", TOKEN_FILTER.format(token=self.token)),
            ("          use_remote_address: true\n", "          always_set_request_id_in_response: true\n"),
        ):
            assert text.count(anchor) == 1, anchor
            text = text.replace(anchor, anchor + added)
        return text

    def __exit__(self, *_):
        super().__exit__()
        self.before.close()
        self.behind.close()

    def log(self):
        """The log entries of Envoy and the filter for every request, by its id."""
        lines = map(json.loads, self.access_log.read_text(encoding="utf-8").splitlines())
        return {line["request_id"]: line for line in lines}


class Sealed(Through):
    """The same with sealed ids of sessions and tasks."""

    settings = {"sessions": {"keys": [base64.b64encode(os.urandom(32)).decode()]}}


class Bare(Through):
    """The same Envoy without the filter, for comparison."""

    def bootstrap(self, values):
        """Everything but the filter."""
        before, begin, rest = super().bootstrap(values).partition("          - name: toolward\n")
        _, router, after = rest.partition("          - name: envoy.filters.http.router\n")
        assert begin and router
        return before + router + after


class Direct(gateway.Gateway):
    """A fixture alone."""

    def __init__(self, fixture, folder):
        super().__init__(fixture, folder, None, recorded=False)
        self.url = f"http://127.0.0.1:{self.server_port}/mcp"

    def __enter__(self):
        start_fixture(self, self.server, self.server_port, f"127.0.0.1:{self.server_port}")
        return self


def start_fixture(processes, name, port, authority):
    """Starts a fixture server that answers to `authority`."""
    command = (suite.NODE, HERE / FIXTURES[name], port)
    processes.start("server", port, *command, FIXTURE_HOSTS=authority)


def compare_columns(direct, through, otherwise):
    """Prints every check in both columns. Returns how many differ, or agree although they must differ."""
    width = max(len(f"{scenario} {check}") for scenario, check, _ in {**direct.checks, **through.checks}) + 1
    different = 0
    for key in sorted({**direct.checks, **through.checks}):
        left, right = direct.checks.get(key, "absent"), through.checks.get(key, "absent")
        wrong = (left == right) == (key in otherwise)
        mark = "  <-- DIFFERENT" if wrong else f"  ({otherwise[key]})" if key in otherwise else ""
        print(f"  {key[0]} {key[1]}".ljust(width + 4), left.ljust(9), right + mark)
        if wrong:
            different += 1
            print(f"      {direct.messages.get(key) or ''} | {through.messages.get(key) or ''}"[:600])
    return different


def unsealed(body, sealed):
    """A body prepared for comparison; sealed ones lose the ids of their tasks."""
    return re.sub(rb'("taskId" ?: ?)"[^"]*"', rb"\1", body) if sealed else body


def differences(front, back, sealed=False):
    """How an exchange on the client's side differs from the one on the server's; nothing where they are the same."""
    if front.request.start.rsplit(" ", 1)[0] != back.request.start.rsplit(" ", 1)[0]:
        yield f"request line {back.request.start}"
    if unsealed(front.request.body, sealed) != unsealed(back.request.body, sealed):
        yield f"request body {front.request.body[:300]} became {back.request.body[:300]}"
    if not back.response:
        yield "the server did not answer"
        return
    if front.response.start.split()[1] != back.response.start.split()[1]:
        yield f"status {back.response.start} became {front.response.start}"
    if front.response.field("content-type") != back.response.field("content-type"):
        yield f"content type {back.response.field('content-type')} became {front.response.field('content-type')}"
    # A client that leaves a stream has not seen all that was sent into it.
    got, sent = unsealed(front.response.body, sealed), unsealed(back.response.body, sealed)
    if got != sent[: None if front.response.whole else len(got)]:
        yield f"response body {sent[:300]} became {got[:300]}"


def label_of(exchange):
    """A request as reports show it."""
    return f"{exchange.request.start.split()[0]} {exchange.request.body[:160].decode(errors='replace')}"


def same_request(front, back):
    """Whether the request on the server's side is the one on the client's."""
    return (front.request.start, front.request.body) == (back.request.start, back.request.body)


def compare_bytes(gate, verbose):
    """Compares the recordings of both sides.

    Returns the problems, the filter's own answers by reason, how many exchanges passed with how many bytes, and the
    changes of their header fields.
    """
    log = gate.log()
    behind = collections.defaultdict(list)
    for exchange in tape.exchanges(gate.behind):
        behind[exchange.request.field("x-request-id")].append(exchange)
    wrong, refused, passed, size, changes = [], collections.Counter(), 0, 0, {}
    left = []
    for front in tape.exchanges(gate.before):
        label = label_of(front)
        if not front.response:
            left.append(front)
            continue
        identifier = front.response.field("x-request-id")
        backs = behind.pop(identifier, [])
        record = json.loads(log.get(identifier, {}).get("decision") or "{}")
        if len(backs) > 1:
            wrong.append(f"{label}: reached the server {len(backs)} times")
        elif backs:
            passed += 1
            size += len(front.request.body) + len(front.response.body)
            wrong += [f"{label}: {what}" for what in differences(front, backs[0], isinstance(gate, Sealed))]
            if backs[0].response:
                changes.update(fields.changes_of(front, backs[0]))
        elif record.get("result") != "deny":
            wrong.append(f"{label}: permitted, but did not reach the server ({log.get(identifier)})")
        else:
            refused[record["reason"]] += 1
            if verbose:
                print(f"  refused {record['reason']}: {label}")
    # Clients that left before they were answered: the server must have seen what they sent.
    rest = [exchange for ones in behind.values() for exchange in ones]
    for front in left:
        same = [back for back in rest if same_request(front, back)]
        if same:
            rest.remove(same[0])
        elif not any("DC" in line["flags"] for line in log.values()):
            wrong.append(f"{label_of(front)}: no answer")
    wrong += [f"the server saw what nobody sent: {exchange.request.start}" for exchange in rest]
    return wrong, dict(sorted(refused.items())), passed, size, changes


def judge(revision, folder, identity, verbose):
    """The columns of one revision. Returns the problems and the rows of the page."""
    started = time.monotonic()
    kinds = {"direct": None, "bare": Bare, "through": Through, "sealed": Sealed}
    traps = collections.Counter()

    def run(name):
        (folder / name).mkdir(parents=True)
        made = kinds[name](revision, folder / name, identity) if kinds[name] else Direct(revision, folder / name)
        with made as gate:
            column = suite.run(gate.url, revision, folder / name / "results")
            if kinds[name]:
                time.sleep(0.2)  # Envoy writes its log every 10 ms
                traps[name] = gate.reloads() if name != "bare" else 0
        return gate, column

    # The suite mostly waits.
    with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
        found = dict(zip(kinds, pool.map(run, kinds)))
    direct = found["direct"][1]
    *_, bare = compare_bytes(found["bare"][0], verbose=False)
    problems, rows = [], [row(revision, "direct", direct, "")]
    if direct.status != 0:
        problems.append(f"the suite ended with {direct.status}:\n{direct.output[-3000:]}")
    for name in list(kinds)[2:]:
        gate, column = found[name]
        print(f"{revision}: scenario and check, direct, {name}")
        if count := compare_columns(direct, column, OTHERWISE.get((revision, name), {})):
            problems.append(f"{count} checks differ, {name}")
        wrong, refused, passed, size, changes = compare_bytes(gate, verbose)
        wrong += fields.compare(changes, bare, fields.CHANGES[revision, name])
        for line in wrong:
            print(f"  {line}")
        if wrong:
            problems.append(f"{len(wrong)} differences on the two sides of the filter, {name}")
        rows.append(row(revision, name, column, ", ".join(f"{count} `{reason}`" for reason, count in refused.items())))
        print(f"{revision}: {name}: {passed} exchanges passed the filter, {size} bytes of bodies the same on both sides")
        if traps[name]:
            problems.append(f"the filter trapped {traps[name]} times, {name}")
    print(f"{revision}: {time.monotonic() - started:.0f} s")
    return [f"{revision}: {problem}" for problem in problems], rows


def row(revision, name, column, refused):
    """A row of the page."""
    counts = " | ".join(str(list(column.checks.values()).count(status)) for status in STATUSES)
    return f"| {revision} | {name} | {counts} | {refused + ' ' if refused else ''}|\n"


def hold(rows, bless):
    """Compares the page with the results, or writes it. Returns the problems."""
    text = PAGE.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    table, end, after = rest.partition(END)
    head = "".join(table.splitlines(keepends=True)[:2])
    assert begin and end and head.count("|") > 4, f"{PAGE} lost its marks"
    print(f"\n{head}{''.join(rows)}", end="")
    if bless:
        PAGE.write_text(before + begin + head + "".join(rows) + end + after, encoding="utf-8")
        return []
    known = table.splitlines(keepends=True)
    return [f"{PAGE.name} does not say: {row.strip()}" for row in rows if row not in known]


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--revision", choices=FIXTURES, action="append", help="only this revision")
    options.add_argument("--verbose", action="store_true", help="also every request that the filter refused")
    options.add_argument("--keep", help="an empty folder for what the suite, Envoy and the servers wrote")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(given.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        identity = gateway.Identity(folder)
        problems, rows = [], []
        for revision in given.revision or FIXTURES:
            wrong, lines = judge(revision, folder / revision, identity, given.verbose)
            problems += wrong
            rows += lines
    problems += hold(rows, os.environ.get("BLESS") == "1" and not given.revision)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main())
