// The TypeScript client 2.x as a reader of hostile answers.
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { name, run } from "./typescript.mjs";

const capabilities = { sampling: {}, roots: {}, elicitation: { form: {}, url: {} } };

await run((url, kind) => {
  const options = { capabilities, versionNegotiation: { mode: "legacy" } };
  const client = new Client({ name: "typescript2", version: "1" }, options);
  const transport = kind === "sse" ? new SSEClientTransport(url) : new StreamableHTTPClientTransport(url);
  return {
    transport,
    client: {
      attach(transport, tell) {
        for (const method of ["sampling/createMessage", "elicitation/create", "roots/list"]) {
          client.setRequestHandler(method, (request) => { tell(name(request)); throw new Error("heard"); });
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
