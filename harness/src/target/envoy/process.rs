//! One Envoy: the bootstrap of `envoy/` with its placeholders filled, the process, its logs and statistics.

use super::servers::Servers;
use super::wire::{Framing, Wire};
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long Envoy may take to be ready.
const START: Duration = Duration::from_secs(30);
/// How long a line of the access log may take after the response.
const LOG_PATIENCE: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(3);

/// Runs Envoy and ends it with this program, however this program ends: standard input closes then.
const GUARD: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
envoy=$!
{ cat <&3 >/dev/null; kill -9 "$envoy" 2>/dev/null; } &
exec 3<&-
wait "$envoy"
echo "envoy ended with status $?" >&2
"#;

/// Counts of decisions by (`result`, `reason`).
pub(super) type Decisions = BTreeMap<(String, String), u64>;

/// A running Envoy.
pub(super) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    folder: PathBuf,
    access_log: PathBuf,
    access_log_read: u64,
    log: Arc<Mutex<Vec<String>>>,
    admin: SocketAddr,
    /// The address on which it accepts clients.
    pub listener: SocketAddr,
}

impl Process {
    /// Starts Envoy with the filter configured so, before these servers.
    ///
    /// # Errors
    /// If it does not start. The error has the end of its log.
    pub fn start(
        envoy: &Path,
        bootstrap: &Path,
        wasm: &Path,
        configuration: &str,
        servers: &Servers,
    ) -> anyhow::Result<Process> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("toolward-envoy-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let access_log = folder.join("access.log");
        let wasm =
            fs::canonicalize(wasm).with_context(|| format!("`{}`; run `make wasm`", wasm.display()))?;
        let template = fs::read_to_string(bootstrap).with_context(|| format!("`{}`", bootstrap.display()))?;
        let text = |value: &str| Value::from(value).to_string();
        let filled = fill(
            &template,
            &[
                ("LISTEN_PORT", "0".to_owned()),
                ("ADMIN_PORT", "0".to_owned()),
                ("SERVER_PORT", servers.server_port.to_string()),
                ("SPICEDB_PORT", servers.spicedb_port.to_string()),
                ("WASM", text(&wasm.to_string_lossy())),
                ("CONFIGURATION", text(configuration)),
                ("ACCESS_LOG", text(&access_log.to_string_lossy())),
            ],
        )?;
        let config = folder.join("envoy.yaml");
        fs::write(&config, filled)?;
        let admin_file = folder.join("admin");
        let mut child = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(envoy)
            .arg("--config-path")
            .arg(&config)
            .arg("--admin-address-path")
            .arg(&admin_file)
            .args(["--concurrency", "1", "--disable-hot-restart", "--file-flush-interval-msec", "10"])
            .args(["--log-level", "warning", "--component-log-level", "wasm:info"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("`sh` cannot be run")?;
        let log = Arc::<Mutex<Vec<String>>>::default();
        if let Some(stderr) = child.stderr.take() {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            });
        }
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let input = child.stdin.take();
        let mut process = Process {
            child,
            input,
            folder,
            access_log,
            access_log_read: 0,
            log,
            admin: nowhere,
            listener: nowhere,
        };
        process.wait_until_ready(&admin_file)?;
        Ok(process)
    }

    fn wait_until_ready(&mut self, admin_file: &Path) -> anyhow::Result<()> {
        let deadline = deadline(START);
        loop {
            if let Some(admin) = fs::read_to_string(admin_file).ok().and_then(|text| text.trim().parse().ok())
            {
                self.admin = admin;
                if self.admin_get("/ready").is_ok_and(|(status, _)| status == 200) {
                    break;
                }
            }
            let lines = self.log_lines();
            let ended = lines.iter().any(|line| line.starts_with("envoy ended"));
            if ended || now() > deadline {
                let from = lines.len().saturating_sub(15);
                bail!("Envoy did not start:\n{}", lines.get(from..).unwrap_or_default().join("\n"));
            }
            thread::sleep(POLL);
        }
        let (_, listeners) = self.admin_get("/listeners?format=json")?;
        let listeners: Value = serde_json::from_slice(&listeners)?;
        let port = listeners
            .pointer("/listener_statuses/0/local_address/socket_address/port_value")
            .and_then(Value::as_u64)
            .and_then(|port| u16::try_from(port).ok())
            .context("Envoy tells no listener")?;
        self.listener = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(())
    }

