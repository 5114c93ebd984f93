// Reads the values of callers once and strictly: values that are not plain data of the right kind never reach the
// engine. Every member is read a single time, so a Proxy cannot show one value to the check and another to the engine.

/** Most characters of one name or short text. */
const MOST_NAME = 4096;
/** Deepest nesting of a query. The engine's own limit is lower, and its message better. */
const MOST_DEPTH = 256;

/**
 * The members of an options object, each read once. Unknown members, inherited ones and accessors are rejected, so
 * that a misspelt option never counts as a missing one.
 */
export function members(what, value, known) {
  const place = `\`${what}\``;
  const read = Object.create(null);
  for (const [key, member] of own(place, value)) {
    if (!known.includes(key)) {
      const named = typeof key === "symbol" ? key.toString() : `\`${key}\``;
      throw new TypeError(`${place} has no member ${named}: expected ${known.map((name) => `\`${name}\``).join(", ")}`);
    }
    read[key] = member;
  }
  const inherited = known.find((name) => !(name in read) && name in value);
  if (inherited !== undefined) throw new TypeError(`${place} inherits \`${inherited}\`: expected a member of its own`);
  return read;
}

/** Own members of a plain object, symbols and hidden ones too. */
function own(place, value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new TypeError(`${place} must be an object, found ${kind(value)}`);
  const prototype = Object.getPrototypeOf(value);
  // Each window and each context has its own `Object.prototype`.
  const plain = prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"));
  if (!plain) throw new TypeError(`${place} must be a plain object, found one with a prototype`);
  return Reflect.ownKeys(value).map((key) => [key, field(place, value, key)]);
}

function field(place, value, key) {
  const found = Object.getOwnPropertyDescriptor(value, key);
  if (found && !("value" in found)) throw new TypeError(`${place} has an accessor \`${String(key)}\`: expected a value`);
  return found?.value;
}

/** A whole number from 0, for the engine. */
export function natural(name, value) {
  if (typeof value !== "number") throw new TypeError(`\`${name}\` must be a number, found ${kind(value)}`);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`\`${name}\` must be a whole number from 0 to 2^53 - 1`);
  return BigInt(value);
}

/** A text that UTF-8 can encode. */
export function string(name, value, most = MOST_NAME) {
  if (typeof value !== "string") throw new TypeError(`\`${name}\` must be a string, found ${kind(value)}`);
  if (value.length > most) throw new RangeError(`\`${name}\` has ${value.length} characters, expected at most ${most}`);
  if (/\p{Surrogate}/u.test(value)) throw new TypeError(`\`${name}\` is no Unicode text: it has half of a surrogate pair`);
  return value;
}

const TAG = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

/** A copy of bytes, so that they cannot change during the check. */
export function bytes(name, value, most) {
  // The getter checks the real type of the object, independent of its members and prototype.
  if (TAG.call(value) !== "Uint8Array") throw new TypeError(`\`${name}\` must be a Uint8Array, found ${kind(value)}`);
  const copy = new Uint8Array(value);
  if (copy.length > most) throw new RangeError(`\`${name}\` has ${copy.length} bytes, expected at most ${most}`);
  return copy;
}

/** The elements of a list without gaps, each read once. */
export function list(name, value, most) {
  if (!Array.isArray(value)) throw new TypeError(`\`${name}\` must be a list, found ${kind(value)}`);
  const { length } = value;
  if (!(length <= most)) throw new RangeError(`\`${name}\` has ${length} elements, expected at most ${most}`);
  return Array.from({ length }, (_, index) => field(`\`${name}\``, value, String(index)));
}

/**
 * The JSON text of a plain value, without members that are `undefined`. `JSON.stringify` would turn NaN into `null` and
 * a Map into `{}`, and would call `toJSON` of objects.
 */
export function json(what, value, most) {
  let left = most;
  const spend = (characters) => {
    left -= characters;
    if (left < 0) throw new RangeError(`\`${what}\` is longer than ${most} characters of JSON`);
  };
  const scalar = (value) => {
    // Escapes only make a string longer, so a too long string is rejected before it is written.
    if (typeof value === "string" && value.length > left) spend(value.length);
    const text = JSON.stringify(value);
    spend(text.length);
    return text;
  };
  const write = (path, value, depth) => {
    if (depth > MOST_DEPTH) throw new RangeError(`\`${what}\` is nested deeper than ${MOST_DEPTH}, or holds itself`);
    const place = `\`${what}${path}\``;
    if (value === null || ["boolean", "string"].includes(typeof value)) return scalar(value);
    if (typeof value === "number") {
      if (!Number.isFinite(value)) throw new TypeError(`${place} must be a number that JSON can write, found ${value}`);
      return scalar(value);
    }
    if (Array.isArray(value)) {
      const parts = list(`${what}${path}`, value, left).map((element, index) => write(`${path}/${index}`, element, depth + 1));
      spend(parts.length + 1);
      return `[${parts.join(",")}]`;
    }
    if (typeof value !== "object") throw new TypeError(`${place} must be a value of JSON, found ${kind(value)}`);
    const parts = [];
    for (const [key, member] of own(place, value)) {
      if (member === undefined) continue;
      if (typeof key === "symbol") throw new TypeError(`${place} has the member ${key.toString()}: expected names that are strings`);
      const shown = key.length > 64 ? `${key.slice(0, 64)}…` : key;
      parts.push(`${scalar(key)}:${write(`${path}/${shown}`, member, depth + 1)}`);
    }
    spend(parts.length * 2 + 1);
    return `{${parts.join(",")}}`;
  };
  return write("", value, 0);
}

function kind(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return { undefined: "undefined", object: "an object", function: "a function" }[typeof value] ?? `a ${typeof value}`;
}
