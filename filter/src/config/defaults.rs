//! Every default, with its reason. A test compares the table in `docs/configuration.md` with this one.

use policy_wasm::source::{MapReader, Place};

/// A number that may be left out.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// The path, as in [`policy_wasm::source::Problem::path`]; `*` for an index.
    pub path: &'static str,
    /// The value where the field is left out.
    pub default: u64,
    /// The smallest that is accepted.
    pub least: u64,
    /// The largest that is accepted.
    pub most: u64,
    /// The unit, empty for plain counts.
    pub unit: &'static str,
    /// Why this default and these bounds.
    pub reason: &'static str,
}

/// Fields whose values a problem repeats: choices and sizes, away from every field that can hold a secret.
/// For all other fields a problem reports the kind only, and the names of servers, which the policy has too.
pub const PUBLIC: [&str; 18] = [
    "/allowed_origins/*",
    "/authorization_header",
    "/batches",
    "/clock_leeway_seconds",
    "/denial_form",
    "/issuers/*/algorithms/*",
    "/issuers/*/max_lifetime_seconds",
    "/issuers/*/nonce",
    "/issuers/*/provider",
    "/limits/max_body_bytes",
    "/limits/max_depth",
    "/limits/max_response_bytes",
    "/limits/token_cache_entries",
    "/revisions/*",
    "/servers/*/batches",
    "/servers/*/denial_form",
    "/servers/*/max_body_bytes",
    "/servers/*/tasks",
];

/// A choice, a name or a list that may be left out.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// The path.
    pub path: &'static str,
    /// The value where the field is left out, as JSON.
    pub default: &'static str,
    /// The values that can be written.
    pub values: &'static str,
    /// Why this default.
    pub reason: &'static str,
}

/// Difference of clocks that is put up with.
pub const CLOCK_LEEWAY: Number = Number {
    path: "/clock_leeway_seconds",
    default: 30,
    least: 0,
    most: 60,
    unit: "seconds",
    reason: "clocks kept by NTP differ by less; RFC 8725 readers agree on a minute at most",
};
/// Longest life of a token.
pub const MAX_LIFETIME: Number = Number {
    path: "/issuers/*/max_lifetime_seconds",
    default: 86_400,
    least: 60,
    most: 31_536_000,
    unit: "seconds",
    reason: "a stolen token is worth its remaining life; agents' tokens live for minutes, some issuers' for a day",
};
/// Longest request body.
pub const MAX_BODY: Number = Number {
    path: "/limits/max_body_bytes",
    default: 1_048_576,
    least: 1024,
    most: 67_108_864,
    unit: "bytes",
    reason: "bodies are held until they are judged; large tool arguments are files, which belong elsewhere",
};
/// Longest request body of one server.
pub const SERVER_MAX_BODY: Number = Number {
    path: "/servers/*/max_body_bytes",
    default: MAX_BODY.default,
    least: MAX_BODY.least,
    most: MAX_BODY.most,
    unit: "bytes",
    reason: "as `/limits/max_body_bytes` says, unless one server needs more or less",
};
/// Deepest nesting.
pub const MAX_DEPTH: Number = Number {
    path: "/limits/max_depth",
    default: 64,
    least: 8,
    most: 256,
    unit: "levels",
    reason: "deeper than any tool's arguments, shallower than any server's parser fails at",
};
/// Longest list answer.
pub const MAX_RESPONSE: Number = Number {
    path: "/limits/max_response_bytes",
    default: 4_194_304,
    least: 1024,
    most: 67_108_864,
    unit: "bytes",
    reason: "answers in JSON are held whole to be judged, and streams event by event; a longer one is refused",
};
/// Cached tokens.
pub const TOKEN_CACHE: Number = Number {
    path: "/limits/token_cache_entries",
    default: 4096,
    least: 0,
    most: 65_536,
    unit: "",
    reason: "one entry spares one signature check; an entry takes about 1 KB and the token itself, in each worker thread",
};
/// Longest wait for the authorization cluster.
pub const CHECK_TIMEOUT: Number = Number {
    path: "/checks/spicedb/timeout_ms",
    default: 250,
    least: 1,
    most: 10_000,
    unit: "milliseconds",
    reason: "the call waits for the answer; no answer in time denies it",
};
/// Least serial number of the bundle. JSON readers that take numbers for doubles hold no more exactly.
pub const MIN_SERIAL: Number = Number {
    path: "/bundle/min_serial",
    default: 0,
    least: 0,
    most: 9_007_199_254_740_991,
    unit: "",
    reason: "a bundle with a lower serial is an old one, however well it is signed; not every policy is numbered",
};

/// How long a session lasts.
pub const SESSION_LIFETIME: Number = Number {
    path: "/sessions/lifetime_seconds",
    default: 28_800,
    least: 60,
    most: 2_592_000,
    unit: "seconds",
    reason: "a working day; a client whose session is over starts a new one by itself",
};

/// All numbers.
pub const NUMBERS: [Number; 10] = [
    CLOCK_LEEWAY,
    MAX_LIFETIME,
    MAX_BODY,
    SERVER_MAX_BODY,
    MAX_DEPTH,
    MAX_RESPONSE,
    TOKEN_CACHE,
    CHECK_TIMEOUT,
    MIN_SERIAL,
    SESSION_LIFETIME,
];

