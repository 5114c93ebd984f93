//! Every method and notification of every revision, in both directions. Whatever is not listed is refused.
//!
//! Source: the schemas of MCP 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28, and the extension
//! `io.modelcontextprotocol/tasks`.

use super::revision::Revision;

/// Whether an answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A request: it has an id, and an answer comes.
    Request,
    /// A notification: it has no id.
    Notification,
}

/// Who sends a message to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// By POST.
    ClientToServer,
    /// In the response to a POST, or in the stream of a GET.
    ServerToClient,
}

/// What a message acts on, and so what the decision about it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// The server as a whole.
    Server,
    /// The tool that `params.name` names.
    Tool,
    /// The prompt that `params.name` names.
    Prompt,
    /// The resource that `params.uri` names.
    Resource,
    /// The prompt or resource that `params.ref` names.
    Reference,
    /// The task that `params.taskId` names.
    Task,
    /// The resources and tasks that `params.notifications` lists, each by itself.
    Subscriptions,
    /// What the client has: its model, its human, its files.
    Client,
}

impl Object {
    /// How docs call it.
    pub const fn words(self) -> &'static str {
        match self {
            Object::Server => "the server",
            Object::Tool => "the tool `params.name`",
            Object::Prompt => "the prompt `params.name`",
            Object::Resource => "the resource `params.uri`",
            Object::Reference => "the prompt or resource `params.ref`",
            Object::Task => "the task `params.taskId`",
            Object::Subscriptions => "each resource and task of `params.notifications`",
            Object::Client => "the client: its model, its human, its files",
        }
    }
}

/// The first and last revision in which somebody sends a message; `None` for a last one that is not known yet.
pub type Span = (Revision, Option<Revision>);

/// One line of the table.
#[derive(Debug)]
struct Row {
    name: &'static str,
    form: Form,
    client: Option<Span>,
    server: Option<Span>,
    object: Object,
}

const R11: Revision = Revision::R20241105;
const R06: Revision = Revision::R20250618;
const R25: Revision = Revision::R20251125;
const R26: Revision = Revision::R20260728;

/// All revisions.
const ALWAYS: Option<Span> = Some((R11, None));
/// To the end of the legacy era.
const LEGACY: Option<Span> = Some((R11, Some(R25)));
/// From the beginning of the modern era.
const MODERN: Option<Span> = Some((R26, None));
/// In 2025-11-25 alone.
const ONLY_25: Option<Span> = Some((R25, Some(R25)));
/// From 2025-11-25; from 2026-07-28 as the extension of tasks.
const FROM_25: Option<Span> = Some((R25, None));
/// Elicitation: requests of its own from 2025-06-18 to 2025-11-25.
const ELICITATION: Option<Span> = Some((R06, Some(R25)));
/// Not sent in this direction.
const NEVER: Option<Span> = None;

macro_rules! methods {
    ($($name:ident = $wire:literal, $form:ident, $client:ident, $server:ident, $object:ident;)+) => {
        /// A method or notification.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $wire, "`.")] $name,)+
        }

        impl Method {
            /// Every one.
            pub const ALL: &'static [Method] = &[$(Method::$name),+];

            const fn row(self) -> &'static Row {
                match self {
                    $(Method::$name => &Row {
                        name: $wire,
                        form: Form::$form,
                        client: $client,
                        server: $server,
                        object: Object::$object,
                    },)+
                }
            }
        }
    };
}

