//! Two readers of hostile requests on one port: rmcp at `/mcp/github`, and a server as one writes it by hand on
//! `serde_json` at `/by-hand`. `GET /ran` tells what ran since the last time, and `tests/differential/README.md` in
//! which form.
//!
//!     rmcp-readers PORT

use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerInfo,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

/// What ran, in order.
#[derive(Clone, Default)]
struct Ran(Arc<Mutex<Vec<Value>>>);

impl Ran {
    fn tell(&self, what: Value) {
        self.0.lock().expect("nobody panics").push(what);
    }

    fn take(&self) -> Value {
        Value::Array(std::mem::take(&mut *self.0.lock().expect("nobody panics")))
    }
}

/// The server on the SDK: every tool is known, so that nothing but reading keeps one from running.
#[derive(Clone)]
struct Server(Ran);

impl ServerHandler for Server {
    fn get_info(&self) -> ServerInfo {
        ServerInfo::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.0.tell(json!({"method": "tools/call", "name": request.name, "arguments": request.arguments}));
        Ok(CallToolResult::success(Vec::new()).into())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        self.0.tell(json!({"method": "tools/list"}));
        Ok(ListToolsResult::default())
    }
}

/// What a small server without an SDK does: reads a `Value`, looks at `method`, and runs.
fn by_hand(body: &[u8], ran: &Ran) -> Result<(), &'static str> {
    let message: Value = serde_json::from_slice(body).map_err(|_| "no JSON")?;
    match message["method"].as_str() {
        Some("tools/call") => {
            let params = &message["params"];
            let name = params["name"].as_str().ok_or("no name")?;
            ran.tell(json!({"method": "tools/call", "name": name, "arguments": params.get("arguments")}));
            Ok(())
        }
        Some("tools/list") => {
            ran.tell(json!({"method": "tools/list"}));
            Ok(())
        }
        _ => Err("no such method"),
    }
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

fn answer(status: StatusCode, body: String) -> Answer {
    let mut response = Response::new(Full::new(Bytes::from(body)).boxed());
    *response.status_mut() = status;
    response
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("no port")?.parse()?;
    let (sdk, hand) = (Ran::default(), Ran::default());
    let mut config = StreamableHttpServerConfig::default();
    config.legacy_session_mode = false;
    config.json_response = true;
    config.sse_keep_alive = None;
    let server = Server(sdk.clone());
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (connection, _) = listener.accept().await?;
        let (service, sdk, hand) = (service.clone(), sdk.clone(), hand.clone());
        let serve = service_fn(move |request: Request<Incoming>| {
            let (service, sdk, hand) = (service.clone(), sdk.clone(), hand.clone());
            async move {
                let answer = match (request.method(), request.uri().path()) {
                    (&Method::GET, "/ran") => answer(StatusCode::OK, sdk.take().to_string()),
                    (&Method::GET, "/ran-by-hand") => answer(StatusCode::OK, hand.take().to_string()),
                    (_, "/mcp/github") => service.handle(request).await,
                    (_, "/by-hand") => match request.into_body().collect().await {
                        Ok(body) => match by_hand(&body.to_bytes(), &hand) {
                            Ok(()) => answer(StatusCode::OK, "{}".to_owned()),
                            Err(problem) => answer(StatusCode::BAD_REQUEST, problem.to_owned()),
                        },
                        Err(_) => answer(StatusCode::BAD_REQUEST, "no body".to_owned()),
                    },
                    _ => answer(StatusCode::NOT_FOUND, String::new()),
                };
                Ok::<Answer, Infallible>(answer)
            }
        });
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), serve)
                .await;
        });
    }
}
