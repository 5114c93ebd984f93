// The playground as a person meets it: in Chromium, from a file server, with a mouse and without.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { browser, serve } from "./browser.mjs";
import { root } from "./corpus.mjs";

const AXE = readFileSync(`${root}examples/playground/node_modules/axe-core/axe.min.js`, "utf8");
let [server, chromium, page, told] = [];

before(async () => {
  server = await serve(hanging());
  chromium = await browser();
});
after(async () => {
  await chromium?.close();
  server?.close();
});

/** The page with an engine that never comes back from what has the word HANG in it, which no known policy does. */
function hanging() {
  const built = `${root}dist/playground/`;
  const files = Object.fromEntries(readdirSync(built).map((name) => [`/hanging/${name}`, readFileSync(built + name)]));
  const hangs = 'addEventListener("message", ({ data }) => { while (JSON.stringify(data).includes("HANG")); });\n';
  return { ...files, "/hanging/": files["/hanging/index.html"], "/hanging/worker.js": hangs + files["/hanging/worker.js"] };
}

beforeEach(async () => {
  told = [];
  page = await chromium.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.on("console", (message) => ["error", "warn"].includes(message.type()) && told.push(message.text()));
  page.on("pageerror", (error) => told.push(error.message));
  page.on("requestfailed", (request) => told.push(request.url()));
  await open(`${server.address}/dist/playground/`);
});
afterEach(async () => {
  await page.close();
  assert.deepEqual(told, [], "nothing on the console, nothing that failed to load");
});

async function open(address) {
  await page.goto(address);
  await page.waitForSelector("body[data-ready]");
  const title = "The demo's code host";
  const value = await page.$$eval("#example option", (options, title) => options.find(({ text }) => text === title).value, title);
  if (!address.includes("#")) await page.select("#example", value);
  await page.waitForFunction(() => document.body.getAttribute("aria-busy") === "false");
}

/** The text of an element. */
const text = (selector) => page.$eval(selector, (element) => element.textContent);
/** Waits until an element's text holds this. */
const holds = (selector, part) =>
  page.waitForFunction((selector, part) => document.querySelector(selector).textContent.includes(part), { timeout: 5000 }, selector, part);
/** Chooses the option with this text. */
const choose = (id, label) =>
  page.$eval(`#${id}`, (select, label) => {
    select.value = [...select.options].find(({ text }) => text.includes(label)).value;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }, label);
/** Puts the cursor behind this text in the editor, and types. */
async function type(behind, typed) {
  const at = await page.$eval("#editor", (host, behind) => {
    const walker = document.createTreeWalker(host.shadowRoot.querySelector(".cm-content"), NodeFilter.SHOW_TEXT);
    const line = [...host.shadowRoot.querySelectorAll(".cm-line")].find((line) => line.textContent.includes(behind));
    let left = line.textContent.indexOf(behind) + behind.length;
    walker.currentNode = line;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (left <= node.length) {
        const range = document.createRange();
        range.setStart(node, left);
        const box = range.getBoundingClientRect();
        return { x: box.x, y: box.y + box.height / 2 };
      }
      left -= node.length;
    }
    return null;
  }, behind);
  await page.mouse.click(at.x, at.y);
  for (const key of typed) await (key === "\b" ? page.keyboard.press("Backspace") : page.keyboard.type(key));
}

test("it opens with a policy, a question and its decision", async () => {
  await holds("#compiled", "compiles to");
  await choose("item", "search_code");
  await holds("#verdict", "Permit");
  assert.ok((await page.$$("#trace > li")).length >= 8);
});

test("an error is shown where it was typed, and choosing it leads there", async () => {
  await type("tiers: [read", "x");
  await holds("#compiled", "problem");
  await holds("#problems", "acme.yaml:");
  await holds("#verdict", "last policy that compiled");
  assert.ok(await page.$eval("#editor", (host) => host.shadowRoot.querySelectorAll(".cm-lintRange-error").length > 0));
  assert.match(await text("#tabs"), /acme\.yaml\d/);
  const place = /acme\.yaml:(\d+):/.exec(await text("#problems"))[1];
  await page.click("#problems button");
  const line = await page.$eval("#editor", (host) => host.shadowRoot.querySelector(".cm-activeLineGutter").textContent);
  assert.equal(line, place);
  await type("tiers: [readx", "\b");
  await holds("#compiled", "compiles to");
  await holds("#problems", "Warnings");
  assert.equal(await page.$eval("#editor", (host) => host.shadowRoot.querySelectorAll(".cm-lintRange-error").length), 0);
});

