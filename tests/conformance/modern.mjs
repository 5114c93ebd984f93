// The conformance fixture for 2026-07-28, on the TypeScript SDK 2.x: no sessions; a server that needs something of
// the client answers `input_required`, and the client calls again (multi round trip requests).
//
//     node modern.mjs PORT
import http from "node:http";
import { hostHeaderValidation, originValidation, toNodeHandler } from "@modelcontextprotocol/node";
import {
  acceptedContent, createMcpHandler, createRequestStateCodec, inputRequired, inputResponse,
  MissingRequiredClientCapabilityError, ProtocolError, Server,
} from "@modelcontextprotocol/server";
import {
  PROMPTS, promptList, readResource, resourceList, templateList, toolList, TOOLS,
} from "./catalogue.mjs";
import { answerTask, EXTENSION, taskTools } from "./tasks.mjs";

const text = (value) => ({ content: [{ type: "text", text: value }] });
const object = (properties = {}, required = Object.keys(properties)) => ({ type: "object", properties, required });
const string = { type: "string" };
const state = createRequestStateCodec({ key: "a key of this fixture, which guards nothing", ttlSeconds: 300 });

const elicit = (message, properties) => inputRequired.elicit({ message, requestedSchema: object(properties) });
const NAME = () => elicit("What is your name?", { name: string });
const sample = (question, maxTokens) => inputRequired.createMessage({
  messages: [{ role: "user", content: { type: "text", text: question } }], maxTokens,
});

const given = (ctx, key) => ctx.mcpReq.inputResponses?.[key];
const capabilities = (ctx) => ctx.mcpReq.envelope?.["io.modelcontextprotocol/clientCapabilities"] ?? {};
function need(ctx, name) {
  if (!capabilities(ctx)[name]) throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { [name]: {} } });
}

const ROUNDS = {
  test_input_required_result_elicitation: async (ctx) => {
    const content = acceptedContent(ctx.mcpReq.inputResponses, "user_name");
    if (typeof content?.name !== "string") return inputRequired({ inputRequests: { user_name: NAME() } });
    return text(`Hello, ${content.name}!`);
  },
  test_input_required_result_sampling: async (ctx) => {
    const answer = given(ctx, "capital_question");
    if (!answer) {
      return inputRequired({ inputRequests: { capital_question: sample("What is the capital of France?", 100) } });
    }
    return text(`The model says: ${answer.content?.text ?? JSON.stringify(answer)}`);
  },
  test_input_required_result_list_roots: async (ctx) => {
    const answer = given(ctx, "client_roots");
    if (!answer) return inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } });
    return text(`Roots: ${JSON.stringify(answer.roots)}`);
  },
  test_input_required_result_request_state: async (ctx) => {
    if (!ctx.mcpReq.requestState() || !given(ctx, "confirm")) {
      return inputRequired({
        inputRequests: { confirm: elicit("Please confirm", { ok: { type: "boolean" } }) },
        requestState: await state.mint({ round: 1 }, ctx),
      });
    }
    return text("state-ok");
  },
  test_input_required_result_multiple_inputs: async (ctx) => {
    const keys = ["user_name", "greeting", "client_roots"];
    if (!ctx.mcpReq.requestState() || !keys.every((key) => given(ctx, key))) {
      return inputRequired({
        inputRequests: {
          user_name: NAME(), greeting: sample("Generate a greeting", 50), client_roots: inputRequired.listRoots(),
        },
        requestState: await state.mint({ round: 1 }, ctx),
      });
    }
    return text("All answers are here.");
  },
  test_input_required_result_multi_round: async (ctx) => {
    const round = ctx.mcpReq.requestState()?.round ?? 0;
    if (round === 1 && given(ctx, "step1")) {
      return inputRequired({
        inputRequests: { step2: elicit("Step 2: What is your favorite color?", { color: string }) },
        requestState: await state.mint({ round: 2 }, ctx),
      });
    }
    if (round === 2 && given(ctx, "step2")) return text("Both steps are done.");
    return inputRequired({
      inputRequests: { step1: elicit("Step 1: What is your name?", { name: string }) },
      requestState: await state.mint({ round: 1 }, ctx),
    });
  },
  test_input_required_result_tampered_state: async (ctx) => {
    if (!ctx.mcpReq.requestState()) {
      return inputRequired({
        inputRequests: { confirm: elicit("Please confirm", { ok: { type: "boolean" } }) },
        requestState: await state.mint({ round: 1 }, ctx),
      });
    }
    return text("state-ok");
  },
  // Requests only capabilities that the client declared.
  test_input_required_result_capabilities: async (ctx) => {
    const can = capabilities(ctx);
    const inputRequests = {
      ...(can.elicitation && { user_name: NAME() }),
      ...(can.sampling && { greeting: sample("Generate a greeting", 50) }),
      ...(can.roots && { client_roots: inputRequired.listRoots() }),
    };
    if (Object.keys(inputRequests).length === 0 || ctx.mcpReq.inputResponses) return text("Nothing to ask.");
    return inputRequired({ inputRequests });
  },
  test_missing_capability: async (ctx) => {
    need(ctx, "sampling");
    return text("The client has a model.");
  },
  test_streaming_elicitation: async (ctx) => {
    if (!given(ctx, "user_name")) return inputRequired({ inputRequests: { user_name: NAME() } });
    return text("Thank you.");
  },
  greet: async (ctx, { name }) => text(`Hello, ${name}!`),
  test_logging_tool: async (ctx) => {
    await ctx.mcpReq.log?.("info", "The tool runs.");
    return text("It logged.");
  },
};

