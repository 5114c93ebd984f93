//! What the playground does with a policy's text, behind two functions that need no host.
#![allow(unsafe_code, reason = "the host calls exported names")]

use policy_wasm::compile::{Options, SourceFile, format, read};
use policy_wasm::lint::{lint, quoted};
use policy_wasm::source::{Paint, Problem};
use std::cell::RefCell;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The address of a place for so many bytes of text.
#[unsafe(no_mangle)]
pub extern "C" fn input(length: usize) -> *mut u8 {
    INPUT.with(|input| {
        let mut input = input.borrow_mut();
        input.clear();
        input.resize(length, 0);
        input.as_mut_ptr()
    })
}

/// Reads the text: 0 checks a policy, 1 lays it out. Says how long what is told about it is, in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn read_text(reader: u32) -> usize {
    let text = INPUT.with(|input| String::from_utf8(input.borrow().clone()).unwrap_or_default());
    let file = SourceFile { name: "p.yaml".to_owned(), text };
    if reader == 1 {
        return match format(&file) {
            Ok(text) => text.len(),
            Err(problems) => problems.render(Paint::Plain).len(),
        };
    }
    let files = [file];
    match read(&files, &Options::default()) {
        Err(problems) => problems.render(Paint::Plain).len(),
        Ok(policy) => {
            let lints = lint(&policy, 0);
            let told = |lint: &policy_wasm::lint::Lint| {
                Problem::new(&lint.file, lint.position, String::new(), lint.message.clone(), None)
            };
            let text_of =
                |name: &str| files.iter().find(|file| file.name == name).map(|file| file.text.as_str());
            quoted(&lints, text_of, told).len()
        }
    }
}
