"""The MCP Python SDK 1.x as a client of the end-to-end tests. `tests/e2e/README.md` describes script and results."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager

import httpx
from mcp import ClientSession, McpError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client


@asynccontextmanager
async def connect(script):
    """Reading and writing ends of the transport that the script names."""
    headers = {"authorization": f"Bearer {script['token']}"} if script.get("token") else {}
    if script.get("transport") == "sse":
        async with sse_client(script["url"], headers=headers, timeout=10) as (read, write):
            yield read, write
        return
    async with (
        httpx.AsyncClient(headers=headers, timeout=10) as http,
        streamable_http_client(script["url"], http_client=http) as (read, write, _),
    ):
        yield read, write


async def run(script):
    results = []
    async with connect(script) as (read, write), ClientSession(read, write) as session:
        protocol = (await session.initialize()).protocolVersion
        for step in script["steps"]:
            await asyncio.sleep(step.get("after_seconds", 0))
            try:
                if "call" in step:
                    result = await session.call_tool(step["call"], step.get("arguments", {}))
                    results.append({"text": result.content[0].text, "is_error": bool(result.isError)})
                else:
                    results.append({"tools": [tool.name for tool in (await session.list_tools()).tools]})
            except McpError as error:
                detail = error.error
                results.append({"error": {"code": detail.code, "message": detail.message, "data": detail.data}})
    return {"protocol": protocol, "results": results}


def main():
    try:
        print(json.dumps(asyncio.run(run(json.loads(sys.argv[1])))))
    except* Exception as group:
        print(json.dumps({"fatal": repr(group.exceptions)}))


main()
