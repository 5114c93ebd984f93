"""The story: each step does something with a real client and asserts what it shows.

Nothing here is scripted output. Where the product does something else than the text says, the story stops and fails.
"""

import base64
import json
import re
import textwrap
import time

import stack
import terminal as out
from cast import agent

WEB = {"owner": "acme", "repo": "web"}
PAYMENTS = {"owner": "acme", "repo": "payments"}
JSON_HEADERS = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2025-11-25",
}


class Broken(AssertionError):
    """The product did something else than the story says."""


def expect(what, wanted, found):
    """Asserts that two things are equal."""
    if wanted != found:
        raise Broken(f"{what}: expected {wanted!r}, found {found!r}")


class Story:
    """The events so far, and the steps."""

    def __init__(self, running, mint):
        self.stack, self.mint = running, mint
        self.denials = {}  # reason code -> how often
        self.permits = 0

    # === steps

    def seen(self):
        """The calls that reached the server, by the server's own counts."""
        status, _, body = stack.request(stack.SERVER_PORT, "GET", "/_seen")
        expect("status of the server's own counter", 200, status)
        return json.loads(body)

    async def permit(self, who, tool, arguments, includes):
        """A call that must reach the server exactly once and bring this text back."""
        before = self.seen()
        outcome = await who.call(tool, arguments)
        call = describe(tool, arguments)
        if outcome.error is not None:
            raise Broken(f"{call}: expected a permit, was denied: {outcome.reason}: {outcome.error}")
        if includes not in outcome.text:
            raise Broken(f"{call}: expected an answer with {includes!r}, found {outcome.text!r}")
        after = self.seen()
        expect(f"requests that reached the server for {call}", before["requests"] + 1, after["requests"])
        expect(f"calls of {tool}", before["calls"].get(tool, 0) + 1, after["calls"].get(tool, 0))
        out.permitted(call, outcome.text, outcome.milliseconds)

    async def deny(self, who, tool, arguments, *reasons):
        """A call that must be denied for one of these reasons, with nothing reaching the server."""
        before = self.seen()
        outcome = await who.call(tool, arguments)
        call = describe(tool, arguments)
        if outcome.error is None:
            raise Broken(f"{call}: expected a denial ({' or '.join(reasons)}), was permitted: {outcome.text!r}")
        if outcome.reason not in reasons:
            raise Broken(f"{call}: expected the reason {' or '.join(reasons)}, found {outcome.reason}: {outcome.error}")
        expect(f"what reached the server of {call}", before, self.seen())
        out.denied(call, outcome.reason, outcome.error.error.message, outcome.milliseconds)
        self.count(outcome.reason)

    def refuse(self, what, status, reason, headers=None, body=b"", text=""):
        """A raw POST that must be refused with this status and reason, with nothing reaching the server."""
        before = self.seen()
        start = time.monotonic()
        answered, fields, content = stack.request(stack.PROXY_PORT, "POST", stack.PATH, JSON_HEADERS | (headers or {}), body)
        milliseconds = 1000 * (time.monotonic() - start)
        expect(f"status for {what}", status, answered)
        error = json.loads(content)["error"]
        expect(f"reason for {what}", reason, (error.get("data") or {}).get("reason"))
        expect(f"what reached the server of {what}", before, self.seen())
        out.denied(what, reason, text or f"HTTP {answered}: {error['message']}", milliseconds)
        self.count(reason)
        return fields

    def count(self, reason):
        """Remembers a denial, to compare with the records and the counters at the end."""
        self.denials[reason] = self.denials.get(reason, 0) + 1

    # === chapters

    def who_may_come_in(self):
        """Tokens: none, expired, forged, for somebody else."""
        out.chapter(
            1,
            "Who may come in",
            "An agent shows a delegation token: signed by acme's identity provider, it says for whom (`sub`) and which "
            "agent (`act`) is acting, and for which server. These never get in:",
        )
        body = message("tools/list", {})
        fields = self.refuse("no token", 401, "token_missing", body=body)
        challenge = fields.get("www-authenticate", "")
        where = f"http://127.0.0.1:{stack.PROXY_PORT}/.well-known/oauth-protected-resource{stack.PATH}"
        if f'resource_metadata="{where}"' not in challenge or "error=" in challenge:
            raise Broken(f"challenge for no token: expected `resource_metadata` {where}, found {challenge!r}")
        out.detail(f"WWW-Authenticate: {out.shorten(challenge, out.WIDTH - 30)}", "cyan")
        status, _, document = stack.request(stack.PROXY_PORT, "GET", where.split(str(stack.PROXY_PORT), 1)[1])
        expect("status of the metadata", 200, status)
        metadata = json.loads(document)
        expect("resource in the metadata", stack.URL, metadata["resource"])
        expect("issuers in the metadata", [stack.ISSUER], metadata["authorization_servers"])
        out.held(f"the address in the challenge answers: tokens for {stack.URL} come from {stack.ISSUER}")

        now = int(time.time())
        expired = self.mint.alice("agent:planner", iat=now - 900, exp=now - 600)
        self.refuse("a token that ended ten minutes ago", 401, "token_expired", bearer(expired), body)
        head, payload, signature = self.mint.alice("agent:planner").split(".")
        changed = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))) | {"roles": ["admin"]}
        payload = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
        forged = f"{head}.{payload}.{signature}"
        self.refuse("a token to which somebody added the role admin", 401, "token_signature_invalid", bearer(forged), body)
        other = self.mint.alice("agent:planner", audience=stack.URL.replace("code", "mail"))
        self.refuse("a token for another server", 401, "token_audience_wrong", bearer(other), body)

    async def what_they_see(self, planner, researcher):
        """tools/list is filtered to what each caller could call."""
        out.chapter(
            2,
            "What Alice's agents see",
            "The server offers seven tools. Each agent is shown those that it could call: Alice may go up to `write`, "
            "her planner too, her researcher up to `read`; nobody has classified `rotate_deploy_keys`.",
        )
        reads = ["list_repositories", "read_file", "search_code"]
        for name, who, wanted in (
            ("planner", planner, [*reads, "open_issue", "merge_pull_request"]),
            ("researcher", researcher, reads),
        ):
            found = await who.tools()
            expect(f"tools that the {name} is shown", wanted, found)
            out.held(f"{name}: {', '.join(found)}")

    async def what_they_may(self, planner):
        """Calls that are permitted reach the server unchanged."""
        out.chapter(
            3,
            "What the planner may do for Alice",
            "Reading and writing is within both ceilings. A merge also needs a relation: while the call waits, SpiceDB is "
            "asked whether Alice is a `writer` of that repository.",
        )
        await self.permit(planner, "list_repositories", {}, "acme/web")
        await self.permit(planner, "read_file", WEB | {"path": "README.md"}, "# web")
        await self.permit(planner, "search_code", {"query": "TODO"}, "src/cart.ts:1")
        await self.permit(planner, "open_issue", WEB | {"title": "Totals are off by a cent"}, "opened issue #1")
        await self.permit(planner, "merge_pull_request", WEB | {"number": 7}, "merged #7")

    async def what_they_may_not(self, planner, researcher, handed_on):
        """Each way to be denied."""
        out.chapter(
            4,
            "What they may not, and why",
            "Every denial reaches the model as an error that it can read; the session lives on. The server sees nothing "
            "of a denied call: after each one its own counter is compared.",
        )
        out.note("Above Alice's own ceiling (`write`), so no agent of hers can do it:")
        await self.deny(planner, "delete_repository", WEB, "tier_above_subject")
        out.note("Alice may, but her researcher goes no further than `read`:")
        await self.deny(researcher, "open_issue", WEB | {"title": "hello"}, "tier_above_actor")
        out.note("The researcher hands the work to the planner, which could do more. A chain can only narrow:")
        await self.deny(handed_on, "open_issue", WEB | {"title": "hello"}, "tier_above_actor")
        out.note("The server's new tool is in no policy, so nobody can call it, hidden or not:")
        await self.deny(planner, "rotate_deploy_keys", WEB, "tool_unknown")
        out.note("In acme/payments Alice is a reader and no writer, says SpiceDB:")
        await self.deny(planner, "merge_pull_request", PAYMENTS | {"number": 12}, "check_denied")
        out.note("The question to SpiceDB cannot be built from such arguments, so it is not asked:")
        await self.deny(planner, "merge_pull_request", {"owner": "acme", "repo": "web/../payments", "number": 12}, "argument_unusable")

    def what_is_hostile(self, token):
        """Bodies that two parsers would read differently."""
        out.chapter(
            5,
            "What two parsers would read differently",
            "A gateway that reads `read_file` where the server reads `delete_repository` guards nothing. Whatever two "
            "readers could take differently is refused before anything is decided.",
        )
        headers = bearer(token)
        named = '"name":"delete_repository","name":"read_file"'
        cases = (
            ("the key `name` twice", 400, "message_ambiguous", call_with(named)),
            ("the key twice, once spelled with an escape", 400, "message_ambiguous", call_with(named.replace('"name":"r', '"n\\u0061me":"r'))),
            ("`Name` beside `name`", 400, "message_ambiguous", call_with(named.replace('"name":"d', '"Name":"d'))),
            ("two messages in one body", 400, "message_malformed", call_with('"name":"read_file"') * 2),
            ("a batch", 400, "message_batch", b"[" + call_with('"name":"read_file"') + b"]"),
            ("a method that nobody listed", None, "method_unknown", message("tools/describe", {"name": "delete_repository"})),
        )
        for what, status, reason, body in cases:
            self.refuse(what, status if status else 200, reason, headers, body)

    async def what_changes(self, planner):
        """Relations change in SpiceDB and count from the next call on; without SpiceDB nothing is merged."""
        out.chapter(
            6,
            "What changes while everything runs",
            "Relations live in SpiceDB, not in the policy: they count from the next call on. And an engine that does not "
            "answer is a no.",
        )
        relate("OPERATION_TOUCH")
        out.held("SpiceDB is told: Alice maintains acme/payments")
        await self.permit(planner, "merge_pull_request", PAYMENTS | {"number": 12}, "merged #12")
        relate("OPERATION_DELETE")
        out.held("and that she does so no more")
        await self.deny(planner, "merge_pull_request", PAYMENTS | {"number": 12}, "check_denied")
        self.stack.stop("spicedb")
        out.held("SpiceDB is stopped")
        await self.deny(planner, "merge_pull_request", WEB | {"number": 8}, "check_unreachable", "check_failed")
        out.note("What needs no relation goes on:")
        await self.permit(planner, "read_file", WEB | {"path": "README.md"}, "# web")

    def what_remains(self, token):
        """Records and counters agree with what happened."""
        out.chapter(
            7,
            "What remains",
            "Each decision leaves one record, in the proxy's log and in its access log, and is counted. Two of them:",
        )
        records = self.settled_records()
        permit = next(r for r in records if r["result"] == "permit" and r.get("tool") == "merge_pull_request")
        deny = next(r for r in records if r["reason"] == "tier_above_actor")
        for record in (permit, deny):
            out.block(fold(record), "cyan")
            out.say()
        found = tally(records)
        expect("denials by reason, in the records", self.denials, {k: v for k, v in found.items() if k != "allowed"})
        out.held(f"{len(records)} records: {found['allowed']} permits, and the {sum(self.denials.values())} denials above, reason by reason")
        written = self.stack.access_log.read_text() + self.stack.log("envoy").read_text(errors="replace")
        for secret in (token, token.rsplit(".", 1)[1], "off by a cent", "src/cart.ts"):
            if secret in written:
                raise Broken("a token or an argument's value stands in a log")
        out.held("no token and no argument's value stands in any log")

        metrics = read_metrics()
        expect("counters by reason", found, metrics)
        out.held("the counters in /stats/prometheus say the same:")
        top = sorted(metrics.items(), key=lambda item: (item[0] != "allowed", -item[1], item[0]))
        out.block([f"{count:4}  {reason}" for reason, count in top[:6]])

        seen = self.seen()
        expect("repositories that are left", ["acme/payments", "acme/web"], seen["repositories"])
        for tool in ("delete_repository", "rotate_deploy_keys"):
            expect(f"calls of {tool} that reached the server", 0, seen["calls"].get(tool, 0))
        out.held(f"the server counted {sum(seen['calls'].values())} tool calls, all of them permitted ones, and both repositories are still there")

    # === helpers

    def settled_records(self):
        """The records, once the access log has as many as the counters."""
        deadline = time.monotonic() + 5
        while True:
            records = self.stack.records()
            if len(records) >= sum(read_metrics().values()) or time.monotonic() > deadline:
                return records
            time.sleep(0.05)

    async def tell(self):
        """All of it, in order."""
        # Each with another algorithm: Envoy checks RSA and ECDSA for the filter, which does Ed25519 itself.
        planner_token = self.mint.alice("agent:planner", algorithm="es256")
        researcher_token = self.mint.alice("agent:researcher", algorithm="eddsa")
        handed_on_token = self.mint.alice("agent:planner", "agent:researcher", algorithm="rs256")
        self.who_may_come_in()
        async with agent(planner_token) as planner, agent(researcher_token) as researcher, agent(handed_on_token) as handed_on:
            await self.what_they_see(planner, researcher)
            await self.what_they_may(planner)
            await self.what_they_may_not(planner, researcher, handed_on)
            self.what_is_hostile(planner_token)
            await self.what_changes(planner)
        self.what_remains(planner_token)


