//! The policy's statements about single URIs, by their loosest reading. They are worked out once, when a bundle is
//! opened.
//!
//! Another spelling of a URI that the policy names matches no template: servers could take it for that URI.

use super::layout::{self, RuleKind, Section};
use super::read::{Record, Unreadable};
use super::{Bundle, Item, Server};
use crate::fast_hash;
use crate::model::ItemKind;
use crate::uri::{Plain, loose::Loose, resembles};

/// The URIs that a policy names, for servers that have templates.
#[derive(Default)]
pub(super) struct Listed {
    /// In order.
    uris: Vec<Entry>,
    /// The loosest readings of the templates, in order of their numbers.
    templates: Vec<(u32, Box<[u8]>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    /// Index of the server, or [`layout::ALL_SERVERS`].
    server: u32,
    /// A fingerprint of the loosest reading. A collision denies the other URI and never permits one.
    like: u64,
    named: Named,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    /// The number of an item.
    Item(u32),
    /// By a rule; number of the name.
    Rule(u32),
}

impl Listed {
    /// Reads the URIs that a policy names. Unreadable ones are skipped: no request can reach them.
    pub(super) fn of(bundle: &Bundle) -> Listed {
        let mut listed = Listed::default();
        for server in bundle.servers() {
            let before = listed.templates.len();
            for template in server.templates().into_iter().flatten().flatten() {
                listed
                    .templates
                    .push((template.number(), Loose::of_template(template.name()).bytes().into()));
            }
            if listed.templates.len() == before {
                continue;
            }
            for item in server.items().filter(|item| item.kind() == ItemKind::Resource) {
                let like = fast_hash::of(Loose::of(item.name()).bytes());
                listed.uris.push(Entry { server: server.index, like, named: Named::Item(item.number()) });
            }
        }
        if listed.templates.is_empty() {
            return listed;
        }
        let restricts = |kind| matches!(kind, RuleKind::Forbid | RuleKind::Approval | RuleKind::Budget);
        for rule in bundle.rules().filter(|rule| restricts(rule.kind)) {
            for number in rule.names().ok().flatten().into_iter().flat_map(|names| names.numbers()).flatten()
            {
                let Ok(name) = bundle.name(number) else { continue };
                if name.contains(':') {
                    let like = fast_hash::of(Loose::of(name).bytes());
                    let named = Named::Rule(number);
                    listed.uris.push(Entry { server: layout::ALL_SERVERS, like, named });
                }
            }
        }
        listed.uris.sort_unstable();
        listed.uris.dedup();
        listed.templates.sort_unstable();
        listed
    }

    fn like(&self, server: u32, like: u64) -> impl Iterator<Item = Named> + '_ {
        let start = self.uris.partition_point(|entry| (entry.server, entry.like) < (server, like));
        let rest = self.uris.get(start..).unwrap_or_default().iter();
        rest.take_while(move |entry| (entry.server, entry.like) == (server, like)).map(|entry| entry.named)
    }

    fn template(&self, number: u32) -> &[u8] {
        let found = self.templates.binary_search_by_key(&number, |(template, _)| *template).ok();
        found.and_then(|at| self.templates.get(at)).map_or(&[], |(_, reading)| reading)
    }
}

impl Bundle {
    fn name(&self, number: u32) -> Result<&str, Unreadable> {
        self.sections.string(self.sections.record(Section::Names, number)?, 0)
    }
}

impl<'b> Server<'b> {
    /// The template for a URI that is not listed itself: the strictest of those that match.
    ///
    /// `None` if some reader could take the URI for a listed one with other rules, or for one under a stricter
    /// template.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub(crate) fn template_for(self, uri: &str) -> Result<Option<Item<'b>>, Unreadable> {
        let Some(plain) = Plain::of(uri) else { return Ok(None) };
        let mut found = None;
        for template in self.templates()? {
            let template = template?;
            if plain.is_under(template.name()) {
                found = Some(template);
                break;
            }
        }
        let Some(found) = found else { return Ok(None) };
        let (listed, loose) = (&self.bundle.listed, Loose::of(uri));
        for template in self.templates()? {
            let template = template?;
            if template.number() == found.number() {
                break;
            }
            let alike = resembles(listed.template(template.number()), loose.bytes());
            if alike && !template.is_treated_as(found)? {
                return Ok(None);
            }
        }
        let like = fast_hash::of(loose.bytes());
        for server in [self.index, layout::ALL_SERVERS] {
            for named in listed.like(server, like) {
                let same = match named {
                    Named::Item(number) => Item::read(self.bundle, number)?.is_treated_as(found)?,
                    Named::Rule(number) => self.bundle.name(number)? == uri,
                };
                if !same {
                    return Ok(None);
                }
            }
        }
        Ok(Some(found))
    }
}

impl Item<'_> {
    /// Whether the policy treats both alike: all fields are equal but kind and name.
    fn is_treated_as(self, other: Item<'_>) -> Result<bool, Unreadable> {
        let of = |extra: Option<Record<'_>>, field| extra.map_or(Ok(0), |extra| extra.field(field));
        for field in layout::item_extra::KIND.saturating_add(1)..=layout::item_extra::SHOWN {
            if of(self.extra, field)? != of(other.extra, field)? {
                return Ok(false);
            }
        }
        Ok(self.tier() == other.tier() && !self.has_checks() && !other.has_checks())
    }
}
