// The page: files → bundle → engine; question → decision; engine → matrix. Each part follows the changes of the others. The
// engine works in a thread of its own (engine.js), so every answer comes later, or not at all.
import examples from "toolward:examples";
import { asking, form } from "./ask.js";
import { by, fill, h, quiet } from "./dom.js";
import { editor, lineOf } from "./editor.js";
import { engine as start } from "./engine.js";
import { legend, table } from "./matrix.js";
import { pack, unpack } from "./share.js";
import { layers, notes, verdict } from "./trace.js";

let files = [];
let active = 0;
let cases = [];
let problems = [];
let stale = false;
/** Why the engine told nothing of these files, if so. */
let failure;
let callers = { subjects: [], agents: [] };
/** Of the last policy that compiled. */
let matrix;

const engine = start((busy) => document.body.setAttribute("aria-busy", String(busy)));
const edit = editor(by("editor"), (text) => {
  files[active].text = text;
  soon();
});
const ask = form(() => {
  decide();
  keep();
});
const soon = quiet(150, () => {
  build();
  keep();
});
const keep = quiet(400, async () => {
  const packed = await packedState();
  if (packed) history.replaceState(null, "", packed);
});

/** The fragment that holds all of it, or nothing where it is too large for a link. */
function packedState() {
  const example = by("example").value;
  return pack({ files, active, query: ask.query, ...(example !== "" && { example: Number(example) }) });
}

/** Compiles the files, and shows everything that follows from them. */
async function build() {
  const told = await engine.build(files, ask.query.now);
  if (!told) return;
  const { size, world } = told;
  failure = told.failed;
  problems = told.problems ?? told.refused ?? [];
  stale = !world;
  if (world) choices(world);
  const status = by("compiled");
  status.className = stale ? "bad" : "";
  status.textContent = failure ? `Not compiled: ${failure}.` : stale ? count(problems.length, "problem") : `compiles to ${size.toLocaleString("en")} bytes`;
  showProblems();
  tabs();
  edit.mark(problems.filter(({ file }) => file === files[active].name));
  drawMatrix();
  await decide();
}

/** What there is to choose from, by the policy and by the example's own questions. */
function choices({ servers, tiers, issuers, callers: everybody, matrix: made }) {
  callers = everybody;
  matrix = made;
  const named = new Map();
  for (const { query: { subject } } of cases) {
    const groups = [...(subject.groups ?? []), ...(subject.roles ?? [])];
    named.set(subject.id, { label: groups.length > 0 ? `${subject.id} (${groups.join(", ")})` : subject.id, subject, group: "People" });
  }
  const rules = callers.subjects.filter(({ subject }) => !named.has(subject.id)).map((one) => ({ ...one, group: "Named by rules" }));
  ask.offer({ subjects: [...named.values(), ...rules], agents: callers.agents, servers, tiers, issuers, items: matrix.items });
}

/** Puts the question to the last policy that compiled. */
async function decide() {
  const shown = by("verdict");
  const clear = () => {
    by("changes").replaceChildren();
    by("trace").replaceChildren();
  };
  if (!matrix) {
    clear();
    shown.replaceChildren(h("p", { className: "faint" }, "There is no decision until the policy compiles."));
    return;
  }
  const { query } = ask;
  const told = await engine.explain(query);
  if (!told) return;
  clear();
  if (told.explanation) {
    shown.replaceChildren(verdict(query, told.explanation, stale));
    by("changes").replaceChildren(...notes(told.explanation));
    by("trace").replaceChildren(...layers(told.explanation));
    return;
  }
  const lines = told.refused?.map((problem) => `${problem.path || problem.file}: ${lineOf(problem)}`) ?? [`There is no answer: ${told.failed}.`];
  shown.replaceChildren(h("div", { className: "verdict deny" }, h("strong", {}, told.refused ? "This question cannot be asked" : "No decision"),
    h("span", { className: "asked" }, lines.map((line) => h("div", {}, line)))));
}

function drawMatrix() {
  if (!matrix) {
    by("legend").replaceChildren("There is no matrix until the policy compiles.");
    return;
  }
  const chosen = matrix.agents[Number(by("matrix-agent").value || 0)] ?? matrix.agents[0];
  const agent = Math.max(0, matrix.agents.indexOf(chosen));
  fill(by("matrix-agent"), matrix.agents.slice(0, 2000).map((label, index) => ({ value: String(index), label })), String(agent));
  const size = matrix.subjects.length * matrix.items.length * matrix.agents.length;
  if (size === 0 || !matrix.cells) {
    const why = size === 0 ? "The policy names no humans, no agents or no entries." : `It has ${size.toLocaleString("en")} cells; \`toolward matrix\` writes it.`;
    by("legend").replaceChildren(why.replaceAll("`", ""));
    by("grid").replaceChildren();
    return;
  }
  by("legend").replaceChildren(...legend());
  by("grid").replaceChildren(table(matrix, agent, (subject, item) => {
    const { now, scopes } = ask.query;
    const entry = matrix.items[item];
    ask.put({ server: entry.server, subject: callers.subjects[subject].subject, actors: [callers.agents[agent].actor],
      ...clean(asking(entry)), ...(scopes && { scopes }), ...(now !== undefined && { now }) });
  }));
}

const clean = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
const count = (number, word) => `${number} ${word}${number === 1 ? "" : "s"}`;

function showProblems() {
  const box = by("problems");
  box.hidden = problems.length === 0;
  box.className = stale ? "problems" : "problems warnings";
  by("problems-title").textContent = stale ? "Problems" : "Warnings";
  by("problems").querySelector("ul").replaceChildren(...problems.slice(0, 100).map((problem) =>
    h("li", {}, h("button", { type: "button", onclick: () => jump(problem) },
      h("span", { className: "at" }, `${problem.file}:${problem.line}:${problem.column}`), ` ${problem.message}`,
      problem.suggestion && h("span", { className: "hint" }, problem.suggestion)))));
}

