//! URI references that every reader resolves alike (RFC 3986 §4.2 and §5).

/// The endpoint that the `endpoint` event of a stream may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedEndpoint {
    /// The authority that the client asked.
    pub authority: String,
    /// The path of the stream.
    pub stream_path: String,
    /// The path to which the server has messages posted.
    pub messages_path: String,
}

impl ExpectedEndpoint {
    /// The path and query for the client's POSTs, where the data of the event names that path at the same
    /// origin.
    ///
    /// RFC 3986 §4.2 and §5, limited to references that every reader resolves alike: no text that the WHATWG
    /// reader would change or drop, no `//host`, no dots to resolve, no fragment, no user information. An
    /// address with a scheme loses its scheme and authority. Another proxy may be in front of this one, and
    /// the client resolves a path against its own request.
    pub fn resolve(&self, data: &[u8]) -> Option<String> {
        let text = std::str::from_utf8(data).ok()?;
        let local = match text.split_once("://") {
            Some(("http" | "https", rest)) => {
                let (authority, _) = rest.split_once('/')?;
                if !authority.eq_ignore_ascii_case(&self.authority) {
                    return None;
                }
                rest.get(authority.len()..)?
            }
            _ => text,
        };
        let (path, query) = match local.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (local, None),
        };
        let folder = self.stream_path.rsplit_once('/')?.0;
        let path = match path.chars().next() {
            Some('/') => path == self.messages_path,
            // A first segment with a colon would be a scheme.
            Some(_) if !path.contains(':') => {
                self.messages_path.strip_prefix(folder)?.strip_prefix('/') == Some(path)
            }
            Some(_) => false,
            None => query.is_some() && self.stream_path == self.messages_path,
        };
        if !path || !query.is_none_or(plain_query) {
            return None;
        }
        Some(target(&self.messages_path, query))
    }
}

fn target(path: &str, query: Option<&str>) -> String {
    let mut target = path.to_owned();
    if let Some(query) = query {
        target.push('?');
        target.push_str(query);
    }
    target
}

/// RFC 3986 §3.4, without `'`, which some readers encode.
fn plain_query(query: &str) -> bool {
    let mut bytes = query.bytes();
    while let Some(byte) = bytes.next() {
        let fits = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&()*+,;=:@/?".contains(&byte),
        };
        if !fits {
            return false;
        }
    }
    true
}

/// Nothing that two readers resolve differently: no backslash, blank or control character, and no colon or `//` before
/// the first path but in an address that is known whole.
pub fn stays(location: &[u8], is_own: impl FnOnce(&str, &str, &str) -> bool) -> bool {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>');
    let Some(text) = std::str::from_utf8(location).ok().filter(|text| text.bytes().all(|byte| plain(&byte)))
    else {
        return false;
    };
    // A redirect to HTTP would send token and message in clear, where any host could answer.
    let whole = ["https", "http"]
        .into_iter()
        .find_map(|scheme| Some((scheme, text.strip_prefix(scheme)?.strip_prefix("://")?)));
    match whole {
        Some((scheme, rest)) => {
            rest.find('/').and_then(|at| rest.split_at_checked(at)).is_some_and(|(authority, path)| {
                let path = path.split_once('#').map_or(path, |(path, _)| path);
                is_own(scheme, authority, path)
            })
        }
        None => !text.starts_with("//") && (text.starts_with('/') || !text.contains(':')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(data: &str) -> Option<String> {
        let text = str::to_owned;
        let expected = ExpectedEndpoint {
            authority: text("t.test:80"),
            stream_path: text("/a/sse"),
            messages_path: text("/a/messages/"),
        };
        expected.resolve(data.as_bytes())
    }

    #[test]
    fn an_endpoint_at_the_path_for_messages_is_passed_as_a_path() {
        for (data, expected) in [
            ("/a/messages/?session_id=1", "/a/messages/?session_id=1"),
            ("/a/messages/", "/a/messages/"),
            ("/a/messages/?", "/a/messages/?"),
            ("/a/messages/?a=%2F%2f&b=/?:@!$()*+,;x=~", "/a/messages/?a=%2F%2f&b=/?:@!$()*+,;x=~"),
            ("/a/messages/?to=http://else.test/", "/a/messages/?to=http://else.test/"),
            ("messages/?session_id=1", "/a/messages/?session_id=1"),
            ("http://t.test:80/a/messages/?s", "/a/messages/?s"),
            ("https://T.test:80/a/messages/", "/a/messages/"),
        ] {
            assert_eq!(target(data).as_deref(), Some(expected), "{data}");
        }
        let own = ExpectedEndpoint {
            authority: "t.test".into(),
            stream_path: "/sse".into(),
            messages_path: "/sse".into(),
        };
        assert_eq!(own.resolve(b"?s=1").as_deref(), Some("/sse?s=1"));
        assert_eq!(own.resolve(b"sse?s=1").as_deref(), Some("/sse?s=1"));
        assert_eq!(own.resolve(b""), None);
    }

    #[test]
    fn what_two_readers_could_take_differently_or_leads_elsewhere_is_refused() {
        for data in [
            "",
            "?session_id=1",
            "/",
            "/a/sse",
            "/a/messages",
            "/a/messages//",
            "/a/messages/x",
            "/A/messages/",
            "/a/messages/;x",
            "/a/./messages/",
            "/a/b/../messages/",
            "/a/%6dessages/",
            "/a%2fmessages/",
            "./messages/",
            "../a/messages/",
            "a/messages/",
            "//t.test:80/a/messages/",
            "//else.test/a/messages/",
            "\\\\else.test/a/messages/",
            "/\\else.test/a/messages/",
            "/a/messages/#x",
            "/a/messages/?x#y",
            "/a/messages/?x\\y",
            "/a/messages/?x y",
            "/a/messages/?x'y",
            "/a/messages/?x\"y",
            "/a/messages/?x[0]=y",
            "/a/messages/?%",
            "/a/messages/?%2",
            "/a/messages/?%2g",
            "/a/messages/?é",
            "/a/messages/?x\ty",
            "/a/messages/?x\ny",
            " /a/messages/",
            "/a/messages/ ",
            "http://else.test/a/messages/",
            "http://t.test/a/messages/",
            "http://t.test:81/a/messages/",
            "http://x@t.test:80/a/messages/",
            "http://t.test:80@else.test/a/messages/",
            "http://t.test:80\\@else.test/a/messages/",
            "http:/a/messages/",
            "http:a/messages/",
            "http:messages/",
            "HTTP://t.test:80/a/messages/",
            "http:///t.test:80/a/messages/",
            "ftp://t.test:80/a/messages/",
            "javascript:alert(1)",
        ] {
            assert_eq!(target(data), None, "{data:?}");
        }
    }
}
