// The TypeScript SDK 1.x as a reader of hostile answers.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { name, run } from "./typescript.mjs";

const capabilities = { sampling: {}, roots: {}, elicitation: { form: {}, url: {} } };

await run((url, kind) => {
  const client = new Client({ name: "typescript1", version: "1" }, { capabilities });
  const transport = kind === "sse" ? new SSEClientTransport(url) : new StreamableHTTPClientTransport(url);
  return {
    transport,
    client: {
      attach(transport, tell) {
        for (const schema of [CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema]) {
          client.setRequestHandler(schema, (request) => { tell(name(request)); throw new Error("heard"); });
        }
        client.fallbackNotificationHandler = async (notification) => tell(name(notification));
        client.fallbackRequestHandler = async (request) => { tell(name(request)); throw new Error("heard"); };
        return client.connect(transport);
      },
      list: () => client.listTools(),
      close: () => client.close(),
    },
  };
});
