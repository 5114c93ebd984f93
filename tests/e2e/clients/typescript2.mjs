// The MCP TypeScript client 2.x as a client of the end-to-end tests. tests/e2e/README.md describes script and results.
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { run } from "./typescript.mjs";

const MODES = { legacy: "legacy", modern: { pin: "2026-07-28" } };

await run(async (script, requestInit) => {
  const mode = MODES[script.era] ?? "auto";
  const client = new Client({ name: "e2e", version: "1" }, { versionNegotiation: { mode } });
  const Transport = script.transport === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
  const transport = new Transport(new URL(script.url), { requestInit });
  await client.connect(transport);
  return { client, protocol: client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion };
});
