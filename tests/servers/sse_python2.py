"""An MCP server on the Python SDK 2.x by HTTP with SSE (2024-11-05): the stream at /mcp, messages at /messages/.

    sse_python2.py PORT
"""

import sys

import uvicorn
from mcp.server import MCPServer

from tools import TOOLS

server = MCPServer("python2")
for tool in TOOLS:
    server.tool()(tool)
uvicorn.run(server.sse_app(sse_path="/mcp"), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
