//! The corpus of scenarios on the native core and on `toolward.wasm` in wasmtime (`make scenarios` adds Envoy).

use harness::scenario::{self, Fixtures, Loaded, TargetName};
use harness::target::suite::{self, Deviation};
use harness::target::{Native, Target, Wasm};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use toolward_tests::{folder, wasm};

struct Results {
    loaded: Loaded,
    deviations: Vec<Deviation>,
    /// Target, how many ran, and the report of each that failed.
    native: (usize, Vec<String>),
    wasm: (usize, Vec<String>),
}

/// Both targets run once for all tests of this file.
fn results() -> &'static Results {
    static RESULTS: OnceLock<Results> = OnceLock::new();
    RESULTS.get_or_init(|| {
        let loaded = scenario::load(&[folder().join("scenarios")], None).unwrap();
        let fixtures = Fixtures::new(&loaded.tests).unwrap();
        let deviations = suite::deviations(&loaded.tests).unwrap();
        let mut targets: Vec<Box<dyn Target>> =
            vec![Box::new(Native), Box::new(Wasm::from_file(&wasm()).unwrap())];
        let (mut native, mut wasm) = ((0, Vec::new()), (0, Vec::new()));
        suite::run(&loaded.scenarios, &fixtures, &mut targets, &deviations, &mut |outcome| {
            let of_target = match outcome.target {
                TargetName::Native => &mut native,
                TargetName::Wasm => &mut wasm,
                TargetName::Envoy => panic!("nobody asked Envoy"),
            };
            of_target.0 += 1;
            if !outcome.differences.is_empty() {
                of_target.1.push(format!(
                    "{}\n    {}",
                    outcome.scenario.id,
                    outcome.differences.join("\n    ")
                ));
            }
        });
        Results { loaded, deviations, native, wasm }
    })
}

fn assert_passed((ran, failed): &(usize, Vec<String>), target: TargetName) {
    let expected =
        results().loaded.scenarios.iter().filter(|scenario| scenario.targets.contains(&target)).count();
    assert_eq!(*ran, expected, "scenarios that ran on {target}");
    assert!(*ran > 0);
    assert!(failed.is_empty(), "{} of {ran} failed on {target}:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn every_scenario_is_met_by_the_native_core() {
    assert_passed(&results().native, TargetName::Native);
}

#[test]
fn every_scenario_is_met_by_the_wasm_module_with_the_same_transcript() {
    assert_passed(&results().wasm, TargetName::Wasm);
}

#[test]
fn every_deviation_names_a_scenario_and_a_target_of_it() {
    let mut seen = BTreeSet::new();
    for deviation in &results().deviations {
        let scenario = results().loaded.scenarios.iter().find(|scenario| scenario.id == deviation.scenario);
        let scenario = scenario.unwrap_or_else(|| panic!("no scenario `{}`", deviation.scenario));
        assert!(scenario.targets.contains(&deviation.target), "`{}` does not run there", scenario.id);
        assert!(seen.insert((&deviation.scenario, deviation.target)), "`{}` twice", deviation.scenario);
    }
}
