//! Servers of the bundle, and their rules for methods.

use super::Bundle;
use super::item::Item;
use super::layout::{self, MAX_TEMPLATES, Section};
use super::list::List;
use super::read::{Record, Unreadable};
use super::rule::Condition;
use crate::model::{ItemKind, Mode, ServerKind};
use std::rc::Rc;

/// A server of the bundle.
#[derive(Debug, Clone, Copy)]
pub struct Server<'b> {
    pub(super) bundle: &'b Bundle,
    pub(super) index: u32,
}

/// A server that keeps its bundle: for owners that outlive a borrow.
#[derive(Debug, Clone)]
pub struct OwnedServer {
    bundle: Rc<Bundle>,
    index: u32,
}

impl OwnedServer {
    /// The server of this bundle with this index, from [`Server::index`].
    pub fn at(bundle: &Rc<Bundle>, index: u32) -> Option<OwnedServer> {
        bundle.server(index).map(|server| OwnedServer { bundle: Rc::clone(bundle), index: server.index })
    }

    /// The server.
    pub fn get(&self) -> Server<'_> {
        Server { bundle: &self.bundle, index: self.index }
    }
}

impl<'b> Server<'b> {
    /// The index, stable within one bundle. An exchange keeps it between two callbacks.
    pub fn index(self) -> u32 {
        self.index
    }

    /// The bundle that it belongs to.
    pub fn bundle(self) -> &'b Bundle {
        self.bundle
    }

    /// The id, such as `github`.
    pub fn id(self) -> &'b str {
        self.string(layout::server::ID)
    }

    /// The resource identifier (RFC 8707, RFC 9728 `resource`): the URL that clients use and tokens name in `aud`.
    pub fn resource(self) -> &'b str {
        self.string(layout::server::RESOURCE)
    }

    /// The path of its requests, such as `/mcp/github`.
    pub fn path(self) -> &'b str {
        self.string(layout::server::PATH)
    }

    /// The authorities that requests for it come with, in lower case. Looks at the addresses of all servers.
    pub fn authorities(self) -> impl Iterator<Item = &'b str> {
        let sections = &self.bundle.sections;
        (0..sections.count(Section::Addresses)).filter_map(move |number| {
            let record = sections.record(Section::Addresses, number).ok()?;
            let own = record.field(4).ok()? == self.index;
            sections.string(record, 0).ok().filter(|_| own)
        })
    }

    /// `personal`, `corporate` or `sensitive`.
    pub fn kind(self) -> &'b str {
        self.try_kind().unwrap_or(ServerKind::Sensitive).name()
    }

    /// The owner of the server; empty if the policy names none.
    pub fn owner(self) -> &'b str {
        self.string(layout::server::OWNER)
    }

    /// The environment; empty if it has none.
    pub fn environment(self) -> &'b str {
        let record = self
            .record()
            .and_then(|record| self.bundle.sections.later_string(record, layout::server::ENVIRONMENT));
        record.unwrap_or_default()
    }

    /// Labels, in order.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn labels(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::server::LABELS)
    }

    /// Revisions of MCP that the policy admits at this server; `None` if it does not restrict them.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn revisions(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::server::REVISIONS)
    }

    /// Whether its denials are enforced.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn mode(self) -> Result<Mode, Unreadable> {
        Mode::read(self.record()?.later(layout::server::MODE))
    }

    /// Rules that name the server, and neither subjects, actors nor items (numbers of rules).
    pub(crate) fn restrictions(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::server::RESTRICTIONS)
    }

    /// Scopes of this server, for `scopes_supported` (RFC 9728) and challenges; lowest tier first.
    pub fn scopes(self) -> impl Iterator<Item = &'b str> {
        self.scope_entries().ok().into_iter().flatten().filter_map(|entry| entry.ok()).map(|(_, scope)| scope)
    }

    /// Tier and scope of every entry of the server's `scopes`, lowest tier first.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn scope_entries(
        self,
    ) -> Result<impl Iterator<Item = Result<(u32, &'b str), Unreadable>>, Unreadable> {
        let sections = &self.bundle.sections;
        let record = self.record()?;
        let (start, count) = record.pair(layout::server::SCOPES)?;
        let range = sections.range(Section::Scopes, start, count)?;
        Ok(range.map(move |number| {
            let record = sections.record(Section::Scopes, number)?;
            Ok((self.bundle.known_tier(record.field(0)?)?, sections.string(record, 1)?))
        }))
    }

    /// The item of the server's catalogue with exactly this name, URI or URI template.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn item(self, kind: ItemKind, name: &str) -> Result<Option<Item<'b>>, Unreadable> {
        Item::find(self, kind, name)
    }

    /// Items of the server's catalogue, in order of kind and name.
    pub fn items(self) -> impl Iterator<Item = Item<'b>> {
        self.bundle.items_of(self.index)
    }

    /// The resource templates, the one to be preferred first.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn templates(self) -> Result<impl Iterator<Item = Result<Item<'b>, Unreadable>>, Unreadable> {
        let list = self.list(layout::server::TEMPLATES)?.filter(|list| !list.is_empty());
        if list.is_some_and(|list| list.len() > MAX_TEMPLATES) {
            return Err(Unreadable);
        }
        let bundle = self.bundle;
        Ok(list.into_iter().flat_map(List::numbers).map(move |number| Item::read(bundle, number?)))
    }

    /// The rule for this method here: the server's own, else the one for all servers.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn method_rule(self, method: &str) -> Result<Option<MethodRule<'b>>, Unreadable> {
        let own = self.record()?.later_pair(layout::server::METHODS);
        match self.bundle.method_rule(own, method)? {
            Some(rule) => Ok(Some(rule)),
            None => self.bundle.method_rule(self.bundle.manifest.methods, method),
        }
    }

    /// The server's own rules for methods, in order of their names.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn method_rules(
        self,
    ) -> Result<impl Iterator<Item = Result<MethodRule<'b>, Unreadable>>, Unreadable> {
        let (start, count) = self.record()?.later_pair(layout::server::METHODS);
        let (bundle, sections) = (self.bundle, &self.bundle.sections);
        let range = sections.range(Section::MethodRules, start, count)?;
        Ok(range.map(move |number| MethodRule::read(bundle, sections.record(Section::MethodRules, number)?)))
    }

    /// Checks that all fields above are readable.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn check(self) -> Result<(), Unreadable> {
        let (sections, record) = (&self.bundle.sections, self.record()?);
        for field in [layout::server::ID, layout::server::RESOURCE, layout::server::PATH] {
            if sections.string(record, field)?.is_empty() {
                return Err(Unreadable);
            }
        }
        sections.string(record, layout::server::OWNER)?;
        sections.later_string(record, layout::server::ENVIRONMENT)?;
        self.try_kind()?;
        self.mode()?;
        for list in [self.labels()?, self.revisions()?].into_iter().flatten() {
            list.names().try_for_each(|name| name.map(drop))?;
        }
        self.scope_entries()?.try_for_each(|entry| entry.map(drop))
    }

    /// The kind.
    pub(crate) fn try_kind(self) -> Result<ServerKind, Unreadable> {
        let stored = self.record()?.field(layout::server::KIND)?;
        ServerKind::ALL.into_iter().find(|kind| *kind as u32 == stored).ok_or(Unreadable)
    }

    fn list(self, field: usize) -> Result<Option<List<'b>>, Unreadable> {
        self.bundle.sections.list(self.record()?.later(field))
    }

    fn record(self) -> Result<Record<'b>, Unreadable> {
        self.bundle.sections.record(Section::Servers, self.index)
    }

    /// A string of the record; empty only in a malformed bundle.
    fn string(self, field: usize) -> &'b str {
        self.record().and_then(|record| self.bundle.sections.string(record, field)).unwrap_or_default()
    }
}

