use super::loose::Loose;
use super::*;

#[test]
fn templates_take_segments_and_rests() {
    for (template, uri) in [
        ("repo://{owner}/{repo}/{+path}", "repo://globex/site/src/main.rs"),
        ("repo://{owner}/{repo}/{+path}", "repo://globex/site/a"),
        ("statement://{account}/{month}", "statement://DE01/2026-10"),
        ("file:///{+path}.md", "file:///a.md/b.md"),
        ("file://{+path}", "file:///etc/motd"),
        ("x:{a}x{b}", "x:axxb"),
        ("x:{+a}/b/{c}", "x:a/b/b/c"),
        ("note:{id}", "note:abc"),
        ("urn:x:{id}", "urn:x:y:z"),
        ("plain://all", "plain://all"),
        ("docs://{a}/", "docs://x/"),
        ("db://table/{row}?x={x}", "db://table/7?x=1"),
        ("db://table?{+query}", "db://table?x=1&y=a/b?c"),
        ("page://{a}#{part}", "page://x#top"),
        ("https://{tenant}.acme.test:8443/{+path}", "https://eu.acme.test:8443/a"),
        ("https://me@acme.test/{+path}", "https://me@acme.test/a"),
        ("https://{address}/{+path}", "https://127.0.0.1/a"),
        ("m://h/{a};v={v}", "m://h/a;v=2"),
    ] {
        assert!(matches(template, uri), "{template} {uri}");
    }
    for (template, uri) in [
        ("repo://{owner}/{repo}/{+path}", "repo://globex/site/"),
        ("repo://{owner}/{repo}/{+path}", "repo://globex//a"),
        ("repo://{owner}/{repo}/{+path}", "repo://globex/site"),
        ("repo://{owner}/{repo}/{+path}", "repo://globex:80/site/a"),
        ("repo://{owner}/{repo}/{+path}", "repo://me@globex/site/a"),
        ("statement://{account}/{month}", "statement://DE01/2026/10"),
        ("statement://{account}/{month}", "statement://DE01/x?y"),
        ("statement://{account}/{month}", "Statement://DE01/x"),
        ("file:///{+path}.md", "file:///.md"),
        ("file:///{+path}", "file:////etc/motd"),
        ("file:{+path}", "file:///etc/motd"),
        ("file:/{+path}", "file://host/motd"),
        ("file://{host}/{+path}", "file://localhost/motd"),
        ("x:{+p}", "x://host/p"),
        ("https:{+rest}", "https:acme.test/a"),
        ("https:/{+rest}", "https:/acme.test/a"),
        ("https://{+rest}", "https:///acme.test/a"),
        ("https://{host}/a", "https://Acme.test/a"),
        ("https://{host}/a", "https://127.1/a"),
        ("https://{host}/a", "https://0x7f.0.0.0x1/a"),
        ("https://{host}/a", "https://xn%2d-a/a"),
        ("plain://all", "plain://all/"),
        ("docs://{a}/", "docs://x"),
        ("docs://{a}/", "docs://x//"),
        ("db://table/{row}", "db://table/7?x=1"),
        ("db://table/{row}?x={x}", "db://table/7?x=1&y=2"),
        ("db://table/{row}?x={x}", "db://table/7/?x=1"),
        ("db://table?{+query}", "db://table?x#y"),
        ("broken://{a", "broken://{a"),
        ("", "x"),
    ] {
        assert!(!matches(template, uri), "{template} {uri}");
    }
}

