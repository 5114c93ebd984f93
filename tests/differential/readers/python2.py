"""The Python SDK 2.x as a reader of hostile requests: both eras.

    python2.py PORT
"""

import sys

import mcp_types as types
import uvicorn
from mcp.server.lowlevel import Server
from ran import ran, with_ran


async def call(_, params):
    """Every tool is known; the arguments are taken as they were read, without a schema."""
    ran(method="tools/call", name=params.name, arguments=params.arguments)
    return types.CallToolResult(content=[])


async def list_tools(*_):
    ran(method="tools/list")
    return types.ListToolsResult(tools=[])


# Else the SDK asks the list itself before a call, for a schema.
server = Server("python2", on_call_tool=call, on_list_tools=list_tools, get_tool_input_schema=lambda _: None)
application = server.streamable_http_app(streamable_http_path="/mcp/github", json_response=True, stateless_http=True)
uvicorn.run(with_ran(application), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
