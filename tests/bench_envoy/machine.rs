//! The machine: which core the proxy gets, and how busy everybody else is.

use crate::Outcome;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Kernel time units in a second, as `/proc` counts (`USER_HZ`; 100 on every Linux).
const TICKS_PER_SECOND: u64 = 100;

/// A new folder for configurations and logs.
pub fn temporary_folder() -> Outcome<PathBuf> {
    let folder = std::env::temp_dir().join(format!("toolward-bench-{}", std::process::id()));
    std::fs::create_dir(&folder)?;
    Ok(folder)
}

/// The last core, where there are several and `taskset` can pin.
pub fn core_for_the_proxy() -> Option<usize> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let last = cores.checked_sub(1).filter(|last| *last > 0)?;
    let pinned =
        Command::new("taskset").args(["-c", &last.to_string(), "true"]).stderr(Stdio::null()).status();
    pinned.ok()?.success().then_some(last)
}

/// Keeps this process, clients and upstream, off the proxy's core.
pub fn stay_off(core: usize) {
    let others = format!("0-{}", core.saturating_sub(1));
    let own = std::process::id().to_string();
    let _ = Command::new("taskset").args(["-a", "-p", "-c", &others, &own]).stdout(Stdio::null()).status();
}

/// CPU time that a process has used, in user and kernel mode.
fn cpu_of(process: u32) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name is in parentheses and may contain anything; user and kernel time are the 12th and 13th field after it.
    let after = text.rsplit_once(") ").map_or("", |(_, after)| after);
    let ticks: u64 = after.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
}

/// Resident memory of a process in KiB.
pub fn resident_kib(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// Who has used how much CPU time so far, in ticks.
pub struct Usage {
    /// CPU time of the proxy.
    pub proxy: Duration,
    own: Duration,
    busy: u64,
    all: u64,
}

impl Usage {
    /// The counters of now.
    pub fn now(proxy: u32) -> Usage {
        let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        // user, nice, system, idle, iowait, irq, softirq, steal
        let first = text.lines().next().unwrap_or_default();
        let fields: Vec<u64> =
            first.split_ascii_whitespace().skip(1).take(8).filter_map(|field| field.parse().ok()).collect();
        let all: u64 = fields.iter().sum();
        let idle: u64 = fields.iter().skip(3).take(2).sum();
        Usage { proxy: cpu_of(proxy), own: cpu_of(std::process::id()), busy: all.saturating_sub(idle), all }
    }

    /// The part of the machine that others than the proxy and this process used since `before`, from 0 to 1.
    pub fn foreign_since(&self, before: &Usage) -> f64 {
        let ours = self.proxy.saturating_sub(before.proxy) + self.own.saturating_sub(before.own);
        let ours = ours.as_secs_f64() * TICKS_PER_SECOND as f64;
        let busy = self.busy.saturating_sub(before.busy) as f64;
        let all = self.all.saturating_sub(before.all).max(1) as f64;
        ((busy - ours) / all).max(0.0)
    }
}

/// The processor's name and the number of its cores.
pub fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut names = text.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let name = names.next().map_or("unknown processor", |(_, name)| name);
    format!("{name}, {} cores", names.count() + 1)
}
