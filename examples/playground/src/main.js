// The page: files → bundle → engine; question → decision; engine → matrix. What one part changes, the others follow.
import { Engine, PolicyError, check, compile } from "@toolward/policy";
import examples from "toolward:examples";
import { asking, form } from "./ask.js";
import { by, fill, h, quiet } from "./dom.js";
import { editor, lineOf } from "./editor.js";
import { MOST, legend, table } from "./matrix.js";
import { pack, unpack } from "./share.js";
import { layers, notes, verdict } from "./trace.js";

let files = [];
let active = 0;
let cases = [];
let problems = [];
let engine;
let stale = false;
let callers = { subjects: [], agents: [] };
let matrix;

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
  const example = by("example").value;
  history.replaceState(null, "", await pack({ files, active, query: ask.query, ...(example !== "" && { example: Number(example) }) }));
});

/** Compiles the files, and shows everything that follows from them. */
function build() {
  const compiled = compile(files);
  problems = compiled.bundle ? check(files) : compiled.problems;
  if (compiled.bundle) {
    engine?.free();
    engine = Engine.open(compiled.bundle);
    world();
  }
  stale = !compiled.bundle;
  const status = by("compiled");
  status.className = stale ? "bad" : "";
  status.textContent = stale ? count(problems.length, "problem") : `compiles to ${compiled.bundle.length.toLocaleString("en")} bytes`;
  showProblems();
  tabs();
  edit.mark(problems.filter(({ file }) => file === files[active].name));
  decide();
  drawMatrix();
}

/** What there is to choose from, by the policy and by the example's own questions. */
function world() {
  const { servers, tiers, issuers } = engine.inspect();
  callers = engine.callers();
  matrix = refusing(() => engine.matrix({ ...(ask.query.now !== undefined && { now: ask.query.now }) })) ?? engine.matrix();
  const named = new Map();
  for (const { query: { subject } } of cases) {
    const groups = [...(subject.groups ?? []), ...(subject.roles ?? [])];
    named.set(subject.id, { label: groups.length > 0 ? `${subject.id} (${groups.join(", ")})` : subject.id, subject, group: "People" });
  }
  const rules = callers.subjects.filter(({ subject }) => !named.has(subject.id)).map((one) => ({ ...one, group: "Named by rules" }));
  ask.offer({ subjects: [...named.values(), ...rules], agents: callers.agents, servers, tiers, issuers, items: matrix.items });
}

function refusing(then) {
  try {
    return then();
  } catch (error) {
    if (error instanceof PolicyError) return undefined;
    throw error;
  }
}

/** Puts the question to the last policy that compiled. */
function decide() {
  const shown = by("verdict");
  by("changes").replaceChildren();
  by("trace").replaceChildren();
  if (!engine) {
    shown.replaceChildren(h("p", { className: "faint" }, "There is no decision until the policy compiles."));
    return;
  }
  try {
    const explanation = engine.explain(ask.query);
    shown.replaceChildren(verdict(ask.query, explanation, stale));
    by("changes").replaceChildren(...notes(explanation));
    by("trace").replaceChildren(...layers(explanation));
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    shown.replaceChildren(h("div", { className: "verdict deny" }, h("strong", {}, "This question cannot be asked"),
      h("span", { className: "asked" }, error.problems.map((problem) => h("div", {}, `${problem.path || problem.file}: ${lineOf(problem)}`)))));
  }
}

function drawMatrix() {
  if (!matrix) {
    by("legend").replaceChildren("There is no matrix until the policy compiles.");
    return;
  }
  const chosen = matrix.agents[Number(by("matrix-agent").value || 0)] ?? matrix.agents[0];
  const agent = Math.max(0, matrix.agents.indexOf(chosen));
  fill(by("matrix-agent"), matrix.agents.map((label, index) => ({ value: String(index), label })), String(agent));
  const size = matrix.subjects.length * matrix.items.length;
  if (size === 0 || matrix.agents.length === 0 || size > MOST) {
    const why = size > MOST ? `It has ${size.toLocaleString("en")} cells; \`toolward matrix\` writes it.` : "The policy names no humans, no agents or no entries.";
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
function load(state) {
  files = state.files.map(({ name, text }) => ({ name, text }));
  cases = examples[state.example]?.cases ?? [];
  by("example").value = state.example === undefined ? "" : String(state.example);
  fill(by("case"), [{ value: "", label: cases.length > 0 ? "a question…" : "no questions here" },
    ...cases.map(({ name }, index) => ({ value: String(index), label: name }))], "");
  by("case").disabled = cases.length === 0;
  edit.forget();
  problems = [];
  ask.put(state.query);
  show(Math.min(Math.max(Number(state.active) || 0, 0), files.length - 1));
  build();
}

function example(index) {
  const { files, cases } = examples[index];
  load({ files, active: 0, example: index, query: cases[0]?.query ?? {} });
  // Without questions of its own: the first human and agent, and the first call.
  if (cases.length === 0 && engine) {
    ask.put({ server: matrix.items[0].server, subject: callers.subjects[0].subject, actors: [callers.agents[0].actor], ...clean(asking(matrix.items[0])) });
  }
  keep();
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
by("share").onclick = async () => {
  const shown = by("example").value;
  history.replaceState(null, "", await pack({ files, active, query: ask.query, ...(shown !== "" && { example: Number(shown) }) }));
  // Only secure contexts have a clipboard.
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  by("share").textContent = copied ? "Copied" : "It is in the address";
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
  const state = await unpack(location.hash);
  if (state) load(state);
  else if (files.length === 0) example(0);
  document.body.dataset.ready = "true";
};
addEventListener("hashchange", open);
await open();
