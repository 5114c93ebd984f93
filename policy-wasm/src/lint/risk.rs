//! The risk that the name of a tool suggests. A name proves nothing: it can raise a suspicion but never remove one.

/// The risk that a name suggests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameRisk {
    /// Nothing of the below.
    Plain,
    /// Changes something, or acts outside.
    Changes,
    /// It destroys something, spends money, or runs any input.
    Destroys,
}

const CHANGES: [&str; 40] = [
    "add", "append", "apply", "approve", "archive", "assign", "call", "cancel", "change", "close", "commit",
    "create", "deploy", "disable", "edit", "email", "enable", "grant", "import", "insert", "install",
    "invite", "invoke", "merge", "move", "patch", "post", "publish", "push", "put", "rename", "restart",
    "restore", "send", "set", "submit", "trigger", "update", "upload", "write",
];
const DESTROYS: [&str; 30] = [
    "buy",
    "charge",
    "delete",
    "destroy",
    "drop",
    "erase",
    "eval",
    "exec",
    "execute",
    "force",
    "format",
    "kill",
    "order",
    "overwrite",
    "pay",
    "payment",
    "prune",
    "purchase",
    "purge",
    "refund",
    "remove",
    "reset",
    "revoke",
    "run",
    "shell",
    "terminate",
    "transfer",
    "truncate",
    "uninstall",
    "wipe",
];

/// The gravest word of a name, and its risk. Words end at characters other than letters and digits, and where a capital
/// follows a small letter. `dropTable`, `drop_table` and `db.drop-table` all have the word `drop`.
pub fn of_name(name: &str) -> (NameRisk, String) {
    let mut gravest = (NameRisk::Plain, String::new());
    for word in words(name) {
        let risk = if DESTROYS.contains(&word.as_str()) {
            NameRisk::Destroys
        } else if CHANGES.contains(&word.as_str()) {
            NameRisk::Changes
        } else {
            NameRisk::Plain
        };
        if risk > gravest.0 {
            gravest = (risk, word);
        }
    }
    gravest
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (small && c.is_uppercase()) {
            words.push(String::new());
        }
        small = c.is_lowercase();
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        let cases = [
            ("delete_repo", NameRisk::Destroys),
            ("deleteRepo", NameRisk::Destroys),
            ("db.DROP-table", NameRisk::Destroys),
            ("get_payment_and_send", NameRisk::Destroys),
            ("create_issue", NameRisk::Changes),
            ("undeleted_items", NameRisk::Plain),
            ("list_settings", NameRisk::Plain),
            ("", NameRisk::Plain),
        ];
        for (name, risk) in cases {
            assert_eq!(of_name(name).0, risk, "{name}");
        }
        assert_eq!(of_name("update_or_delete").1, "delete");
    }
}
