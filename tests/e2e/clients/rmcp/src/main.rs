//! The MCP Rust SDK as a client of the end-to-end tests: `rmcp-client '{"url", "token", "era", "steps"}'` prints what
//! became of each step. `tests/e2e/README.md` describes both forms.

use rmcp::model::{CallToolRequestParams, ClientInfo, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, ServiceError, serve_client_with_lifecycle};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::{Value, json};
use std::time::Duration;

fn failure(error: &ServiceError) -> Value {
    match error {
        ServiceError::McpError(error) => {
            json!({"error": {"code": error.code.0, "message": error.message, "data": error.data}})
        }
        other => json!({"error": {"code": null, "message": other.to_string()}}),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let script: Value = serde_json::from_str(&std::env::args().nth(1).ok_or("no script")?)?;
    let url = script["url"].as_str().ok_or("no url")?;
    let mut config = StreamableHttpClientTransportConfig::with_uri(url);
    if let Some(token) = script["token"].as_str() {
        config = config.auth_header(token);
    }
    let lifecycle = match script["era"].as_str() {
        Some("modern") => {
            ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
        }
        _ => ClientLifecycleMode::Initialize,
    };
    let transport = StreamableHttpClientTransport::from_config(config);
    let client = match serve_client_with_lifecycle(ClientInfo::default(), transport, lifecycle).await {
        Ok(client) => client,
        Err(error) => {
            println!("{}", json!({"fatal": error.to_string()}));
            return Ok(());
        }
    };
    let mut results = Vec::new();
    for step in script["steps"].as_array().into_iter().flatten() {
        tokio::time::sleep(Duration::from_secs_f64(step["after_seconds"].as_f64().unwrap_or_default())).await;
        results.push(match step["call"].as_str() {
            None => match client.list_all_tools().await {
                Ok(tools) => json!({"tools": tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>()}),
                Err(error) => failure(&error),
            },
            Some(name) => {
                let arguments = step["arguments"].as_object().cloned().unwrap_or_default();
                let call = CallToolRequestParams::new(name.to_owned()).with_arguments(arguments);
                match client.call_tool(call).await {
                    Ok(result) => {
                        let result = serde_json::to_value(result)?;
                        json!({"text": result["content"][0]["text"], "is_error": result["isError"] == true})
                    }
                    Err(error) => failure(&error),
                }
            }
        });
    }
    let protocol = client.peer_info().map(|info| info.protocol_version.to_string());
    println!("{}", json!({"protocol": protocol, "results": results}));
    let _ = client.cancel().await;
    Ok(())
}
