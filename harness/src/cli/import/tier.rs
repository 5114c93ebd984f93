//! Proposes a tier for an entry: never below its annotations, and never the lowest because of its annotations alone.

use super::Listed;
use policy_wasm::lint::risk::{NameRisk, of_name};
use policy_wasm::model::ItemKind;

/// An index into the tiers, and why.
pub(super) struct Proposal {
    pub(super) tier: usize,
    pub(super) why: String,
}

/// Proposes a tier out of `count`. `trusted` is that a person vouches for the server's annotations.
pub(super) fn propose(entry: &Listed, count: usize, trusted: bool) -> Proposal {
    let top = count.saturating_sub(1);
    let middle = 1.min(top);
    if matches!(entry.kind, ItemKind::Resource | ItemKind::Template) {
        return Proposal { tier: 0, why: "reading a resource changes nothing by the protocol".to_owned() };
    }
    if entry.kind == ItemKind::Prompt {
        return Proposal { tier: middle, why: "a prompt tells the model what to do".to_owned() };
    }
    // MCP: readOnlyHint is false and destructiveHint true where they are absent.
    let (said, why) = match (entry.read_only, entry.destructive) {
        (Some(true), Some(true)) => (top, "the server says that it reads only and that it destroys"),
        (Some(true), _) if trusted => (0, "the server says that it reads only, and is trusted"),
        (Some(true), _) => (middle, "the server says that it reads only, which nobody has confirmed"),
        (_, Some(false)) => (middle, "the server says that it changes things and destroys nothing"),
        (_, Some(true)) => (top, "the server says that it may destroy"),
        (_, None) => (top, "the server does not say that it destroys nothing"),
    };
    let (risk, word) = of_name(&entry.name);
    let named = match risk {
        NameRisk::Plain => 0,
        NameRisk::Changes => middle,
        NameRisk::Destroys => top,
    };
    if named > said {
        Proposal { tier: named, why: format!("{why}; its name has `{word}`") }
    } else {
        Proposal { tier: said, why: why.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, read_only: Option<bool>, destructive: Option<bool>) -> Listed {
        Listed {
            kind: ItemKind::Tool,
            name: name.to_owned(),
            note: String::new(),
            read_only,
            destructive,
            schema: None,
            digest: None,
        }
    }

    #[test]
    fn annotations_and_names_only_raise() {
        // Name, readOnlyHint, destructiveHint, tier of read/write/destructive, the same where annotations are trusted.
        let cases = [
            ("search", None, None, 2, 2),
            ("search", Some(true), None, 1, 0),
            ("search", Some(true), Some(false), 1, 0),
            ("search", Some(true), Some(true), 2, 2),
            ("search", Some(false), Some(false), 1, 1),
            ("search", None, Some(true), 2, 2),
            ("delete_all", Some(true), Some(false), 2, 2),
            ("send_mail", Some(true), None, 1, 1),
        ];
        for (name, read_only, destructive, tier, trusted) in cases {
            let entry = tool(name, read_only, destructive);
            assert_eq!(propose(&entry, 3, false).tier, tier, "{name} {read_only:?} {destructive:?}");
            assert_eq!(propose(&entry, 3, true).tier, trusted, "{name} {read_only:?} {destructive:?}");
            assert_eq!(propose(&entry, 1, false).tier, 0);
        }
    }
}
