"""The MCP Python SDK 2.x as a client of the end-to-end tests. `tests/e2e/README.md` describes script and results."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

import httpx2
from mcp import Client, MCPError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

MODES = {"legacy": "legacy", "modern": "2026-07-28", None: "auto"}


@asynccontextmanager
async def connect(script):
    """The transport that the script names."""
    headers = {"authorization": f"Bearer {script['token']}"} if script.get("token") else {}
    if script.get("transport") == "sse":
        yield sse_client(script["url"], headers=headers, timeout=10)
        return
    async with httpx2.AsyncClient(headers=headers, timeout=10) as http:
        yield streamable_http_client(script["url"], http_client=http)


async def run(script):
    results = []
    async with connect(script) as transport, Client(transport, mode=MODES[script.get("era")]) as client:
        for step in script["steps"]:
            await asyncio.sleep(step.get("after_seconds", 0))
            try:
                if "call" in step:
                    result = await client.call_tool(step["call"], step.get("arguments", {}))
                    results.append({"text": result.content[0].text, "is_error": bool(result.is_error)})
                else:
                    tools = (await client.list_tools(cache_mode="bypass")).tools
                    results.append({"tools": [tool.name for tool in tools]})
            except MCPError as error:
                detail = error.error
                results.append({"error": {"code": detail.code, "message": detail.message, "data": detail.data}})
        protocol = client.protocol_version
    return {"protocol": protocol, "results": results}


def main():
    try:
        print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
    except* Exception as group:
        print(json.dumps({"fatal": repr(group.exceptions)}))


main()
