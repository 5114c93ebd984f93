// The promises of the package's own JavaScript, in Node.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { check, compile, Engine, PolicyError } from "../../../dist/npm/node.js";
import { root } from "./corpus.mjs";
import { refusals } from "./refusals.mjs";

const SMALL = "policy: toolward/v1\nissuers: {acme: https://id.acme.test}\nservers: {git: {resource: https://t.test/git, tools: {a: {tier: read}}}}\n";
const small = () => compile([{ name: "p.yaml", text: SMALL }]).bundle;

test("the stored questions have the stored answers", () => {
  const stored = (name) => readFileSync(`${root}tests/queries/${name}`, "utf8");
  const { bundle } = compile([{ name: "policy.yaml", text: stored("policy.yaml") }]);
  const engine = Engine.open(bundle);
  for (const name of ["merge", "payslip", "stranger", "unknown-tool", "delete-by-a-chain", "list"]) {
    const question = JSON.parse(stored(`${name}.query.json`));
    const want = stored(`${name}.explanation.json`).trimEnd();
    assert.deepEqual(engine.explain({ now: "2026-11-21T12:00:00Z", ...question }), JSON.parse(want), name);
  }
});

test("problems have their places, and nothing is compiled", () => {
  const text = SMALL.replace("tier: read", "tier: raed");
  const { bundle, problems } = compile([{ name: "p.yaml", text }]);
  assert.equal(bundle, undefined);
  assert.deepEqual(problems.map((problem) => ({ severity: "error", code: null, ...problem })), check([{ name: "p.yaml", text }]));
  const [problem] = problems;
  assert.deepEqual([problem.file, problem.line, problem.suggestion], ["p.yaml", 3, "did you mean `read`?"]);
  assert.ok(problem.excerpt.includes("raed") && problem.excerpt.includes("^^^^"), problem.excerpt);
  assert.equal(problem.end_column, problem.column + 4);
  assert.deepEqual(check([{ name: "p.yaml", text: SMALL }]).filter(({ severity }) => severity === "error"), []);
});

test("what is likely a mistake is a warning with its place, as the command line tells it", () => {
  const text = `${SMALL}forbids: [{id: old, tools: [a], valid: {until: "2026-01-01"}}]\n`;
  const expired = (now) => check([{ name: "p.yaml", text }], { now }).filter(({ code }) => code === "window-expired");
  const [warning, ...others] = expired(1_795_262_400);
  assert.deepEqual(others, []);
  assert.deepEqual([warning.severity, warning.code, warning.file, warning.line], ["warning", "window-expired", "p.yaml", text.split("\n").length - 1]);
  assert.match(warning.excerpt, /until/);
  assert.deepEqual(expired(1_700_000_000), []);
});

test("a refused question is an error with problems", () => {
  const engine = Engine.open(small());
  const ask = (question) => () => engine.evaluate(question);
  const problem = (file, path) => (error) =>
    error instanceof PolicyError && error.message.length > 0 && error.problems[0].file === file && error.problems[0].path === path;
  assert.throws(ask({ server: "gti", tool: "a", subject: { id: "x" } }), problem("query", "/server"));
  assert.throws(ask('{"server": "git", "server": "git"}'), problem("query", ""));
  assert.throws(ask(undefined), PolicyError);
  assert.throws(() => engine.matrix({ servres: [] }), problem("matrix", "/servres"));
});

test("a damaged bundle is not opened, nor one that the trusted keys did not sign", () => {
  const damaged = small();
  damaged[damaged.length - 1] ^= 1;
  assert.throws(() => Engine.open(damaged), PolicyError);
  // The base point of the curve: a valid key without an owner.
  const key = Uint8Array.from([0x58, ...new Array(31).fill(0x66)]);
  assert.throws(() => Engine.open(small(), { keys: [key] }), PolicyError);
  assert.throws(() => Engine.open(small(), { keys: [new Uint8Array(32)] }), PolicyError);
  assert.throws(() => Engine.open(small(), { minSerial: 1 }), PolicyError);
  assert.throws(() => Engine.open(small(), { keys: [] }), TypeError);
  assert.throws(() => Engine.open(small(), { keys: [new Uint8Array(31)] }), TypeError);
});

test("options reach the compiler", () => {
  const { bundle } = compile([{ name: "p.yaml", text: SMALL }], { revision: "r-1", serial: 7, notAfter: 1_795_262_400 });
  const { revision, serial, not_after } = Engine.open(bundle).inspect();
  assert.deepEqual({ revision, serial, not_after }, { revision: "r-1", serial: 7, not_after: "2026-11-21T12:00:00Z" });
  assert.throws(() => compile([{ name: "p.yaml", text: SMALL }], { serial: 1.5 }), RangeError);
  assert.throws(() => compile([{ name: "p.yaml" }]), TypeError);
});

test("every option refuses every wrong value with a clear error, and the engine goes on", () => {
  const { wrong, tried } = refusals({ compile, check, Engine, PolicyError });
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${tried}`);
  assert.ok(tried > 1500, `${tried} values`);
});

test("the types name the options that there are, and no others", () => {
  const types = readFileSync(`${root}policy-wasm/js/npm/index.d.ts`, "utf8");
  const named = (name) => {
    const [, body] = new RegExp(`(?:interface|type) ${name} (?:= )?\\{([\\s\\S]*?)\\n\\}`).exec(types);
    return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, member]) => member);
  };
  const told = (call) => {
    try {
      call();
    } catch (error) {
      return [...error.message.split("expected")[1].matchAll(/`(\w+)`/g)].map(([, member]) => member);
    }
    return [];
  };
  assert.deepEqual(told(() => compile([], { more: 1 })), named("CompileOptions"));
  assert.deepEqual(told(() => check([], { more: 1 })), named("CheckOptions"));
  assert.deepEqual(told(() => Engine.open(small(), { more: 1 })), named("TrustedKeys"));
});

test("the usage of docs/js.md runs as it stands", async () => {
  const [, code] = /```js\n([\s\S]*?)```/.exec(readFileSync(`${root}docs/js.md`, "utf8"));
  const here = new URL("../../../dist/npm/node.js", import.meta.url).href;
  const module = await import(`data:text/javascript,${encodeURIComponent(code.replace('"@toolward/policy"', JSON.stringify(here)))}`);
  assert.equal(module.decision.effect, "deny");
  assert.deepEqual(module.decision.reasons, ["tier_above_subject"]);
});
