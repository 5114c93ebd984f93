// An MCP server on the TypeScript SDK 1.x by HTTP with SSE (2024-11-05): the stream at /mcp, messages at /messages/.
//
//     node sse_typescript.mjs PORT
import http from "node:http";
import { SSEServerTransport } from "@modelcontextprotocol/sdk/server/sse.js";
import { makeServer } from "./tools.mjs";

const sessions = new Map();

http.createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (request.method === "GET" && url.pathname === "/mcp") {
    const transport = new SSEServerTransport("/messages/", response);
    sessions.set(transport.sessionId, transport);
    response.on("close", () => sessions.delete(transport.sessionId));
    await makeServer().connect(transport);
    return;
  }
  const transport = sessions.get(url.searchParams.get("sessionId"));
  if (request.method === "POST" && url.pathname === "/messages/" && transport) await transport.handlePostMessage(request, response);
  else response.writeHead(404).end("no such session");
}).listen(Number(process.argv[2]), "127.0.0.1");
