//! From files to [`Scenario`]s: everything that can be wrong with a file is found here, all of it at once.

use super::file::{
    BodyRepeat, Exact, ExpectedDecision, ExpectedUpstream, HeaderList, HttpVersion, RawAnswer, RawBase,
    RawCase, RawCheck, RawCheckAnswer, RawExchange, RawExpect, RawFile, RawRequest, RawToken, TargetName,
    TokenChoice,
};
use super::http::{Answer, json_answer};
use super::{Check, CheckAnswer, DEFAULT_NOW, Exchange, Expect, Question, RequestPlan, Scenario, TokenPlan};
use super::{denies_response, request, sealed};
use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Largest body that a scenario can describe, in bytes.
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Longest time that an answer pauses, in milliseconds; one target really waits.
const MAX_PAUSE_MS: u64 = 10_000;

/// The scenarios of some files, and the folder that they belong to.
#[derive(Debug)]
pub struct Loaded {
    /// The scenarios, by file and in the file's order.
    pub scenarios: Vec<Scenario>,
    /// The `tests` folder: `policies/`, `keys/` and `deviations.json` are in it.
    pub tests: PathBuf,
}

/// Loads scenario files; of a folder all `*.json` in it, however deep. `filter` keeps ids that contain the text.
///
/// # Errors
/// Every problem of every file, one a line, with the file and the case.
pub fn load(paths: &[PathBuf], filter: Option<&str>) -> anyhow::Result<Loaded> {
    let mut files = Vec::new();
    for path in paths {
        collect(path, &mut files)?;
    }
    files.sort();
    files.dedup();
    let first = files.first().context("no scenario files: name `*.json` files below a folder `scenarios`")?;
    let root = scenarios_folder(first)?;
    let base_path = root.join("base.json");
    let base: RawBase = parse(&base_path, &strict(&base_path)?)?;

    let mut problems = Vec::new();
    let mut scenarios: Vec<Scenario> = Vec::new();
    for file in &files {
        if let Err(problem) = load_file(file, &root, &base, &mut scenarios, &mut problems) {
            problems.push(format!("{problem:#}"));
        }
    }
    if !problems.is_empty() {
        bail!("{} problems in scenario files:\n{}", problems.len(), problems.join("\n"));
    }
    if let Some(filter) = filter {
        scenarios.retain(|scenario| scenario.id.contains(filter));
    }
    let tests = root.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    Ok(Loaded { scenarios, tests })
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let path = path.canonicalize().with_context(|| format!("`{}`", path.display()))?;
    if !path.is_dir() {
        files.push(path);
        return Ok(());
    }
    for entry in std::fs::read_dir(&path).with_context(|| format!("`{}`", path.display()))? {
        let entry = entry?.path();
        let is_json = entry.extension().is_some_and(|extension| extension == "json");
        if entry.is_dir() {
            collect(&entry, files)?;
        } else if is_json && entry.file_name().is_some_and(|name| name != "base.json") {
            files.push(entry);
        }
    }
    Ok(())
}

fn scenarios_folder(file: &Path) -> anyhow::Result<PathBuf> {
    file.ancestors()
        .find(|folder| folder.file_name().is_some_and(|name| name == "scenarios"))
        .map(Path::to_path_buf)
        .with_context(|| format!("`{}` is not below a folder `scenarios`", file.display()))
}

