//! Every map of the language with its keys, in the order in which `toolward fmt` writes them.

use super::Shape::{
    Anything, Bool, Either, Integer, List, Map, Named, Nothing, Number, OneOf, Pattern, Scalar, Text,
};
use super::{Key, MapShape, Shape, key, must};
use crate::model::{Mode, Revision, ServerKind};

const TIER: Shape = Pattern("[a-z][a-z0-9_-]{0,63}");
const NAME: Shape = Pattern("[a-z][a-z0-9_-]{0,63}");
const LABELS: Shape = List(&Pattern("[a-z][a-z0-9._-]{0,63}"));
const ID: Shape = Pattern("[A-Za-z0-9._:/-]{1,128}");
const TIME: Shape = Pattern("[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]{8}Z)?");
const DURATION: Shape = Pattern("[0-9]+[smhdw]");
const DIGEST: Shape = Pattern("sha256:[0-9a-f]{64}");
const MODE: Shape = OneOf(&Mode::NAMES);
const KIND: Shape = OneOf(&ServerKind::NAMES);
const TEXTS: Shape = List(&Text);
const REVISION: Shape = OneOf(&Revision::NAMES);

const NOTE: Key = key("note", "free-text comment without effect", Text);
const MODE_KEY: Key = key("mode", "`monitor`: what would be denied is recorded and passes", MODE);
const WHEN: Key = key("when", "the condition that must hold", Text);
const ISSUER: Key =
    key("issuer", "short name of the token issuer; needed where the policy has several", NAME);
const VALID: Key = key("valid", "when it holds: from, and until before", Map(&VALIDITY));
const SUBJECTS: Key = key("subjects", "the people; any one of these fits", List(&Map(&SUBJECT)));
const AGENTS: Key = key("actors", "the agents; any one of these fits", List(&Map(&AGENT)));
const SERVERS: Key =
    key("servers", "the servers, by id or by quality; left out: all", List(&Either(&[Text, Map(&SELECTOR)])));
const ITEMS: Key = key("items", "entries of the catalogues; all that is given must fit", Map(&SELECTED));
const TOOL_NAMES: Key = key("tools", "short for `items: {names: […]}`", TEXTS);

/// A policy file.
pub(in crate::compile) const ROOT: MapShape = MapShape {
    name: "policy",
    keys: &[
        must("policy", "version of the language", OneOf(&["toolward/v1"])),
        key("revision", "name of this state of the policy", Pattern("[A-Za-z0-9._:+/-]{1,64}")),
        key("serial", "serial number; readers can refuse older ones", Integer(1, u64::MAX)),
        key("not_after", "from when on the bundle permits nothing", TIME),
        key("organisation", "whose policy it is", Text),
        NOTE,
        key("environments", "environments that servers can be in", List(&NAME)),
        key("issuers", "short name to issuer identifier (`iss`)", Named(&Text)),
        key("tiers", "risk classes, lowest first", List(&TIER)),
        key("chain", "rules for chains of actors", Map(&CHAIN)),
        key("consent", "rules for consent", Map(&CONSENT)),
        key("groups", "groups that there are", Named(&Either(&[Nothing, Map(&DECLARED)]))),
        key("roles", "roles that there are", Named(&Either(&[Nothing, Map(&DECLARED)]))),
        key(
            "agent_types",
            "types of agents; where there are any, every actor has one",
            Named(&Map(&AGENT_TYPE)),
        ),
        key("methods", "rules for methods at all servers", Named(&METHOD_RULE)),
        key("catalogues", "entries that several servers share", Named(&Map(&CATALOGUE))),
        key("servers", "server id to server", Named(&Map(&SERVER))),
        key("grants", "ceilings of people", List(&Map(&GRANT))),
        key("actors", "ceilings of agents", List(&Map(&ACTOR))),
        key("forbids", "rules that deny, whatever else permits", List(&Map(&FORBID))),
        key("approvals", "what needs somebody's yes", List(&Map(&APPROVAL_RULE))),
        key("budgets", "how often something may be called", List(&Map(&BUDGET))),
    ],
};

const CHAIN: MapShape = MapShape {
    name: "chain",
    keys: &[
        key("max_length", "most actors, the calling one included", Integer(1, 8)),
        key(
            "trusted_issuers",
            "issuers that may vouch for actors: short names, or maps that name others whose actors they vouch for",
            List(&Either(&[NAME, Map(&VOUCHER)])),
        ),
    ],
};

const VOUCHER: MapShape = MapShape {
    name: "voucher",
    keys: &[
        must("issuer", "short name of the issuer that signs", NAME),
        must("vouches_for", "short names of the issuers whose actors its tokens may name", List(&NAME)),
    ],
};

const CONSENT: MapShape = MapShape {
    name: "consent",
    keys: &[
        key("required_from", "the lowest tier that needs consent", TIER),
        key("longest_life", "the longest life of a consent", DURATION),
        key("reason_from", "the lowest tier for which consent must state a reason", TIER),
    ],
};

