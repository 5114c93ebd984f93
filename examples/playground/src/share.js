// Policy and question in the address's fragment, which browsers do not send.

const PREFIX = "#v1=";
/** Longest text that is unpacked from an address, in characters. */
const MOST = 2_000_000;

/** The fragment that holds a state. */
export async function pack(state) {
  const packed = await through(new CompressionStream("deflate-raw"), new TextEncoder().encode(JSON.stringify(state)));
  const text = btoa(Array.from(packed, (byte) => String.fromCharCode(byte)).join(""));
  return PREFIX + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The state that a fragment holds, or nothing where it holds none that makes sense. */
export async function unpack(fragment) {
  if (!fragment.startsWith(PREFIX)) return undefined;
  try {
    const text = atob(fragment.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const state = JSON.parse(new TextDecoder().decode(await through(new DecompressionStream("deflate-raw"), bytes)));
    const fits = Array.isArray(state.files) && state.files.length > 0 && state.files.every(({ name, text }) => typeof name === "string" && typeof text === "string");
    return fits && typeof state.query === "object" && state.query !== null ? state : undefined;
  } catch {
    return undefined;
  }
}

async function through(stream, bytes) {
  const writer = stream.writable.getWriter();
  // Whatever fails shows on the reading side too.
  writer.write(bytes).then(() => writer.close()).catch(() => {});
  const reader = stream.readable.getReader();
  const parts = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > MOST) throw new RangeError("too long");
    parts.push(part.value);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
