"""Who calls, and with what: delegation tokens, and MCP clients that show them."""

import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

import stack

ALICE = {"sub": "u-alice", "groups": ["engineering"], "scope": "code:write"}


class Mint:
    """The development identity provider: `toolward token` with a key of its own, made for this run."""

    def __init__(self, files, folder):
        self.cli, self.key = files.cli, folder / "key.json"
        self.jwks = stack.run([self.cli, "token", "keygen", "--out", str(self.key)])

    def token(self, claims, lifetime_seconds=3600):
        """A signed delegation token with these claims."""
        now = int(time.time())
        standard = {"iss": stack.ISSUER, "aud": stack.URL, "client_id": "demo", "iat": now, "exp": now + lifetime_seconds}
        return stack.run([self.cli, "token", "mint", "--key", str(self.key), "--claims", json.dumps(standard | claims)]).strip()


def acting(agent, *earlier):
    """The `act` claim: the agent that calls, and inside it the agents that handed the work to it."""
    claim = {"iss": stack.ISSUER, "sub": f"agent:{agent}"}
    return {**claim, "act": acting(*earlier)} if earlier else claim


@dataclass
class Outcome:
    """What a call came to: the text of its result, or the error that the client saw."""

    milliseconds: float
    text: str = ""
    error: MCPError | None = None

    @property
    def reason(self):
        """The stable reason code of a denial."""
        data = self.error.error.data if self.error else None
        return data.get("reason") if isinstance(data, dict) else None


class Agent:
    """An MCP client on behalf of somebody."""

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