const DECLARED: MapShape = MapShape { name: "declared", keys: &[ISSUER, NOTE] };

const AGENT_TYPE: MapShape = MapShape {
    name: "agent_type",
    keys: &[
        must("server_kinds", "kinds of servers that agents of this type may use", List(&KIND)),
        key("ceiling", "the highest tier that they reach", TIER),
        NOTE,
    ],
};

const METHOD_RULE: Shape = Either(&[OneOf(&["permit", "deny"]), Map(&METHOD)]);
const METHOD: MapShape = MapShape {
    name: "method",
    keys: &[
        must("effect", "whether it is permitted", OneOf(&["permit", "deny"])),
        key("tier", "the tier that it counts as", TIER),
        key("urls", "`elicitation/create`: where a human may be sent, as beginnings of URLs", TEXTS),
        WHEN,
        MODE_KEY,
    ],
};

const TOOLS: Key = key("tools", "tools by name", Named(&Map(&TOOL)));
const PROMPTS: Key = key("prompts", "prompts by name", Named(&Map(&PROMPT)));
const RESOURCES: Key = key("resources", "resources by URI", Named(&Map(&RESOURCE)));
const TEMPLATES: Key = key("resource_templates", "resources by URI template", Named(&Map(&RESOURCE)));

const CATALOGUE: MapShape = MapShape { name: "catalogue", keys: &[TOOLS, PROMPTS, RESOURCES, TEMPLATES] };

const SERVER: MapShape = MapShape {
    name: "server",
    keys: &[
        must("resource", "the URL that clients use and that tokens name in `aud`", Text),
        key("authorities", "`host` or `host:port` of requests for it", TEXTS),
        key("path", "path of requests for it", Text),
        key("kind", "how sensitive it is", KIND),
        key("owner", "who answers for it", Text),
        NOTE,
        key("environment", "the environment that it is in", NAME),
        key(
            "environments",
            "the environments that it is in; each becomes a server `id.environment`",
            List(&NAME),
        ),
        key("labels", "labels, for rules", LABELS),
        key("revisions", "protocol revisions that are admitted", List(&REVISION)),
        key("scopes", "tier to OAuth scope", Named(&Text)),
        MODE_KEY,
        key("methods", "rules for methods here", Named(&METHOD_RULE)),
        key("catalogue", "catalogues whose entries it has", Either(&[Text, TEXTS])),
        TOOLS,
        PROMPTS,
        RESOURCES,
        TEMPLATES,
    ],
};

const ITEM_TIER: Key = must("tier", "risk class", TIER);
const ITEM_LABELS: Key = key("labels", "labels, for rules", LABELS);
const ITEM_REVIEW: Key = key(
    "review",
    "`pending`: a proposed tier that was not reviewed yet; the policy does not compile",
    OneOf(&["pending"]),
);
const ITEM_ARGUMENTS: Key =
    key("arguments", "path of an argument to what it must be like", Named(&Map(&ARGUMENT)));
const ITEM_CHECKS: Key =
    key("checks", "relations that the authorization cluster must confirm", List(&Map(&CHECK)));
const ITEM_APPROVAL: Key = key("approval", "whose yes every call needs", Either(&[Bool, Map(&APPROVAL)]));
const ITEM_RECORD: Key = key("record", "what a record of the call shows", Map(&RECORD));

const TOOL: MapShape = MapShape {
    name: "tool",
    keys: &[
        ITEM_TIER,
        ITEM_LABELS,
        NOTE,
        ITEM_REVIEW,
        key("definition", "digest of the accepted definition", DIGEST),
        key("versions", "accepted definitions by version", Named(&Map(&VERSION))),
        key(
            "input_schema",
            "JSON Schema of the arguments: the types of `args` in conditions, and headers that repeat arguments",
            Anything,
        ),
        ITEM_ARGUMENTS,
        WHEN,
        ITEM_CHECKS,
        ITEM_APPROVAL,
        ITEM_RECORD,
        MODE_KEY,
    ],
};

const PROMPT: MapShape = MapShape {
    name: "prompt",
    keys: &[
        ITEM_TIER,
        ITEM_LABELS,
        NOTE,
        ITEM_REVIEW,
        ITEM_ARGUMENTS,
        WHEN,
        ITEM_CHECKS,
        ITEM_APPROVAL,
        ITEM_RECORD,
        MODE_KEY,
    ],
};

const RESOURCE: MapShape = MapShape {
    name: "resource",
    keys: &[ITEM_TIER, ITEM_LABELS, NOTE, ITEM_REVIEW, WHEN, ITEM_APPROVAL, MODE_KEY],
};

const VERSION: MapShape = MapShape {
    name: "version",
    keys: &[
        must("digest", "digest of the definition", DIGEST),
        key("deprecated_until", "when it ceases to be accepted", TIME),
        key(
            "input_schema",
            "JSON Schema of the arguments where it is not that of the tool, for headers",
            Anything,
        ),
    ],
};

