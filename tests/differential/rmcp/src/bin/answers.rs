//! rmcp as a reader of hostile answers: asks each address for its tools and tells what was heard, a line of JSON each.
//!
//!     echo '[{"id", "url", "kind"}]' | answers

use rmcp::RoleClient;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientResult, ErrorData, PaginatedRequestParams, ServerNotification,
    ServerRequest,
};
use rmcp::service::{
    ClientLifecycleMode, NotificationContext, RequestContext, Service, ServiceError,
    serve_client_with_lifecycle,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{sleep, timeout};

const AT_ONCE: usize = 24;
const CONNECT: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(2);
const STREAM: Duration = Duration::from_millis(600);
const SETTLE: Duration = Duration::from_millis(100);

/// What one client heard, in order.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn tell(&self, what: String) {
        self.0.lock().expect("nobody panics").push(what);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics").clone()
    }

    /// A request or notification of the server, as the SDK read it, under its name in the table.
    fn message(&self, message: Value) {
        let (method, params) = (message["method"].as_str().unwrap_or("?"), &message["params"]);
        self.tell(match method {
            "elicitation/create" => {
                params["url"].as_str().map_or("form".to_owned(), |url| format!("page {url}"))
            }
            "notifications/resources/updated" => format!("updated {}", params["uri"].as_str().unwrap_or("?")),
            _ => method.to_owned(),
        });
    }
}

impl Service<RoleClient> for Heard {
    async fn handle_request(
        &self,
        request: ServerRequest,
        _: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        self.message(serde_json::to_value(&request).unwrap_or_default());
        Err(ErrorData::internal_error("heard", None))
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        _: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        self.message(serde_json::to_value(&notification).unwrap_or_default());
        Ok(())
    }

    #[allow(deprecated, reason = "clients declare these all the same")]
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        info.capabilities =
            ClientCapabilities::builder().enable_roots().enable_sampling().enable_elicitation().build();
        info
    }
}

/// The pages that an error sends the human to.
fn pages(error: &ServiceError) -> Vec<String> {
    let ServiceError::McpError(error) = error else { return Vec::new() };
    let data = error.data.clone().unwrap_or_default();
    let asked = data["elicitations"].as_array().into_iter().flatten();
    asked.filter_map(|page| page["url"].as_str()).map(|url| format!("page {url}")).collect()
}

async fn listen(url: &str, kind: &str) -> Vec<String> {
    let heard = Heard::default();
    if kind == "sse" {
        // rmcp has no client for HTTP with SSE.
        return Vec::new();
    }
    let transport =
        StreamableHttpClientTransport::from_config(StreamableHttpClientTransportConfig::with_uri(url));
    let connecting = serve_client_with_lifecycle(heard.clone(), transport, ClientLifecycleMode::Initialize);
    let Ok(Ok(client)) = timeout(CONNECT, connecting).await else { return heard.all() };
    if kind == "stream" {
        sleep(STREAM).await;
    }
    match timeout(ANSWER, client.list_tools(None::<PaginatedRequestParams>)).await {
        Ok(Ok(list)) => list.tools.iter().for_each(|tool| heard.tell(format!("tool {}", tool.name))),
        Ok(Err(error)) => pages(&error).into_iter().for_each(|page| heard.tell(page)),
        Err(_) => {}
    }
    sleep(SETTLE).await;
    let _ = timeout(SETTLE, client.cancel()).await;
    heard.all()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let inputs: Vec<Value> = serde_json::from_reader(std::io::stdin())?;
    let queue = Arc::new(Mutex::new(inputs.into_iter()));
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move {
                loop {
                    let Some(input) = queue.lock().expect("nobody panics").next() else { return };
                    let url = input["url"].as_str().unwrap_or_default();
                    let heard = listen(url, input["kind"].as_str().unwrap_or_default()).await;
                    println!("{}", json!({"id": input["id"], "heard": heard}));
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await?;
    }
    Ok(())
}
