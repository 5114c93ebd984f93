// The public interface: objects in, objects out. Texts are passed unchanged, so that numbers keep every digit and the
// engine's strict reader sees repeated keys.
import * as wasm from "./engine.js";
import { bytes, json, list, members, natural, string } from "./values.js";

/** An input that the engine rejects, with all problems at once. */
export class PolicyError extends Error {
  constructor(problems) {
    super(problems.map(lineOf).join("\n"));
    this.name = "PolicyError";
    this.problems = problems;
  }
}

/** Most files of a policy, and most characters of all of them. */
const [MOST_FILES, MOST_TEXT] = [10_000, 64 * 1024 * 1024];
/** Most bytes of a bundle: more than 100 times the size of 100,000 rules. */
const MOST_BUNDLE = 256 * 1024 * 1024;
/** Most characters of a query, as in the engine, and of a matrix's spec, which can name very many people. */
const [MOST_QUERY, MOST_SPEC] = [1024 * 1024, 16 * 1024 * 1024];
/** Most keys that a bundle can be signed with. */
const MOST_KEYS = 16;

export function compile(files, options = {}) {
  const [names, texts] = split(files);
  const { revision, serial, notAfter } = members("options", options, ["revision", "serial", "notAfter"]);
  const given = (read, name, value) => (value === undefined ? undefined : read(name, value));
  const asked = [given(string, "revision", revision), given(natural, "serial", serial), given(natural, "notAfter", notAfter)];
  try {
    return { bundle: wasm.compile(names, texts, ...asked), problems: [] };
  } catch (error) {
    return { problems: problemsOf(error) };
  }
}

export function check(files, options = {}) {
  const parts = split(files);
  const { now } = members("options", options, ["now"]);
  const moment = now === undefined ? seconds() : natural("now", now);
  return JSON.parse(wasm.check(...parts, moment)).map(({ code = null, ...problem }) => (
    { severity: code === null ? "error" : "warning", code, ...problem }
  ));
}

export class Engine {
  #engine;

  constructor(engine) {
    if (!(engine instanceof wasm.Engine)) throw new TypeError("an engine is made by Engine.open()");
    this.#engine = engine;
  }

  static open(bundle, trust = {}) {
    const contents = bytes("bundle", bundle, MOST_BUNDLE);
    const { keys, threshold, minSerial } = trusted(trust);
    return new Engine(refused(() => wasm.Engine.open(contents, keys, threshold, minSerial)));
  }

  get #open() {
    if (this.#engine === undefined) throw new TypeError("the engine was freed: open the bundle again");
    return this.#engine;
  }

  evaluate(query) {
    return JSON.parse(this.evaluateJson(query));
  }

  evaluateJson(query) {
    const asked = text("query", query, MOST_QUERY);
    return refused(() => this.#open.evaluate(asked, seconds()));
  }

  explain(query) {
    return JSON.parse(this.explainJson(query));
  }

  explainJson(query) {
    const asked = text("query", query, MOST_QUERY);
    return refused(() => this.#open.explain(asked, seconds()));
  }

  matrix(spec = {}) {
    return JSON.parse(this.matrixJson(spec));
  }

  matrixJson(spec = {}) {
    const asked = text("matrix", spec, MOST_SPEC);
    return refused(() => this.#open.matrix(asked, seconds()));
  }

  inspect() {
    return JSON.parse(this.#open.inspect());
  }

  callers() {
    return JSON.parse(this.#open.callers());
  }

  free() {
    this.#engine?.free();
    this.#engine = undefined;
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.free();
  }
}

/** Names and texts of policy files. Other members are ignored, as no member is optional. */
function split(files) {
  if (typeof files?.[Symbol.iterator] !== "function") throw new TypeError("`files` must be a list of policy files");
  const [names, texts] = [[], []];
  let left = MOST_TEXT;
  for (const file of files) {
    if (typeof file !== "object" || file === null) throw new TypeError("a policy file is {name: string, text: string}");
    if (names.length === MOST_FILES) throw new RangeError(`\`files\` has more than ${MOST_FILES} policy files`);
    const { name, text } = file;
    names.push(string("name", name));
    texts.push(string("text", text, left));
    left -= text.length;
  }
  return [names, texts];
}

/**
 * The trusted keys in the engine's form. An option that is null, undefined or misspelt, or a threshold without keys, is
 * rejected, and never counts as trust in all bundles.
 */
function trusted(trust) {
  const given = members("trust", trust, ["keys", "threshold", "minSerial"]);
  for (const name in given) {
    if (given[name] === undefined) throw new TypeError(`\`${name}\` is undefined: leave it out, or say what is trusted`);
  }
  const minSerial = "minSerial" in given ? natural("minSerial", given.minSerial) : 0n;
  if (!("keys" in given)) {
    if ("threshold" in given) throw new TypeError("`threshold` needs `keys`: whose signatures are counted?");
    return { keys: new Uint8Array(0), threshold: 0, minSerial };
  }
  const keys = list("keys", given.keys, MOST_KEYS).map((key) => bytes("a public key", key, 32));
  // An empty list trusts no key; without a list the digest is enough.
  if (keys.length === 0) throw new TypeError("`keys` is empty: leave it out, or name a key");
  if (keys.some((key) => key.length !== 32)) throw new TypeError("a public key must be a Uint8Array of 32 bytes");
  const threshold = "threshold" in given ? natural("threshold", given.threshold) : BigInt(keys.length);
  if (threshold < 1n || threshold > BigInt(keys.length)) throw new RangeError("`threshold` must be from 1 to the number of keys");
  const joined = new Uint8Array(keys.length * 32);
  keys.forEach((key, index) => joined.set(key, index * 32));
  return { keys: joined, threshold: Number(threshold), minSerial };
}

/** The text of a query: as written, or of a plain value; `undefined` is an error. */
function text(what, value, most) {
  if (typeof value === "string") return string(what, value, most);
  return value === undefined ? "null" : json(what, value, most);
}

function seconds() {
  return BigInt(Math.floor(Date.now() / 1000));
}

/** The engine throws texts for rejected inputs; any other exception is a bug of this package. */
function problemsOf(error) {
  if (typeof error !== "string") throw error;
  return JSON.parse(error);
}

function refused(ask) {
  try {
    return ask();
  } catch (error) {
    throw new PolicyError(problemsOf(error));
  }
}

function lineOf(problem) {
  const path = problem.path === "" ? "" : `${problem.path}: `;
  const suggestion = problem.suggestion === null ? "" : `; ${problem.suggestion}`;
  return `${problem.file}:${problem.line}:${problem.column}: ${path}${problem.message}${suggestion}`;
}
