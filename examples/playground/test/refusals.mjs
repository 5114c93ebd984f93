// Every option of the package with every kind of wrong value, the same in Node and in a page: what is not refused as it
// should be, as text, and how much was tried. After each refusal the engine must still answer.

const POLICY = `policy: toolward/v1
issuers: {acme: https://id.acme.test}
servers: {git: {resource: https://t.test/git, tools: {a: {tier: read}}}}
grants: [{id: all, subjects: [{group: staff}], ceiling: read}]
actors: [{id: planner, subject: "agent:planner", ceiling: read}]
`;
const QUESTION = { server: "git", tool: "a", subject: { id: "x", groups: ["staff"] }, actors: [{ subject: "agent:planner" }] };
// The base point of the curve: a valid key without an owner.
const KEY = Uint8Array.from([0x58, ...new Array(31).fill(0x66)]);
const MARK = Symbol("mark");

class Own {
  get length() {
    return 1;
  }
}

/** Values by what they are: what an option wants is left out by the name of its kind. */
const values = () => ({
  null: null,
  boolean: true,
  "a negative number": -1,
  "a fraction": 1.5,
  "no number": NaN,
  "an infinite number": Infinity,
  "a number beyond a double's whole ones": 2 ** 53,
  "a huge number": Number.MAX_VALUE,
  "a whole number": 42,
  "a bigint": 7n,
  "an empty string": "",
  "a string": "r-1",
  "half of a surrogate pair": "r\ud800",
  "the other half": "\udfff",
  "a string object": Object("r-1"),
  "a number object": Object(7),
  "a symbol": MARK,
  "a function": () => KEY,
  "a list": [],
  "a list of numbers": [1, 2],
  "a list of nothing": [undefined],
  "a list of null": [null],
  "a list with a gap": new Array(1),
  "a list without end": new Array(2 ** 32 - 1),
  "an object": {},
  "an object with an index": { 0: KEY, length: 1 },
  "an object of a class": new Own(),
  "a map": new Map([["keys", [KEY]]]),
  "a set": new Set([KEY]),
  "a date": new Date(0),
  "an error": new Error("x"),
  "a promise": Promise.resolve(1),
  "a regular expression": /x/,
  "bytes": new Uint8Array(32),
  "other numbers in memory": new Float64Array(4),
  "memory": new ArrayBuffer(32),
  "an object with the prototype of bytes": Object.create(Uint8Array.prototype),
  "a proxy of bytes": new Proxy(new Uint8Array(32), {}),
  "a proxy": new Proxy({}, {}),
});

/** Options objects of the wrong form, around members that are right. */
const containers = (right) => {
  const [name] = Object.keys(right);
  return {
    null: null,
    number: 1,
    string: "x",
    boolean: false,
    bigint: 1n,
    symbol: MARK,
    function: Object.assign(() => {}, right),
    list: [right],
    map: new Map(Object.entries(right)),
    date: new Date(0),
    bytes: KEY,
    "of a class": Object.assign(new Own(), right),
    inherited: Object.create(right),
    "inherited by a class": Object.create(Object.assign(Object.create(null), right)),
    "with one member more": { ...right, more: 1 },
    "with one member more, undefined": { ...right, more: undefined },
    "in another case": { [name.toUpperCase()]: right[name] },
    misspelt: { [`${name}s`]: right[name] },
    "misspelt by a blank": { [` ${name}`]: right[name] },
    "misspelt, hidden": Object.defineProperty({}, `${name.slice(0, -1)}`, { value: right[name] }),
    "with a symbol": { ...right, [MARK]: 1 },
    "with an accessor": Object.defineProperty({}, name, { get: () => right[name], enumerable: true }),
    "with `__proto__` as a member": JSON.parse('{"__proto__": {"x": 1}}'),
  };
};

