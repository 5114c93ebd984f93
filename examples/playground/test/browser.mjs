// A headless Chromium that npm brings, and a file server for what it opens. The browser's own sandbox is off: it runs on
// this machine's files only, and in containers there is none to be had.
import { mkdirSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import puppeteer from "puppeteer-core";
import { root } from "./corpus.mjs";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".json": "application/json" };

/** Serves the repository's folder and some texts on the loopback interface. */
export async function serve(texts = {}) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://localhost").pathname));
    try {
      const body = texts[path] ?? (await readFile(join(root, path.endsWith("/") ? `${path}index.html` : path)));
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "text/html" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { address: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** Starts the browser. */
export async function browser() {
  // The package unpacks to the temporary folder, and brings libraries and fonts where it believes itself in a bare one.
  const own = join(root, ".tools/js/browser");
  mkdirSync(own, { recursive: true });
  const before = { TMPDIR: process.env.TMPDIR };
  Object.assign(process.env, { TMPDIR: own, AWS_LAMBDA_JS_RUNTIME: "nodejs20.x" });
  const { default: chromium } = await import("@sparticuz/chromium");
  const executablePath = await chromium.executablePath();
  // Its own list of fonts names fixed folders. Without any font a page hangs, and with the machine's pages differ.
  writeFileSync(join(own, "fonts.conf"), `<fontconfig><dir>${own}/fonts</dir><cachedir>${own}/fonts-cache</cachedir></fontconfig>`);
  process.env.FONTCONFIG_FILE = join(own, "fonts.conf");
  if (before.TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before.TMPDIR;
  const args = ["--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none"];
  return puppeteer.launch({ executablePath, args, headless: "shell" });
}
