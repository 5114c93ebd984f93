// Browsers and bundlers: the module beside this one is fetched before the import completes.
import init from "./engine.js";

await init({ module_or_path: new URL("./engine_bg.wasm", import.meta.url) });

export * from "./policy.js";
