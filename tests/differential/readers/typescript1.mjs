// The TypeScript SDK 1.x as a reader of hostile requests: its transport parses the body, or (`express`) its Express app
// does. No sessions, a fresh server for each request, answers as JSON. `GET /ran` returns the calls since the last query.
//
//     node typescript1.mjs PORT [express]
import http from "node:http";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { CallToolRequestSchema, ListToolsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { answerRan, ran } from "./ran.mjs";

async function handle(request, response, body) {
  const server = new Server({ name: "typescript1", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    ran({ method: "tools/call", name: params.name, arguments: params.arguments });
    return { content: [] };
  });
  server.setRequestHandler(ListToolsRequestSchema, () => {
    ran({ method: "tools/list" });
    return { tools: [] };
  });
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
  response.on("close", () => { transport.close(); server.close(); });
  await server.connect(transport);
  await transport.handleRequest(request, response, body);
}

const [port, express] = process.argv.slice(2);
if (express) {
  const app = createMcpExpressApp();
  app.get("/ran", (_, response) => answerRan(response));
  app.all("/mcp/github", (request, response) => handle(request, response, request.body));
  app.listen(Number(port), "127.0.0.1");
} else {
  http.createServer((request, response) => {
    if (request.url === "/ran") return answerRan(response);
    if (request.url.split("?")[0] !== "/mcp/github") return response.writeHead(404).end();
    return handle(request, response);
  }).listen(Number(port), "127.0.0.1");
}
