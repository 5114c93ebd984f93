// The common part of both TypeScript clients: it runs the steps and prints their results.

function failure(error) {
  return { error: { code: error.code ?? null, message: String(error.message ?? error), data: error.data ?? null } };
}

async function step(client, { call, arguments: args, after_seconds: seconds }) {
  if (seconds) await new Promise((done) => setTimeout(done, seconds * 1000));
  try {
    if (!call) return { tools: (await client.listTools()).tools.map((tool) => tool.name) };
    const result = await client.callTool({ name: call, arguments: args ?? {} });
    return { text: result.content[0]?.text, is_error: result.isError === true };
  } catch (error) {
    return failure(error);
  }
}

export async function run(connect) {
  const script = JSON.parse(process.argv[2]);
  const requestInit = script.token ? { headers: { authorization: `Bearer ${script.token}` } } : {};
  let outcome;
  try {
    const { client, protocol } = await connect(script, requestInit);
    const results = [];
    for (const each of script.steps) results.push(await step(client, each));
    outcome = { protocol, results };
    await client.close();
  } catch (error) {
    outcome = { fatal: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(outcome)}\n`, () => process.exit(0));
}
