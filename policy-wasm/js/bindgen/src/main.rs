//! `toolward-bindgen WASM DIRECTORY`: the `wasm-bindgen` command with `--target web`, from a library that the lock file
//! pins.

use std::process::ExitCode;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [wasm, directory] = arguments.as_slice() else {
        eprintln!("usage: toolward-bindgen WASM DIRECTORY");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).typescript(false).remove_name_section(true).remove_producers_section(true);
    let written = bindgen.web(true).and_then(|bindgen| bindgen.out_name("engine").generate(directory));
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("toolward-bindgen: {error:#}");
            ExitCode::FAILURE
        }
    }
}