test("what is likely a mistake is told as a warning, in place, and the policy decides all the same", async () => {
  await type("delete_repository: {tier: destructive", "\b".repeat("destructive".length) + "read");
  await holds("#compiled", "compiles to");
  await holds("#problems", "Warnings");
  await holds("#problems", "acme.yaml:");
  assert.ok(await page.$eval("#editor", (host) => host.shadowRoot.querySelectorAll(".cm-lintRange-warning").length > 0));
  assert.equal(await page.$eval("#editor", (host) => host.shadowRoot.querySelectorAll(".cm-lintRange-error").length), 0);
});

test("the decision follows the policy", async () => {
  await choose("subject", "group engineering");
  await choose("item", "delete_repository");
  await holds("#verdict", "tier_above_subject");
  await holds("#changes", "permitted by");
  const layer = () => page.$eval('#trace [data-layer="tiers"]', (item) => item.className);
  assert.equal(await layer(), "deny");
  await type("delete_repository: {tier: destructive", "\b".repeat(11) + "write");
  await page.waitForFunction(() => !document.querySelector("#verdict").textContent.includes("tier_above_subject"));
  assert.equal(await layer(), "pass");
});

test("the matrix follows the policy, and a cell becomes the question", async () => {
  const cell = (row, column) => page.$eval(`td[data-row="${row}"][data-column="${column}"]`, (cell) => cell.className);
  const rows = await page.$$eval("tbody tr:not(.server) th", (heads) => heads.map((head) => head.textContent));
  const row = rows.findIndex((name) => name.startsWith("delete_repository"));
  assert.equal(await cell(row, 0), "deny");
  await page.click(`td[data-row="${row}"][data-column="0"]`);
  await holds("#verdict", "delete_repository");
  await holds("#verdict", "tier_above_subject");
  await type("delete_repository: {tier: destructive", "\b".repeat(11) + "read");
  await page.waitForFunction((row) => document.querySelector(`td[data-row="${row}"][data-column="0"]`).className === "permit", {}, row);
});

test("arguments and the whole question can be typed", async () => {
  await choose("subject", "group engineering");
  await choose("actor", "planner");
  await choose("item", "merge_pull_request");
  const put = (id, value) => page.$eval(`#${id}`, (field, value) => {
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }, value);
  await put("scopes", "code:write");
  await put("arguments", '{"owner": "acme", "repo": "web"}');
  await holds("#changes", "repository:acme/web");
  await put("arguments", "{");
  await holds("#problem", "no JSON object yet");
  assert.equal(await page.$eval("#arguments", (field) => field.getAttribute("aria-invalid")), "true");
  await put("json", '{"server": "cod", "tool": "a", "subject": {"id": "x"}}');
  await holds("#verdict", "did you mean `code`?");
});

