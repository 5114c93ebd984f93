"""The callers of the demo: delegation tokens, and MCP clients that present them."""

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

import stack

class Mint:
    """The development identity provider: `toolward token` with keys of its own, made for this run."""

    def __init__(self, files, folder):
        self.cli, self.keys = files.cli, folder / "keys"
        self.jwks = stack.run([self.cli, "token", "keygen", "--out", str(self.keys)])

    def alice(self, *actors, algorithm="es256", audience=stack.URL, ttl=3600, **claims):
        """A delegation token of Alice's: the agent that calls comes first, then those that handed the work to it."""
        return stack.run(
            [
                *(self.cli, "token", "mint", "--key", str(self.keys), "--algorithm", algorithm),
                *("--issuer", stack.ISSUER, "--audience", audience, "--ttl", str(ttl)),
                *("--subject", "u-alice", "--group", "engineering", "--scope", "code:write"),
                *("--client-id", "https://agents.acme.test/demo.json", "--act", ",".join(actors)),
                *("--claims", json.dumps(claims)),
            ]
        ).strip()


@dataclass
class Outcome:
    """The outcome of a call: the text of its result, or the error that the client saw."""

    milliseconds: float
    text: str = ""
    error: MCPError | None = None

    @property
    def reason(self):
        """The stable reason code of a denial."""
        data = self.error.error.data if self.error else None
        return data.get("reason") if isinstance(data, dict) else None


class Agent:
    """An MCP client on behalf of a person."""

    def __init__(self, client):
        self.client = client

    async def tools(self):
        """The names of the tools that it is shown, in the server's order."""
        return [tool.name for tool in (await self.client.list_tools(cache_mode="bypass")).tools]

    async def call(self, tool, arguments):
        """Calls a tool."""
        start = time.monotonic()
        try:
            result = await self.client.call_tool(tool, arguments)
        except MCPError as error:
            return Outcome(1000 * (time.monotonic() - start), error=error)
        text = "".join(part.text for part in result.content if part.type == "text")
        return Outcome(1000 * (time.monotonic() - start), text=text)


@asynccontextmanager
async def agent(token):
    """Connects with the official SDK; the token goes along with every request."""
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=10) as http:
        async with Client(streamable_http_client(stack.URL, http_client=http)) as client:
            yield Agent(client)
