//! Who sends a method in which revision, and what it acts on. The filter rejects a message that no line admits.
//!
//! Source: the schemas of MCP 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28, and the extension
//! `io.modelcontextprotocol/tasks`.

pub use policy_wasm::model::Method;
use policy_wasm::model::Revision;

/// Whether an answer is awaited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodKind {
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
pub enum TargetKind {
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

impl TargetKind {
    /// How docs call it.
    pub const fn words(self) -> &'static str {
        match self {
            TargetKind::Server => "the server",
            TargetKind::Tool => "the tool `params.name`",
            TargetKind::Prompt => "the prompt `params.name`",
            TargetKind::Resource => "the resource `params.uri`",
            TargetKind::Reference => "the prompt or resource `params.ref`",
            TargetKind::Task => "the task `params.taskId`",
            TargetKind::Subscriptions => "each resource and task of `params.notifications`",
            TargetKind::Client => "the client: its model, its human, its files",
        }
    }
}

/// The first and last revision in which somebody sends a message; `None` for a last one that is not known yet.
pub type Span = (Revision, Option<Revision>);

/// One line of the table.
#[derive(Debug)]
struct Row {
    kind: MethodKind,
    client: Option<Span>,
    server: Option<Span>,
    target: TargetKind,
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

macro_rules! rows {
    ($($name:ident: $kind:ident, $client:ident, $server:ident, $target:ident;)+) => {
        /// The line of a method. A method without a line does not compile.
        const fn row(method: Method) -> &'static Row {
            match method {
                $(Method::$name => &Row {
                    kind: MethodKind::$kind,
                    client: $client,
                    server: $server,
                    target: TargetKind::$target,
                },)+
            }
        }
    };
}

rows! {
    // method: kind, sent by clients in, sent by servers in, acts on
    CallTool: Request, ALWAYS, NEVER, Tool;
    ListTools: Request, ALWAYS, NEVER, Server;
    Initialize: Request, LEGACY, NEVER, Server;
    Discover: Request, MODERN, NEVER, Server;
    Ping: Request, LEGACY, LEGACY, Server;
    ListPrompts: Request, ALWAYS, NEVER, Server;
    GetPrompt: Request, ALWAYS, NEVER, Prompt;
    ListResources: Request, ALWAYS, NEVER, Server;
    ListTemplates: Request, ALWAYS, NEVER, Server;
    ReadResource: Request, ALWAYS, NEVER, Resource;
    Subscribe: Request, LEGACY, NEVER, Resource;
    Unsubscribe: Request, LEGACY, NEVER, Resource;
    Listen: Request, MODERN, NEVER, Subscriptions;
    Complete: Request, ALWAYS, NEVER, Reference;
    SetLevel: Request, LEGACY, NEVER, Server;
    GetTask: Request, FROM_25, ONLY_25, Task;
    TaskResult: Request, ONLY_25, ONLY_25, Task;
    CancelTask: Request, FROM_25, ONLY_25, Task;
    ListTasks: Request, ONLY_25, ONLY_25, Server;
    UpdateTask: Request, MODERN, NEVER, Task;
    CreateMessage: Request, NEVER, LEGACY, Client;
    Elicit: Request, NEVER, ELICITATION, Client;
    ListRoots: Request, NEVER, LEGACY, Client;
    Initialized: Notification, LEGACY, NEVER, Server;
    Cancelled: Notification, LEGACY, ALWAYS, Server;
    Progress: Notification, LEGACY, ALWAYS, Server;
    RootsChanged: Notification, LEGACY, NEVER, Server;
    Log: Notification, NEVER, ALWAYS, Server;
    ToolsChanged: Notification, NEVER, ALWAYS, Server;
    PromptsChanged: Notification, NEVER, ALWAYS, Server;
    ResourcesChanged: Notification, NEVER, ALWAYS, Server;
    ResourceUpdated: Notification, NEVER, ALWAYS, Resource;
    TaskStatus: Notification, ONLY_25, ONLY_25, Task;
    ElicitationComplete: Notification, NEVER, ONLY_25, Client;
    Acknowledged: Notification, NEVER, MODERN, Server;
    TaskChanged: Notification, NEVER, MODERN, Task;
    // Names of policies alone: no message has them.
    HttpGet: Request, NEVER, NEVER, Server;
    HttpDelete: Request, NEVER, NEVER, Server;
    Response: Request, NEVER, NEVER, Server;
}

/// What the schemas of MCP say of a method.
pub trait Schema {
    /// Whether it is a request or a notification.
    fn kind(self) -> MethodKind;
    /// What it acts on.
    fn target_kind(self) -> TargetKind;
    /// In which revisions it is sent in this direction; `None` where it never is.
    ///
    /// In 2026-07-28 servers ask for sampling, elicitation and roots inside `input_required` results, not by requests.
    fn revisions(self, direction: Direction) -> Option<Span>;
    /// Whether its answer is a list of what the server offers.
    fn lists(self) -> bool;
    /// Whether it is sent in this direction in any revision.
    fn can_be_sent(self, direction: Direction) -> bool;
    /// Whether a revision has it in this direction.
    fn exists_in(self, direction: Direction, revision: Revision) -> bool;
}

impl Schema for Method {
    fn kind(self) -> MethodKind {
        row(self).kind
    }

    fn target_kind(self) -> TargetKind {
        row(self).target
    }

    fn revisions(self, direction: Direction) -> Option<Span> {
        match direction {
            Direction::ClientToServer => row(self).client,
            Direction::ServerToClient => row(self).server,
        }
    }

    fn lists(self) -> bool {
        matches!(
            self,
            Method::ListTools | Method::ListPrompts | Method::ListResources | Method::ListTemplates
        )
    }

    fn can_be_sent(self, direction: Direction) -> bool {
        self.revisions(direction).is_some()
    }

    fn exists_in(self, direction: Direction, revision: Revision) -> bool {
        self.revisions(direction)
            .is_some_and(|(first, last)| first <= revision && last.is_none_or(|last| revision <= last))
    }
}

/// What names a notification: such a message must not carry an id.
pub const NOTIFICATION_PREFIX: &str = "notifications/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_form_and_messages_alone_have_a_direction() {
        for method in Method::ALL {
            let notification = method.name().starts_with(NOTIFICATION_PREFIX);
            assert_eq!(method.kind() == MethodKind::Notification, notification, "{}", method.name());
            let sent = method.can_be_sent(Direction::ClientToServer)
                || method.can_be_sent(Direction::ServerToClient);
            assert_eq!(sent, method.is_of_messages(), "{}", method.name());
        }
    }

    #[test]
    fn revisions_have_what_their_schemas_have() {
        let sent = |direction, revision| {
            Method::ALL.iter().filter(|method| method.exists_in(direction, revision)).count()
        };
        let counts = Revision::ALL.map(|revision| {
            (sent(Direction::ClientToServer, revision), sent(Direction::ServerToClient, revision))
        });
        // 2024-11-05 and 2025-03-26 differ in fields and in batches, not in methods.
        assert_eq!(counts, [(17, 10), (17, 10), (17, 11), (22, 17), (13, 9)]);
    }
}
