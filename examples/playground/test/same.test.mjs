// The same answers as the command line's, byte for byte: in Node and in Chromium.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import * as policy from "../../../dist/npm/node.js";
import { browser, serve } from "./browser.mjs";
import { compare } from "./compare.mjs";
import { answers } from "./corpus.mjs";

const PAGE = `<!doctype html><script type="module">
  import * as policy from "/dist/npm/browser.js";
  import { compare } from "/examples/playground/test/compare.mjs";
  import { refusals } from "/examples/playground/test/refusals.mjs";
  window.refused = () => refusals(policy);
  window.told = fetch("/corpus.json").then((answer) => answer.json()).then((corpus) => compare(policy, corpus));
</script>`;
let corpus;

before(() => {
  corpus = answers((bundle) => {
    const engine = policy.Engine.open(new Uint8Array(bundle));
    return { callers: engine.callers(), overview: engine.inspect() };
  });
  assert.deepEqual(corpus.filter(({ bundle }) => bundle === null).map(({ name }) => name), [], "every policy compiles");
});

function holds({ different, permits, denials, refusals }) {
  assert.deepEqual(different.slice(0, 5), []);
  assert.ok(permits > 20 && denials > 100 && refusals > 20, `${permits} permits, ${denials} denials, ${refusals} refusals`);
}

test("Node answers as the command line does, byte for byte", () => holds(compare(policy, corpus)));

test("a difference of one byte is told", () => {
  const changed = structuredClone(corpus.filter(({ bundle }) => bundle !== null));
  const asked = changed.at(-1).asked.find(({ explanation }) => explanation !== "");
  asked.explanation = asked.explanation.replace('"effect"', '"Effect"');
  assert.equal(compare(policy, changed).different.length, 2, "the decision and the explanation");
});

test("Chromium answers as the command line does, byte for byte, and refuses what Node refuses", async () => {
  const server = await serve({ "/corpus.html": PAGE, "/corpus.json": JSON.stringify(corpus) });
  const chromium = await browser();
  try {
    const page = await chromium.newPage();
    await page.goto(`${server.address}/corpus.html`);
    await page.waitForFunction("window.told");
    holds(await page.evaluate("window.told"));
    const { wrong, tried } = await page.evaluate("window.refused()");
    assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${tried} values are not refused as in Node`);
  } finally {
    await chromium.close();
    server.close();
  }
});
