//! The places where a server's message names tasks.
//!
//! Source: MCP 2025-11-25, basic/utilities/tasks, and the extension `io.modelcontextprotocol/tasks` of
//! 2026-07-28. Tasks of the client, which a server requests with `params.task`, are excluded. The client
//! chose their ids, both in its responses and in the server's `tasks/*` requests about them.

use super::error::ServerMessageError;
use super::meta::RELATED_TASK;
use super::method::Method;
use super::server_message::pick;
use super::target::MAX_SUBSCRIPTIONS;
use policy_wasm::json::{Array, Object, Value};

/// The meaning of a task's name at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The response creates the task for its requester.
    Created,
    /// The server reports a task to its client.
    Announced,
    /// The request named the task; no other task may appear here.
    Requested,
    /// The member names the request of this exchange to which a result belongs, or has no use.
    Mentioned,
}

/// The task references of one message.
#[derive(Debug, Default)]
pub struct TaskRefs<'a> {
    /// The ids, as JSON strings.
    pub ids: Vec<(Role, Value<'a>)>,
    /// A list of tasks (`tasks/list`), each an object with a `taskId`.
    pub list: Option<Array<'a>>,
}

/// The task references of a result. `asked` is the method of the request. It is `None` on resumed streams and
/// streams of GET, where the request is unknown.
///
/// # Errors
/// [`ServerMessageError`] if a task has no string as its id.
pub fn of_result<'a>(asked: Option<Method>, result: Object<'a>) -> Result<TaskRefs<'a>, ServerMessageError> {
    let mut places = TaskRefs::default();
    let [id, kind, status, task, tasks, inner, meta] =
        pick(result, ["taskId", "resultType", "status", "task", "tasks", "result", "_meta"])?;
    match asked {
        Some(Method::GetTask | Method::CancelTask | Method::UpdateTask) => places.add(Role::Requested, id)?,
        Some(Method::TaskResult) => {}
        Some(Method::ListTasks) => places.list = tasks.map(list).transpose()?,
        _ => {
            if kind.and_then(Value::as_str).is_some_and(|kind| kind.is("task")) {
                places.add(Role::Created, Some(id.ok_or(ServerMessageError)?))?;
            } else if asked.is_none() && status.is_some() {
                places.add(Role::Announced, id)?;
            }
            if let Some(task) = task.and_then(Value::as_object) {
                let [id] = pick(task, ["taskId"])?;
                places.add(Role::Created, id)?;
            }
            if asked.is_none() {
                // Any result may have a member of this name; only a list of tasks names tasks.
                places.list = tasks.and_then(|tasks| list(tasks).ok());
            }
        }
    }
    places.related(Role::Mentioned, meta)?;
    // A task of 2026-07-28 contains its result.
    places.related(Role::Mentioned, member(inner, "_meta")?)?;
    Ok(places)
}

/// The task references of a request or notification of the server.
///
/// # Errors
/// [`ServerMessageError`] if a task has no string as its id, or if the server acknowledges more tasks than a
/// client can ask for.
pub fn of_call<'a>(method: Method, params: Option<Object<'a>>) -> Result<TaskRefs<'a>, ServerMessageError> {
    let mut places = TaskRefs::default();
    let [id, inner, notifications, meta] = match params {
        Some(params) => pick(params, ["taskId", "result", "notifications", "_meta"])?,
        None => [None; 4],
    };
    match method {
        // These requests are about tasks of the client.
        Method::GetTask | Method::TaskResult | Method::CancelTask | Method::ListTasks => return Ok(places),
        Method::TaskStatus => places.add(Role::Announced, Some(id.ok_or(ServerMessageError)?))?,
        Method::TaskChanged => {
            places.add(Role::Requested, Some(id.ok_or(ServerMessageError)?))?;
            places.related(Role::Mentioned, member(inner, "_meta")?)?;
        }
        Method::Acknowledged => {
            if let Some(ids) = member(notifications, "taskIds")? {
                let ids = ids.as_array().ok_or(ServerMessageError)?;
                if ids.elements().nth(MAX_SUBSCRIPTIONS).is_some() {
                    return Err(ServerMessageError);
                }
                for id in ids.elements() {
                    places.add(Role::Requested, Some(id))?;
                }
            }
        }
        _ => {}
    }
    places.related(Role::Announced, meta)?;
    Ok(places)
}

/// The member of the value, if the value is an object.
fn member<'a>(value: Option<Value<'a>>, name: &str) -> Result<Option<Value<'a>>, ServerMessageError> {
    let Some(object) = value.and_then(Value::as_object) else { return Ok(None) };
    let [member] = pick(object, [name])?;
    Ok(member)
}

