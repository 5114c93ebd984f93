// The question: a form over a query, and the query itself as JSON for the parts that the form does not show.
import { by, fill } from "./dom.js";
import { isShowable } from "./share.js";

const KEYS = { tool: "tool", prompt: "prompt", resource: "resource" };
const OTHER = "other";
const NONE = "none";
/** Most options of a choice; what is beyond can be typed. */
const MOST_OPTIONS = 2000;

/** The form; `changed` is called with the query whenever a person changes it. */
export function form(changed) {
  let query = {};
  let world = { subjects: [], agents: [], servers: [], tiers: [], items: [], issuers: [] };
  /** The identifier that a short name stands for. */
  const full = (name) => world.issuers.find((issuer) => issuer.name === name)?.issuer ?? name;
  const problems = new Map();

  const tell = (id, message) => {
    if (message) problems.set(id, message);
    else problems.delete(id);
    by(id).setAttribute("aria-invalid", String(Boolean(message)));
    by("problem").textContent = [...problems.values()].join(" ");
  };
  const settled = () => {
    draw();
    changed(query);
  };
  const set = (members) => {
    query = { ...query, ...members };
    for (const key of Object.keys(members)) if (query[key] === undefined) delete query[key];
    settled();
  };

  /** Shows the query. What somebody is typing in stays as it is. */
  function draw() {
    const typing = document.activeElement;
    const put = (id, text) => {
      if (by(id) === typing) return;
      by(id).value = text;
      tell(id, "");
    };
    choice("subject", world.subjects, ({ subject }) => same(subject, query.subject, full), query.subject?.id ?? "nobody");
    // Text that was typed or came with a link is shown as it is; the engine reports mistakes.
    const chain = objects(query.actors);
    const agents = [{ label: "no agent", actor: null }, ...world.agents];
    const label = chain.map((actor) => actor.subject ?? actor.client ?? actor.id).join(" ← ");
    choice("actor", agents, ({ actor }) => (actor ? chain.length === 1 && sameActor(actor, chain[0], query.subject, full) : chain.length === 0), label);
    const server = typeof query.server === "string" ? query.server : JSON.stringify(query.server);
    choice("server", world.servers.map(({ id }) => ({ label: id })), ({ label }) => label === server, server);
    const [key, name] = target(query);
    const items = world.items.filter((item) => item.server === server);
    const call = (item) => (item.kind === "resource_template" ? matches(item.name, name) && key === "resource" : key === KEYS[item.kind] && item.name === name);
    choice("item", items.map((item) => ({ ...item, label: `${item.name} (${item.tier})`, group: kindName(item.kind) })), call, name ?? query.method ?? "nothing");
    by("resource-field").hidden = key !== "resource";
    by("arguments-field").hidden = key === "resource";
    put("resource", key === "resource" ? name : "");
    put("arguments", query.arguments === undefined ? "" : JSON.stringify(query.arguments));
    put("scopes", strings(query.scopes).join(" "));
    const levels = world.tiers.map((tier) => ({ value: tier, label: `given now, up to ${tier}` }));
    const given = query.consent?.id === "playground" ? query.consent.level : query.consent ? OTHER : NONE;
    fill(by("consent"), [{ value: NONE, label: "none" }, ...levels, ...(given === OTHER ? [{ value: OTHER, label: `${query.consent?.id} (see JSON)` }] : [])], given);
    put("json", JSON.stringify(query, null, 2));
  }

  function choice(id, options, fits, otherwise) {
    const found = options.findIndex(fits);
    const chosen = found < MOST_OPTIONS ? found : -1;
    const list = options.slice(0, MOST_OPTIONS).map(({ label, group }, index) => ({ value: String(index), label, group }));
    if (chosen < 0) list.unshift({ value: OTHER, label: String(options[found]?.label ?? otherwise ?? "") });
    fill(by(id), list, chosen < 0 ? OTHER : String(chosen));
  }

  const on = (id, event, then) => by(id).addEventListener(event, () => then(by(id).value));
  on("subject", "change", (value) => value !== OTHER && set({ subject: world.subjects[value].subject }));
  on("actor", "change", (value) => value !== OTHER && set({ actors: value === "0" ? [] : [world.agents[value - 1].actor] }));
  on("server", "change", (value) => {
    if (value === OTHER) return;
    const server = world.servers[value].id;
    const first = world.items.find((item) => item.server === server);
    set({ server, ...asking(first) });
  });
  on("item", "change", (value) => value !== OTHER && set(asking(world.items.filter((item) => item.server === query.server)[value])));
  on("resource", "input", (value) => set({ resource: value }));
  on("arguments", "input", (value) => {
    try {
      const read = value.trim() === "" ? undefined : JSON.parse(value);
      if (read !== undefined && !isShowable(read)) throw new SyntaxError("expected an object that is not nested deeply");
      tell("arguments", "");
      set({ arguments: read });
    } catch (error) {
      tell("arguments", `Arguments are no JSON object yet: ${error.message}.`);
    }
  });
  on("scopes", "input", (value) => set({ scopes: value.split(/[\s,]+/).filter(Boolean) }));
  on("consent", "change", (value) => {
    if (value === NONE) set({ consent: undefined });
    else if (value !== OTHER) set({ consent: consent(value, query.now) });
  });
  on("json", "input", (value) => {
    try {
      const read = JSON.parse(value);
      if (!isShowable(read)) throw new SyntaxError("expected an object that is not nested deeply");
      tell("json", "");
      query = read;
      settled();
    } catch (error) {
      tell("json", `The question is no JSON object yet: ${error.message}.`);
    }
  });
  // Typed text takes its canonical form when the field loses focus.
  for (const id of ["arguments", "scopes", "json"]) by(id).addEventListener("blur", () => problems.has(id) || draw());
  by("ask").addEventListener("submit", (event) => event.preventDefault());

  return {
    /** Whom and what there is to choose from. */
    offer(offered) {
      world = offered;
      draw();
    },
    /** Another question. */
    put(asked) {
      query = asked;
      problems.clear();
      settled();
    },
    get query() {
      return query;
    },
  };
}

