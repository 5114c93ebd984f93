/** One file of a policy. */
export interface PolicyFile {
  /** Its name, for messages. */
  name: string;
  /** Its text, in YAML. */
  text: string;
}

/** A mistake in a file, a query or a bundle. */
export interface Problem {
  /** The file's name; `query`, `matrix`, `bundle` or `trust` for other inputs. */
  file: string;
  /** Line, from 1. */
  line: number;
  /** Column in characters, from 1. */
  column: number;
  /** Line of its end; equals `line` if unknown. */
  end_line: number;
  /** Column behind its last character; equals `column` if unknown. */
  end_column: number;
  /** Place in the document, as a JSON pointer (RFC 6901); empty for the whole. */
  path: string;
  /** The mistake and the expected value. */
  message: string;
  /** The likely correction, if there is one. */
  suggestion: string | null;
  /** The line with a mark below the mistake, for a display in a monospaced font. */
  excerpt: string | null;
}

/** An input that the engine rejects, with all problems at once. */
export class PolicyError extends Error {
  readonly name: "PolicyError";
  readonly problems: Problem[];
  constructor(problems: Problem[]);
}

export interface CompileOptions {
  /** The revision, unless the policy names one. */
  revision?: string;
  /** The serial number, unless the policy names one. */
  serial?: number;
  /** The Unix second from which on the bundle permits nothing, unless the policy sets one. */
  notAfter?: number;
}

export type Compiled = { bundle: Uint8Array; problems: [] } | { bundle?: undefined; problems: Problem[] };

/**
 * Compiles policy files to a bundle with the same bytes as that of the command line, or reports every problem.
 * @throws {TypeError | RangeError} if a file or an option is of the wrong kind, or an option is unknown.
 */
export function compile(files: Iterable<PolicyFile>, options?: CompileOptions): Compiled;

/** A problem, or a likely mistake in a policy that compiles. */
export interface Finding extends Problem {
  /** A policy with errors does not compile; with warnings it does. */
  severity: "error" | "warning";
  /** The code of the warning; `null` for an error. */
  code: string | null;
}

export interface CheckOptions {
  /** The time in Unix seconds, for warnings about expired rules; by default this machine's. */
  now?: number;
}

/**
 * All problems of policy files; for files that compile, the likely mistakes.
 * @throws {TypeError | RangeError} as `compile`.
 */
export function check(files: Iterable<PolicyFile>, options?: CheckOptions): Finding[];

/**
 * The keys whose bundles are accepted. Unknown members are rejected, and so are members that are `undefined` or
 * `null`, so that no mistake weakens the trust.
 */
export interface TrustedKeys {
  /** Ed25519 public keys, 32 bytes each, 1 to 16 of them. */
  keys: Uint8Array[];
  /** The number of keys that must have signed; by default all. */
  threshold?: number;
  /** The lowest accepted serial number. */
  minSerial?: number;
}

/** Without keys, the engine detects damage but not forgery. */
export interface DigestOnly {
  keys?: never;
  threshold?: never;
  minSerial?: number;
}

export type Trust = TrustedKeys | DigestOnly;

export interface Subject {
  /** `sub` of the token. */
  id: string;
  /** Short name or identifier of the issuer; optional if the policy has only one. */
  issuer?: string;
  groups?: string[];
  roles?: string[];
  claims?: Record<string, unknown>;
}

/** An agent, named by its `act.sub` or by its `client_id`. */
export type Actor = ({ subject: string } | { client: string } | { id: string; kind?: "subject" | "client" }) & {
  /** Short name or identifier of the issuer; by default the subject's. */
  issuer?: string;
};

export interface Consent {
  id: string;
  /** Its coverage; by default everything. */
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

/** One query: subject, agents, target, server and time. It names at most one of tool, prompt, resource and url. */
export interface Query {
  /** The server's id or its address. */
  server: string | { authority: string; path: string };
  /** The MCP method; by default the one of the target. */
  method?: string;
  subject: Subject;
  /** The calling agent first, then earlier actors. */
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
  /** The time of the call as RFC 3339 or Unix seconds; by default this machine's. */
  now?: string | number;
  connection?: Connection;
}

/** A duty before a permit counts. */
export type Obligation =
  | { kind: "check"; subject: string; relation: string; object: string }
  | { kind: "approval"; rule: string; approvers: string[]; valid_for: number }
  | { kind: "budget"; rule: string; per: ("subject" | "actor" | "tool")[]; limit: number; window: number };

export interface Decision {
  effect: "permit" | "deny";
  /** Codes of the reasons of a denial; the client learns the first. */
  reasons: string[];
  /** Reasons that monitor mode turned into records. */
  monitored: string[];
  /** The tier that the call needs. */
  tier: string | null;
  /** The ceiling of subject and agents. */
  ceiling: string | null;
  /** The scope that the token lacks. */
  scope_needed: string | null;
  obligations: Obligation[];
  /** Revision of the policy. */
  revision: string;
}

export interface Fact {
  what: string;
  /** Its rule. */
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
  /** The change for each reason that would permit the call. */
  would_change: { reason: string; change: string }[];
}

/** The contents of a matrix; by default every subject, agent and item. */
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
  /** Cells by the indices of subject, agent and item; plain denials are left out. */
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
 * An opened bundle. Queries may be objects or JSON texts; methods named `…Json` return the engine's own text.
 * Objects may hold plain data only: other values are a `TypeError`, and too long or too deep ones a `RangeError`.
 */
export class Engine {
  private constructor();
  /**
   * @throws {PolicyError} if the bundle is damaged, or not signed as `trust` requires.
   * @throws {TypeError | RangeError} if bundle or trust have the wrong form; then nothing was opened.
   */
  static open(bundle: Uint8Array, trust?: Trust): Engine;
  /** @throws {PolicyError} if the query is malformed or names unknown parts of the policy. */
  evaluate(query: Query | string): Decision;
  evaluateJson(query: Query | string): string;
  /** As `evaluate`, with everything that led to the decision. */
  explain(query: Query | string): Explanation;
  explainJson(query: Query | string): string;
  /** The access matrix. */
  matrix(spec?: MatrixSpec | string): Matrix;
  matrixJson(spec?: MatrixSpec | string): string;
  /** The head of the bundle. */
  inspect(): Overview;
  /** The principals of the rules, as members of a query. */
  callers(): { subjects: { label: string; subject: Subject }[]; agents: { label: string; actor: Actor }[] };
  /** Frees the engine's memory; garbage collection of the object frees it too. */
  free(): void;
}
