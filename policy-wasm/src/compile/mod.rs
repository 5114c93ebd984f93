//! The policy compiler: readable files in, a bundle out, or every problem at once.
//!
//! ```text
//! YAML text ─yaml─> Node ─read─> Policy ─write─> bundle bytes
//!                     └────────────── mistakes ──────────────┴─> Problems
//! ```
//!
//! The bundle depends on the contents of the files, not on their names, their number or any order in them.

mod format;
mod language;
mod read;
mod spans;
mod write;
mod yaml;

pub use format::format;
pub use language::schema;
pub use spans::{Quotes, quote};
pub use write::{TooLarge, write};
pub use yaml::{MAX_DEPTH, MAX_FILE, read as read_yaml};

use crate::policy::Policy;
use crate::source::{Position, Problem, Problems};

/// One policy file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// Its name, for messages.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The options of the caller.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The revision, unless the policy names one.
    pub revision: Option<String>,
    /// The serial number, unless the policy names one.
    pub serial: Option<u64>,
    /// The Unix second from which on the bundle permits nothing, unless the policy sets one.
    pub not_after: Option<u64>,
}

/// Compiles policy files to the bytes of one bundle.
///
/// # Errors
/// Everything that is wrong with the files, sorted by file and position.
///
/// # Examples
/// ```
/// use policy_wasm::{bundle::{Bundle, Trust}, compile::{Options, SourceFile, compile}};
///
/// let text = "policy: toolward/v1\nservers: {git: {resource: https://tools.acme.test/git, tools: {}}}\n";
/// let file = SourceFile { name: "policy.yaml".to_owned(), text: text.to_owned() };
/// let bytes = compile(&[file], &Options::default()).unwrap();
/// let bundle = Bundle::open(bytes, &Trust::digest_only()).unwrap();
/// assert_eq!(bundle.server_at("TOOLS.acme.test", "/git").unwrap().id(), "git");
/// ```
pub fn compile(files: &[SourceFile], options: &Options) -> Result<Vec<u8>, Problems> {
    let policy = read(files, options)?;
    write(&policy).map_err(|TooLarge(what)| {
        let problems = Problems::new();
        problems.push(whole(files.first().map_or("policy", |file| &file.name), what));
        problems
    })
}

/// Reads policy files and reports every problem that compiling them would report, without writing a bundle.
///
/// # Errors
/// Everything that is wrong with the files, sorted by file and position, with excerpts.
pub fn read(files: &[SourceFile], options: &Options) -> Result<Policy, Problems> {
    let problems = Problems::new();
    let nodes: Vec<_> = files
        .iter()
        .filter_map(|file| Some((file, yaml::read(&file.name, &file.text, &problems)?)))
        .collect();
    if files.is_empty() {
        problems.push(whole("policy", "expected at least one policy file, found none"));
    }
    let parts: Vec<_> = nodes.iter().map(|(file, node)| (*file, node)).collect();
    let policy = read::policy(&parts, options, &problems);
    if problems.is_empty() {
        return Ok(policy);
    }
    let wanting = problems.unquoted();
    files
        .iter()
        .filter(|file| wanting.contains(&file.name))
        .for_each(|file| quote(&problems, &file.name, &file.text));
    Err(problems)
}

/// A problem that concerns everything.
fn whole(file: &str, message: &str) -> Problem {
    Problem::new(file, Position { line: 1, column: 1 }, String::new(), message.to_owned(), None)
}
