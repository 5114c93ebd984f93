// An MCP server on the TypeScript SDK 1.x: no sessions, a fresh server for each request, answers as server-sent events.
//
//     node typescript.mjs PORT
import http from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

const repository = { owner: z.string(), repo: z.string() };
const TOOLS = [
  ["echo", "Says it again.", { text: z.string() }, ({ text }) => `echo: ${text}`],
  ["wait", "Answers after some time.", { seconds: z.number() }, async ({ seconds }) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return `waited ${seconds}`;
  }],
  ["merge_pull_request", "Merges a pull request.", { ...repository, number: z.number() },
    ({ owner, repo, number }) => `merged ${owner}/${repo}#${number}`],
  ["delete_repository", "Deletes a repository.", repository, ({ owner, repo }) => `deleted ${owner}/${repo}`],
  ["rotate_keys", "Replaces keys. No policy knows it.", repository, ({ owner, repo }) => `rotated ${owner}/${repo}`],
];

function makeServer() {
  const server = new McpServer({ name: "typescript", version: "1" });
  for (const [name, description, inputSchema, act] of TOOLS) {
    server.registerTool(name, { description, inputSchema }, async (args) => (
      { content: [{ type: "text", text: String(await act(args)) }] }
    ));
  }
  return server;
}

http.createServer(async (request, response) => {
  if (request.method !== "POST") {
    response.writeHead(405, { allow: "POST" }).end();
    return;
  }
  const server = makeServer();
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on("close", () => { transport.close(); server.close(); });
  await server.connect(transport);
  await transport.handleRequest(request, response);
}).listen(Number(process.argv[2]), "127.0.0.1");