const ARGUMENT: MapShape = MapShape {
    name: "argument",
    keys: &[
        key("required", "whether it must be there", Bool),
        key("one_of", "the values that it may have", List(&Scalar)),
        key("not_one_of", "values that it may not have", List(&Scalar)),
        key("min", "the least number", Number),
        key("max", "the greatest number", Number),
        key("starts_with", "how the text begins", Text),
        key("ends_with", "how the text ends", Text),
        key("contains", "what the text contains", Text),
        key("min_length", "fewest characters or entries", Integer(0, 1_048_576)),
        key("max_length", "most characters or entries", Integer(0, 1_048_576)),
    ],
};

const CHECK: MapShape = MapShape {
    name: "check",
    keys: &[
        must("relation", "relation or permission", Text),
        must("object", "`type:id`, with `{args.…}` and `{subject.id}`", Text),
        key("subject", "`type:id`; left out: `user:{subject.id}`", Text),
    ],
};

const APPROVERS: Key =
    key("approvers", "who can say yes: `group:…`, `role:…`, `id:…`", List(&Pattern("(group|role|id):.+")));
const VALID_FOR: Key = key("valid_for", "how long a yes holds", DURATION);
const APPROVAL: MapShape = MapShape { name: "approval", keys: &[APPROVERS, VALID_FOR] };
const RECORD: MapShape =
    MapShape { name: "record", keys: &[must("arguments", "arguments that a record may show", TEXTS)] };

const SUBJECT: MapShape = MapShape {
    name: "subject",
    keys: &[
        key("id", "one human, by `sub`", Text),
        key("group", "a group", Text),
        key("role", "a role", Text),
        key("claim", "all whose token has this claim", Named(&Scalar)),
        key("anyone", "everybody of the issuer", Bool),
        ISSUER,
    ],
};

const AGENT: MapShape = MapShape {
    name: "agent",
    keys: &[
        key("subject", "one agent, by `act.sub`", Text),
        key("client", "one agent, by `client_id`", Text),
        key("label", "agents of the policy with this label", Text),
        key("type", "agents of the policy of this type", Text),
        ISSUER,
    ],
};

const SELECTOR: MapShape = MapShape {
    name: "server_selector",
    keys: &[
        key("kind", "servers of this kind", Text),
        key("environment", "servers in this environment", Text),
        key("label", "servers with this label", Text),
    ],
};

const SELECTED: MapShape = MapShape {
    name: "items",
    keys: &[
        key("names", "only these names or URIs", TEXTS),
        key("labels", "only those with one of these labels", TEXTS),
        key("tier_from", "only this tier and those above", TIER),
    ],
};

const VALIDITY: MapShape = MapShape {
    name: "valid",
    keys: &[key("from", "the first second", TIME), key("until", "the first second after", TIME)],
};

const RULE_ID: Key = must("id", "id of the rule, in decisions and records", ID);
const CEILING: Key = must("ceiling", "the highest tier", TIER);

const GRANT: MapShape = MapShape {
    name: "grant",
    keys: &[
        RULE_ID,
        NOTE,
        must("subjects", "the people; any one of these fits", List(&Map(&SUBJECT))),
        AGENTS,
        SERVERS,
        CEILING,
        VALID,
        WHEN,
        MODE_KEY,
    ],
};

const ACTOR: MapShape = MapShape {
    name: "actor",
    keys: &[
        RULE_ID,
        NOTE,
        key("subject", "the agent, by `act.sub`", Text),
        key("client", "the agent, by `client_id`", Text),
        key("any", "every agent of the issuer", Bool),
        ISSUER,
        key("type", "its type, one of `agent_types`", Text),
        key("labels", "labels, for rules", LABELS),
        SERVERS,
        CEILING,
        VALID,
    ],
};

const FORBID: MapShape = MapShape {
    name: "forbid",
    keys: &[
        RULE_ID,
        NOTE,
        SUBJECTS,
        AGENTS,
        SERVERS,
        ITEMS,
        TOOL_NAMES,
        key("methods", "only these methods", TEXTS),
        VALID,
        WHEN,
        MODE_KEY,
    ],
};

const APPROVAL_RULE: MapShape = MapShape {
    name: "approval_rule",
    keys: &[
        RULE_ID, NOTE, SUBJECTS, AGENTS, SERVERS, ITEMS, TOOL_NAMES, WHEN, APPROVERS, VALID_FOR, MODE_KEY,
    ],
};

const BUDGET: MapShape = MapShape {
    name: "budget",
    keys: &[
        RULE_ID,
        NOTE,
        SUBJECTS,
        AGENTS,
        SERVERS,
        ITEMS,
        TOOL_NAMES,
        key(
            "per",
            "the keys by which calls are counted separately",
            List(&OneOf(&["subject", "actor", "tool"])),
        ),
        must("limit", "most calls in a window", Integer(0, 1_000_000_000)),
        must("window", "length of the window", DURATION),
        MODE_KEY,
    ],
};
