// The page's side of the engine. One thing is asked at a time; of each kind the latest waits and takes the place of an
// earlier one. An engine that works for too long is ended, and another one started.
import { PATIENCE } from "./limits.js";

const FAILED = "the engine ended by itself, or its files could not be loaded";

/** Starts an engine; `busy` hears whether something is asked. */
export function engine(busy) {
  let worker;
  let ready = false;
  let running;
  const waiting = new Map();
  // The files of the last policy that compiled, and whether the engine of now has seen them.
  let compiled;
  let seen = false;

  function begin() {
    ready = false;
    seen = false;
    worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => {
      if (data.ready) {
        ready = true;
        next();
      } else {
        if (data.broken) again();
        finish(data);
      }
    };
    worker.onerror = (event) => {
      event.preventDefault();
      // The next question starts another one, for every cause of the end.
      worker.terminate();
      worker = undefined;
      ready = false;
      finish({ failed: FAILED });
      for (const { settle } of waiting.values()) settle({ failed: FAILED });
      waiting.clear();
      next();
    };
  }

  function again() {
    worker.terminate();
    begin();
  }

  function next() {
    busy(Boolean(running) || waiting.size > 0);
    if (!ready || running || waiting.size === 0) return;
    const [kind, request] = waiting.entries().next().value;
    waiting.delete(kind);
    running = request;
    worker.postMessage({ kind, payload: request.payload() });
    running.timer = setTimeout(() => {
      again();
      finish({ failed: `the engine worked for more than ${PATIENCE / 1000} s and was stopped` });
    }, PATIENCE);
  }

  function finish(answer) {
    if (!running) return;
    clearTimeout(running.timer);
    const { settle } = running;
    running = undefined;
    settle(answer);
    next();
  }

  function ask(kind, payload) {
    return new Promise((settle) => {
      waiting.get(kind)?.settle(undefined);
      waiting.delete(kind);
      waiting.set(kind, { payload, settle });
      if (!worker) begin();
      next();
    });
  }

  begin();
  return {
    /** Compiles; nothing where a later call took its place. */
    async build(files, now) {
      const copy = files.map(({ name, text }) => ({ name, text }));
      const answer = await ask("build", () => ({ files: copy, now }));
      if (answer?.world) {
        compiled = copy;
        seen = true;
      }
      return answer;
    },
    /** Explains by the last policy that compiled; nothing where a later call took its place. */
    async explain(query) {
      const answer = await ask("explain", () => ({ query, ...(seen ? {} : { files: compiled }) }));
      if (answer && !answer.failed) seen = true;
      return answer;
    },
  };
}
