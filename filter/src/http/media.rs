//! Content types, codings and charsets: how a reader understands a body.

use super::Fields;

/// The form in which a client reads a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// `application/json`.
    Json,
    /// `text/event-stream`.
    Events,
    /// Something else, or nothing.
    Other,
    /// There are clients that take it for a stream, and others that do not: it comes twice, or holds the name of that
    /// type without being it.
    Unclear,
}

/// The type without its parameters.
pub fn media_of(fields: &Fields<'_>) -> Media {
    const EVENTS: &[u8] = b"text/event-stream";
    let mut values = fields.iter().filter(|(name, _)| *name == b"content-type").map(|(_, value)| *value);
    let (Some(value), None) = (values.next(), values.next()) else {
        // Whether there was none, or two.
        let any = fields.iter().any(|(name, _)| *name == b"content-type");
        return if any { Media::Unclear } else { Media::Other };
    };
    let media = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let holds = |part: &[u8]| part.eq_ignore_ascii_case(EVENTS);
    match media {
        _ if holds(media) => Media::Events,
        _ if value.windows(EVENTS.len()).any(holds) => Media::Unclear,
        _ if media.eq_ignore_ascii_case(b"application/json") => Media::Json,
        _ => Media::Other,
    }
}

/// Whether the body is coded, by any of its fields. Some clients skip an unknown coding and undo the next
/// one. So `identity` alone counts as no coding (RFC 9110 §8.4, RFC 9112 §6.1).
pub fn is_coded(fields: &Fields<'_>) -> bool {
    fields.iter().any(|(name, value)| {
        let plain: &[u8] = match *name {
            b"content-encoding" => b"identity",
            // Framing, which the proxy has undone.
            b"transfer-encoding" => b"chunked",
            _ => return false,
        };
        let mut codings = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        codings.any(|coding| {
            !coding.is_empty()
                && !coding.eq_ignore_ascii_case(b"identity")
                && !coding.eq_ignore_ascii_case(plain)
        })
    })
}

/// Whether the head names a charset in which a client could find other text: any but UTF-8 and those that
/// agree with it on ASCII. Event streams are UTF-8 (WHATWG HTML §9.2.5), and so is JSON between systems (RFC
/// 8259 §8.1). But some clients decode as the head says, and UTF-7 writes line ends and quotes with other
/// letters.
pub fn is_foreign(fields: &Fields<'_>) -> bool {
    // Single bytes above ASCII change no structure and no ASCII name, whatever letters they are.
    const READ: [&[u8]; 7] =
        [b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252"];
    let values = fields.iter().filter(|(name, _)| *name == b"content-type").map(|(_, value)| *value);
    values.flat_map(|value| value.split(|byte| *byte == b';').skip(1)).any(|parameter| {
        let mut bare = parameter.to_ascii_lowercase();
        bare.retain(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\''));
        let charset = bare.strip_prefix(b"charset");
        charset.is_some_and(|named| !READ.iter().any(|read| named.strip_prefix(b"=") == Some(read)))
    })
}

/// `application/json`, alone or with `charset=utf-8`; compared whole.
pub fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return false;
    }
    match (parts.next(), parts.next()) {
        (None, _) => true,
        (Some(parameter), None) => {
            parameter.eq_ignore_ascii_case("charset=utf-8")
                || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_compared_whole() {
        for yes in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
        ] {
            assert!(is_json(yes), "{yes}");
        }
        for no in [
            "",
            "application/jsonevil",
            "application/json-rpc",
            "application/json, text/plain",
            "text/plain; x=application/json",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; charset=utf-16",
            "application/json; boundary=x",
            "text/json",
        ] {
            assert!(!is_json(no), "{no}");
        }
    }

    #[test]
    fn an_encoding_in_which_other_text_could_be_found_is_foreign() {
        for value in [
            "text/event-stream; charset=utf-7",
            "text/event-stream;x=1;CharSet = \"UTF-16\"",
            "application/json; charset=utf-8; charset=cp037",
            "application/json; charset*=us-ascii''utf-7",
            "application/json; charset",
        ] {
            assert!(is_foreign(&[(b"content-type", value.as_bytes())]), "{value}");
        }
        for value in [
            "text/event-stream",
            "a/b; charset=UTF-8",
            "a/b;charset=\"utf-8\" ",
            "a/b; charset=ISO-8859-1; x=y",
            "text/html; charset=Windows-1252",
        ] {
            assert!(!is_foreign(&[(b"content-type", value.as_bytes())]), "{value}");
        }
        let two: [(&[u8], &[u8]); 2] = [(b"content-type", b"a/b"), (b"content-type", b"a/b; charset=utf-7")];
        assert!(is_foreign(&two));
    }

    #[test]
    fn fields_that_repeat_are_read_together() {
        // Envoy joins these with a comma; other proxies give them one by one.
        assert!(is_coded(&[(b"content-encoding", b"identity"), (b"content-encoding", b"gzip")]));
        for coded in
            ["gzip", "identity,gzip", "gzip, identity", "x-new, gzip", "chunked", "identity;q=1", "\"gzip\""]
        {
            assert!(is_coded(&[(b"content-encoding", coded.as_bytes())]), "{coded}");
        }
        for coded in ["gzip, chunked", "deflate", "x-new"] {
            assert!(is_coded(&[(b"transfer-encoding", coded.as_bytes())]), "{coded}");
        }
        assert!(!is_coded(&[(b"transfer-encoding", b"Chunked")]));
        for plain in ["", " Identity", "identity, identity", "identity,"] {
            assert!(
                !is_coded(&[(b"content-encoding", plain.as_bytes()), (b"content-type", b"gzip")]),
                "{plain}"
            );
        }
    }

    #[test]
    fn a_type_that_two_clients_take_differently_is_unclear() {
        let media = |value: &str| media_of(&[(b"content-type", value.as_bytes())]);
        assert_eq!(media("Text/Event-Stream; charset=utf-8"), Media::Events);
        assert_eq!(media("application/json;x=1"), Media::Json);
        for other in ["", "text/plain", "application/problem+json", "text/event"] {
            assert_eq!(media(other), Media::Other, "{other}");
        }
        for unclear in [
            "text/event-stream, text/plain",
            "text/plain, TEXT/event-stream",
            "text/event-streams",
            "text/plain; x=text/event-stream",
        ] {
            assert_eq!(media(unclear), Media::Unclear, "{unclear}");
        }
        let two: [(&[u8], &[u8]); 2] = [(b"content-type", b"text/event-stream"), (b"content-type", b"a/b")];
        assert_eq!((media_of(&two), media_of(&[])), (Media::Unclear, Media::Other));
    }
}
