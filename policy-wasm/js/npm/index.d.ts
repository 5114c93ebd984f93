/** One file of a policy. */
export interface PolicyFile {
  /** Its name, for messages. */
  name: string;
  /** Its text, in YAML. */
  text: string;
}

/** One thing that is wrong with a file, a query or a bundle. */
export interface Problem {
  /** The file's name; `query`, `matrix`, `bundle` or `trust` for what is no file. */
  file: string;
  /** Line, from 1. */
  line: number;
  /** Column in characters, from 1. */
  column: number;
  /** Line where it ends; the same as `line` where that is not known. */
  end_line: number;
  /** Column behind its last character; the same as `column` where that is not known. */
  end_column: number;
  /** Where in the document, as a JSON pointer (RFC 6901); empty for the whole. */
  path: string;
  /** What is wrong and what was expected. */
  message: string;
  /** What to write instead, where that can be guessed. */
  suggestion: string | null;
  /** The line, and below it the mark of what is wrong, for a display with letters of one width. */
  excerpt: string | null;
}

/** Something that the engine refuses, with everything that is wrong at once. */
export class PolicyError extends Error {
  readonly name: "PolicyError";
  readonly problems: Problem[];
  constructor(problems: Problem[]);
}

export interface CompileOptions {
  /** The revision, where the policy names none. */
  revision?: string;
  /** The serial number, where the policy names none. */
  serial?: number;
  /** The Unix second from which on the bundle permits nothing, where the policy does not say. */
  notAfter?: number;
}

export type Compiled = { bundle: Uint8Array; problems: [] } | { bundle?: undefined; problems: Problem[] };

/**
 * Compiles policy files to the bytes of a bundle, the same as the command line writes, or tells every problem.
 * @throws {TypeError | RangeError} where a file or an option is of the wrong kind, or an option is unknown.
 */
export function compile(files: Iterable<PolicyFile>, options?: CompileOptions): Compiled;

/** A problem, or what is likely a mistake in a policy that compiles. */
export interface Finding extends Problem {
  /** A policy with errors does not compile; with warnings it does. */
  severity: "error" | "warning";
  /** Which warning it is; `null` for an error. */
  code: string | null;
}

export interface CheckOptions {
  /** The time, in Unix seconds, for warnings of what is over; this machine's where it is left out. */
  now?: number;
}

/**
 * Everything that is wrong with policy files; where they compile, what is likely a mistake.
 * @throws {TypeError | RangeError} as `compile`.
 */
export function check(files: Iterable<PolicyFile>, options?: CheckOptions): Finding[];

/**
 * Whose bundles are accepted. Members that are not named here are refused, and so are members that are `undefined` or
 * `null`: what decides about trust is never left out by mistake.
 */
export interface TrustedKeys {
  /** Ed25519 public keys, 32 bytes each, 1 to 16 of them. */
  keys: Uint8Array[];
  /** How many of them must have signed; all, unless said. */
  threshold?: number;
  /** The lowest serial number that is accepted. */
  minSerial?: number;
}

/** Without keys, nobody vouches for the bundle, and only damage is noticed. */
export interface DigestOnly {
  keys?: never;
  threshold?: never;
  minSerial?: number;
}

export type Trust = TrustedKeys | DigestOnly;

export interface Subject {
  /** `sub` of the token. */
  id: string;
  /** Short name or identifier of the issuer; may be left out where the policy has only one. */
  issuer?: string;
  groups?: string[];
  roles?: string[];
  claims?: Record<string, unknown>;
}

/** An agent, named by its `act.sub` or by its `client_id`. */
export type Actor = ({ subject: string } | { client: string } | { id: string; kind?: "subject" | "client" }) & {
  /** Short name or identifier of the issuer; the subject's where it is left out. */
  issuer?: string;
};

export interface Consent {
  id: string;
  /** What it covers; everything where it is left out. */
  servers?: string[];
  tools?: string[];
  /** The highest tier that it covers. */
  level?: string;
  reason?: string;
  /** Moments as RFC 3339 or Unix seconds. */
  given_at?: string | number;
  expires_at?: string | number;
}

export interface Connection {
  source_address?: string;
  tls?: boolean;
  /** The name in the caller's certificate. */
  peer?: string;
}

