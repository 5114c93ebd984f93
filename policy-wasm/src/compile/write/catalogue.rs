//! Servers with their catalogues and methods.

use super::error::TooLarge;
use super::hash_table;
use super::index::PolicyIndex;
use super::sections::{SectionBuffers, above, long, number};
use crate::bundle::layout::{ALL_SERVERS, PartKind, Section};
use crate::model::ItemKind;
use crate::policy::{Check, Definition, Item, MethodRule, Server, TemplatePart};
use crate::uri;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

impl SectionBuffers {
    pub(super) fn catalogue(&mut self, policy_index: &PolicyIndex<'_>) -> Result<(), TooLarge> {
        let mut addresses = Vec::new();
        for (index, server) in (0u32..).zip(&policy_index.servers) {
            self.server(policy_index, index, server)?;
            for authority in &server.authorities {
                let (host, path) = (self.string(authority)?, self.string(&server.path)?);
                self.record(Section::Addresses, &[&host, &path, &[index]]);
                addresses.push((authority.as_str(), server.path.as_str()));
            }
        }
        let table = hash_table::build(&addresses, |hash, (host, path)| hash.lowercase(host).string(path))?;
        self.table(Section::AddressTable, table);
        for (place, (server, item)) in (0u32..).zip(&policy_index.items) {
            self.item(
                place,
                *server,
                item,
                policy_index.item_restrictions.get(&place).map_or(&[], Vec::as_slice),
            )?;
        }
        let table = hash_table::build(&policy_index.items, |hash, (server, item)| {
            let hash = hash.number(*server).string(&item.name);
            if item.kind == ItemKind::Tool { hash } else { hash.number(item.kind as u32) }
        })?;
        self.table(Section::ItemTable, table);
        Ok(())
    }

    fn server(
        &mut self,
        policy_index: &PolicyIndex<'_>,
        index: u32,
        server: &Server,
    ) -> Result<(), TooLarge> {
        let scopes = [self.next(Section::Scopes)?, number(server.scopes.len())?];
        for (tier, scope) in &server.scopes {
            let scope = self.string(scope)?;
            self.record(Section::Scopes, &[&[*tier], &scope]);
        }
        let methods = self.methods(Some(index), &server.methods)?;
        let (id, resource) = (self.string(&server.id)?, self.string(&server.resource)?);
        let (path, owner) = (self.string(&server.path)?, self.string(&server.owner)?);
        let environment = self.string(&server.environment)?;
        let labels = self.labels(&server.labels)?;
        let revisions = match &server.revisions {
            Some(revisions) => self.names(revisions)?,
            None => 0,
        };
        let restrictions =
            self.list_or_none(policy_index.server_restrictions.get(&index).map_or(&[], Vec::as_slice))?;
        // The strictest scope first; of scopes for one tier, the longest first.
        let mut templates: Vec<_> = policy_index.entries(index, ItemKind::Template).collect();
        templates
            .sort_by_key(|(_, item)| (Reverse(item.tier), Reverse(uri::literal(&item.name)), &item.name));
        let templates: Vec<u32> = templates.into_iter().map(|(place, _)| place).collect();
        let templates = self.list_or_none(&templates)?;
        let fields: [&[u32]; 13] = [
            &id,
            &resource,
            &path,
            &[server.kind as u32],
            &owner,
            &scopes,
            &environment,
            &[labels],
            &[revisions],
            &methods,
            &[server.mode as u32],
            &[restrictions],
            &[templates],
        ];
        self.record(Section::Servers, &fields);
        Ok(())
    }

    /// The range of the rules for methods.
    pub(super) fn methods(
        &mut self,
        server: Option<u32>,
        methods: &BTreeMap<String, MethodRule>,
    ) -> Result<[u32; 2], TooLarge> {
        let place = [self.next(Section::MethodRules)?, number(methods.len())?];
        for (name, rule) in methods {
            let name = self.string(name)?;
            let condition = self.condition(rule.when.as_ref())?;
            let urls = match &rule.urls {
                Some(urls) => self.names(urls)?,
                None => 0,
            };
            let server = server.unwrap_or(ALL_SERVERS);
            let fields =
                [u32::from(rule.permit), above(rule.tier), condition, urls, rule.mode as u32, server];
            self.record(Section::MethodRules, &[&name, &fields]);
        }
        Ok(place)
    }

    fn labels(&mut self, labels: &BTreeSet<String>) -> Result<u32, TooLarge> {
        if labels.is_empty() { Ok(0) } else { self.names(labels) }
    }