fn list(tasks: Value<'_>) -> Result<Array<'_>, ServerMessageError> {
    let tasks = tasks.as_array().ok_or(ServerMessageError)?;
    if tasks.elements().all(|task| id_of(task).is_some()) { Ok(tasks) } else { Err(ServerMessageError) }
}

/// The `taskId` of a listed task.
pub fn id_of(task: Value<'_>) -> Option<Value<'_>> {
    member(Some(task), "taskId").ok().flatten().filter(|id| id.as_str().is_some())
}

impl<'a> TaskRefs<'a> {
    fn add(&mut self, role: Role, id: Option<Value<'a>>) -> Result<(), ServerMessageError> {
        if let Some(id) = id {
            id.as_str().ok_or(ServerMessageError)?;
            self.ids.push((role, id));
        }
        Ok(())
    }

    fn related(&mut self, role: Role, meta: Option<Value<'a>>) -> Result<(), ServerMessageError> {
        self.add(role, member(member(meta, RELATED_TASK)?, "taskId")?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use policy_wasm::json::{self, Limits};

    const META: &str = r#""_meta":{"io.modelcontextprotocol/related-task":{"taskId":"m"}}"#;

    fn shown(places: Result<TaskRefs<'_>, ServerMessageError>) -> String {
        let Ok(places) = places else { return "unreadable".to_owned() };
        let ids = places.ids.iter().map(|(role, id)| format!("{role:?} {}", id.raw().trim_matches('"')));
        let list = places.list.map(|list| format!("list of {}", list.elements().count()));
        ids.chain(list).collect::<Vec<_>>().join(", ")
    }

    fn result(asked: Option<Method>, text: &str) -> String {
        let value = json::parse(text.as_bytes(), &Limits::default()).unwrap();
        shown(of_result(asked, value.as_object().unwrap()))
    }

    fn call(method: Method, text: &str) -> String {
        let value = json::parse(text.as_bytes(), &Limits::default()).unwrap();
        shown(of_call(method, value.as_object()))
    }

    #[test]
    fn what_an_answer_says_of_a_task_depends_on_what_was_asked() {
        let made = r#"{"task":{"taskId":"t","status":"working"}}"#;
        let flat = r#"{"resultType":"task","taskId":"t","status":"working"}"#;
        let task = r#"{"taskId":"t","status":"working"}"#;
        let tasks = r#"{"tasks":[{"taskId":"a"},{"taskId":"b"}]}"#;
        let meta = format!("{{{META}}}");
        for (asked, text, expected) in [
            (Some(Method::CallTool), made, "Created t"),
            (None, made, "Created t"),
            (Some(Method::CallTool), flat, "Created t"),
            (None, flat, "Created t"),
            (Some(Method::GetTask), task, "Requested t"),
            (Some(Method::CancelTask), task, "Requested t"),
            (Some(Method::UpdateTask), flat, "Requested t"),
            (Some(Method::UpdateTask), "{}", ""),
            (None, task, "Announced t"),
            // A member of this name in a tool's result is not a task.
            (Some(Method::CallTool), task, ""),
            (Some(Method::CallTool), tasks, ""),
            (Some(Method::CallTool), r#"{"task":"t"}"#, ""),
            (Some(Method::CallTool), r#"{"task":{"id":"t"}}"#, ""),
            (None, r#"{"tasks":[{"taskId":"a"},{"id":1}]}"#, ""),
            (Some(Method::ListTasks), tasks, "list of 2"),
            (None, tasks, "list of 2"),
            (Some(Method::TaskResult), &meta, "Mentioned m"),
            (Some(Method::CallTool), &meta, "Mentioned m"),
            (Some(Method::CallTool), r#"{"task":{"taskId":1}}"#, "unreadable"),
            (Some(Method::CallTool), r#"{"resultType":"task"}"#, "unreadable"),
            (Some(Method::GetTask), r#"{"taskId":null}"#, "unreadable"),
            (Some(Method::ListTasks), r#"{"tasks":{}}"#, "unreadable"),
            (Some(Method::ListTasks), r#"{"tasks":[{"id":1}]}"#, "unreadable"),
            (Some(Method::CallTool), r#"{"task":{"taskId":"t"," taskId":"u"}}"#, "unreadable"),
            (Some(Method::GetTask), r#"{"taskId":"t","TASKID":"u"}"#, "unreadable"),
            (Some(Method::CallTool), r#"{"_meta\u00a0":{}}"#, "unreadable"),
        ] {
            assert_eq!(result(asked, text), expected, "{asked:?} {text}");
        }
        let inner = format!(r#"{{"taskId":"t","status":"completed","result":{{{META}}}}}"#);
        assert_eq!(result(Some(Method::GetTask), &inner), "Requested t, Mentioned m");
    }

    #[test]
    fn what_a_server_sends_names_tasks_where_its_method_does() {
        let status = r#"{"taskId":"t","status":"working"}"#;
        let meta = format!("{{{META}}}");
        for (method, text, expected) in [
            (Method::TaskStatus, status, "Announced t"),
            (Method::TaskChanged, status, "Requested t"),
            (Method::Acknowledged, r#"{"notifications":{"taskIds":["a","b"]}}"#, "Requested a, Requested b"),
            (Method::Acknowledged, r#"{"notifications":{"toolsListChanged":true}}"#, ""),
            (Method::Elicit, &meta, "Announced m"),
            (Method::Progress, &meta, "Announced m"),
            // This request is about a task of the client.
            (Method::GetTask, status, ""),
            (Method::TaskResult, &meta, ""),
            (Method::Log, status, ""),
            (Method::TaskStatus, "{}", "unreadable"),
            (Method::TaskChanged, r#"{"taskId":7}"#, "unreadable"),
            (Method::Acknowledged, r#"{"notifications":{"taskIds":[7]}}"#, "unreadable"),
        ] {
            assert_eq!(call(method, text), expected, "{method:?} {text}");
        }
        assert_eq!(shown(of_call(Method::Ping, None)), "");
    }
}