def describe(tool, arguments):
    """A call as one line; `owner` and `repo` together."""
    rest = dict(arguments)
    repository = f"{rest.pop('owner')}/{rest.pop('repo')}" if "owner" in rest else None
    values = [repository] if repository else []
    return f"{tool}({', '.join(values + [str(value) for value in rest.values()])})"


def bearer(token):
    """The header that shows a token."""
    return {"authorization": f"Bearer {token}"}


def message(method, params):
    """A JSON-RPC request of revision 2025-11-25, compact."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, separators=(",", ":")).encode()


def call_with(name):
    """A tools/call whose `name` is written exactly so."""
    return f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{name},"arguments":{{"owner":"acme","repo":"web"}}}}}}'.encode()


def relate(operation):
    """Writes or deletes a relation in SpiceDB, through its HTTP API."""
    update = {
        "operation": operation,
        "relationship": {
            "resource": {"objectType": "repository", "objectId": "acme/payments"},
            "relation": "maintainer",
            "subject": {"object": {"objectType": "user", "objectId": "u-alice"}},
        },
    }
    body = json.dumps({"updates": [update]})
    headers = {"authorization": f"Bearer {stack.PRESHARED_KEY}"}
    status, _, answer = stack.request(stack.SPICEDB_PORT, "POST", "/v1/relationships/write", headers, body)
    expect(f"status of SpiceDB's write ({answer.decode()})", 200, status)


def read_metrics():
    """The decisions that Envoy counted, by reason."""
    _, _, body = stack.request(stack.ADMIN_PORT, "GET", "/stats/prometheus")
    text, counts = body.decode(), {}
    for reason, count in re.findall(r'^toolward_decisions(?:_total)?\{.*reason="(\w+)".*\} (\d+)$', text, re.MULTILINE):
        counts[reason] = counts.get(reason, 0) + int(count)
    return counts


def tally(records):
    """How many records there are for each reason."""
    counts = {}
    for record in records:
        counts[record["reason"]] = counts.get(record["reason"], 0) + 1
    return counts


def fold(record):
    """A record as it is, folded at its commas."""
    return textwrap.wrap(json.dumps(record, ensure_ascii=False), out.WIDTH - 4, break_on_hyphens=False)
