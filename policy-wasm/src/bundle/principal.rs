//! Principals: subjects, agents, and the groups by which rules select them.

use super::layout::{self, ALL_SERVERS, MAX_CLAIMS, PrincipalKind, Section};
use super::list::List;
use super::read::{Record, Unreadable};
use super::{Bundle, Server};
use crate::model::ServerKind;

/// A subject, an agent, or all that share a property, as rules name them.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'b> {
    bundle: &'b Bundle,
    number: u32,
    record: Record<'b>,
    extra: Option<Record<'b>>,
}

/// A ceiling that a rule gives to a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling {
    /// Index of the server, or `u32::MAX` for all servers.
    pub server: u32,
    /// The highest tier that it reaches.
    pub tier: u32,
    /// Number of its rule; see [`Bundle::rule`].
    pub rule: u32,
}

/// An issuer of the policy.
#[derive(Debug, Clone, Copy)]
pub struct Issuer<'b> {
    /// The short name that policies use.
    pub short: &'b str,
    /// The issuer identifier (`iss`).
    pub identifier: &'b str,
    /// Whether it may vouch for actors.
    pub trusted: bool,
    /// The issuers whose actors it may vouch for besides its own (list of names).
    pub vouches_for: Option<List<'b>>,
}

/// A type of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentType<'b> {
    /// Its name.
    pub name: &'b str,
    /// The highest tier that its agents reach.
    pub ceiling: Option<u32>,
    kinds: u32,
}

impl AgentType<'_> {
    /// Whether its agents may use servers of this kind.
    pub fn admits(self, kind: ServerKind) -> bool {
        self.kinds & kind.bit() != 0
    }
}

impl<'b> Principal<'b> {
    pub(super) fn read(bundle: &'b Bundle, number: u32) -> Result<Principal<'b>, Unreadable> {
        let record = bundle.sections.record(Section::Principals, number)?;
        let extra = match record.later(layout::principal::EXTRA).checked_sub(1) {
            Some(extra) => Some(bundle.sections.record(Section::PrincipalExtras, extra)?),
            None => None,
        };
        Ok(Principal { bundle, number, record, extra })
    }

    /// The bundle's number for it, as lists name it.
    pub fn number(self) -> u32 {
        self.number
    }

    /// The kind of the principal.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn kind(self) -> Result<PrincipalKind, Unreadable> {
        let stored = self.record.field(layout::principal::KIND)?;
        PrincipalKind::ALL.into_iter().find(|kind| *kind as u32 == stored).ok_or(Unreadable)
    }

    /// The issuer that vouches; empty for labels and types.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn issuer(self) -> Result<&'b str, Unreadable> {
        self.bundle.sections.string(self.record, layout::principal::ISSUER)
    }

    /// The id, or the name of the group, role, claim, label or type; empty for everybody of an issuer.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn name(self) -> Result<&'b str, Unreadable> {
        self.bundle.sections.string(self.record, layout::principal::NAME)
    }

    /// The value of a claim; empty for everything else.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn value(self) -> Result<&'b str, Unreadable> {
        self.extra.map_or(Ok(""), |extra| self.bundle.sections.string(extra, layout::principal_extra::VALUE))
    }

    /// Grants and actor rules that give more than a plain ceiling (numbers of rules).
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn conditional_grants(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::principal_extra::CONDITIONAL_GRANTS)
    }

    /// Forbids, approvals and budgets that name it before anything else (numbers of rules).
    pub(crate) fn restrictions(self) -> Result<Option<List<'b>>, Unreadable> {
        self.list(layout::principal_extra::RESTRICTIONS)
    }

    /// Labels and types of an agent (numbers of principals).
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn groups(self) -> Result<impl Iterator<Item = Result<Principal<'b>, Unreadable>>, Unreadable> {
        let bundle = self.bundle;
        let list = self.list(layout::principal_extra::GROUPS)?;
        Ok(list.into_iter().flat_map(List::numbers).map(move |number| Principal::read(bundle, number?)))
    }

    /// Its plain ceilings: in order of servers, the one for all servers last.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn ceilings(self) -> Result<impl Iterator<Item = Result<Ceiling, Unreadable>>, Unreadable> {
        let (start, count) = self.record.pair(layout::principal::CEILINGS)?;
        let range = self.bundle.sections.range(Section::Ceilings, start, count)?;
        Ok(range.map(move |number| Ceiling::read(self.bundle, number)))
    }

    /// The highest of its plain ceilings at a server. The search takes at most 33 reads, whatever the size of the
    /// policy.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn ceiling_at(self, server: Server<'_>) -> Result<Option<Ceiling>, Unreadable> {
        let (start, count) = self.record.pair(layout::principal::CEILINGS)?;
        let range = self.bundle.sections.range(Section::Ceilings, start, count)?;
        let everywhere = match range.end.checked_sub(1) {
            Some(last) if last >= range.start => Ceiling::read(self.bundle, last)?.filter_server(ALL_SERVERS),
            _ => None,
        };
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low.midpoint(high);
            let ceiling = Ceiling::read(self.bundle, middle)?;
            match ceiling.server.cmp(&server.index) {
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Ok(Some(ceiling.higher(everywhere))),
            }
        }
        Ok(everywhere)
    }

    fn list(self, field: usize) -> Result<Option<List<'b>>, Unreadable> {
        self.bundle.sections.list(self.extra.map_or(Ok(0), |extra| extra.field(field))?)
    }
}

