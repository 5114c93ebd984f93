// The engine in a thread of its own: the page stays responsive and can end it, even if a policy makes it hang.
import { Engine, PolicyError, check, compile } from "@toolward/policy";
import { MOST, MOST_FOR_ALL } from "./limits.js";

let engine;

const answers = {
  /** Compiles files; what compiles becomes the engine, with what there is to choose from. */
  build({ files, now }) {
    const { bundle, problems } = compile(files);
    if (!bundle) return { problems };
    open(bundle);
    const callers = engine.callers();
    return { problems: check(files), size: bundle.length, world: { ...engine.inspect(), callers, matrix: matrix(now, callers) } };
  },
  /** Explains a decision. `files` come along where the engine that they made was lost. */
  explain({ query, files }) {
    if (files) open(compile(files).bundle);
    return { explanation: engine.explain(query) };
  },
};

function open(bundle) {
  engine?.free();
  engine = undefined;
  engine = Engine.open(bundle);
}

/**
 * The matrix for everybody whom the rules name; without `cells` where there are more than the page shows. A policy of a
 * few KB can have a million, which take half a minute.
 */
function matrix(now, { subjects, agents }) {
  const nobody = engine.matrix({ subjects: [], agents: [] });
  const size = subjects.length * nobody.items.length;
  const labels = (list) => list.map(({ label }) => label);
  if (size > MOST || size * agents.length > MOST_FOR_ALL) return { ...nobody, subjects: labels(subjects), agents: labels(agents), cells: undefined };
  try {
    return engine.matrix(now === undefined ? {} : { now });
  } catch (error) {
    // The question's time may be any typed text.
    if (error instanceof PolicyError && now !== undefined) return engine.matrix();
    throw error;
  }
}

onmessage = ({ data: { kind, payload } }) => {
  try {
    postMessage(answers[kind](payload));
  } catch (error) {
    if (error instanceof PolicyError) postMessage({ refused: error.problems });
    else postMessage({ failed: error.message, broken: !(error instanceof TypeError || error instanceof RangeError) });
  }
};
postMessage({ ready: true });