#[test]
fn ambiguous_uris_match_no_template() {
    for tail in [
        // Blanks and controls, which readers strip or drop.
        "secret ",
        " secret",
        "a b",
        "a\tb",
        "a\nb",
        "\u{1}a",
        "a\u{7f}",
        "a\u{85}",
        "a%00",
        "a%0ab",
        "a%7f",
        "a%c2%80b",
        // Dot segments, however they are written.
        "a/../b",
        "..",
        ".",
        "a/./b",
        "%2e%2e/a",
        "%2E",
        ".%2e/a",
        "a/..?x",
        "a/..#x",
        ".. ",
        "..%20",
        "%20..",
        ".%20",
        "..;/a",
        "..;x=1/a",
        ";/a",
        "..%c2%a0/a",
        "..%e2%80%8b/a",
        "%ef%bc%8e%ef%bc%8e/a",
        "%e2%80%a5/a",
        ".%ef%bc%8e/a",
        "%20/a",
        // Separators that are not written as such.
        "a%2fb",
        "a%2Fb",
        "a%5cb",
        "a\\b",
        "a%252e",
        "a%25b",
        "a%ef%bc%8fb",
        "a%ef%bc%bcb",
        "a%e2%88%95b",
        "a%ef%bc%85b",
        "a\u{ff0f}b",
        // Needless escapes, broken escapes, and invalid UTF-8.
        "s%65cret",
        "%7Ea",
        "a%2D",
        "a%",
        "a%2",
        "a%zz",
        "a%c0%ae",
        "a%e9",
        "a%ed%a0%80",
        // Empty segments, and segments that the template lacks.
        "a//b",
        "/a",
        "a/",
        "a?x",
        "a?",
        "a#x",
        "a#",
        "a;x",
        // No characters of a URI.
        "caf\u{e9}",
        "a|b",
        "a\"b",
        "a<b",
        "a`b",
        "a^b",
        "{a}",
        "[a]",
    ] {
        assert!(!matches("f:///{+path}", &format!("f:///{tail}")), "{tail:?}");
        assert!(!matches("note:{+path}", &format!("note:{tail}")) || tail == "/a", "{tail:?}");
    }
    for tail in [
        "a.b",
        "...",
        "a..b",
        "..a",
        ".a",
        "a.",
        "a%20b",
        "a%20",
        "caf%c3%a9",
        "%E6%97%A5%E6%9C%AC.md",
        "a%40b",
        "a@b",
        "c%23",
        "what%3F",
        "a:b",
        "a=b&c",
        "a+b",
        "~a",
        "a,b",
        "(a)!",
        "%E2%9D%A4%EF%B8%8F",
        "README",
    ] {
        assert!(matches("f:///{+path}", &format!("f:///{tail}")), "{tail}");
        assert!(matches("f:///docs/{name}", &format!("f:///docs/{tail}")), "{tail}");
    }
    assert!(matches("f:{+p}", &format!("f:{}", "x".repeat(MAX_URI - 2))));
    assert!(!matches("f:{+p}", &format!("f:{}", "x".repeat(MAX_URI - 1))));
}

#[test]
fn prefixes_end_where_a_segment_does() {
    for (prefix, url) in [
        ("https://notes.test", "https://notes.test"),
        ("https://notes.test", "https://notes.test/ask/17"),
        ("https://notes.test/ask", "https://notes.test/ask?x=1"),
        ("https://notes.test/ask", "https://notes.test/ask?back=https%3A%2F%2Fapp.test%2F%25&y=a%2e#z"),
        ("https://notes.test/ask/", "https://notes.test/ask/17"),
        ("https://notes.test/ask/", "https://notes.test/ask/"),
        ("https://notes.test/ask/", "https://notes.test/ask/17/"),
        ("https://notes.test/ask/", "https://notes.test/ask/caf%C3%A9%20au%20lait"),
        ("https://[::1]:8443/ask", "https://[::1]:8443/ask/17"),
    ] {
        assert!(covers(prefix, url), "{prefix} {url}");
    }
    for (prefix, url) in [
        ("https://notes.test", "https://notes.test.evil.test/ask"),
        ("https://notes.test", "https://notes.test@evil.test/"),
        ("https://notes.test", "https://notes.test:8443/"),
        ("https://notes.test", "https://notes.test\\@evil.test/"),
        ("https://notes.test", "https:/notes.test/"),
        ("https://notes.test", "https:notes.test/"),
        ("https://notes.test", "https:///notes.test/"),
        ("https://notes.test", "https://NOTES.test/"),
        ("https://notes.test", "HTTPS://notes.test/"),
        ("https://notes.test", "https://notes.test:443/"),
        ("https://notes.test", "https://notes.test./"),
        ("https://notes.test", "https://me@notes.test/"),
        ("https://notes.test", "https://n\u{ff4f}tes.test/"),
        ("https://notes.test/ask", "https://notes.test/asking"),
        ("https://notes.test/ask", "https://notes.test/ask/../admin"),
        ("https://notes.test/ask", "https://notes.test/ask%2f..%2fadmin"),
        ("https://notes.test/ask", "http://notes.test/ask"),
        ("https://notes.test/ask", " https://notes.test/ask"),
        ("https://notes.test/ask", "https://notes.test/ask "),
    ] {
        assert!(!covers(prefix, url), "{prefix} {url}");
    }
    for tail in [
        ".. ",
        "..",
        "..\t",
        ".\t./admin",
        ".\n.",
        "..%20",
        "%2e%2e",
        "%2e%2e%2fadmin",
        ".%2E/",
        "..;/admin",
        "..\\admin",
        "\\..\\admin",
        "a//b",
        "/evil.test",
        "\\evil.test",
        "a/../../b",
        "a\u{a0}",
        "a%00",
        "s%65nd",
        "?x=%0d%0a",
        "?x= y",
        "?x#y z",
        "a%zz",
        "?%",
        "?x/../y",
    ] {
        assert!(
            !covers("https://ask.acme.test/consent/", &format!("https://ask.acme.test/consent/{tail}")),
            "{tail:?}"
        );
    }
}

