// The TypeScript SDK 2.x as a reader of hostile requests: both eras, and (`express`) behind its Express app.
//
//     node typescript2.mjs PORT [express]
import http from "node:http";
import { createMcpExpressApp } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, Server } from "@modelcontextprotocol/server";
import { answerRan, ran } from "./ran.mjs";

const handler = toNodeHandler(createMcpHandler(() => {
  const server = new Server({ name: "typescript2", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler("tools/call", ({ params }) => {
    ran({ method: "tools/call", name: params.name, arguments: params.arguments });
    return { content: [] };
  });
  server.setRequestHandler("tools/list", () => {
    ran({ method: "tools/list" });
    return { tools: [] };
  });
  return server;
}));

const [port, express] = process.argv.slice(2);
if (express) {
  const app = createMcpExpressApp();
  app.get("/ran", (_, response) => answerRan(response));
  app.all("/mcp/github", (request, response) => handler(request, response, request.body));
  app.listen(Number(port), "127.0.0.1");
} else {
  http.createServer((request, response) => {
    if (request.url === "/ran") return answerRan(response);
    if (request.url.split("?")[0] !== "/mcp/github") return response.writeHead(404).end();
    return handler(request, response);
  }).listen(Number(port), "127.0.0.1");
}