/** The members of a query that ask for an entry of a catalogue. */
export function asking(item) {
  const none = { tool: undefined, prompt: undefined, resource: undefined, url: undefined, method: undefined, definition: undefined };
  if (!item) return { ...none, method: "tools/list", arguments: undefined };
  const key = KEYS[item.kind] ?? "resource";
  return { ...none, [key]: item.name, arguments: key === "resource" ? undefined : {} };
}

/** A consent to everything up to a tier, good for an hour. */
function consent(level, now) {
  const given = now === undefined ? Date.now() : typeof now === "number" ? now * 1000 : Date.parse(now);
  const at = (milliseconds) => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
  const start = Number.isFinite(given) ? given : Date.now();
  return { id: "playground", level, reason: "tried in the playground", given_at: at(start), expires_at: at(start + 3_600_000) };
}

function target(query) {
  const key = ["tool", "prompt", "resource", "url"].find((key) => query[key] !== undefined);
  return [key, key && query[key]];
}

/** Whether a URI could come of a template, for showing it only. */
function matches(template, uri) {
  const parts = template.split(/\{[^}]*\}/);
  return typeof uri === "string" && uri.startsWith(parts[0]) && uri.endsWith(parts.at(-1));
}

const strings = (value) => (Array.isArray(value) ? value.filter((one) => typeof one === "string") : []);
const objects = (value) => (Array.isArray(value) ? value.filter((one) => typeof one === "object" && one !== null) : []);

function same(left, right, full) {
  const list = (values) => [...strings(values)].sort().join("\n");
  const claims = (subject) => JSON.stringify(subject.claims ?? {});
  return right && left.id === right.id && list(left.groups) === list(right.groups) && list(left.roles) === list(right.roles)
    && claims(left) === claims(right) && (right.issuer === undefined || full(left.issuer) === full(right.issuer));
}

function sameActor(left, right, subject, full) {
  const id = (actor) => actor.subject ?? actor.client ?? actor.id;
  const kind = (actor) => (actor.client !== undefined || actor.kind === "client" ? "client" : "subject");
  const issuer = right.issuer ?? subject?.issuer;
  return id(left) === id(right) && kind(left) === kind(right) && (issuer === undefined || full(left.issuer) === full(issuer));
}

function kindName(kind) {
  return { tool: "Tools", prompt: "Prompts", resource: "Resources", resource_template: "Resource templates" }[kind] ?? kind;
}
