// An MCP server on the TypeScript SDK 1.x that lists the content of a file, in pages.
//
//     node listing_typescript.mjs PORT FILE [json] [stateless]
import { randomUUID } from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  ListPromptsRequestSchema, ListResourcesRequestSchema, ListResourceTemplatesRequestSchema, ListToolsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

const PAGE = 3;
const [port, path, ...options] = process.argv.slice(2);
const LISTS = {
  tools: ListToolsRequestSchema,
  prompts: ListPromptsRequestSchema,
  resources: ListResourcesRequestSchema,
  resourceTemplates: ListResourceTemplatesRequestSchema,
};

async function connected(sessions) {
  const server = new Server({ name: "listing", version: "1" }, { capabilities: { tools: {}, prompts: {}, resources: {} } });
  for (const [key, schema] of Object.entries(LISTS)) {
    server.setRequestHandler(schema, ({ params }) => {
      const entries = JSON.parse(fs.readFileSync(path, "utf8"))[key] ?? [];
      const start = params?.cursor ? Number(params.cursor.slice("after ".length)) : 0;
      const end = start + PAGE;
      return { [key]: entries.slice(start, end), ...(end < entries.length ? { nextCursor: `after ${end}` } : {}) };
    });
  }
  const transport = new StreamableHTTPServerTransport({
    enableJsonResponse: options.includes("json"),
    sessionIdGenerator: sessions && randomUUID,
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id),
  });
  await server.connect(transport);
  return transport;
}

const sessions = options.includes("stateless") ? undefined : new Map();
http.createServer(async (request, response) => {
  const known = sessions?.get(request.headers["mcp-session-id"]);
  await (known ?? await connected(sessions)).handleRequest(request, response);
}).listen(Number(port), "127.0.0.1");
