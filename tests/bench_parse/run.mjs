// Runs the benchmark's filter in Node's V8, everything optimised before it runs, as in Envoy's.
// node --no-liftoff run.mjs module.wasm
import { readFile } from "node:fs/promises";

let memory;
const env = {
  proxy_log(_level, text, length) {
    console.log(Buffer.from(memory.buffer, text, length).toString());
    return 0;
  },
  proxy_get_current_time_nanoseconds(time) {
    new DataView(memory.buffer).setBigUint64(time, process.hrtime.bigint(), true);
    return 0;
  },
};
const { instance } = await WebAssembly.instantiate(await readFile(process.argv[2]), { env });
memory = instance.exports.memory;
process.exitCode = instance.exports.proxy_on_configure(1, 0) === 1 ? 0 : 1;