test("an address holds the policy and the question", async () => {
  await choose("item", "search_code");
  await type("tiers: [read", "x");
  await holds("#compiled", "problem");
  await page.waitForFunction(() => location.hash.length > 10);
  await page.click("#share");
  await page.waitForFunction(() => document.querySelector("#share").textContent !== "Copy link");
  const address = page.url();
  await page.goto("about:blank");
  await open(address);
  await holds("#compiled", "problem");
  assert.match(await page.$eval("#editor", (host) => host.shadowRoot.querySelector(".cm-content").textContent), /tiers: \[readx/);
  assert.match(await page.$eval("#json", (field) => field.value), /search_code/);
});

const packed = (bytes) => `#v1=${deflateRawSync(bytes).toString("base64url")}`;
const link = (state) => packed(JSON.stringify(state));
const POLICY = "policy: toolward/v1\nissuers: {acme: https://id.acme.test}\nservers: {git: {resource: https://t.test/git, tools: {a: {tier: read}}}}\n";
const STATE = { files: [{ name: "p.yaml", text: POLICY }], query: { server: "git", tool: "a", subject: { id: "x" } } };
const BAD = {
  "nonsense": "#v1=AAAA",
  "nothing": "#v1=",
  "no base64": "#v1=%%%",
  "another version": "#v2=AAAA",
  "half a link": link(STATE).slice(0, -20),
  "no JSON": packed("policy"),
  "no UTF-8": packed(Buffer.from([0x22, 0xff, 0x22])),
  "null": link(null),
  "a number": link(1),
  "a text": link("files"),
  "a list": link([STATE]),
  "no files": link({ ...STATE, files: [] }),
  "files that are no list": link({ ...STATE, files: { 0: STATE.files[0], length: 1 } }),
  "a file that is null": link({ ...STATE, files: [null] }),
  "a file without a text": link({ ...STATE, files: [{ name: "p.yaml" }] }),
  "a file without a name": link({ ...STATE, files: [{ name: "", text: POLICY }] }),
  "a name that is too long": link({ ...STATE, files: [{ name: "x".repeat(129), text: POLICY }] }),
  "two files of one name": link({ ...STATE, files: [STATE.files[0], STATE.files[0]] }),
  "too many files": link({ ...STATE, files: Array.from({ length: 65 }, (_, index) => ({ name: `${index}`, text: POLICY })) }),
  "no question": link({ files: STATE.files }),
  "a question that is null": link({ ...STATE, query: null }),
  "a question that is a list": link({ ...STATE, query: [] }),
  "a question that is too deep": packed(JSON.stringify(STATE).replace('"a"', `${"[".repeat(100_000)}${"]".repeat(100_000)}`)),
  "a question that is too long": link({ ...STATE, query: { tool: "x".repeat(70_000) } }),
  "a file that is none": link({ ...STATE, active: -1 }),
  "a file that is no number": link({ ...STATE, active: "0" }),
  "an example that is no number": link({ ...STATE, example: {} }),
  "more than there is": link({ ...STATE, more: 1 }),
  "a bomb": packed(Buffer.alloc(300 << 20)),
  "a large policy": link({ ...STATE, files: [{ name: "p.yaml", text: " ".repeat(1 << 20) }] }),
  "a long link": `#v1=${"A".repeat(600_000)}`,
};

test("a link of another shape, or a bomb, tells why it is not opened and opens the first example", async () => {
  for (const name of ["nonsense", "a file that is null", "a question that is too deep", "a bomb"]) {
    await page.goto("about:blank");
    await page.goto(`${server.address}/dist/playground/${BAD[name]}`);
    await page.waitForSelector("body[data-ready]");
    await holds("#notice", "cannot be opened");
    await holds("#notice", "The first example is shown instead");
    await holds("#compiled", "compiles to");
    assert.equal(await page.$eval("#example", (select) => select.value), "0");
  }
  await page.click("#notice-close");
  assert.equal(await page.$eval("#notice", (notice) => notice.hidden), true);
});

test("a bad link leaves what is there as it is, whatever is wrong with it", async () => {
  const before = await page.$eval("#json", (field) => field.value);
  for (const [name, fragment] of Object.entries(BAD)) {
    await page.$eval("#notice-text", (text) => (text.textContent = ""));
    await page.evaluate((fragment) => (location.hash = fragment), fragment);
    await assert.doesNotReject(holds("#notice-text", "What was here is left as it is"), name);
    assert.equal(await page.$eval("#json", (field) => field.value), before, name);
  }
  await page.evaluate((fragment) => (location.hash = fragment), link(STATE));
  await page.waitForFunction(() => document.querySelector("#notice").hidden && document.querySelector("#tabs").textContent.startsWith("p.yaml"));
});

test("a question of another shape is shown, and the engine tells what is wrong with it", async () => {
  const odd = [5, "x", true, null, [null], [[1]], [5], ["x"], {}, { length: 3 }, { id: {} }, [{ subject: {} }]];
  for (const key of ["server", "subject", "actors", "scopes", "consent", "tool", "resource", "arguments", "now", "connection"]) {
    for (const value of odd) {
      const query = { ...STATE.query, [key]: value };
      await page.$eval("#verdict", (verdict) => verdict.replaceChildren());
      await page.evaluate((fragment) => (location.hash = fragment), link({ ...STATE, query }));
      const told = page.waitForFunction((shown) => document.querySelector("#json").value === shown
        && document.querySelector("#verdict .asked") && document.body.getAttribute("aria-busy") === "false", { timeout: 5000 }, JSON.stringify(query, null, 2));
      await assert.doesNotReject(told, `${key}: ${JSON.stringify(value)}`);
    }
  }
});

test("a link of a few KB with a million cells opens like any other", async () => {
  const lines = (count, line) => Array.from({ length: count }, (_, index) => line(index)).join("\n");
  const text = `${POLICY.replace("{git: {resource: https://t.test/git, tools: {a: {tier: read}}}}", "\n  git:\n    resource: https://t.test/git\n    tools:\n")}${
    lines(1000, (index) => `      t${index}: {tier: read}`)}\ngrants:\n${lines(900, (index) => `  - {id: g${index}, subjects: [{group: g${index}}], ceiling: read}`)}
actors:\n  - {id: p, subject: "agent:p", ceiling: read}\n`;
  const fragment = link({ files: [{ name: "p.yaml", text }], query: { server: "git", tool: "t1", subject: { id: "x" } } });
  assert.ok(fragment.length < 12_000);
  await page.evaluate((fragment) => (location.hash = fragment), fragment);
  await page.waitForFunction(() => document.querySelector("#legend").textContent.includes("900,000 cells"));
  await holds("#verdict", "Deny");
});

test("an engine that hangs is stopped, the page goes on, and the next policy is compiled", async () => {
  await page.goto(`${server.address}/hanging/${link({ ...STATE, files: [{ name: "p.yaml", text: `# HANG\n${POLICY}` }] })}`);
  await page.waitForFunction(() => document.body.getAttribute("aria-busy") === "true");
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  const shown = await theme();
  await page.click("#theme");
  assert.notEqual(await theme(), shown);
  assert.equal(await page.evaluate(() => document.body.getAttribute("aria-busy")), "true", "the page answers while the engine works");
  const says = (selector, part) => page.waitForFunction((selector, part) => document.querySelector(selector).textContent.includes(part), {}, selector, part);
  await says("#compiled", "was stopped");
  await page.select("#example", "0");
  await says("#compiled", "compiles to");
  // A question can hang it too. The compiled policy stays, and the next question is answered.
  const ask = (id) => page.$eval("#json", (field, id) => {
    field.value = JSON.stringify({ ...JSON.parse(field.value), subject: { id } });
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }, id);
  await ask("HANG");
  await says("#verdict", "was stopped");
  await ask("someone");
  await says("#verdict", "someone by");
});

test("everything is reached with the keyboard alone, in the order of the page", async () => {
  const where = () => page.evaluate(() => {
    const { activeElement: element } = document;
    return element.tagName === "TD" ? "cell" : element.getAttribute("role") === "tab" ? "tab" : element.id || element.tagName.toLowerCase();
  });
  await page.evaluate(() => document.activeElement.blur());
  const visited = [];
  for (let step = 0; step < 40; step += 1) {
    await page.keyboard.press("Tab");
    const now = await where();
    if (now === "body" || visited.at(0) === now) break;
    if (visited.at(-1) !== now) visited.push(now);
    const outlined = page.waitForFunction(() => {
      const element = document.activeElement.shadowRoot?.querySelector(".cm-editor") ?? document.activeElement;
      return getComputedStyle(element).outlineStyle !== "none" || element.className === "skip";
    }, { timeout: 2000 });
    await assert.doesNotReject(outlined, `the focus is seen at ${now}`);
  }
  const order = ["example", "share", "theme", "tab", "add", "rename", "editor", "subject", "actor", "server", "item", "arguments", "consent", "scopes", "summary", "matrix-agent", "cell"];
  assert.deepEqual(visited.filter((id) => order.includes(id)), order);
});

test("keys lead to the sections, and arrows move in the matrix", async () => {
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.down(key);
    for (const key of keys.reverse()) await page.keyboard.up(key);
  };
  const active = () => page.evaluate(() => document.activeElement.id || `${document.activeElement.dataset.row},${document.activeElement.dataset.column}`);
  await press("Alt", "1");
  assert.equal(await active(), "editor");
  await press("Alt", "2");
  assert.equal(await active(), "subject");
  await press("Alt", "3");
  assert.equal(await active(), "decision");
  await press("Alt", "4");
  assert.equal(await active(), "0,0");
  await press("ArrowDown");
  await press("ArrowRight");
  assert.equal(await active(), "1,1");
  await press("Enter");
  assert.equal(await page.$eval('td[data-row="1"][data-column="1"]', (cell) => cell.getAttribute("aria-selected")), "true");
});

for (const theme of ["light", "dark"]) {
  test(`axe finds nothing wrong (${theme})`, async () => {
    await page.$eval("#theme", (button, theme) => document.documentElement.dataset.theme === theme || button.click(), theme);
    await type("tiers: [read", "x");
    await holds("#compiled", "problem");
    await page.click("#whole summary");
    await page.evaluate(AXE);
    const violations = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    const found = violations.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).slice(0, 4).join(", ")}`);
    assert.deepEqual(found, []);
  });
}

test("a narrow window needs no sideways scrolling", async () => {
  await page.setViewport({ width: 360, height: 740 });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wider, 0);
});
