//! The work that the hosts measure: each export does its work `times` times and returns something that depends on it.
//!
//! 0 stands for failure; the hosts check for it.

use policy_wasm::bundle::{Bundle, Trust};
use policy_wasm::compile::SourceFile;
use std::cell::RefCell;
use std::hint::black_box;

#[path = "../../src/workload.rs"]
mod workload;

thread_local! {
    static FILE: RefCell<Option<SourceFile>> = const { RefCell::new(None) };
    static BYTES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static BUNDLE: RefCell<Option<Bundle>> = const { RefCell::new(None) };
}

/// Writes the policy's text.
#[unsafe(no_mangle)]
pub extern "C" fn prepare(n: u32) -> u32 {
    FILE.set(Some(workload::policy(n)));
    n
}

/// Compiles it; the length of the bundle.
#[unsafe(no_mangle)]
pub extern "C" fn compile() -> u32 {
    let bytes = FILE.with_borrow(|file| file.as_ref().map(workload::compiled)).unwrap_or_default();
    let length = bytes.len() as u32;
    BYTES.set(bytes);
    length
}

/// Copies the bundle, as a host hands it over, and opens it.
#[unsafe(no_mangle)]
pub extern "C" fn open(times: u32) -> u32 {
    for _ in 0..times {
        BUNDLE.set(Bundle::open(BYTES.with_borrow(Vec::clone), &Trust::digest_only()).ok());
    }
    BUNDLE.with_borrow(|bundle| bundle.is_some().into())
}

/// Decides.
#[unsafe(no_mangle)]
pub extern "C" fn evaluate(n: u32, times: u32) -> u32 {
    BUNDLE.with_borrow(|bundle| {
        let Some(bundle) = bundle else { return 0 };
        workload::with_request(n, |request| {
            (0..times).for_each(|_| drop(black_box(workload::evaluate(bundle, black_box(request)))));
        });
        1
    })
}

/// Explains.
#[unsafe(no_mangle)]
pub extern "C" fn explain(n: u32, times: u32) -> u32 {
    BUNDLE.with_borrow(|bundle| {
        let Some(bundle) = bundle else { return 0 };
        workload::with_request(n, |request| {
            (0..times).map(|_| workload::explain(bundle, black_box(request))).sum::<usize>() as u32
        })
    })
}
