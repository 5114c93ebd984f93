//! Bodies of `tools/call` for the benchmarks of reading.

use std::fmt::Write as _;

/// Every body with its name.
pub fn all() -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for bytes in [500, 1000, 100_000, 4_000_000] {
        all.push((format!("issues, {}", size(bytes)), issues(bytes)));
    }
    for bytes in [1000, 100_000, 4_000_000] {
        all.push((format!("one text, {}", size(bytes)), text(bytes)));
    }
    all.push((format!("numbers, {}", size(100_000)), numbers(100_000)));
    all.push((format!("one wide object, {}", size(100_000)), wide(100_000)));
    all
}

fn size(bytes: usize) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{} KB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

const OPEN: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search_code","arguments":{"items":["#;

/// A call with many small objects: short keys, texts of a sentence, numbers, nesting.
pub fn issues(bytes: usize) -> Vec<u8> {
    let mut out = OPEN.to_owned();
    let mut number = 0;
    while out.len() + 200 < bytes {
        if number > 0 {
            out.push(',');
        }
        let _ = write!(
            out,
            r#"{{"number":{number},"title":"Login fails with \"401\" after the upgrade to release {}","state":"open","labels":["bug","prio-{}"],"user":{{"login":"u-{number}","admin":false}},"score":{}.25}}"#,
            number % 17,
            number % 3,
            number % 100
        );
        number += 1;
    }
    finish(out, bytes)
}

/// A call with one long text, as when a file is written: lines with escaped ends.
pub fn text(bytes: usize) -> Vec<u8> {
    let mut out = OPEN.to_owned();
    out.push('"');
    while out.len() + 100 < bytes {
        out.push_str("    let answer = client.call(request).await?; // ünïcode\\n");
    }
    out.push('"');
    finish(out, bytes)
}

/// A call with a list of numbers.
pub fn numbers(bytes: usize) -> Vec<u8> {
    let mut out = OPEN.to_owned();
    let mut number = 7u32;
    while out.len() + 60 < bytes {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let _ = write!(out, "{}.{},", number >> 16, number & 0xff);
    }
    out.push('0');
    finish(out, bytes)
}

/// A call whose arguments have thousands of keys.
pub fn wide(bytes: usize) -> Vec<u8> {
    let mut out = OPEN.to_owned();
    out.push('{');
    let mut number = 7u32;
    while out.len() + 80 < bytes {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let _ = write!(out, r#""src/module_{number}/file.rs":{},"#, number & 0xff);
    }
    out.push_str(r#""last":0}"#);
    finish(out, bytes)
}

/// Closes the call, padded to the very size.
fn finish(mut out: String, bytes: usize) -> Vec<u8> {
    let end = r#"],"filler":""}}}"#;
    let filler = "f".repeat(bytes.saturating_sub(out.len() + end.len()));
    let _ = write!(out, r#"],"filler":"{filler}"}}}}}}"#);
    out.into_bytes()
}
