// The tools that the TypeScript servers offer: those of tools.py.
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";

const repository = { owner: z.string(), repo: z.string() };
const TOOLS = [
  ["echo", "Says it again.", { text: z.string() }, ({ text }) => `echo: ${text}`],
  ["wait", "Answers after some time.", { seconds: z.number() }, async ({ seconds }) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    return `waited ${seconds}`;
  }],
  ["merge_pull_request", "Merges a pull request.", { ...repository, number: z.number() },
    ({ owner, repo, number }) => `merged ${owner}/${repo}#${number}`],
  ["delete_repository", "Deletes a repository.", repository, ({ owner, repo }) => `deleted ${owner}/${repo}`],
  ["rotate_keys", "Replaces keys. No policy knows it.", repository, ({ owner, repo }) => `rotated ${owner}/${repo}`],
];

export function makeServer() {
  const server = new McpServer({ name: "typescript", version: "1" });
  for (const [name, description, inputSchema, act] of TOOLS) {
    server.registerTool(name, { description, inputSchema }, async (args) => (
      { content: [{ type: "text", text: String(await act(args)) }] }
    ));
  }
  return server;
}
