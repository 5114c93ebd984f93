//! Last step of the filter's link: rewrites the export section of the module.
//!
//! A proxy-wasm host calls every entry point that it finds exported. The SDK exports all of them, and some of those would
//! panic. So the module keeps what the filter uses, gets the filter's own function where it has one
//! (`toolward_on_…` instead of the SDK's `proxy_on_…`, `filter/src/host/exports.rs`), and nothing else. Code that nothing
//! reaches any more is removed by `wasm-opt` afterwards. This tool refuses a module that
//! would lack one of them; `toolward abi` checks the outcome.
//!
//! Source: WebAssembly Core Specification 2.0, §5.5 (modules, binary format).

use std::process::ExitCode;

/// Exported as the SDK and the linker export them.
const KEPT: [&str; 8] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// The filter's own functions: `toolward_on_<name>` is exported as `proxy_on_<name>`.
const OWN: [&str; 11] = [
    "downstream_data",
    "http_call_response",
    "memory_allocate",
    "new_connection",
    "request_body",
    "request_headers",
    "request_trailers",
    "response_body",
    "response_headers",
    "response_trailers",
    "upstream_data",
];

/// Number of the export section.
const EXPORTS: u8 = 7;

/// The name under which a function is to be exported; `None` where it is not.
fn exported(name: &str) -> Option<String> {
    if KEPT.contains(&name) {
        return Some(name.to_owned());
    }
    let own = name.strip_prefix("toolward_on_").filter(|own| OWN.contains(own))?;
    Some(format!("proxy_on_{own}"))
}

/// Reads from the front of what is left.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// An unsigned number of 32 bits in LEB128.
    fn number(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in [0u32, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn sized(&mut self) -> Option<&'a [u8]> {
        let size = usize::try_from(self.number()?).ok()?;
        self.bytes(size)
    }
}

fn put_number(out: &mut Vec<u8>, mut value: u32) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value = value.wrapping_shr(7);
    }
    out.push(value as u8);
}

fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    put_number(out, u32::try_from(bytes.len()).ok()?);
    out.extend_from_slice(bytes);
    Some(())
}

/// The export section with what is to be exported, and the names.
fn rewritten(section: &[u8]) -> Option<(Vec<u8>, Vec<String>)> {
    let mut reader = Reader(section);
    let (mut entries, mut names) = (Vec::new(), Vec::new());
    for _ in 0..reader.number()? {
        let name = std::str::from_utf8(reader.sized()?).ok()?;
        let (kind, index) = (reader.byte()?, reader.number()?);
        if let Some(name) = exported(name) {
            put_sized(&mut entries, name.as_bytes())?;
            entries.push(kind);
            put_number(&mut entries, index);
            names.push(name);
        }
    }
    let mut out = Vec::new();
    put_number(&mut out, u32::try_from(names.len()).ok()?);
    out.extend(entries);
    reader.0.is_empty().then_some((out, names))
}

/// The module with its exports rewritten.
///
/// # Errors
/// Where this is no module, or one that lacks a function of the lists or has it twice.
fn linked(module: &[u8]) -> Result<Vec<u8>, String> {
    let broken = || "this is not a wasm module".to_owned();
    let header =
        module.first_chunk::<8>().filter(|header| header.starts_with(b"\0asm\x01")).ok_or_else(broken)?;
    let mut reader = Reader(module.get(header.len()..).unwrap_or_default());
    let (mut out, mut names) = (header.to_vec(), Vec::new());
    while !reader.0.is_empty() {
        let id = reader.byte().ok_or_else(broken)?;
        let section = reader.sized().ok_or_else(broken)?;
        out.push(id);
        if id == EXPORTS {
            let (section, exported) = rewritten(section).ok_or_else(broken)?;
            put_sized(&mut out, &section).ok_or_else(broken)?;
            names.extend(exported);
        } else {
            put_sized(&mut out, section).ok_or_else(broken)?;
        }
    }
    for wanted in KEPT.map(str::to_owned).into_iter().chain(OWN.map(|own| format!("proxy_on_{own}"))) {
        match names.iter().filter(|name| **name == wanted).count() {
            1 => {}
            count => return Err(format!("`{wanted}` would be exported {count} times")),
        }
    }
    Ok(out)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, to] = arguments.as_slice() else {
        eprintln!("usage: filter-link FROM.wasm TO.wasm");
        return ExitCode::from(2);
    };
    let done = std::fs::read(from).map_err(|error| format!("`{from}`: {error}")).and_then(|module| {
        let linked = linked(&module).map_err(|problem| format!("`{from}`: {problem}"))?;
        std::fs::write(to, linked).map_err(|error| format!("`{to}`: {error}"))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("filter-link: {problem}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with these functions exported, all of them the same one, between two other sections.
    fn module<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<u8> {
        let names: Vec<&str> = names.into_iter().collect();
        let mut section = Vec::new();
        put_number(&mut section, names.len() as u32);
        for name in names {
            put_sized(&mut section, name.as_bytes()).unwrap();
            section.extend([0, 5]);
        }
        let mut out = b"\0asm\x01\0\0\0\x03\x02\x01\x00\x07".to_vec();
        put_sized(&mut out, &section).unwrap();
        out.extend(b"\x00\x02\x01x");
        out
    }

    fn own() -> impl Iterator<Item = String> {
        OWN.into_iter().map(|own| format!("toolward_on_{own}"))
    }

    #[test]
    fn own_functions_stand_in_for_the_sdks_and_others_are_dropped() {
        let own: Vec<String> = own().collect();
        let sdk: Vec<String> = OWN.into_iter().map(|own| format!("proxy_on_{own}")).collect();
        let others = ["proxy_on_grpc_close", "proxy_on_queue_ready", "toolward_on_anything"];
        let names = KEPT.into_iter().chain(own.iter().map(String::as_str));
        let names = names.chain(sdk.iter().map(String::as_str)).chain(others);
        let expected = module(KEPT.into_iter().chain(sdk.iter().map(String::as_str)));
        assert_eq!(linked(&module(names)).unwrap(), expected);
    }

    #[test]
    fn a_module_that_lacks_an_entry_point_is_refused() {
        let own: Vec<String> = own().skip(1).collect();
        let names = KEPT.into_iter().chain(own.iter().map(String::as_str));
        let problem = linked(&module(names)).unwrap_err();
        assert_eq!(problem, "`proxy_on_downstream_data` would be exported 0 times");
        assert!(linked(b"not a module").is_err());
        assert!(linked(b"\0asm\x01\0\0\0\x07\x05\x01").is_err());
    }

    #[test]
    fn numbers_of_any_size_survive() {
        for number in [0, 1, 127, 128, 16_383, 16_384, u32::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, number);
            assert_eq!(Reader(&out).number(), Some(number));
        }
    }
}