const HEADERS = {
  name: "test_custom_headers",
  description: "Has an argument that is mirrored in a header.",
  inputSchema: object({
    region: { ...string, "x-mcp-header": "Region" },
    query: string,
  }, []),
};

// The value of the header that mirrors an argument; undefined if its encoding is invalid.
function decode(value) {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  if (encoded === undefined) return value;
  const bytes = Buffer.from(encoded, "base64");
  return bytes.toString("base64") === encoded ? bytes.toString("utf8") : undefined;
}

// The SDK leaves it to the server to hold these headers against the arguments.
function mirrorsAreRight({ method, params }, headers) {
  if (method !== "tools/call" || params?.name !== HEADERS.name) return true;
  const said = headers["mcp-param-region"];
  return (said === undefined ? said : decode(said)) === params.arguments?.region;
}

let notifier;
const TRIGGERS = {
  test_trigger_tool_change: () => notifier.toolsChanged(),
  test_trigger_prompt_change: () => notifier.promptsChanged(),
};

const TOOL_LIST = [
  ...toolList(TOOLS),
  ...[...Object.keys(ROUNDS), ...Object.keys(TRIGGERS)].map(
    (name) => ({ name, description: `Fixture ${name}.`, inputSchema: object({}) }),
  ),
  HEADERS,
  ...taskTools,
];

const invalid = (message, data) => new ProtocolError(-32602, message, data);

async function callTool(params, ctx) {
  const { name, arguments: args = {} } = params;
  if (ROUNDS[name]) return ROUNDS[name](ctx, args);
  if (TRIGGERS[name]) {
    TRIGGERS[name]();
    return text("Told.");
  }
  if (name === HEADERS.name) return text(JSON.stringify(args));
  const tool = TOOLS[name];
  if (!tool) throw invalid(`no tool ${name}`);
  const token = ctx.mcpReq._meta?.progressToken;
  return tool[2](args, {
    progress: async (progress, total) => token !== undefined && ctx.mcpReq.notify({
      method: "notifications/progress", params: { progressToken: token, progress, total },
    }),
  });
}

async function getPrompt({ name, arguments: args = {} }, ctx) {
  if (name === "test_input_required_result_prompt") {
    const content = acceptedContent(ctx.mcpReq.inputResponses, "user_context");
    if (!content) {
      const user_context = elicit("What context should the prompt use?", { context: string });
      return inputRequired({ inputRequests: { user_context } });
    }
    return { messages: [{ role: "user", content: { type: "text", text: `Context: ${content.context}` } }] };
  }
  const prompt = PROMPTS[name];
  if (!prompt) throw invalid(`no prompt ${name}`);
  return { messages: prompt[2](args) };
}

function makeServer() {
  const server = new Server({ name: "conformance-modern", version: "1" }, {
    capabilities: {
      tools: { listChanged: true }, prompts: { listChanged: true }, resources: { subscribe: true, listChanged: true },
      completions: {}, logging: {}, extensions: { [EXTENSION]: {} },
    },
    requestState: { verify: state.verify },
  });
  const on = (method, act) => server.setRequestHandler(method, ({ params }, ctx) => act(params ?? {}, ctx));
  on("tools/list", () => ({ tools: TOOL_LIST }));
  on("tools/call", callTool);
  on("prompts/list", () => ({
    prompts: [...promptList(), { name: "test_input_required_result_prompt", description: "Asks first.", arguments: [] }],
  }));
  on("prompts/get", getPrompt);
  on("resources/list", () => ({ resources: resourceList() }));
  on("resources/templates/list", () => ({ resourceTemplates: templateList() }));
  on("resources/read", ({ uri }) => {
    const found = readResource(uri);
    if (!found) throw invalid("Resource not found", { uri });
    return found;
  });
  on("completion/complete", ({ argument }) => {
    const values = ["paris", "park", "party"].filter((value) => value.startsWith(argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });
  return server;
}

const port = Number(process.argv[2]);
const handler = createMcpHandler(makeServer, { legacy: "reject" });
notifier = handler.notify;
const serve = toNodeHandler(handler);
const hosts = (process.env.FIXTURE_HOSTS ?? "127.0.0.1,localhost").split(",").map((host) => host.split(":")[0]);
const hostIsKnown = hostHeaderValidation(hosts);
const originIsKnown = originValidation(hosts);

http.createServer(async (request, response) => {
  try {
    if (!hostIsKnown(request, response) || !originIsKnown(request, response)) return undefined;
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = request.method === "POST" ? JSON.parse(Buffer.concat(parts).toString("utf8")) : undefined;
    const [status, message] = (body && answerTask(body, request.headers)) ?? [];
    if (message) {
      return response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(message));
    }
    if (!body || mirrorsAreRight(body, request.headers)) return await serve(request, response, body);
    return response.writeHead(400, { "content-type": "application/json" }).end(JSON.stringify({
      jsonrpc: "2.0", id: body.id, error: { code: -32020, message: "Mcp-Param-Region is not what the body says" },
    }));
  } catch (error) {
    return response.headersSent ? response.end() : response.writeHead(400).end(String(error));
  }
}).listen(port, "127.0.0.1", () => console.log(`listening on ${port}`));