/// The text of a file that is strict JSON; a repeated key would silently lose its first value.
fn strict(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}`", path.display()))?;
    if let Err(error) = policy_wasm::json::parse(text.as_bytes(), &policy_wasm::json::Limits { depth: 100 }) {
        let line = text.as_bytes().iter().take(error.offset).filter(|&&byte| byte == b'\n').count();
        bail!("{}:{}: not strict JSON: {:?}", path.display(), line.saturating_add(1), error.kind);
    }
    Ok(text)
}

fn parse<T: serde::de::DeserializeOwned>(path: &Path, text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text).map_err(|error| anyhow::anyhow!("{}:{error}", path.display()))
}

fn load_file(
    file: &Path,
    root: &Path,
    base: &RawBase,
    scenarios: &mut Vec<Scenario>,
    problems: &mut Vec<String>,
) -> anyhow::Result<()> {
    let text = sealed::fill(strict(file)?, base)
        .map_err(|problem| anyhow::anyhow!("{}: {problem}", file.display()))?;
    let raw: RawFile = parse(file, &text)?;
    let stem = file.strip_prefix(root)?.with_extension("").to_string_lossy().into_owned();
    let policy = root.parent().unwrap_or(root).join("policies").join(&raw.policy);
    if !policy.exists() {
        problems.push(format!("{}: policy `{}` is not in `policies/`", file.display(), raw.policy));
    }
    if raw.cases.is_empty() {
        problems.push(format!("{}: no cases", file.display()));
    }
    let mut configuration = Value::Object(base.config.clone());
    merge(&mut configuration, &Value::Object(raw.config));
    let mut names = BTreeSet::new();
    for case in raw.cases {
        let id = format!("{stem}/{}", case.name);
        if !names.insert(case.name.clone()) {
            problems.push(format!("{id}: the name is there twice"));
        }
        let mut configuration = configuration.clone();
        merge(&mut configuration, &Value::Object(case.config.clone()));
        let hostile = case.hostile;
        match load_case(case, base) {
            Ok((now, targets, exchanges)) => scenarios.push(Scenario {
                id,
                about: raw.about.clone(),
                file: file.to_path_buf(),
                policy: policy.clone(),
                configuration,
                hostile,
                now,
                targets,
                exchanges,
            }),
            Err(problem) => problems.push(format!("{id}: {problem}")),
        }
    }
    Ok(())
}

/// Object by object; `null` removes.
pub(super) fn merge(into: &mut Value, over: &Value) {
    match (into, over) {
        (Value::Object(into), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    into.shift_remove(key);
                } else {
                    merge(into.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (into, over) => *into = over.clone(),
    }
}

fn load_case(case: RawCase, base: &RawBase) -> Result<(u64, Vec<TargetName>, Vec<Exchange>), String> {
    if case.exchanges.is_empty() {
        return Err("no exchanges".to_owned());
    }
    if case.source.is_some_and(|source| source.trim().is_empty()) {
        return Err("`source` is empty".to_owned());
    }
    let targets = match (case.targets, case.targets_reason) {
        (None, None) => TargetName::ALL.to_vec(),
        (Some(targets), Some(reason)) if !reason.trim().is_empty() && !targets.is_empty() => targets,
        (None, Some(_)) => return Err("`targets_reason` without `targets`".to_owned()),
        (Some(_), _) => return Err("`targets` needs a target and a `targets_reason`".to_owned()),
    };
    let mut exchanges = Vec::new();
    let mut time = 0;
    for (index, raw) in case.exchanges.into_iter().enumerate() {
        if raw.after_seconds < time {
            return Err(format!("exchange {index}: `after_seconds` goes back in time"));
        }
        time = raw.after_seconds;
        exchanges.push(load_exchange(raw, base).map_err(|problem| format!("exchange {index}: {problem}"))?);
    }
    if targets.contains(&TargetName::Envoy) && time > 0 {
        return Err(
            "time passes between exchanges: Envoy uses its own clock, leave it out of `targets`".to_owned()
        );
    }
    Ok((case.now.unwrap_or(DEFAULT_NOW), targets, exchanges))
}

fn load_exchange(raw: RawExchange, base: &RawBase) -> Result<Exchange, String> {
    let request = plan(raw.request, base).map_err(|problem| format!("request: {problem}"))?;
    let checks = raw
        .checks
        .into_iter()
        .map(check)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|problem| format!("checks: {problem}"))?;
    let upstream = raw
        .upstream
        .map(|answer| load_answer(answer, true))
        .transpose()
        .map_err(|problem| format!("upstream: {problem}"))?;
    let expect = expectation(raw.expect).map_err(|problem| format!("expect: {problem}"))?;
    Ok(Exchange { after_seconds: raw.after_seconds, request, checks, upstream, expect })
}

fn plan(raw: RawRequest, base: &RawBase) -> Result<RequestPlan, String> {
    let method = raw.method.unwrap_or_else(|| "POST".to_owned());
    let mut body = one_body(
        raw.body.map(|body| request::compact(body.get())),
        raw.body_text,
        raw.body_base64,
        raw.body_repeat.as_ref(),
    )?;

    let replaced = raw.headers.is_some();
    let mut fields: Vec<Option<(String, Vec<u8>)>> = match raw.headers {
        Some(HeaderList(list)) => list.into_iter().map(Some).collect(),
        None => request::default_fields(&method),
    };
    // With `headers` there is a token only if one is asked for.
    if replaced && !matches!(raw.token, TokenChoice::Default) {
        fields.push(None);
    }
    if raw.modern {
        let added: Vec<&str> = raw.add_headers.0.iter().map(|(name, _)| name.as_str()).collect();
        request::make_modern(&mut body, &mut fields, &added)?;
    }
    for name in &raw.drop_headers {
        let before = fields.len();
        fields.retain(|field| match field {
            Some((field, _)) => field != name,
            None => name != "authorization",
        });
        if fields.len() == before {
            return Err(format!("`drop_headers`: there is no header `{name}`"));
        }
    }
    fields.extend(raw.add_headers.0.into_iter().map(Some));

    let token = match raw.token {
        TokenChoice::None => None,
        TokenChoice::Default => Some(token(RawToken::default(), &base.token)?),
        TokenChoice::Changed(changes) => Some(token(*changes, &base.token)?),
    };
    check_cuts(&raw.chunks, body.as_deref().unwrap_or_default())?;
    Ok(RequestPlan {
        method,
        path: raw.path.map_or_else(|| b"/mcp/github".to_vec(), |path| path.0),
        authority: raw.authority.unwrap_or_else(|| "tools.acme.test".to_owned()),
        http: raw.http.unwrap_or(HttpVersion::Http11),
        fields,
        token,
        body,
        chunks: raw.chunks,
        trailers: raw.trailers.0,
    })
}

fn token(changes: RawToken, base: &RawToken) -> Result<TokenPlan, String> {
    if let Some(raw) = changes.raw {
        let alone = changes.key.is_none()
            && changes.header.is_empty()
            && changes.claims.is_empty()
            && changes.remove.is_empty()
            && changes.tamper.is_none();
        return if alone { Ok(TokenPlan::Raw(raw)) } else { Err("token: `raw` stands alone".to_owned()) };
    }
    let key = changes.key.or_else(|| base.key.clone()).ok_or("token: `base.json` names no key")?;
    let over = |base: &Map<String, Value>, changes: Map<String, Value>| {
        let mut all = base.clone();
        all.extend(changes);
        all
    };
    let header = over(&base.header, changes.header);
    let mut claims = over(&base.claims, changes.claims);
    for name in &changes.remove {
        if claims.shift_remove(name).is_none() {
            return Err(format!("token: `remove`: there is no claim `{name}`"));
        }
    }
    Ok(TokenPlan::Mint { key, header, claims, tamper: changes.tamper })
}

fn one_body(
    json: Option<Vec<u8>>,
    text: Option<Exact>,
    base64: Option<String>,
    repeat: Option<&BodyRepeat>,
) -> Result<Option<Vec<u8>>, String> {
    let mut bodies = Vec::new();
    bodies.extend(json);
    bodies.extend(text.map(|text| text.0.into_bytes()));
    if let Some(base64) = base64 {
        bodies.push(STANDARD.decode(base64).map_err(|error| format!("`body_base64`: {error}"))?);
    }
    if let Some(repeat) = repeat {
        let BodyRepeat { prefix, unit, times, close, suffix } = repeat;
        if unit.len().saturating_add(close.len()).saturating_mul(*times) > MAX_BODY_BYTES {
            return Err(format!("`body_repeat`: more than {MAX_BODY_BYTES} bytes"));
        }
        let body = format!("{prefix}{}{}{suffix}", unit.repeat(*times), close.repeat(*times));
        bodies.push(body.into_bytes());
    }
    if bodies.len() > 1 {
        return Err("more than one of `body`, `body_text`, `body_base64` and `body_repeat`".to_owned());
    }
    Ok(bodies.pop())
}

fn check_cuts(cuts: &[usize], body: &[u8]) -> Result<(), String> {
    let mut last = 0;
    for &cut in cuts {
        if cut <= last || cut >= body.len() {
            return Err(format!(
                "`chunks`: {cut} is not after {last} and before the body's end at {} bytes",
                body.len()
            ));
        }
        last = cut;
    }
    Ok(())
}

fn check(raw: RawCheck) -> Result<Check, String> {
    let question =
        Question { object: raw.expect.object, relation: raw.expect.relation, subject: raw.expect.subject };
    for (name, value) in [("object", &question.object), ("subject", &question.subject)] {
        if !value.contains(':') {
            return Err(format!("`{name}`: expected `type:id`, found `{value}`"));
        }
    }
    let spicedb = |permissionship: &str| {
        let mut body = json!({"checkedAt": {"token": "GhUKEzE3OTUyMTMyNjAwMDAwMDAwMDA="},
            "permissionship": format!("PERMISSIONSHIP_{permissionship}")});
        if permissionship == "CONDITIONAL_PERMISSION" {
            merge(&mut body, &json!({"partialCaveatInfo": {"missingRequiredContext": ["hour"]}}));
        }
        CheckAnswer::Http(json_answer(200, &body))
    };
    let answer = match raw.answer {
        RawCheckAnswer::Yes => spicedb("HAS_PERMISSION"),
        RawCheckAnswer::No => spicedb("NO_PERMISSION"),
        RawCheckAnswer::Conditional => spicedb("CONDITIONAL_PERMISSION"),
        RawCheckAnswer::Timeout => CheckAnswer::Timeout,
        RawCheckAnswer::Reset => CheckAnswer::Reset,
        RawCheckAnswer::Http(answer) => CheckAnswer::Http(load_answer(*answer, false)?),
    };
    Ok(Check { question, answer })
}

fn load_answer(raw: RawAnswer, trailers_allowed: bool) -> Result<Answer, String> {
    let json = raw.body.is_some();
    let body = one_body(
        raw.body.map(|body| body.to_string().into_bytes()),
        raw.body_text,
        raw.body_base64,
        raw.body_repeat.as_ref(),
    )?;
    let has_body = json || body.is_some();
    let body = body.unwrap_or_default();
    check_cuts(&raw.chunks, &body)?;
    let in_one_piece = raw.trailers.0.is_empty() && raw.chunks.is_empty() && raw.pauses_ms.is_empty();
    if !trailers_allowed && !in_one_piece {
        return Err(
            "an answer of the authorization cluster has no `chunks`, `pauses_ms` or `trailers`".to_owned()
        );
    }
    let status = raw.status.unwrap_or(200);
    if !(200..=599).contains(&status) {
        return Err(format!("`status`: expected 200..=599, found {status}"));
    }
    let headers = match raw.headers {
        Some(HeaderList(list)) => list,
        None if has_body => vec![("content-type".to_owned(), b"application/json".to_vec())],
        None => Vec::new(),
    };
    let longest: u64 = raw.pauses_ms.iter().sum();
    if longest > MAX_PAUSE_MS {
        return Err(format!("`pauses_ms`: {longest} in all, at most {MAX_PAUSE_MS}"));
    }
    let (pauses, trailers) = (raw.pauses_ms, raw.trailers.0);
    Ok(Answer { status, headers, body, chunks: raw.chunks, pauses, trailers })
}

fn expectation(raw: RawExpect) -> Result<Expect, String> {
    let reason = match (raw.decision, raw.reason) {
        (ExpectedDecision::Permit, None) => Some("allowed".to_owned()),
        (ExpectedDecision::Permit, Some(reason)) if reason != "allowed" => {
            return Err(format!("`reason`: a permit's reason is `allowed`, found `{reason}`"));
        }
        (ExpectedDecision::Deny, None) => return Err("a denial needs its `reason`".to_owned()),
        (ExpectedDecision::None, Some(_)) => return Err("without a decision there is no `reason`".to_owned()),
        (_, reason) => reason,
    };
    if raw.body.is_some() && raw.body_text.is_some() {
        return Err("`body` and `body_text`".to_owned());
    }
    let upstream = raw.upstream.unwrap_or(match raw.decision {
        ExpectedDecision::Permit => ExpectedUpstream::Same,
        ExpectedDecision::Deny if denies_response(reason.as_deref().unwrap_or_default()) => {
            ExpectedUpstream::Same
        }
        ExpectedDecision::Deny if raw.upstream_denial.is_some() => ExpectedUpstream::Same,
        ExpectedDecision::Deny | ExpectedDecision::None => ExpectedUpstream::Nothing,
    });
    if upstream == ExpectedUpstream::Nothing
        && !(raw.upstream_headers.0.is_empty()
            && raw.upstream_absent_headers.is_empty()
            && raw.upstream_path.is_none())
    {
        return Err("`upstream_headers` or `upstream_path` of a request that never arrives".to_owned());
    }
    if upstream == ExpectedUpstream::Nothing && raw.upstream_body.is_some() {
        return Err("`upstream_body` of a request that never arrives".to_owned());
    }
    Ok(Expect {
        decision: raw.decision,
        reason,
        status: raw.status,
        headers: raw.headers.0,
        absent_headers: raw.absent_headers,
        cut: raw.cut,
        from_server: raw.from_server,
        body: raw.body,
        body_text: raw.body_text.map(|text| text.0),
        body_includes: raw.body_includes,
        upstream,
        upstream_path: raw.upstream_path,
        upstream_body: raw.upstream_body.map(|text| text.0),
        upstream_denial: raw.upstream_denial,
        upstream_headers: raw.upstream_headers.0,
        upstream_absent_headers: raw.upstream_absent_headers,
        record: raw.record,
        records: raw.records,
    })
}
