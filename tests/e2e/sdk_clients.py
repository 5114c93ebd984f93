"""The programs in `clients/` that use official MCP clients, and the steps that every one of them must be able to take."""

import json
import subprocess

from gateway import HERE, PYTHON1, PYTHON2, RMCP

# Each with the revisions that it speaks: `legacy` up to 2025-11-25, `modern` from 2026-07-28, `auto` whichever the server has.
CLIENTS = {
    "python1": ([PYTHON1, HERE / "clients/python1.py"], "legacy"),
    "python2": ([PYTHON2, HERE / "clients/python2.py"], "auto"),
    "python2-legacy": ([PYTHON2, HERE / "clients/python2.py"], "legacy"),
    "python2-modern": ([PYTHON2, HERE / "clients/python2.py"], "modern"),
    "typescript1": (["node", HERE / "clients/typescript1.mjs"], "legacy"),
    "typescript2": (["node", HERE / "clients/typescript2.mjs"], "auto"),
    "typescript2-legacy": (["node", HERE / "clients/typescript2.mjs"], "legacy"),
    "typescript2-modern": (["node", HERE / "clients/typescript2.mjs"], "modern"),
    "rmcp-legacy": ([RMCP], "legacy"),
    "rmcp-modern": ([RMCP], "modern"),
}

ECHO = {"call": "echo", "arguments": {"text": "hello"}}
REPOSITORY = {"owner": "acme", "repo": "web"}
# Lists, permitted calls, and calls that are denied for each kind of reason.
STEPS = [
    {},
    ECHO,
    {"call": "delete_repository", "arguments": REPOSITORY},
    ECHO,
    {"call": "rotate_keys", "arguments": REPOSITORY},
    {"call": "merge_pull_request", "arguments": {**REPOSITORY, "number": 7}},
    {"call": "merge_pull_request", "arguments": {"owner": "acme", "repo": "payments", "number": 7}},
    ECHO,
    {},
]


def run(client, url, token, steps, *, seconds=60, **script):
    """Runs a client program and returns its result. A program that fails, fails the test."""
    command, era = CLIENTS[client]
    script = {"url": url, "token": token, "steps": steps, **script} | ({} if era == "auto" else {"era": era})
    done = subprocess.run(
        [*map(str, command), json.dumps(script)], capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def is_legacy(client):
    """Whether a client never tries the revision 2026-07-28."""
    return CLIENTS[client][1] == "legacy"


def reason(result):
    """The reason code of a denial, as the client saw it."""
    error = result["error"]
    return (error.get("data") or {}).get("reason") or error["message"]


def check_steps(outcome):
    """Asserts that `STEPS` gave a client exactly the results that the policy permits."""
    assert "fatal" not in outcome, outcome
    shown, echo, deleted, again, rotated, merged, not_merged, at_last, shown_again = outcome["results"]
    assert shown == shown_again == {"tools": ["echo", "wait", "merge_pull_request"]}
    assert echo == again == at_last == {"text": "echo: hello", "is_error": False}
    assert merged == {"text": "merged acme/web#7", "is_error": False}
    assert reason(deleted) == "tier_above_subject"
    assert reason(rotated) == "tool_unknown"
    assert reason(not_merged) == "check_denied"
