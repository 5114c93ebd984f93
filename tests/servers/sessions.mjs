// An MCP server on the TypeScript SDK 1.x that keeps sessions: `initialize` names one, everything else belongs to one. Answers as JSON.
//
//     node sessions.mjs PORT [silent]    silent: without streams for clients that listen
import { randomUUID } from "node:crypto";
import http from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const sessions = new Map();
const silent = process.argv[3] === "silent";

async function begin() {
  const server = new McpServer({ name: "sessions", version: "1" });
  let said = 0;
  server.registerTool("echo", { description: "Says it again, and how often it did.", inputSchema: { text: z.string() } }, ({ text }) => (
    { content: [{ type: "text", text: `echo ${++said}: ${text}` }] }
  ));
  const transport = new StreamableHTTPServerTransport({
    enableJsonResponse: true,
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id),
  });
  await server.connect(transport);
  return transport;
}

http.createServer(async (request, response) => {
  if (silent && request.method === "GET") return response.writeHead(405, { allow: "POST, DELETE" }).end();
  const id = request.headers["mcp-session-id"];
  const transport = id === undefined ? await begin() : sessions.get(id);
  if (transport) await transport.handleRequest(request, response);
  else response.writeHead(404, { "content-type": "application/json" }).end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}');
}).listen(Number(process.argv[2]), "127.0.0.1");
