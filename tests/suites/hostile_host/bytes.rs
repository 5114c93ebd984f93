//! A host whose hostcalls succeed with bytes that are not what the ABI describes.

use super::*;

#[test]
fn garbage_from_verify_signature_is_not_a_valid_signature() {
    let scenario = scenario(|scenario| {
        // ES256 and RS256 are checked by the host.
        scenario.exchanges[0].expect.reason.as_deref() == Some("allowed")
            && scenario.id.starts_with("bodies/")
    });
    let lies: [&[u8]; 14] = [
        b"",
        &[0x00],
        &[0x08],
        &[0x08, 0x00],
        &[0x08, 0x02],
        &[0x08, 0x81, 0x00],
        &[0x08, 0x01, 0x08, 0x00],
        &[0x08, 0x00, 0x08, 0x01],
        &[0x08, 0x01, 0x12, 0x01, b'x'],
        &[0x12, 0x02, 0x08, 0x01],
        &[0x10, 0x01],
        &[0x18, 0x01, 0x08, 0x01],
        &[0xff; 64],
        b"true",
    ];
    for lie in lies {
        let mut proxy = proxy(scenario);
        fault(&mut proxy, "proxy_call_foreign_function", Fault::Result(lie.to_vec()));
        let seen = run(&mut proxy, scenario);
        no_trap(&seen, &format!("{lie:?}"));
        assert!(seen.upstream.is_none(), "{lie:?} was taken for a signature");
    }
}

#[test]
fn broken_header_maps_are_rejected() {
    let scenario = permitted();
    let broken: [&[u8]; 8] = [
        b"",
        &[1],
        &[1, 0, 0, 0],
        &[0xff; 4],
        &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 1, 0, 0, 0],
        &[1, 0, 0, 0, 5, 0, 0, 0, 5, 0, 0, 0, b'a'],
        &[0, 0, 0, 0],
        &[0xff; 4096],
    ];
    for bytes in broken {
        let mut proxy = proxy(scenario);
        fault(&mut proxy, "proxy_get_header_map_pairs", Fault::Result(bytes.to_vec()));
        let seen = run(&mut proxy, scenario);
        no_trap(&seen, &format!("{bytes:?}"));
        assert!(seen.upstream.is_none(), "{bytes:?}");
    }
}

#[test]
fn every_byte_of_a_header_value_is_survived() {
    let fixtures = fixtures();
    let scenario = permitted();
    let mut proxy = proxy(scenario);
    for byte in (0x80..=0xff_u8).chain([0x01, 0x09, 0x7f]) {
        for name in ["x-anything", "authorization", "content-type", "origin", "mcp-name", "mcp-session-id"] {
            let mut request = scenario.request(0, scenario.now, &fixtures).unwrap();
            let authorization = request.headers.iter().position(|(known, _)| known == name);
            match authorization.filter(|_| name == "authorization") {
                Some(at) => request.headers[at].1.push(byte),
                None => request.headers.push((name.to_owned(), vec![b'a', byte, b'z'])),
            }
            let exchange = &scenario.exchanges[0];
            let seen = proxy.exchange(&request, &[], &mut |_| exchange.answer_to(&request));
            no_trap(&seen, &format!("{name}: {byte:#x}"));
            if name == "authorization" {
                assert!(seen.upstream.is_none(), "{name}: {byte:#x} went on");
            }
        }
    }
}
