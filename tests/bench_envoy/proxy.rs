//! One Envoy process.

use crate::variants::{Log, Variant};
use crate::{Outcome, machine};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest that a start may take.
const START: Duration = Duration::from_secs(30);

/// A running Envoy; ended when dropped.
pub struct Proxy {
    process: Child,
    port: u16,
}

impl Proxy {
    /// Starts Envoy with one worker and waits until it is ready; `core` pins it.
    pub fn start(
        envoy: &Path,
        variant: &Variant,
        upstream: u16,
        folder: &Path,
        core: Option<usize>,
    ) -> Outcome<Proxy> {
        let (port, admin) = (free_port()?, free_port()?);
        let path = folder.join(format!("{port}.json"));
        std::fs::write(&path, bootstrap(variant, port, admin, upstream).to_string())?;
        let log_path = folder.join(format!("{port}.log"));
        let mut command = match core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", &core.to_string()]).arg(envoy);
                command
            }
            None => Command::new(envoy),
        };
        let level = if variant.log == Log::Nowhere { "wasm:warning" } else { "wasm:info" };
        if variant.log == Log::File {
            command.arg("--log-path").arg(folder.join(format!("{port}.records")));
        }
        command
            .arg("--config-path")
            .arg(&path)
            .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"])
            .args(["--component-log-level", level])
            .stdout(Stdio::null())
            .stderr(File::create(&log_path)?);
        let mut proxy = Proxy { process: command.spawn()?, port };
        let begun = Instant::now();
        while !ready(admin) {
            if proxy.process.try_wait()?.is_some() || begun.elapsed() > START {
                let log = std::fs::read_to_string(&log_path).unwrap_or_default();
                return Err(format!("{}: Envoy did not start:\n{log}", variant.name).into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(proxy)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process. `taskset` becomes Envoy, so there is only one.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        machine::resident_kib(self.id())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether `/ready` answers 200: all listeners and clusters are there.
fn ready(admin: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, admin));
        let mut connection = TcpStream::connect_timeout(&address, Duration::from_millis(200))?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        connection.write_all(b"GET /ready HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer.starts_with("HTTP/1.1 200 "))
    };
    ask().unwrap_or(false)
}

fn bootstrap(variant: &Variant, port: u16, admin: u16, upstream: u16) -> Value {
    let address = |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let mut filters = variant.filters.clone();
    filters.push(json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
    }));
    json!({
        "admin": {"address": address(admin)},
        "static_resources": {
            "listeners": [{
                "name": "bench",
                "address": address(port),
                "filter_chains": [{"filters": [{
                    "name": "envoy.filters.network.http_connection_manager",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                        "stat_prefix": "bench",
                        "route_config": {"virtual_hosts": [{
                            "name": "all", "domains": ["*"],
                            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "0s"}}],
                        }]},
                        "http_filters": filters,
                    },
                }]}],
            }],
            "clusters": [{
                "name": "upstream",
                "load_assignment": {"cluster_name": "upstream", "endpoints": [
                    {"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]},
                ]},
            }],
        },
    })
}
