"""A small code host as an MCP server (Python SDK 2): the thing that the demo guards.

It knows nothing about who may do what: every caller that reaches it gets what it asks for. That is what Toolward is for.

Two things serve the demo. Each HTTP request and each tool call is counted before it is looked at, and `GET /_seen` tells
the counts (the proxy does not route there). And `rotate_deploy_keys` is a tool that the policy does not know.
"""

import argparse
from collections import Counter

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from starlette.responses import JSONResponse

PATH = "/mcp/code"

FILES = {
    "acme/web": {
        "README.md": "# web\nThe shop that customers see.\n",
        "src/cart.ts": "// TODO: round to cents\nexport const total = (items) => items.reduce((sum, i) => sum + i.price, 0);\n",
    },
    "acme/payments": {
        "README.md": "# payments\nMoves money. Two reviewers for every merge.\n",
        "src/refund.go": "package refund\n\n// TODO: limit per day\nfunc Refund(cents int64) error { return ledger.Credit(cents) }\n",
    },
}
PULLS = {
    "acme/web": {7: "Round totals to cents", 8: "Update the footer"},
    "acme/payments": {12: "Raise the refund limit"},
}
ISSUES = {repository: [] for repository in FILES}
SEEN = {"requests": 0, "calls": Counter()}

server = MCPServer("acme-code-host", instructions="Repositories of acme: read, search, open issues, merge, delete.")


def tool(function):
    """Registers a tool that counts its calls."""

    def counted(*args, **kwargs):
        SEEN["calls"][function.__name__] += 1
        return function(*args, **kwargs)

    counted.__name__ = function.__name__
    counted.__doc__ = function.__doc__
    counted.__wrapped__ = function  # the SDK reads the parameters from here
    server.tool()(counted)
    return function


def find(owner, repo):
    """The full name of a repository that exists."""
    name = f"{owner}/{repo}"
    if name not in FILES:
        raise ToolError(f"no repository `{name}`")
    return name


@tool
def list_repositories() -> str:
    """Lists all repositories."""
    return "\n".join(sorted(FILES)) or "(none)"


@tool
def read_file(owner: str, repo: str, path: str) -> str:
    """Reads one file of a repository."""
    files = FILES[find(owner, repo)]
    if path not in files:
        raise ToolError(f"no file `{path}`")
    return files[path]


@tool
def search_code(query: str) -> str:
    """Finds a text in all files."""
    hits = [
        f"{name}/{path}:{number}: {line.strip()}"
        for name, files in sorted(FILES.items())
        for path, text in sorted(files.items())
        for number, line in enumerate(text.splitlines(), start=1)
        if query in line
    ]
    return "\n".join(hits) or "(nothing found)"


@tool
def open_issue(owner: str, repo: str, title: str) -> str:
    """Opens an issue."""
    issues = ISSUES[find(owner, repo)]
    issues.append(title)
    return f"opened issue #{len(issues)}: {title}"


@tool
def merge_pull_request(owner: str, repo: str, number: int) -> str:
    """Merges a pull request into the main branch."""
    pulls = PULLS[find(owner, repo)]
    if number not in pulls:
        raise ToolError(f"no open pull request #{number}")
    return f"merged #{number}: {pulls.pop(number)}"


@tool
def delete_repository(owner: str, repo: str) -> str:
    """Deletes a repository with all its history."""
    name = find(owner, repo)
    del FILES[name], PULLS[name], ISSUES[name]
    return f"deleted {name}"


@tool
def rotate_deploy_keys(owner: str, repo: str) -> str:
    """Replaces the deploy keys of a repository. New in this release."""
    return f"new deploy keys for {find(owner, repo)}"


class CountRequests:
    """Counts every HTTP request for the MCP path from its first line on."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            if scope["path"] == "/_seen":
                seen = {"requests": SEEN["requests"], "calls": dict(SEEN["calls"]), "repositories": sorted(FILES)}
                return await JSONResponse(seen)(scope, receive, send)
            SEEN["requests"] += 1
        await self.app(scope, receive, send)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    options = arguments.parse_args()
    app = CountRequests(server.streamable_http_app(streamable_http_path=PATH, stateless_http=True))
    uvicorn.run(app, host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
