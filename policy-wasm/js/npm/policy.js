// What people use: objects in, objects out. Texts go through unchanged, so that numbers keep every digit and repeated
// keys are seen by the engine's strict reader.
import * as wasm from "./engine.js";

/** Something that the engine refuses, with everything that is wrong at once. */
export class PolicyError extends Error {
  constructor(problems) {
    super(problems.map(lineOf).join("\n"));
    this.name = "PolicyError";
    this.problems = problems;
  }
}

export function compile(files, options = {}) {
  const [names, texts] = split(files);
  const { revision, serial, notAfter } = options;
  try {
    const whole = (name, value) => (value === undefined ? undefined : natural(name, value));
    const bundle = wasm.compile(names, texts, revision, whole("serial", serial), whole("notAfter", notAfter));
    return { bundle, problems: [] };
  } catch (error) {
    return { problems: problemsOf(error) };
  }
}

export function check(files, { now } = {}) {
  const moment = now === undefined ? seconds() : natural("now", now);
  return JSON.parse(wasm.check(...split(files), moment)).map(({ code = null, ...problem }) => (
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
    if (!(bundle instanceof Uint8Array)) throw new TypeError("the bundle must be a Uint8Array");
    const keys = trust.keys ?? [];
    if (!keys.every((key) => key instanceof Uint8Array && key.length === 32)) {
      throw new TypeError("a public key must be a Uint8Array of 32 bytes");
    }
    // An empty list trusts nobody; only where there is none at all is the digest enough.
    if (trust.keys && keys.length === 0) throw new TypeError("`keys` is empty: leave it out, or name a key");
    const threshold = natural("threshold", trust.threshold ?? keys.length);
    if (threshold > 16n) throw new RangeError("`threshold` is at most 16");
    const joined = new Uint8Array(keys.length * 32);
    keys.forEach((key, index) => joined.set(key, index * 32));
    const minSerial = natural("minSerial", trust.minSerial ?? 0);
    return new Engine(refused(() => wasm.Engine.open(bundle, joined, Number(threshold), minSerial)));
  }

  evaluate(query) {
    return JSON.parse(this.evaluateJson(query));
  }

  evaluateJson(query) {
    return refused(() => this.#engine.evaluate(text(query), seconds()));
  }

  explain(query) {
    return JSON.parse(this.explainJson(query));
  }

  explainJson(query) {
    return refused(() => this.#engine.explain(text(query), seconds()));
  }

  matrix(spec = {}) {
    return JSON.parse(this.matrixJson(spec));
  }

  matrixJson(spec = {}) {
    return refused(() => this.#engine.matrix(text(spec), seconds()));
  }

  inspect() {
    return JSON.parse(this.#engine.inspect());
  }

  callers() {
    return JSON.parse(this.#engine.callers());
  }

  free() {
    this.#engine.free();
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.free();
  }
}

function split(files) {
  const list = [...files];
  for (const file of list) {
    if (typeof file?.name !== "string" || typeof file?.text !== "string") {
      throw new TypeError("a policy file is {name: string, text: string}");
    }
  }
  return [list.map((file) => file.name), list.map((file) => file.text)];
}

function text(value) {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "null");
}

function seconds() {
  return BigInt(Math.floor(Date.now() / 1000));
}

function natural(name, value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`\`${name}\` must be a whole number from 0`);
  return BigInt(value);
}

/** What the engine refuses is thrown as a text; anything else that is thrown is a mistake in this package. */
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