/** Holds every option against every wrong value. */
export function refusals({ compile, check, Engine, PolicyError }) {
  const wrong = [];
  let tried = 0;
  const files = [{ name: "p.yaml", text: POLICY }];
  const bundle = compile(files).bundle;
  const engine = Engine.open(bundle);
  const works = () => engine.evaluate(QUESTION).effect === "permit" && compile(files).bundle.length === bundle.length;

  /** The call must throw an error that people can read: no trap, nothing of the engine's inside. */
  const refused = (what, call) => {
    tried += 1;
    let told;
    try {
      told = `gave ${String(JSON.stringify(call())).slice(0, 60)}`;
    } catch (error) {
      const kind = error instanceof PolicyError || [TypeError, RangeError].includes(error?.constructor);
      const readable = kind && /`\w|public key|policy file|engine is made|engine was freed|:\d+:\d+: /.test(error.message);
      if (readable && !/wasm|unreachable|__wbg|cannot read prop|is not iterable|null pointer/i.test(error.message)) told = undefined;
      else told = `threw ${error}`;
    }
    if (told) wrong.push(`${what}: ${told}`);
    try {
      if (!works()) wrong.push(`${what}: the engine answers otherwise afterwards`);
    } catch (error) {
      wrong.push(`${what}: the engine is broken afterwards: ${error}`);
    }
  };
  /** One option of a call with every value but those of the kinds that it wants. */
  const option = (what, right, call) => {
    for (const [name, value] of Object.entries(values())) if (!right.includes(name)) refused(`${what} = ${name}`, () => call(value));
  };
  const container = (what, right, call) => {
    for (const [name, value] of Object.entries(containers(right))) refused(`${what} ${name}`, () => call(value));
  };
  const accepted = (what, call) => {
    tried += 1;
    try {
      call();
    } catch (error) {
      wrong.push(`${what}: threw ${error}`);
    }
  };

  const compiled = (options) => {
    const { bundle: made, problems } = compile(files, options);
    if (made) return made;
    throw new PolicyError(problems);
  };
  option("compile: revision", ["a string"], (revision) => compiled({ revision }));
  option("compile: serial", ["a whole number"], (serial) => compiled({ serial }));
  option("compile: notAfter", ["a whole number"], (notAfter) => compiled({ notAfter }));
  container("compile: options", { serial: 7 }, compiled);
  container("check: options", { now: 7 }, (options) => check(files, options));
  option("check: now", ["a whole number"], (now) => check(files, { now }));
  // Too many, or too long, is found out before memory is asked for.
  function* endless() {
    for (;;) yield files[0];
  }
  for (const [name, call] of [["compile", compile], ["check", check]]) {
    // An exception of the caller's own iterator reaches the caller.
    const own = ["an object with the prototype of bytes", "a proxy of bytes"];
    const kinds = ["a list", "an empty string", "a set", "a map", "bytes", "other numbers in memory", ...own];
    option(`${name}: files`, kinds, (files) => call(files));
    option(`${name}: a file`, [], (file) => call([file]));
    option(`${name}: name`, ["a string", "an empty string"], (name) => call([{ name, text: POLICY }]));
    option(`${name}: text`, ["a string", "an empty string"], (text) => call([{ name: "p.yaml", text }]));
    refused(`${name}: bytes for files`, () => call(KEY));
    refused(`${name}: files without end`, () => call(endless()));
    refused(`${name}: a name that is too long`, () => call([{ name: "x".repeat(5000), text: POLICY }]));
    refused(`${name}: files that are too long`, () => call(new Array(9).fill({ name: "p", text: " ".repeat(8 << 20) })));
  }
  option("open: bundle", [], (bundle) => Engine.open(bundle));
  option("open: keys", [], (keys) => Engine.open(bundle, { keys }));
  option("open: a key", [], (key) => Engine.open(bundle, { keys: [key] }));
  option("open: threshold", [], (threshold) => Engine.open(bundle, { keys: [KEY], threshold }));
  option("open: threshold without keys", [], (threshold) => Engine.open(bundle, { threshold }));
  option("open: minSerial", [], (minSerial) => Engine.open(bundle, { minSerial }));
  container("open: trust", { keys: [KEY] }, (trust) => Engine.open(bundle, trust));
  for (const name of ["keys", "threshold", "minSerial"]) {
    refused(`open: ${name} = undefined`, () => Engine.open(bundle, { [name]: undefined }));
  }
  refused("open: the same key twice", () => Engine.open(bundle, { keys: [KEY, KEY], threshold: 2 }));
  refused("open: a threshold of more keys than there are", () => Engine.open(bundle, { keys: [KEY], threshold: 2 }));
  refused("open: nobody's threshold", () => Engine.open(bundle, { keys: [KEY], threshold: 0 }));
  refused("open: more keys than a bundle can have", () => Engine.open(bundle, { keys: new Array(17).fill(KEY) }));
  refused("new Engine", () => new Engine({}));
  // A false length changes nothing: the bytes count.
  const lying = Object.defineProperty(new Uint8Array(bundle), "length", { value: 1 });
  accepted("open: bytes that lie about their length", () => Engine.open(lying));

  for (const name of ["evaluate", "evaluateJson", "explain", "explainJson", "matrix", "matrixJson"]) {
    const matrix = name.startsWith("matrix");
    const ask = (question) => engine[name](question);
    option(name, matrix ? ["an object", "a proxy"] : [], ask);
    const base = matrix ? {} : QUESTION;
    const keys = matrix ? ["subjects", "agents", "servers", "scopes", "consent", "now", "connection"]
      : ["server", "method", "subject", "actors", "scopes", "consent", "tool", "arguments", "definition", "now", "connection"];
    const fits = {
      now: ["a whole number"], subjects: ["a list"], agents: ["a list"], actors: ["a list"], scopes: ["a list"], servers: ["a list"],
      tool: ["a string", "an empty string"], method: ["a string"],
      arguments: ["an object", "a proxy", "an object with an index"], connection: ["an object", "a proxy"],
    };
    for (const key of keys) option(`${name}: ${key}`, fits[key] ?? [], (value) => ask({ ...base, [key]: value }));
    refused(`${name}: a member that there is not`, () => ask({ ...base, more: 1 }));
    refused(`${name}: a symbol`, () => ask({ ...base, [MARK]: 1 }));
    refused(`${name}: an accessor`, () => ask(Object.defineProperty({ ...base }, "now", { get: () => 1, enumerable: true })));
    refused(`${name}: its own toJSON`, () => ask({ ...base, toJSON: () => QUESTION }));
    refused(`${name}: a text with half of a surrogate pair`, () => ask(`${JSON.stringify(base)}\ud800`));
    refused(`${name}: a text that is too long`, () => ask(" ".repeat(17 << 20)));
    refused(`${name}: a list that is too long`, () => ask({ ...base, scopes: new Array((matrix ? 17 : 2) << 20).fill("x") }));
    const deep = { ...base };
    deep.consent = deep;
    refused(`${name}: what holds itself`, () => ask(deep));
    let nested = {};
    for (let depth = 0; depth < 100_000; depth += 1) nested = { nested };
    refused(`${name}: depth`, () => ask({ ...base, connection: nested }));
    refused(`${name}: depth as text`, () => ask("[".repeat(100_000)));
    accepted(`${name}: undefined members`, () => ask({ ...base, now: undefined, consent: undefined }));
    accepted(`${name}: no prototype`, () => ask(Object.assign(Object.create(null), base)));
    accepted(`${name}: as text`, () => ask(JSON.stringify(base)));
  }
  for (const arguments_ of [{ x: NaN }, { x: [Infinity] }, { x: 1n }, { x: new Map() }, { x: [undefined] }, { x: "\ud800" }, { "\ud800": 1 }]) {
    refused("evaluate: in the arguments", () => engine.evaluate({ ...QUESTION, arguments: arguments_ }));
  }

  const freed = Engine.open(bundle);
  freed.free();
  freed.free();
  for (const name of ["evaluate", "explain", "matrix", "inspect", "callers"]) refused(`${name} after free`, () => freed[name](name === "matrix" ? {} : QUESTION));

  accepted("compile: nothing", () => compiled());
  accepted("compile: undefined", () => compiled(undefined));
  accepted("compile: undefined options", () => compiled({ revision: undefined, serial: undefined, notAfter: undefined }));
  accepted("compile: the largest numbers", () => Engine.open(compiled({ serial: Number.MAX_SAFE_INTEGER, notAfter: Number.MAX_SAFE_INTEGER })).inspect());
  accepted("compile: files with more to them", () => compile([{ name: "p.yaml", text: POLICY, path: "/p.yaml" }]));
  accepted("check: undefined", () => check(files, { now: undefined }));
  accepted("check: the largest moment", () => check(files, { now: Number.MAX_SAFE_INTEGER }));
  accepted("check: a set of files", () => check(new Set(files)));
  accepted("open: nothing", () => Engine.open(bundle, undefined));
  accepted("open: no member", () => Engine.open(bundle, {}));
  accepted("open: the lowest serial number", () => Engine.open(bundle, { minSerial: 0 }));
  return { wrong, tried };
}
