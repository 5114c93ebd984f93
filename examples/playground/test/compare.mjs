// The comparison itself, the same in Node and in a page: differences as text, and how much was compared.

/** Holds the package against the command line's answers. */
export function compare({ compile, Engine, PolicyError }, corpus) {
  const different = [];
  let [permits, denials, refusals] = [0, 0, 0];
  for (const policy of corpus) {
    const differ = (what, got, want) => got === want || different.push(`${policy.name}: ${what}: got ${got}, want ${want}`);
    const { bundle, problems } = compile(policy.files);
    if (!bundle || !policy.bundle) {
      if (bundle || policy.bundle) different.push(`${policy.name}: only one compiles it: ${JSON.stringify(problems)}`);
      continue;
    }
    differ("bundle", btoa(Array.from(bundle, (byte) => String.fromCharCode(byte)).join("")), policy.bundle);
    const engine = Engine.open(bundle);
    differ("matrix", engine.matrixJson({ now: policy.now }), policy.matrix);
    for (const { question, explanation } of policy.asked) {
      let told = "";
      try {
        told = engine.explainJson(question);
        const decision = engine.evaluateJson(question);
        if (!explains(explanation, decision)) differ(`decision on ${question}`, decision, explanation);
        if (JSON.parse(decision).effect === "permit") permits += 1;
        else denials += 1;
      } catch (error) {
        if (!(error instanceof PolicyError)) throw error;
        refusals += 1;
      }
      differ(`explanation of ${question}`, told, explanation);
    }
    engine.free();
  }
  return { different, permits, denials, refusals };
}

// An explanation begins with the decision. Of a denial it may have more reasons, since it looks at arguments also where
// the caller is denied already; the effect and the first reason are the same.
function explains(explanation, decision) {
  if (explanation.startsWith(`${decision.slice(0, -1)},"layers":`)) return true;
  const [told, made] = [explanation, decision].map((text) => (text === "" ? {} : JSON.parse(text)));
  const reasons = (of) => (of.reasons ?? []).map((reason) => JSON.stringify(reason));
  const [all, own] = [reasons(told), reasons(made)];
  return told.effect === "deny" && made.effect === "deny" && all[0] === own[0] && own.every((reason) => all.includes(reason));
}
