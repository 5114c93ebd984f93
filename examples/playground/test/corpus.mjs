// Questions and the command line's answers: what JavaScript must say too, byte for byte. The policies are those of the
// examples and of the tests; the questions are made of whom and what each policy names, and of some that it does not.
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

export const root = new URL("../../../", import.meta.url).pathname;
const NOW = "2026-11-21T12:00:00Z";

/** Policies: [name, files in order of their names]. */
export function policies() {
  const directories = ["team", "enterprise", "bank"].map((name) => join(root, "examples/policies", name));
  directories.push(join(root, "examples/demo/policy"));
  const sets = directories.map((directory) => readdirSync(directory).sort().map((file) => join(directory, file)));
  const single = (directory) => readdirSync(join(root, directory)).sort().map((file) => [join(root, directory, file)]);
  sets.push(...single("tests/policies"), [join(root, "tests/queries/policy.yaml")]);
  return sets
    .map((paths) => paths.filter((path) => path.endsWith(".yaml") && !path.endsWith(".test.yaml")))
    .filter((paths) => paths.length > 0)
    .map((paths) => ({
      name: paths[0].slice(root.length),
      paths,
      files: paths.map((path) => ({ name: basename(path), text: readFileSync(path, "utf8") })),
    }));
}

/** Questions on what a policy names, every third of them with something unusual. */
export function questions({ callers, overview, items }) {
  const made = [];
  const subjects = callers.subjects.slice(0, 6).map(({ subject }) => subject);
  subjects.push({ id: "nobody\u0000\u{1f600}", issuer: overview.issuers[0]?.issuer ?? "https://x.test" });
  const agents = callers.agents.slice(0, 4).map(({ actor }) => [actor]);
  agents.push([], [{ subject: "agent:unknown" }], callers.agents.slice(0, 3).map(({ actor }) => actor));
  const consents = [undefined, { id: "c", level: overview.tiers.at(-1), reason: "r", given_at: NOW, expires_at: "2026-11-21T13:00:00Z" }];
  const values = [{}, { owner: "acme", repo: "web", amount: { value: 10000.0 } }, { account: "DE01", limit: 5, percent: 10 }];
  for (let number = 0; number < 90; number += 1) {
    // Steps without common divisors visit the combinations evenly, and the same ones each time.
    const pick = (list, step) => list[(number * step) % list.length];
    const item = items.length > 0 ? pick(items, 7) : { server: overview.servers[0]?.id ?? "none", kind: "tool", name: "none" };
    const key = { tool: "tool", prompt: "prompt" }[item.kind] ?? "resource";
    const question = {
      server: number % 31 === 30 ? "no-such-server" : item.server,
      [key]: number % 17 === 16 ? "no-such-thing" : item.name.replaceAll(/\{[^}]*\}/g, "1"),
      subject: pick(subjects, 5),
      actors: pick(agents, 11),
      now: pick([NOW, "2026-11-21T22:30:00Z", "2027-02-01T00:00:00Z"], 13),
      scopes: number % 2 ? overview.servers.flatMap(({ scopes }) => scopes) : [],
      connection: { tls: number % 4 !== 3, source_address: "203.0.113.9", peer: "spiffe://globex.example/hr" },
    };
    if (key !== "resource") question.arguments = pick(values, 1);
    const consent = pick(consents, 3);
    made.push(JSON.stringify(consent ? { ...question, consent } : question));
  }
  made.push("", "[]", '{"server":"a","server":"b"}', '{"server":1}');
  return made;
}

/** Runs the command line; its standard output, whatever its exit status says. */
export function cli(...options) {
  const run = { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] };
  try {
    return execFileSync(process.env.TOOLWARD_CLI ?? join(root, "dist/toolward"), options, run);
  } catch (error) {
    if (typeof error.status === "number") return error.stdout;
    throw error;
  }
}

/** What the command line makes of everything: bundles, explanations and matrices; nothing where it refuses. */
export function answers(ask) {
  const directory = mkdtempSync(join(tmpdir(), "toolward-js-"));
  try {
    return policies().map((policy) => {
      const bundlePath = join(directory, "policy.bundle");
      rmSync(bundlePath, { force: true });
      cli("compile", ...policy.paths, "--output", bundlePath);
      if (!existsSync(bundlePath)) return { ...policy, bundle: null };
      const bundle = readFileSync(bundlePath);
      const matrix = cli("matrix", "--bundle", bundlePath, "--now", NOW, "--json").trimEnd();
      const asked = questions({ ...ask(bundle), items: JSON.parse(matrix).items }).map((question) => {
        const path = join(directory, "question.json");
        writeFileSync(path, question);
        return { question, explanation: cli("explain", "--bundle", bundlePath, "--query", path, "--json").trimEnd() };
      });
      return { name: policy.name, files: policy.files, bundle: bundle.toString("base64"), now: NOW, matrix, asked };
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