impl Ceiling {
    fn read(bundle: &Bundle, number: u32) -> Result<Ceiling, Unreadable> {
        let record = bundle.sections.record(Section::Ceilings, number)?;
        let (server, tier, rule) = (record.field(0)?, record.field(1)?, record.field(2)?);
        Ok(Ceiling { server, tier: bundle.known_tier(tier)?, rule })
    }

    fn filter_server(self, server: u32) -> Option<Ceiling> {
        (self.server == server).then_some(self)
    }

    /// The one with the higher tier; of two that are level, the one whose rule comes first.
    pub(crate) fn higher(self, other: Option<Ceiling>) -> Ceiling {
        match other {
            Some(other) if (other.tier, self.rule) > (self.tier, other.rule) => other,
            _ => self,
        }
    }

    /// Whether it holds at all servers rather than at one that its rule names.
    pub fn is_everywhere(self) -> bool {
        self.server == ALL_SERVERS
    }
}

impl Bundle {
    /// The principal with this kind, issuer and name, and for a claim this value.
    ///
    /// # Errors
    /// [`Unreadable`] if the bundle is malformed.
    pub fn principal(
        &self,
        kind: PrincipalKind,
        issuer: &str,
        name: &str,
        value: &str,
    ) -> Result<Option<Principal<'_>>, Unreadable> {
        if self.manifest.kinds & kind.bit() == 0 {
            return Ok(None);
        }
        let sections = &self.sections;
        let found = sections.find(
            Section::PrincipalTable,
            Section::Principals,
            |hash| {
                let hash = hash.number(kind as u32).string(issuer).string(name);
                if kind == PrincipalKind::Claim { hash.string(value) } else { hash }
            },
            |number, record| {
                Ok(record.field(layout::principal::KIND)? == kind as u32
                    && sections.string_is(record, layout::principal::ISSUER, issuer)?
                    && sections.string_is(record, layout::principal::NAME, name)?
                    && (kind != PrincipalKind::Claim || Principal::read(self, number)?.value()? == value))
            },
        )?;
        found.map(|number| Principal::read(self, number)).transpose()
    }

    /// All principals, in order of kind, issuer, name and value.
    pub fn principals(&self) -> impl Iterator<Item = Principal<'_>> {
        (0..self.sections.count(Section::Principals)).filter_map(|number| Principal::read(self, number).ok())
    }

    /// The principal that a list names by its number.
    ///
    /// # Errors
    /// [`Unreadable`] if the principal does not exist.
    pub fn principal_by_number(&self, number: u32) -> Result<Principal<'_>, Unreadable> {
        Principal::read(self, number)
    }

    /// Claims by which rules select subjects: issuer and name, in this order.
    pub(crate) fn claims(
        &self,
    ) -> Result<impl Iterator<Item = Result<(&str, &str), Unreadable>>, Unreadable> {
        let count = self.sections.count(Section::Claims);
        if count > MAX_CLAIMS {
            return Err(Unreadable);
        }
        Ok((0..count).map(|number| {
            let record = self.sections.record(Section::Claims, number)?;
            Ok((self.sections.string(record, 0)?, self.sections.string(record, 2)?))
        }))
    }

    /// The issuers that the policy names, in order of their identifiers; none in a bundle of format 1.
    pub fn issuers(&self) -> impl Iterator<Item = Issuer<'_>> {
        (0..self.sections.count(Section::Issuers)).filter_map(|number| self.issuer(number).ok())
    }

    fn issuer(&self, number: u32) -> Result<Issuer<'_>, Unreadable> {
        let record = self.sections.record(Section::Issuers, number)?;
        Ok(Issuer {
            short: self.sections.string(record, 0)?,
            identifier: self.sections.string(record, 2)?,
            trusted: record.field(4)? == 1,
            vouches_for: self.sections.list(record.later(layout::issuer::VOUCHES_FOR))?,
        })
    }

    /// Whether the issuer that signed a token may vouch for actors of this issuer. An issuer vouches for actors of
    /// others only if the policy says so. A bundle of format 1 cannot say so.
    pub(crate) fn may_vouch(&self, signer: &str, issuer: &str) -> Result<bool, Unreadable> {
        if !self.manifest.trust {
            return Ok(signer == issuer);
        }
        let (mut low, mut high) = (0, self.sections.count(Section::Issuers));
        while low < high {
            let middle = low.midpoint(high);
            let found = self.issuer(middle)?;
            match found.identifier.cmp(signer) {
                std::cmp::Ordering::Less => low = middle.saturating_add(1),
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let others = |list: List<'_>| list.has_name(issuer);
                    let vouches = signer == issuer || found.vouches_for.map_or(Ok(false), others)?;
                    return Ok(found.trusted && vouches);
                }
            }
        }
        Ok(false)
    }

    /// Types of agents, in order of their names.
    pub fn agent_types(&self) -> impl Iterator<Item = AgentType<'_>> {
        (0..self.sections.count(Section::AgentTypes)).filter_map(|number| self.agent_type(number).ok())
    }

    pub(super) fn agent_type(&self, number: u32) -> Result<AgentType<'_>, Unreadable> {
        let record = self.sections.record(Section::AgentTypes, number)?;
        let ceiling = record.field(3)?.checked_sub(1);
        Ok(AgentType { name: self.sections.string(record, 0)?, kinds: record.field(2)?, ceiling })
    }
}
