// Policy and question in the address's fragment, which browsers do not send. A link comes from anybody: it is unpacked
// within bounds and has one shape, or it is refused with the reason.

const PREFIX = "#v1=";
/** Longest fragment, in characters, and longest text that is unpacked from it, in bytes. */
const [MOST_PACKED, MOST] = [512 * 1024, 1024 * 1024];
/** Most files, longest name of one, longest question as JSON, deepest nesting of it. */
const [MOST_FILES, MOST_NAME, MOST_QUERY, MOST_DEPTH] = [64, 128, 64 * 1024, 32];

/** Why a link is not opened. */
class Refused extends Error {}

/** The fragment that holds a state; nothing where the state is too large for a link. */
export async function pack(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  if (bytes.length > MOST || whyNot(state)) return undefined;
  const packed = await through(new CompressionStream("deflate-raw"), bytes);
  const parts = [];
  for (let at = 0; at < packed.length; at += 8192) parts.push(String.fromCharCode(...packed.subarray(at, at + 8192)));
  const text = PREFIX + btoa(parts.join("")).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return text.length > MOST_PACKED ? undefined : text;
}

/** What a fragment holds: a `state`, or the reason `why` it is refused; neither where it is no link of this page. */
export async function unpack(fragment) {
  if (!/^#v\d+=/.test(fragment)) return {};
  try {
    if (!fragment.startsWith(PREFIX)) throw new Refused("another version of this page made it");
    if (fragment.length > MOST_PACKED) throw new Refused(`it is longer than ${MOST_PACKED.toLocaleString("en")} characters`);
    const state = parsed(await through(new DecompressionStream("deflate-raw"), decoded(fragment.slice(PREFIX.length))));
    const why = whyNot(state);
    if (why) throw new Refused(why);
    return { state };
  } catch (error) {
    // Text that is not base64, deflate, UTF-8 or JSON was cut off or changed on its way.
    return { why: error instanceof Refused ? error.message : "it is damaged or was cut off" };
  }
}

function decoded(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

function parsed(bytes) {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

/** What is wrong with the shape of a state, if anything. */
function whyNot(state) {
  if (!isObject(state) || !Object.keys(state).every((key) => ["files", "active", "query", "example"].includes(key))) return "it has another shape";
  const { files, active = 0, query, example = 0 } = state;
  if (!Array.isArray(files) || files.length === 0) return "it holds no policy files";
  if (files.length > MOST_FILES) return `it holds more than ${MOST_FILES} policy files`;
  const named = ({ name, text }) => typeof name === "string" && name !== "" && name.length <= MOST_NAME && typeof text === "string";
  if (!files.every((file) => isObject(file) && named(file))) return "a policy file in it has no name or no text";
  if (new Set(files.map(({ name }) => name)).size < files.length) return "two policy files in it have one name";
  if (![active, example].every((index) => Number.isInteger(index) && index >= 0)) return "it has another shape";
  if (!isObject(query)) return "it holds no question";
  if (depth(query) > MOST_DEPTH) return "its question is nested too deeply";
  if (JSON.stringify(query).length > MOST_QUERY) return "its question is too long";
  return undefined;
}

/** Whether a value is a question that the page can show: an object of a bearable size. */
export function isShowable(query) {
  return isObject(query) && depth(query) <= MOST_DEPTH;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How deeply a value is nested; counts no further than one more than is allowed. */
function depth(value, level = 0) {
  if (typeof value !== "object" || value === null || level > MOST_DEPTH) return level;
  let deepest = level + 1;
  for (const member of Object.values(value)) {
    deepest = Math.max(deepest, depth(member, level + 1));
    if (deepest > MOST_DEPTH) break;
  }
  return deepest;
}

/** What a stream makes of the bytes; no more is kept than is allowed, whatever they would grow to. */
async function through(stream, bytes) {
  const writer = stream.writable.getWriter();
  // Failures show on the reading side too.
  writer.write(bytes).then(() => writer.close()).catch(() => {});
  const reader = stream.readable.getReader();
  const parts = [];
  let length = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > MOST) {
      reader.cancel().catch(() => {});
      throw new Refused(`it unpacks to more than ${MOST.toLocaleString("en")} bytes`);
    }
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