function jump(problem) {
  const index = files.findIndex(({ name }) => name === problem.file);
  if (index >= 0) show(index);
  edit.goTo(problem);
}

/** One tab for each file; arrow keys move between them (WAI-ARIA, tabs pattern). */
function tabs() {
  const list = by("tabs");
  const focused = list.contains(document.activeElement);
  list.replaceChildren(...files.map(({ name }, index) => {
    const wrong = problems.filter(({ file }) => file === name).length;
    return h("button", { type: "button", id: `tab-${index}`, role: "tab", tabIndex: index === active ? 0 : -1,
      "aria-selected": index === active, "aria-controls": "panel", onclick: () => show(index) },
    name, wrong > 0 && h("span", { className: stale ? "count" : "count warned", title: count(wrong, stale ? "problem" : "warning") }, String(wrong)));
  }));
  by("panel").setAttribute("aria-labelledby", `tab-${active}`);
  by("remove").disabled = files.length === 1;
  if (focused) list.children[active].focus();
}

function show(index) {
  active = index;
  const { name, text } = files[active];
  edit.show(name, text, `Policy file ${name}`);
  edit.mark(problems.filter(({ file }) => file === name));
  tabs();
}

/** Begins with other files and another question. */
async function load(state) {
  files = state.files.map(({ name, text }) => ({ name, text }));
  cases = examples[state.example]?.cases ?? [];
  by("example").value = examples[state.example] ? String(state.example) : "";
  fill(by("case"), [{ value: "", label: cases.length > 0 ? "a question…" : "no questions here" },
    ...cases.map(({ name }, index) => ({ value: String(index), label: name }))], "");
  by("case").disabled = cases.length === 0;
  edit.forget();
  problems = [];
  // Nothing of other files is shown as if it were of these.
  matrix = undefined;
  ask.put(state.query);
  show(Math.min(state.active ?? 0, files.length - 1));
  await build();
}

async function example(index) {
  const { files, cases } = examples[index];
  await load({ files, active: 0, example: index, query: cases[0]?.query ?? {} });
  // Without questions of its own: the first human and agent, and the first call.
  if (cases.length === 0 && matrix?.items.length > 0) {
    ask.put({ server: matrix.items[0].server, subject: callers.subjects[0].subject, actors: [callers.agents[0].actor], ...clean(asking(matrix.items[0])) });
  }
  keep();
}

/** Tells something about the address, or nothing. */
function notice(text) {
  by("notice").hidden = !text;
  by("notice-text").textContent = text ?? "";
}

function named(suggested) {
  const name = prompt("Name of the file", suggested)?.trim();
  if (!name || files.some((file) => file.name === name)) return undefined;
  return name;
}

by("add").onclick = () => {
  const name = named("more.yaml");
  if (!name) return;
  files.push({ name, text: "policy: toolward/v1\n" });
  show(files.length - 1);
  soon();
};
by("rename").onclick = () => {
  const name = named(files[active].name);
  if (!name) return;
  files[active].name = name;
  show(active);
  soon();
};
by("remove").onclick = () => {
  if (!confirm(`Remove ${files[active].name}?`)) return;
  files.splice(active, 1);
  edit.forget();
  show(Math.max(0, active - 1));
  soon();
};
by("tabs").addEventListener("keydown", (event) => {
  const to = { ArrowRight: (active + 1) % files.length, ArrowLeft: (active + files.length - 1) % files.length, Home: 0, End: files.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  show(to);
});
by("example").onchange = ({ target }) => target.value !== "" && example(Number(target.value));
by("case").onchange = ({ target }) => target.value !== "" && ask.put(cases[target.value].query);
by("matrix-agent").onchange = drawMatrix;
by("notice-close").onclick = () => notice();
by("share").onclick = async () => {
  const packed = await packedState();
  if (packed) history.replaceState(null, "", packed);
  // Only secure contexts have a clipboard.
  const copied = packed && (await navigator.clipboard?.writeText(location.href).then(() => true, () => false));
  by("share").textContent = !packed ? "Too large for a link" : copied ? "Copied" : "It is in the address";
  setTimeout(() => (by("share").textContent = "Copy link"), 2000);
};
document.addEventListener("keydown", (event) => {
  const section = { Digit1: "policy", Digit2: "question", Digit3: "decision", Digit4: "matrix" }[event.code];
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !section) return;
  event.preventDefault();
  const target = { policy: by("editor"), question: by("subject"), decision: by("decision"), matrix: by("grid").querySelector('td[tabindex="0"]') }[section];
  if (section === "policy") edit.view.focus();
  else (target ?? by(section)).focus();
  by(section).scrollIntoView({ block: "nearest" });
});

function theme(name) {
  document.documentElement.dataset.theme = name;
  by("theme").setAttribute("aria-pressed", String(name === "dark"));
}
by("theme").onclick = () => {
  const name = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  theme(name);
  // Storage may be switched off.
  try {
    localStorage.setItem("theme", name);
  } catch {}
};
let stored;
try {
  stored = localStorage.getItem("theme");
} catch {}
theme(stored ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));

fill(by("example"), [{ value: "", label: "your own" }, ...examples.map(({ title }, index) => ({ value: String(index), label: title }))], "");
const open = async () => {
  const { state, why } = await unpack(location.hash);
  const first = files.length === 0;
  notice(why && `This link cannot be opened: ${why}. ${first ? "The first example is shown instead." : "What was here is left as it is."}`);
  if (state) await load(state);
  else if (first) await example(0);
  document.body.dataset.ready = "true";
};
addEventListener("hashchange", open);
await open();
