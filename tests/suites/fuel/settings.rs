//! Configurations and policies, which operators write.

use super::*;

#[test]
fn reading_a_configuration_costs_the_same_for_each_byte() {
    let bench = Bench::new("configuration", "asking.yaml", &json!({}), &call("free", json!({})));
    let fixtures = Fixtures::new(&folder()).unwrap();
    let whole = fixtures.plugin_configuration(&bench.corpus.scenario).unwrap();
    let filter = Filter::from_file(&wasm()).unwrap();
    let frames: [Frame; 5] =
        [("", ""), ("\"x\":\"", "\""), ("\"", "\":1"), ("\"limits\":{\"", "\":1}"), ("\"x\":[", "]")];
    let mut families = everywhere(&frames);
    families.extend(members(("", ""), ("\"allowed_origins\":[", "]")));
    families.extend(members(("\"servers\":{", "}"), ("\"revisions\":[", "]")));
    let start = |configuration: &str| {
        let mut host = HostState::new(bench.corpus.scenario.now * 1_000_000_000, [], fixtures.signatures());
        host.configuration = configuration.as_bytes().to_vec();
        let mut guest = filter.guest(host).unwrap();
        // Both outcomes are fine: only the cost counts.
        guest.start().unwrap();
        guest
            .take_fuel()
            .iter()
            .filter(|(name, _)| *name == "proxy_on_configure")
            .map(|(_, fuel)| fuel)
            .sum::<u64>()
    };
    // The first thousand problems are reported, each with a suggestion.
    let reader = Reader { name: "configurations", bound: 3000, small: 32 * 1024, most: 512 * 1024 };
    let some: Vec<Family> = families.iter().rev().step_by(4).cloned().collect();
    reader.hold(&some, &mut |text| start(&format!("{{{text},{}", &whole[1..])));
}

#[test]
fn reading_a_policy_costs_the_same_for_each_byte() {
    let mut guest = PolicyReader::new();
    let frames: [Frame; 8] = [
        ("", ""),
        ("policy: toolward/v1\nservers: {", "}\n"),
        ("policy: toolward/v1\ntiers: [", "]\n# c\n"),
        ("policy: toolward/v1\nx: \"", "\"\n"),
        ("policy: toolward/v1\nx: ", "\n"),
        ("policy: toolward/v1\n", ": 1\n"),
        ("policy: toolward/v1\nx: |\n  ", "\n"),
        ("policy: toolward/v1\ntiers: [read]\nforbids: [{id: a, when: \"", "\"}]\n"),
    ];
    let mut families = everywhere(&frames);
    let flow = ("policy: toolward/v1\nservers: {# c\n a: {", "}}\n");
    families.extend(members(flow, ("policy: toolward/v1\ntiers: [# c\n ", "]\n")));
    for (frame, unit, between) in [
        (("policy: toolward/v1\n", "\n"), "k#: 1", "\n"),
        (("policy: toolward/v1\n", "\n"), "# #", "\n"),
        (("policy: toolward/v1\ntiers: [a, ", "]\n"), "t#", ", "),
        (("policy: toolward/v1\ntiers:\n", "\n"), "- t# # c", "\n"),
        (("policy: toolward/v1\nlabels: [", "]\n"), "t#", ", "),
        (("policy: toolward/v1\nservers:\n", "\n"), " s#: {resource: \"https://a.test/#\", tools: {}}", "\n"),
        (
            ("policy: toolward/v1\nservers: {s: {resource: \"https://a.test/\", tools: {", "}}}\n"),
            "t#: {}",
            ", ",
        ),
        (
            ("policy: toolward/v1\nservers: {s: {resource: \"https://a.test/\", tools: {", "}}}\n"),
            "t#: {tier: x}",
            ", ",
        ),
        (("policy: toolward/v1\nforbids:\n", "\n"), " - {id: f#, reason: x}", "\n"),
    ] {
        families.push(Family::numbered(frame, unit, between));
    }
    // The first thousand problems are reported, each with its line and a suggestion.
    let some: Vec<Family> = families
        .iter()
        .rev()
        .enumerate()
        .filter(|(at, _)| *at < 30 || at % 6 == 0)
        .map(|(_, family)| family.clone())
        .collect();
    for (name, reader) in [("policies", 0), ("layouts of policies", 1)] {
        let reader_of = Reader { name, bound: 12_000, small: 16 * 1024, most: 256 * 1024 };
        reader_of.hold(&some, &mut |text| guest.read(reader, text));
    }
}

/// The readers of policies, compiled for wasm as for the playground.
struct PolicyReader {
    store: wasmtime::Store<()>,
    instance: wasmtime::Instance,
}

impl PolicyReader {
    fn new() -> PolicyReader {
        let mut config = wasmtime::Config::new();
        config.consume_fuel(true);
        let engine = wasmtime::Engine::new(&config).unwrap();
        let module = wasmtime::Module::from_file(&engine, fuel_guest()).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        store.set_fuel(u64::MAX / 2).unwrap();
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).unwrap();
        PolicyReader { store, instance }
    }

    fn read(&mut self, reader: u32, text: &str) -> u64 {
        let input = self.instance.get_typed_func::<u32, u32>(&mut self.store, "input").unwrap();
        let at = input.call(&mut self.store, u32::try_from(text.len()).unwrap()).unwrap();
        let memory = self.instance.get_memory(&mut self.store, "memory").unwrap();
        memory.write(&mut self.store, at as usize, text.as_bytes()).unwrap();
        let before = self.store.get_fuel().unwrap();
        let read = self.instance.get_typed_func::<u32, u32>(&mut self.store, "read_text").unwrap();
        read.call(&mut self.store, reader).unwrap();
        before - self.store.get_fuel().unwrap()
    }
}
