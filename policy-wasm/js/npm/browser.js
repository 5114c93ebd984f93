// Browsers and bundlers: the module is fetched from beside this one, before anything can be imported.
import init from "./engine.js";

await init({ module_or_path: new URL("./engine_bg.wasm", import.meta.url) });

export * from "./policy.js";