#[test]
fn the_loosest_reading_unites_the_spellings_that_some_reader_unites() {
    let loose = |uri: &str| Loose::of(uri).bytes().to_vec();
    let secret = "file:///docs/secret";
    for uri in [
        "FILE:///docs/secret",
        "file:///docs/SECRET",
        "file:///docs/s%65cret",
        "file:///docs/secret/",
        "file:///docs//secret",
        "file://localhost/docs/secret",
        "file:/docs/secret",
        "file:///docs/./secret",
        "file:///docs/a/../secret",
        "file:///docs/a/%2e%2e/secret",
        "file:///../docs/secret",
        "file:///docs/secret.",
        "file:///docs/secret%20",
        "file:///docs/%20secret",
        "file:///docs/secret;v=1",
        "file:///docs/secret?",
        "file:///docs/secret#",
        "file:\\docs\\secret",
        "file:///docs/%C5%BFecret",
        "file:///docs/sec%C2%ADret",
        "file:///docs/%EF%BD%93ecret",
        "file:///docs%2Fsecret",
    ] {
        // An escaped slash lies in the middle of a segment, and a URI with one matches no template.
        if uri.contains("%2F") {
            assert!(!matches("file:///docs{+x}", uri));
            continue;
        }
        assert_eq!(loose(uri), loose(secret), "{uri} {:?}", String::from_utf8_lossy(&loose(uri)));
    }
    for uri in [
        "file:///docs/secrets",
        "file:///docs",
        "file:///docs/secret/a",
        "file:///docs/secret?x",
        "http:///docs/secret",
    ] {
        assert_ne!(loose(uri), loose(secret), "{uri}");
    }
    for (one, other) in [
        ("https://acme.test", "HTTPS://me@ACME.test.:443/"),
        ("https://acme.test/a", "https:acme.test/a"),
        ("https://acme.test/a", "https:\\\\\\acme.test\\a"),
        ("https://acme.test/a", "https://acme.test:/a"),
        ("https://acme.test/a", "https://acme.test/../a"),
        ("x://h/caf%C3%A9", "x://h/CAF%c3%89"),
        ("x://h/a@b", "x://h/a%40b"),
        ("x://h/r?a=b%20c", "x://h/r?A=b+c"),
        ("note:a", "note:A"),
    ] {
        assert_eq!(loose(one), loose(other), "{one} {other}");
    }
    for (one, other) in [
        ("https://acme.test/a", "https://acme.test:8443/a"),
        ("https://acme.test/a", "https://evil.test/a"),
        ("x://h/a/b", "x://h/ab"),
        ("x://h/%E6%97%A5", "x://h/%E6%9C%AC"),
        ("x://h/r?a=1", "x://h/r?a=2"),
    ] {
        assert_ne!(loose(one), loose(other), "{one} {other}");
    }
}

#[test]
fn uris_that_resemble_a_template_are_found() {
    let resembles = |template: &str, uri: &str| {
        super::resembles(Loose::of_template(template).bytes(), Loose::of(uri).bytes())
    };
    for (template, uri) in [
        ("f:///secret/{+path}", "f:///SECRET/a"),
        ("f:///secret/{+path}", "f:///secret./a"),
        ("f:///secret/{+path}", "f:///secret%20/a/b"),
        ("f:///s@/{name}", "f:///s%40/a"),
        ("f:///{+path}", "f:///a"),
        ("repo://{owner}/{repo}", "repo://A/b"),
    ] {
        assert!(resembles(template, uri), "{template} {uri}");
    }
    for (template, uri) in [
        ("f:///secret/{+path}", "f:///secrets/a"),
        ("f:///secret/{name}", "f:///secret/a/b"),
        ("f:///secret/{name}", "f:///secret"),
        ("f:///{name}?x={x}", "f:///a"),
    ] {
        assert!(!resembles(template, uri), "{template} {uri}");
    }
}