methods! {
    // variant = name, form, sent by clients in, sent by servers in, acts on
    CallTool = "tools/call", Request, ALWAYS, NEVER, Tool;
    ListTools = "tools/list", Request, ALWAYS, NEVER, Server;
    Initialize = "initialize", Request, LEGACY, NEVER, Server;
    Discover = "server/discover", Request, MODERN, NEVER, Server;
    Ping = "ping", Request, LEGACY, LEGACY, Server;
    ListPrompts = "prompts/list", Request, ALWAYS, NEVER, Server;
    GetPrompt = "prompts/get", Request, ALWAYS, NEVER, Prompt;
    ListResources = "resources/list", Request, ALWAYS, NEVER, Server;
    ListTemplates = "resources/templates/list", Request, ALWAYS, NEVER, Server;
    ReadResource = "resources/read", Request, ALWAYS, NEVER, Resource;
    Subscribe = "resources/subscribe", Request, LEGACY, NEVER, Resource;
    Unsubscribe = "resources/unsubscribe", Request, LEGACY, NEVER, Resource;
    Listen = "subscriptions/listen", Request, MODERN, NEVER, Subscriptions;
    Complete = "completion/complete", Request, ALWAYS, NEVER, Reference;
    SetLevel = "logging/setLevel", Request, LEGACY, NEVER, Server;
    GetTask = "tasks/get", Request, FROM_25, ONLY_25, Task;
    TaskResult = "tasks/result", Request, ONLY_25, ONLY_25, Task;
    CancelTask = "tasks/cancel", Request, FROM_25, ONLY_25, Task;
    ListTasks = "tasks/list", Request, ONLY_25, ONLY_25, Server;
    UpdateTask = "tasks/update", Request, MODERN, NEVER, Task;
    CreateMessage = "sampling/createMessage", Request, NEVER, LEGACY, Client;
    Elicit = "elicitation/create", Request, NEVER, ELICITATION, Client;
    ListRoots = "roots/list", Request, NEVER, LEGACY, Client;
    Initialized = "notifications/initialized", Notification, LEGACY, NEVER, Server;
    Cancelled = "notifications/cancelled", Notification, LEGACY, ALWAYS, Server;
    Progress = "notifications/progress", Notification, LEGACY, ALWAYS, Server;
    RootsChanged = "notifications/roots/list_changed", Notification, LEGACY, NEVER, Server;
    Log = "notifications/message", Notification, NEVER, ALWAYS, Server;
    ToolsChanged = "notifications/tools/list_changed", Notification, NEVER, ALWAYS, Server;
    PromptsChanged = "notifications/prompts/list_changed", Notification, NEVER, ALWAYS, Server;
    ResourcesChanged = "notifications/resources/list_changed", Notification, NEVER, ALWAYS, Server;
    ResourceUpdated = "notifications/resources/updated", Notification, NEVER, ALWAYS, Resource;
    TaskStatus = "notifications/tasks/status", Notification, ONLY_25, ONLY_25, Task;
    ElicitationComplete = "notifications/elicitation/complete", Notification, NEVER, ONLY_25, Client;
    Acknowledged = "notifications/subscriptions/acknowledged", Notification, NEVER, MODERN, Server;
    TaskChanged = "notifications/tasks", Notification, NEVER, MODERN, Task;
}

impl Method {
    /// The method or notification with this exact name.
    pub fn named(name: &str) -> Option<Method> {
        Method::ALL.iter().copied().find(|method| method.name() == name)
    }

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether it is a request or a notification.
    pub const fn form(self) -> Form {
        self.row().form
    }

    /// What it acts on.
    pub const fn object(self) -> Object {
        self.row().object
    }

    /// In which revisions it is sent in this direction; `None` where it never is.
    ///
    /// In 2026-07-28 servers ask for sampling, elicitation and roots inside `input_required` results, not by requests.
    pub const fn span(self, direction: Direction) -> Option<Span> {
        match direction {
            Direction::ClientToServer => self.row().client,
            Direction::ServerToClient => self.row().server,
        }
    }

    /// Whether its answer is a list of what the server offers.
    pub const fn lists(self) -> bool {
        matches!(
            self,
            Method::ListTools | Method::ListPrompts | Method::ListResources | Method::ListTemplates
        )
    }

    /// Whether it is sent in this direction in any revision.
    pub const fn goes(self, direction: Direction) -> bool {
        self.span(direction).is_some()
    }

    /// Whether a revision has it in this direction.
    pub fn is_of(self, direction: Direction, revision: Revision) -> bool {
        self.span(direction)
            .is_some_and(|(first, last)| first <= revision && last.is_none_or(|last| revision <= last))
    }
}

/// What names a notification: such a message must not carry an id.
pub const NOTIFICATION_PREFIX: &str = "notifications/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_tell_the_form() {
        for (index, method) in Method::ALL.iter().enumerate() {
            assert_eq!(Method::named(method.name()), Some(*method));
            assert_eq!(Method::ALL.iter().position(|other| other.name() == method.name()), Some(index));
            let notification = method.name().starts_with(NOTIFICATION_PREFIX);
            assert_eq!(method.form() == Form::Notification, notification, "{}", method.name());
            assert!(
                method.goes(Direction::ClientToServer) || method.goes(Direction::ServerToClient),
                "{}",
                method.name()
            );
        }
    }

    #[test]
    fn revisions_have_what_their_schemas_have() {
        let sent = |direction, revision| {
            Method::ALL.iter().filter(|method| method.is_of(direction, revision)).count()
        };
        let counts = Revision::ALL.map(|revision| {
            (sent(Direction::ClientToServer, revision), sent(Direction::ServerToClient, revision))
        });
        // 2024-11-05 and 2025-03-26 differ in fields and in batches, not in methods.
        assert_eq!(counts, [(17, 10), (17, 10), (17, 11), (22, 17), (13, 9)]);
    }

    #[test]
    fn the_policy_language_knows_every_method() {
        let rule = |method: &Method| format!("\"{}\": deny", method.name());
        let methods: Vec<_> = Method::ALL.iter().map(rule).collect();
        let text = format!(
            "policy: toolward/v1\nissuers: {{a: https://a.test}}\nservers: {{s: {{resource: https://s.test/mcp, tools: {{t: {{tier: read}}}}}}}}\nmethods: {{{}}}\n",
            methods.join(", ")
        );
        let file = policy_wasm::compile::SourceFile { name: "policy.yaml".into(), text };
        let compiled = policy_wasm::compile::compile(&[file], &policy_wasm::compile::Options::default());
        assert!(compiled.is_ok(), "{:?}", compiled.err());
    }
}
