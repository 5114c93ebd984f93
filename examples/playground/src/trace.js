// A decision and its explanation, to read.
import { h, prose, sign } from "./dom.js";

/** Most facts of a layer that are drawn. */
const MOST_FACTS = 200;

/** What people call the layers, in place of their codes. */
const LAYERS = {
  policy: "The policy is valid",
  chain: "Delegation chain",
  subject: "How far the human may go",
  actors: "How far the agents may go",
  method: "The method",
  item: "What is asked for",
  forbids: "Forbids",
  consent: "The human's consent",
  tiers: "Tier against ceilings",
  scopes: "Scopes of the token",
  conditions: "Conditions on the call",
  checks: "Checks",
  demands: "What must happen first",
};

/** The verdict: effect, reasons, what was asked. */
export function verdict(query, explanation, stale) {
  const { effect, reasons, monitored, tier, ceiling, revision } = explanation;
  const chips = reasons.map((code) => h("span", { className: "chip" }, code));
  const trial = monitored.map((code) => h("span", { className: "chip open" }, `monitored: ${code}`));
  const levels = [tier && `tier ${tier}`, ceiling && `ceiling ${ceiling}`, revision && `revision ${revision}`].filter(Boolean);
  return h("div", { className: `verdict ${effect}` },
    h("strong", {}, sign(effect), effect === "permit" ? "Permit" : "Deny"), chips, trial,
    h("span", { className: "faint" }, levels.join(" · ")),
    h("span", { className: "asked" }, asked(query)),
    stale && h("span", { className: "stale" }, "By the last policy that compiled."));
}

/** What must happen for a permit to count, or would have to for a denial not to stand. */
export function notes({ effect, obligations, would_change: changes }) {
  const made = [];
  if (effect === "permit" && obligations.length > 0) {
    made.push(note("The permit counts once", obligations.map(obligation)));
  }
  if (changes.length > 0) {
    made.push(note(changes.length === 1 ? "It would be permitted by" : "It would be permitted by all of", changes.map(({ change }) => change)));
  }
  return made;
}

/** The layers, each with what it saw. */
export function layers({ layers }) {
  return layers.map(({ name, outcome, facts, reasons }) =>
    h("li", { className: outcome, "data-layer": name },
      h("span", { className: "mark", "aria-hidden": "true" }, sign(outcome === "pass" ? "permit" : "deny")),
      h("div", { className: "layer" }, LAYERS[name] ?? name,
        h("span", { className: "hidden" }, outcome === "pass" ? ": passes" : ": denies"),
        reasons.map((code) => h("span", { className: "chip" }, code))),
      h("ul", { className: "facts" }, facts.slice(0, MOST_FACTS).map(({ what, rule, tier, decided }) =>
        h("li", { className: decided ? "decided" : "" }, prose(what),
          rule ? [", ", ...prose(rule)] : [], tier && h("span", { className: "tier" }, tier))),
      facts.length > MOST_FACTS && h("li", {}, `and ${facts.length - MOST_FACTS} more`))));
}

function note(title, lines) {
  return h("div", { className: "note" }, h("h3", {}, title), h("ul", {}, lines.map((line) => h("li", {}, prose(line)))));
}

function obligation(one) {
  switch (one.kind) {
    case "check":
      return `the authorization cluster confirms \`${one.subject}\` is \`${one.relation}\` of \`${one.object}\``;
    case "approval":
      return `${one.approvers.length > 0 ? one.approvers.join(" or ") : "somebody"} approves it (\`${one.rule}\`), for ${one.valid_for} s`;
    default:
      return `the budget \`${one.rule}\` is not spent: ${one.limit} calls in ${one.window} s for each ${one.per.join(", ")}`;
  }
}

/** Only what the engine has answered comes here, so it has the shape of a question. */
function asked({ subject, actors = [], server, tool, prompt, resource, url, method }) {
  const by = actors.map((actor) => ` by ${actor.subject ?? actor.client ?? actor.id}`).join("");
  const place = typeof server === "string" ? server : `${server?.authority}${server?.path}`;
  // A caller known only by group, role or claim has an id that no rule names.
  const named = [...(subject?.groups ?? []).map((name) => `group ${name}`), ...(subject?.roles ?? []).map((name) => `role ${name}`)];
  const who = subject?.id?.endsWith("-toolward-invalid") ? `somebody of ${named.join(", ") || "no group"}` : subject?.id;
  return `${who}${by} at ${place}: ${tool ?? prompt ?? resource ?? url ?? method ?? ""}`;
}
