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
        // An explanation begins with the decision.
        const decision = engine.evaluateJson(question);
        differ(`decision on ${question}`, `${decision.slice(0, -1)},"layers":`, explanation.slice(0, decision.length + 9));
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