    /// All lines that Envoy logged since this was asked last.
    pub fn log_lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All lines that Envoy logged since this was asked last, once `text` is in one of them: the log comes through a
    /// pipe and a thread, the access log through a file, and either may be first.
    pub fn log_lines_with(&self, text: &str) -> Vec<String> {
        let deadline = deadline(LOG_PATIENCE);
        let mut lines = self.log_lines();
        while text.starts_with('{') && now() <= deadline && !lines.iter().any(|line| line.contains(text)) {
            thread::sleep(POLL);
            lines.append(&mut self.log_lines());
        }
        lines
    }

    fn admin_get(&self, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
        let stream = TcpStream::connect(self.admin)?;
        stream.set_read_timeout(Some(LOG_PATIENCE))?;
        let mut wire = Wire::new(stream);
        wire.send(format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n").as_bytes())?;
        let head = wire.head()?.context("Envoy's admin ended the connection")?;
        let status = head.line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Ok((status, wire.body(head.framing(Framing::Close)).bytes))
    }

    /// `toolward_decisions_total` of the metrics page.
    ///
    /// # Errors
    /// If the page cannot be fetched.
    pub fn decisions(&self) -> anyhow::Result<Decisions> {
        let (_, page) = self.admin_get("/stats/prometheus?filter=toolward")?;
        let page = String::from_utf8_lossy(&page);
        let lines = page.lines().filter_map(|line| line.strip_prefix("toolward_decisions_total{"));
        let mut decisions = Decisions::new();
        for line in lines {
            let (labels, value) = line.split_once("} ").context("a metric without a value")?;
            let label = |name: &str| {
                let named = labels.split(',').filter_map(|label| label.split_once('='));
                let value = named.clone().find(|(label, _)| *label == name).map(|(_, value)| value);
                value.map(|value| value.trim_matches('"').to_owned()).unwrap_or_default()
            };
            decisions.insert((label("result"), label("reason")), value.trim().parse()?);
        }
        Ok(decisions)
    }

    /// Waits for the line of the access log about a client's request.
    ///
    /// # Errors
    /// If the file cannot be read. `None` means that no line came.
    pub fn access(&mut self, client: SocketAddr) -> anyhow::Result<Option<Value>> {
        let deadline = deadline(LOG_PATIENCE);
        loop {
            let mut file = fs::File::open(&self.access_log)?;
            file.seek(SeekFrom::Start(self.access_log_read))?;
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
                self.access_log_read = self.access_log_read.saturating_add(u64::try_from(line.len())?);
                let entry: Value = serde_json::from_str(line).context("a line of the access log")?;
                if entry.get("client").and_then(Value::as_str) == Some(client.to_string().as_str()) {
                    return Ok(Some(entry));
                }
            }
            if now() > deadline {
                return Ok(None);
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The guard ends Envoy when its input closes.
        drop(self.input.take());
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[allow(clippy::disallowed_methods, reason = "a process is waited for")]
fn now() -> Instant {
    Instant::now()
}

fn deadline(patience: Duration) -> Instant {
    let now = now();
    now.checked_add(patience).unwrap_or(now)
}

/// Puts values in place of `@NAME@` outside comments.
fn fill(template: &str, values: &[(&str, String)]) -> anyhow::Result<String> {
    let mut out: String =
        template.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    for (name, value) in values {
        let placeholder = format!("@{name}@");
        anyhow::ensure!(out.contains(&placeholder), "the bootstrap has no `{placeholder}`");
        out = out.replace(&placeholder, value);
    }
    Ok(out)
}