/// A rule for a method.
#[derive(Debug, Clone, Copy)]
pub struct MethodRule<'b> {
    bundle: &'b Bundle,
    record: Record<'b>,
    /// Whether the method is permitted.
    pub permit: bool,
    /// The tier that it counts as.
    pub tier: Option<u32>,
    /// Whether the rule is enforced.
    pub mode: Mode,
}

impl<'b> MethodRule<'b> {
    fn read(bundle: &'b Bundle, record: Record<'b>) -> Result<MethodRule<'b>, Unreadable> {
        let tier = record.field(layout::method::TIER)?.checked_sub(1);
        Ok(MethodRule {
            bundle,
            record,
            permit: record.field(layout::method::PERMIT)? == 1,
            tier: tier.map(|tier| bundle.known_tier(tier)).transpose()?,
            mode: Mode::read(record.field(layout::method::MODE)?)?,
        })
    }

    /// The method's name.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn name(self) -> Result<&'b str, Unreadable> {
        self.bundle.sections.string(self.record, layout::method::NAME)
    }

    /// Whether the rule is the server's own rather than the policy's.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn is_of_server(self) -> Result<bool, Unreadable> {
        Ok(self.record.field(layout::method::SERVER)? != layout::ALL_SERVERS)
    }

    /// Applies only if this holds.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn condition(self) -> Result<Option<Condition<'b>>, Unreadable> {
        Condition::read(self.bundle, self.record.field(layout::method::CONDITION)?)
    }

    /// URL prefixes of pages to which a person may be sent; `None` admits no page.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn urls(self) -> Result<Option<List<'b>>, Unreadable> {
        self.bundle.sections.list(self.record.field(layout::method::URLS)?)
    }
}

impl Bundle {
    /// Where servers are reached: index of the server, authority and path of each address.
    #[cfg(feature = "tools")]
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Result<(u32, &str, &str), Unreadable>> {
        let sections = &self.sections;
        (0..sections.count(Section::Addresses)).map(|number| {
            let record = sections.record(Section::Addresses, number)?;
            Ok((record.field(4)?, sections.string(record, 0)?, sections.string(record, 2)?))
        })
    }

    /// Rules for methods that apply at every server without a rule of its own, in order of their names.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn method_rules(
        &self,
    ) -> Result<impl Iterator<Item = Result<MethodRule<'_>, Unreadable>>, Unreadable> {
        let (start, count) = self.manifest.methods;
        let range = self.sections.range(Section::MethodRules, start, count)?;
        Ok(range.map(|number| MethodRule::read(self, self.sections.record(Section::MethodRules, number)?)))
    }

    fn method_rule(
        &self,
        (start, count): (u32, u32),
        method: &str,
    ) -> Result<Option<MethodRule<'_>>, Unreadable> {
        if count == 0 {
            return Ok(None);
        }
        let range = self.sections.range(Section::MethodRules, start, count)?;
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low.midpoint(high);
            let record = self.sections.record(Section::MethodRules, middle)?;
            match self.sections.string(record, layout::method::NAME)?.cmp(method) {
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return MethodRule::read(self, record).map(Some),
            }
        }
        Ok(None)
    }
}