/** One question: who, by which agents, wants what, where, when. Names at most one of tool, prompt, resource and url. */
export interface Query {
  /** The server's id, or where it is reached. */
  server: string | { authority: string; path: string };
  /** The MCP method, where it is not the one that fits what is asked for. */
  method?: string;
  subject: Subject;
  /** The agent that calls first, then those that it acts for. */
  actors?: Actor[];
  scopes?: string[];
  consent?: Consent;
  tool?: string;
  prompt?: string;
  resource?: string;
  url?: string;
  arguments?: Record<string, unknown>;
  /** Digest of the definition that the server shows: `sha256:` and 64 hexadecimal digits. */
  definition?: string;
  /** The time of the call as RFC 3339 or Unix seconds; this machine's where it is left out. */
  now?: string | number;
  connection?: Connection;
}

/** What must happen before a permit counts. */
export type Obligation =
  | { kind: "check"; subject: string; relation: string; object: string }
  | { kind: "approval"; rule: string; approvers: string[]; valid_for: number }
  | { kind: "budget"; rule: string; per: ("subject" | "actor" | "tool")[]; limit: number; window: number };

export interface Decision {
  effect: "permit" | "deny";
  /** Codes of the reasons of a denial; the first is the one that the client is told. */
  reasons: string[];
  /** Reasons that rules in monitor mode would have denied for. */
  monitored: string[];
  /** The tier that the call needs. */
  tier: string | null;
  /** How far human and agents may go. */
  ceiling: string | null;
  /** The scope that a token would need. */
  scope_needed: string | null;
  obligations: Obligation[];
  /** Revision of the policy. */
  revision: string;
}

export interface Fact {
  what: string;
  /** The rule that it is about. */
  rule: string | null;
  tier: string | null;
  /** Whether this fact decided the layer. */
  decided: boolean;
}

export interface Layer {
  name: string;
  outcome: "pass" | "deny";
  facts: Fact[];
  reasons: string[];
}

export interface Explanation extends Decision {
  /** Every layer of the decision, in order. */
  layers: Layer[];
  /** What would have to be different for a permit, for each reason. */
  would_change: { reason: string; change: string }[];
}

/** What a matrix is about; everybody, by every agent, everything, unless said. */
export interface MatrixSpec {
  subjects?: Subject[];
  /** Agents, or whole chains of them. */
  agents?: (Actor | Actor[])[];
  servers?: string[];
  scopes?: string[];
  consent?: Consent;
  now?: string | number;
  connection?: Connection;
}

export interface Matrix {
  revision: string;
  now: string;
  subjects: string[];
  agents: string[];
  items: { server: string; kind: string; name: string; tier: string }[];
  /** Cells by the places of their subject, agent and item; what is denied without more is left out. */
  cells: {
    agent: number;
    subject: number;
    item: number;
    outcome: "permit" | "conditional" | "deny";
    needs: string[];
    reasons: string[];
    monitored: string[];
  }[];
}

export interface Overview {
  format: number;
  revision: string;
  serial: number;
  not_after: string | null;
  digest: string;
  signers: string[];
  organisation: string | null;
  tiers: string[];
  issuers: { name: string; issuer: string }[];
  servers: { id: string; kind: string; resource: string; environment: string; owner: string; scopes: string[] }[];
}

/**
 * An opened bundle. Questions may be objects or the text of JSON; methods named `…Json` give the engine's own text.
 * An object may hold plain data only: anything else is a `TypeError`, and what is too long or too deep a `RangeError`.
 */
export class Engine {
  private constructor();
  /**
   * @throws {PolicyError} where the bundle is damaged, or not signed as `trust` asks.
   * @throws {TypeError | RangeError} where bundle or trust are not what they should be; then nothing was opened.
   */
  static open(bundle: Uint8Array, trust?: Trust): Engine;
  /** @throws {PolicyError} where the query is malformed or names what the policy does not have. */
  evaluate(query: Query | string): Decision;
  evaluateJson(query: Query | string): string;
  /** As `evaluate`, with everything that led to the decision. */
  explain(query: Query | string): Explanation;
  explainJson(query: Query | string): string;
  /** Who can use what. */
  matrix(spec?: MatrixSpec | string): Matrix;
  matrixJson(spec?: MatrixSpec | string): string;
  /** What the bundle says of itself. */
  inspect(): Overview;
  /** Everybody whom the rules name, as members of a query. */
  callers(): { subjects: { label: string; subject: Subject }[]; agents: { label: string; actor: Actor }[] };
  /** Gives the engine's memory back; it also goes when the object is collected. */
  free(): void;
}
