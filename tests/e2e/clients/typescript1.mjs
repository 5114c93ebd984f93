// The MCP TypeScript SDK 1.x as a client of the end-to-end tests. tests/e2e/README.md describes script and results.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { run } from "./typescript.mjs";

await run(async (script, requestInit) => {
  const client = new Client({ name: "e2e", version: "1" });
  const Transport = script.transport === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
  const transport = new Transport(new URL(script.url), { requestInit });
  await client.connect(transport);
  return { client, protocol: transport.protocolVersion ?? transport._protocolVersion };
});
