// Tasks as the suite wants to find them (the extension io.modelcontextprotocol/tasks of 2026-07-28). The SDK has none
// yet, so the requests that are about them are answered here, and all others by the SDK.
import { randomUUID } from "node:crypto";

export const EXTENSION = "io.modelcontextprotocol/tasks";

const text = (value, more) => ({ content: [{ type: "text", text: value }], ...more });
const ask = (message, properties) => ({
  method: "elicitation/create",
  params: { message, requestedSchema: { type: "object", properties, required: Object.keys(properties) } },
});
const CONFIRM = { confirm: { type: "boolean" } };
const NAME = { name: { type: "string" } };
const now = () => new Date().toISOString();

const tasks = new Map();

function begin(more = {}) {
  const task = { taskId: randomUUID(), status: "working", createdAt: now(), ttlMs: 600_000, pollIntervalMs: 100, ...more };
  tasks.set(task.taskId, task);
  return task;
}

const over = ({ status }) => ["completed", "failed", "cancelled"].includes(status);

// The result of the task, unless it was cancelled before.
function settle(task, outcome) {
  if (over(task)) return;
  delete task.inputRequests;
  Object.assign(task, outcome, { lastUpdatedAt: now() });
}

function later(milliseconds, outcome) {
  const task = begin();
  setTimeout(() => settle(task, outcome), milliseconds).unref();
  return task;
}

const completed = (result) => ({ status: "completed", result });
const seconds = ({ arguments: args }) => Number(args?.seconds ?? 0);

// Each: whether it can do without a task, and what it does; a result of its own or a task.
const TOOLS = {
  slow_compute: [true, (params) => {
    if (seconds(params) === 0) return text("computed");
    return later(seconds(params) * 1000, completed(text("computed")));
  }],
  failing_job: [false, () => later(100, completed(text("it failed", { isError: true })))],
  protocol_error_job: [false, () => later(100, { status: "failed", error: { code: -32603, message: "it broke" } })],
  confirm_delete: [false, () => begin({ status: "input_required", inputRequests: { sure: ask("Sure?", CONFIRM) } })],
  multi_input: [false, () => begin({
    status: "input_required", inputRequests: { first: ask("First?", CONFIRM), second: ask("Second?", CONFIRM) },
  })],
  // Asks first, by another round, and begins its task with the answer.
  test_tool_with_task: [false, ({ inputResponses }) => {
    const answer = inputResponses?.user_name?.content?.name;
    if (typeof answer !== "string") {
      return { resultType: "input_required", inputRequests: { user_name: ask("What is your name?", NAME) } };
    }
    return later(100, completed(text(`Hello, ${answer}!`)));
  }],
};

const METHODS = {
  "tasks/get": (task) => ({ lastUpdatedAt: task.createdAt, ...task, resultType: "complete" }),
  "tasks/update": (task, { inputResponses = {} }) => {
    for (const key of Object.keys(inputResponses)) delete task.inputRequests?.[key];
    if (task.inputRequests && Object.keys(task.inputRequests).length === 0) settle(task, completed(text("confirmed")));
    return { resultType: "complete" };
  },
  "tasks/cancel": (task) => {
    settle(task, { status: "cancelled" });
    return { resultType: "complete" };
  },
};

export const taskTools = Object.keys(TOOLS).map((name) => ({
  name, description: `Fixture ${name}, with tasks.`, inputSchema: { type: "object", properties: {} },
}));

// The status and the answer to a request that is about tasks; nothing for others.
export function answerTask({ id, method, params = {} }, headers) {
  const tool = method === "tools/call" ? TOOLS[params.name] : undefined;
  const act = METHODS[method];
  if (!tool && !act) return undefined;
  const refuse = (status, code, message, data) => [status, { jsonrpc: "2.0", id, error: { code, message, data } }];
  const answer = (result) => [200, { jsonrpc: "2.0", id, result: { resultType: "complete", ...result } }];
  if (headers["mcp-method"] !== method || headers["mcp-name"] !== (params.name ?? params.taskId)) {
    return refuse(400, -32020, "Mcp-Method or Mcp-Name is not what the body says");
  }
  const declared = params._meta?.["io.modelcontextprotocol/clientCapabilities"]?.extensions?.[EXTENSION];
  if (!declared && !tool?.[0]) {
    return refuse(400, -32021, "the client has no tasks", { requiredCapabilities: { extensions: { [EXTENSION]: {} } } });
  }
  if (act) {
    const task = tasks.get(params.taskId);
    return task ? answer(act(task, params)) : refuse(200, -32602, "no such task");
  }
  const done = declared ? tool[1](params) : text("computed");
  if (!done.taskId) return answer(done);
  const { taskId, status, createdAt, ttlMs, pollIntervalMs } = done;
  return answer({ resultType: "task", taskId, status, createdAt, lastUpdatedAt: createdAt, ttlMs, pollIntervalMs });
}