/// All choices, names and lists.
pub const CHOICES: [Choice; 24] = [
    Choice {
        path: "/bundle/keys",
        default: "none",
        values: "list of 1 to 16 Ed25519 public keys",
        reason: "without keys, whoever writes the configuration vouches for the policy, and only damage is noticed",
    },
    Choice {
        path: "/bundle/threshold",
        default: "the number of `keys`",
        values: "1 to the number of `keys`",
        reason: "every key that is named must have signed; say less while a key is being replaced",
    },
    Choice {
        path: "/issuers/*/provider",
        default: "\"rfc9068\"",
        values: "`rfc9068`, `keycloak`, `entra`, `okta`, `auth0`, `cognito`",
        reason: "sets the other defaults of the issuer, as [identity providers](#identity-providers) says",
    },
    Choice {
        path: "/issuers/*/token_types",
        default: "[\"at+jwt\"]",
        values: "list of `typ` values, `null` for a token without `typ`",
        reason: "RFC 9068; an id token or an event of the same issuer must not pass for an access token",
    },
    Choice {
        path: "/issuers/*/nonce",
        default: "\"refuse\"",
        values: "`refuse`, `with_bearer`",
        reason: "a `nonce` marks an id token; older Keycloak puts it into access tokens, whose claim `typ` is `Bearer`",
    },
    Choice {
        path: "/issuers/*/subject_claim",
        default: "\"sub\"",
        values: "path to a claim",
        reason: "RFC 7519 §4.1.2; Entra has one subject for all applications in `oid` alone",
    },
    Choice {
        path: "/issuers/*/client_claim",
        default: "\"client_id\"",
        values: "path to a claim",
        reason: "RFC 9068 §2.2; names the calling agent where a token has no `act`",
    },
    Choice {
        path: "/issuers/*/scope_claim",
        default: "\"scope\"",
        values: "path to a claim",
        reason: "RFC 9068 §2.2.3",
    },
    Choice {
        path: "/issuers/*/groups_claim",
        default: "\"groups\"",
        values: "path to a claim",
        reason: "RFC 9068 §2.2.3.1",
    },
    Choice {
        path: "/issuers/*/roles_claim",
        default: "\"roles\"",
        values: "path to a claim",
        reason: "RFC 9068 §2.2.3.1",
    },
    Choice {
        path: "/issuers/*/tenant_claim",
        default: "none",
        values: "path to a claim",
        reason: "issuers name tenants differently (`tid`, `org_id`); where it is set, a token without it is refused",
    },
    Choice {
        path: "/issuers/*/authorization_server",
        default: "the issuer",
        values: "URL",
        reason: "RFC 8414: the issuer identifier is what clients find an authorization server by",
    },
    Choice {
        path: "/revisions",
        default: "[\"2025-06-18\", \"2025-11-25\", \"2026-07-28\"]",
        values: "list of MCP revisions",
        reason: "of the revisions that this release reads, those whose every request says which one it is",
    },
    Choice {
        path: "/batches",
        default: "\"refuse\"",
        values: "`refuse`, `judge`",
        reason: "only 2025-03-26 has batches; `judge` decides each message by itself, and one denial refuses all",
    },
    Choice {
        path: "/servers/*/batches",
        default: "as `/batches`",
        values: "`refuse`, `judge`",
        reason: "few servers of 2025-03-26 are left",
    },
    Choice {
        path: "/denial_form",
        default: "\"jsonrpc_error\"",
        values: "`jsonrpc_error`, `tool_error`, `http_403`",
        reason: "every client survives it and can tell it from a result",
    },
    Choice {
        path: "/servers/*/denial_form",
        default: "as `/denial_form`",
        values: "`jsonrpc_error`, `tool_error`, `http_403`",
        reason: "clients differ by server",
    },
    Choice {
        path: "/servers/*/messages",
        default: "none",
        values: "path",
        reason: "where a server of 2024-11-05 (HTTP with SSE) has messages posted; servers of later revisions have no such path",
    },
    Choice {
        path: "/servers/*/tasks",
        default: "sealed with `sessions`, else server",
        values: "`sealed`, `listed`, `server`",
        reason: "a task is its creator's, whatever its server checks; `listed` believes the server's lists, `server` its ids too",
    },
    Choice {
        path: "/authorization_header",
        default: "\"strip\"",
        values: "`strip`, `keep`",
        reason: "a server that never sees the token cannot pass it on (MCP: token passthrough is forbidden)",
    },
    Choice {
        path: "/allowed_origins",
        default: "[]",
        values: "list of origins",
        reason: "agents send no `Origin`; one that comes is a browser's, and may be a DNS rebinding",
    },
    Choice {
        path: "/sessions/idle_seconds",
        default: "none",
        values: "2 seconds to less than `lifetime_seconds`",
        reason: "how long a person pauses differs by tool; the proxy remembers uses in its memory, and a restart forgets them",
    },
    Choice {
        path: "/checks/spicedb/authority",
        default: "the cluster's name",
        values: "host, or host and port",
        reason: "SpiceDB does not look at it",
    },
    Choice {
        path: "/checks/spicedb/identifiers",
        default: "\"plain\"",
        values: "`plain`, `base64url`",
        reason: "relationships are mostly written with plain ids; an id that SpiceDB cannot hold denies",
    },
];

impl Number {
    /// The member of `map` that the last segment of the path names; the default where it is left out, `None` where it
    /// is wrong.
    pub(super) fn read(&self, map: &mut MapReader<'_>) -> Option<u64> {
        let key = self.path.rsplit('/').next().unwrap_or_default();
        self.value(map.optional(key))
    }

    /// The number at this place, or the default.
    pub(super) fn value(&self, place: Option<Place<'_>>) -> Option<u64> {
        match place {
            Some(place) if PUBLIC.contains(&self.path) => {
                place.public().integer(self.least..=self.most, self.unit)
            }
            Some(place) => place.integer(self.least..=self.most, self.unit),
            None => Some(self.default),
        }
    }
}
