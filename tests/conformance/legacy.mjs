// The conformance fixture for revisions up to 2025-11-25, on the TypeScript SDK 1.x: sessions, server-sent events
// that can be resumed, requests to the client.
//
//     node legacy.mjs PORT
import { randomUUID } from "node:crypto";
import http from "node:http";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CallToolRequestSchema, CompleteRequestSchema, CreateMessageResultSchema, ElicitResultSchema, ErrorCode,
  GetPromptRequestSchema, isInitializeRequest, ListPromptsRequestSchema, ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema, ListToolsRequestSchema, McpError, ReadResourceRequestSchema,
  SetLevelRequestSchema, SubscribeRequestSchema, UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import {
  LEGACY_TOOLS, PROMPTS, promptList, readResource, resourceList, templateList, toolList, TOOLS,
} from "./catalogue.mjs";

const ALL_TOOLS = { ...TOOLS, ...LEGACY_TOOLS };
const RESULTS = { "sampling/createMessage": CreateMessageResultSchema, "elicitation/create": ElicitResultSchema };

// The client, as a tool sees it during one call.
function peer(extra) {
  const token = extra._meta?.progressToken;
  return {
    log: (level, data) => extra.sendNotification({ method: "notifications/message", params: { level, data } }),
    progress: async (progress, total) => token !== undefined && extra.sendNotification({
      method: "notifications/progress", params: { progressToken: token, progress, total },
    }),
    request: (method, params) => extra.sendRequest({ method, params }, RESULTS[method]),
    endStream: () => extra.closeSSEStream?.(),
  };
}

function makeServer() {
  const server = new Server({ name: "conformance-legacy", version: "1" }, {
    capabilities: { tools: {}, prompts: {}, resources: { subscribe: true }, logging: {}, completions: {} },
  });
  const on = (schema, act) => server.setRequestHandler(schema, act);
  on(ListToolsRequestSchema, () => ({ tools: toolList(ALL_TOOLS) }));
  on(CallToolRequestSchema, ({ params }, extra) => {
    const tool = ALL_TOOLS[params.name];
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `no tool ${params.name}`);
    return tool[2](params.arguments ?? {}, peer(extra));
  });
  on(ListPromptsRequestSchema, () => ({ prompts: promptList() }));
  on(GetPromptRequestSchema, ({ params }) => {
    const prompt = PROMPTS[params.name];
    if (!prompt) throw new McpError(ErrorCode.InvalidParams, `no prompt ${params.name}`);
    return { messages: prompt[2](params.arguments ?? {}) };
  });
  on(ListResourcesRequestSchema, () => ({ resources: resourceList() }));
  on(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: templateList() }));
  on(ReadResourceRequestSchema, ({ params }) => {
    const found = readResource(params.uri);
    if (!found) throw new McpError(-32002, "resource not found", { uri: params.uri });
    return found;
  });
  on(SubscribeRequestSchema, () => ({}));
  on(UnsubscribeRequestSchema, () => ({}));
  on(SetLevelRequestSchema, () => ({}));
  on(CompleteRequestSchema, ({ params }) => {
    const values = ["paris", "park", "party"].filter((value) => value.startsWith(params.argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });
  return server;
}

// Events of every stream, in order, so that a client can come back for what it missed.
class Events {
  #all = [];

  async storeEvent(streamId, message) {
    this.#all.push({ id: `${streamId}_${this.#all.length}`, streamId, message });
    return this.#all.at(-1).id;
  }

  async getStreamIdForEventId(id) {
    return this.#all.find((event) => event.id === id)?.streamId;
  }

  async replayEventsAfter(last, { send }) {
    const from = this.#all.findIndex((event) => event.id === last);
    const streamId = this.#all[from]?.streamId;
    for (const event of this.#all.slice(from + 1)) {
      if (event.streamId === streamId && event.message.jsonrpc) await send(event.id, event.message);
    }
    return streamId;
  }
}

const port = Number(process.argv[2]);
const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
const sessions = new Map();

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length > 0 ? JSON.parse(Buffer.concat(parts).toString("utf8")) : undefined;
}

const refuse = (response, status, message) => response.writeHead(status, { "content-type": "application/json" })
  .end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32000, message } }));

http.createServer(async (request, response) => {
  try {
    const body = request.method === "POST" ? await read(request) : undefined;
    const id = request.headers["mcp-session-id"];
    let transport = sessions.get(id);
    if (!transport && id) return refuse(response, 404, "no such session");
    if (!transport) {
      if (!isInitializeRequest(body)) return refuse(response, 400, "initialize first");
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        eventStore: new Events(),
        retryInterval: 500,
        enableDnsRebindingProtection: true,
        allowedHosts: (process.env.FIXTURE_HOSTS ?? hosts.join(",")).split(","),
        onsessioninitialized: (opened) => sessions.set(opened, transport),
        onsessionclosed: (closed) => sessions.delete(closed),
      });
      await makeServer().connect(transport);
    }
    return await transport.handleRequest(request, response, body);
  } catch (error) {
    return response.headersSent ? response.end() : refuse(response, 400, String(error));
  }
}).listen(port, "127.0.0.1", () => console.log(`listening on ${port}`));