    fn item(&mut self, place: u32, server: u32, item: &Item, restrictions: &[u32]) -> Result<(), TooLarge> {
        let checks: BTreeSet<&Check> = item.checks.iter().collect();
        let start = self.next(Section::Checks)?;
        for check in &checks {
            self.check(check)?;
        }
        let extra = self.item_extra(item, restrictions)?;
        self.param_headers(place, item)?;
        let name = self.string(&item.name)?;
        let checks = [start, number(checks.len())?];
        self.record(Section::Items, &[&[server], &name, &[item.tier], &checks, &[extra]]);
        Ok(())
    }

    fn item_extra(&mut self, item: &Item, restrictions: &[u32]) -> Result<u32, TooLarge> {
        let mut definitions = Vec::new();
        for definition in item.definitions.iter().collect::<BTreeSet<_>>() {
            definitions.push(self.definition(definition)?.saturating_sub(1));
        }
        let mut arguments = BTreeSet::new();
        let mut rules: Vec<_> = item.arguments.iter().collect();
        rules.sort_by(|a, b| (&a.path, &a.condition.text).cmp(&(&b.path, &b.condition.text)));
        for rule in rules {
            let (path, condition) = (self.names(&rule.path)?, self.condition(Some(&rule.condition))?);
            arguments.insert(self.shared(Section::ArgumentRules, &[path, condition])?.saturating_sub(1));
        }
        let shown: Vec<u32> = item.shown.iter().map(|path| self.names(path)).collect::<Result<_, _>>()?;
        let approval = match &item.approval {
            Some(approval) => self.approval(approval)?,
            None => 0,
        };
        let fields = [
            item.kind as u32,
            item.mode as u32,
            self.labels(&item.labels)?,
            self.list_or_none(restrictions)?,
            self.list_or_none(&definitions)?,
            approval,
            self.condition(item.when.as_ref())?,
            self.list_or_none(&arguments.into_iter().collect::<Vec<_>>())?,
            self.list_or_none(&shown)?,
        ];
        if fields == [0; 9] { Ok(0) } else { self.shared(Section::ItemExtras, &fields) }
    }

    /// The number of a definition, counted from 1.
    fn definition(&mut self, definition: &Definition) -> Result<u32, TooLarge> {
        let mut fields = self.string(&definition.version)?.to_vec();
        let words = definition.digest.chunks_exact(4).filter_map(|word| word.try_into().ok());
        fields.extend(words.map(u32::from_le_bytes));
        fields.extend(long(definition.until.map_or(0, |until| until.saturating_add(1))));
        self.shared(Section::Definitions, &fields)
    }

    /// Headers that repeat arguments of the item with this number.
    fn param_headers(&mut self, entry: u32, item: &Item) -> Result<(), TooLarge> {
        let mut rows = Vec::new();
        for header in &item.param_headers {
            let named = |definition: &&Definition| Some(&definition.version) == header.version.as_ref();
            let definition = match item.definitions.iter().filter(named).min() {
                Some(definition) => self.definition(definition)?,
                None => 0,
            };
            rows.push((definition, header));
        }
        rows.sort_by_key(|(definition, header)| (*definition, &header.name));
        for (definition, header) in rows {
            let (name, path) = (self.string(&header.name)?, self.names(&header.path)?);
            let fields = [path, header.value_type as u32];
            self.record(Section::ParamHeaders, &[&[entry, definition], &name, &fields]);
        }
        Ok(())
    }

    fn check(&mut self, check: &Check) -> Result<(), TooLarge> {
        let object = self.parts(&check.object_id)?;
        let subject = self.parts(&check.subject_id)?;
        let relation = self.string(&check.relation)?;
        let (object_type, subject_type) =
            (self.string(&check.object_type)?, self.string(&check.subject_type)?);
        self.record(Section::Checks, &[&relation, &object_type, &object, &subject_type, &subject]);
        Ok(())
    }

    fn parts(&mut self, template: &[TemplatePart]) -> Result<[u32; 2], TooLarge> {
        let place = [self.next(Section::Parts)?, number(template.len())?];
        for part in template {
            let (kind, rest) = match part {
                TemplatePart::Literal(text) => (PartKind::Literal, self.string(text)?),
                TemplatePart::SubjectId => (PartKind::SubjectId, [0, 0]),
                TemplatePart::Argument(keys) => {
                    let path = [self.next(Section::Segments)?, number(keys.len())?];
                    for key in keys {
                        let key = self.string(key)?;
                        self.record(Section::Segments, &[&key]);
                    }
                    (PartKind::Argument, path)
                }
            };
            self.record(Section::Parts, &[&[kind as u32], &rest]);
        }
        Ok(place)
    }
}
