"""An MCP server on the Python SDK 1.x by HTTP with SSE (2024-11-05): the stream at /mcp, messages at /messages/.

    sse_python1.py PORT
"""

import sys

from mcp.server.fastmcp import FastMCP

from tools import TOOLS

server = FastMCP("python1", host="127.0.0.1", port=int(sys.argv[1]), log_level="WARNING", sse_path="/mcp")
for tool in TOOLS:
    server.tool()(tool)
server.run("sse")
