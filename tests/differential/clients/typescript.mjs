// The common part of both TypeScript clients: it asks each address for its tools and reports the messages, a line of JSON each.
//
//     echo '[{"id", "url", "kind"}]' | node typescriptN.mjs
import { createInterface } from "node:readline";

const AT_ONCE = 24;
const ANSWER = 2000;
// A stream of HTTP with SSE gives no answers: only the address to which the client posts counts.
const POST = 1500;
const SETTLE = 100;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function withTime(promise, ms) {
  promise.catch(() => {});
  return Promise.race([promise, pause(ms).then(() => Promise.reject(new Error("no answer")))]);
}

// The name of a server's request or notification in the table.
export function name({ method, params }) {
  if (method === "elicitation/create") return params?.url === undefined ? "form" : `page ${params.url}`;
  if (method === "notifications/resources/updated") return `updated ${params?.uri}`;
  return method;
}

async function listen({ url, kind }, client, transport) {
  const heard = [];
  const tell = (what) => heard.push(what);
  const close = () => Promise.race([client.close().catch(() => {}), pause(500)]);
  try {
    await withTime(client.attach(transport, tell), kind === "sse" ? POST : 10000);
    if (kind === "stream") await pause(600);
    const answer = await withTime(client.list(), ANSWER);
    for (const tool of answer.tools) tell(`tool ${tool.name}`);
  } catch (error) {
    for (const page of error?.data?.elicitations ?? []) tell(`page ${page.url}`);
  }
  await pause(SETTLE);
  await close();
  return heard;
}

export async function run(connect) {
  let text = "";
  for await (const line of createInterface({ input: process.stdin })) text += line;
  const inputs = JSON.parse(text);
  process.on("unhandledRejection", () => {});
  process.on("uncaughtException", () => {});
  const worker = async () => {
    for (let input = inputs.shift(); input; input = inputs.shift()) {
      const { client, transport } = connect(new URL(input.url), input.kind);
      const heard = await listen(input, client, transport);
      console.log(JSON.stringify({ id: input.id, heard }));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  process.exit(0);
}
