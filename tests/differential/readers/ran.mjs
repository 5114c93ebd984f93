// The calls that ran, in order, until the next query.
let list = [];

// Numbers that JSON cannot express are reported as text, so that they stay visible.
const seen = (_, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);

export function ran(what) {
  list.push(what);
}

export function answerRan(response) {
  let body;
  try {
    body = JSON.stringify(list, seen);
  } catch {
    // Deeper than this program can write: the call is reported without its arguments.
    body = JSON.stringify(list.map((what) => ({ ...what, arguments: { deep: true } })));
  }
  list = [];
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
}
