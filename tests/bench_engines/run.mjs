// Times Toolward's engine in V8, optimised at once as in Envoy.
import { readFile } from 'node:fs/promises';

const { instance } = await WebAssembly.instantiate(await readFile(process.argv[2]));
const { prepare, compile, open, evaluate, explain } = instance.exports;

// Best of several rounds: what disturbs only ever slows down.
function best(rounds, times, work) {
  let least = Infinity;
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    if (!work()) throw new Error('the engine failed');
    least = Math.min(least, (performance.now() - begun) / times);
  }
  return least;
}

console.log(`${'rules'.padEnd(10)}${'compile ms'.padStart(14)}${'load ms'.padStart(12)}${'evaluate us'.padStart(14)}${'explain us'.padStart(14)}`);
for (const n of [10, 1_000, 100_000]) {
  prepare(n);
  const cells = [
    [best(n > 10_000 ? 2 : 20, 1, () => compile()), 3, 14],
    [best(10, 10, () => open(10)), 3, 12],
    [best(40, 2_000, () => evaluate(n, 2_000)) * 1_000, 2, 14],
    [best(20, 500, () => explain(n, 500)) * 1_000, 2, 14],
  ];
  console.log(`${String(n).padEnd(10)}${cells.map(([value, digits, width]) => value.toFixed(digits).padStart(width)).join('')}`);
}
