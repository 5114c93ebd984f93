// Node's URL, as the TypeScript SDK 1.x reads the URI of a resource: a JSON string a line in, its normal forms out.
import { createInterface } from "node:readline";

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const text = JSON.parse(line);
  let forms = [];
  try {
    const url = new URL(text);
    forms = [url.href, url.toString()];
  } catch {
    // It rejects the URI.
  }
  console.log(JSON.stringify([...new Set(forms)]));
}
