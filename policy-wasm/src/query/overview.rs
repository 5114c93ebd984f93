//! The head of a bundle, and the principals of its rules, as JSON.

use super::principals::{self, Named};
use super::read::{ActorQuery, SubjectQuery};
use crate::bundle::Bundle;
use crate::json::writer::Object;
use crate::model::ActorKind;
use crate::time;

/// The head of a bundle as JSON: `{"format":…,"revision":…,"serial":…,"not_after":…,"digest":…,"signers":[…],
/// "organisation":…,"tiers":[…],"issuers":[{"name":…,"issuer":…}],"servers":[{"id":…,"kind":…,"resource":…,
/// "environment":…,"owner":…,"scopes":[…]}]}`. Unreadable fields are `null`; lists leave them out.
pub fn overview_json(bundle: &Bundle) -> String {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    object.scalar("format", bundle.header().format);
    object.text("revision", bundle.revision());
    object.scalar("serial", bundle.serial());
    object.text_or_null("not_after", bundle.not_after().map(time::write).as_deref());
    object.text("digest", &format!("sha256:{}", hex(&bundle.header().digest)));
    object.texts("signers", bundle.signers().iter().map(ToString::to_string));
    object.text_or_null("organisation", bundle.organisation().ok());
    object.texts("tiers", (0..bundle.tiers()).filter_map(|tier| bundle.tier_name(tier).ok()));
    object.list("issuers", bundle.issuers(), |out, issuer| {
        let mut object = Object::open(out);
        object.text("name", issuer.short);
        object.text("issuer", issuer.identifier);
        object.close();
    });
    object.list("servers", bundle.servers(), |out, server| {
        let mut object = Object::open(out);
        object.text("id", server.id());
        object.text("kind", server.kind());
        object.text("resource", server.resource());
        object.text("environment", server.environment());
        object.text("owner", server.owner());
        object.texts("scopes", server.scopes());
        object.close();
    });
    object.close();
    out
}

/// The principals of the rules as JSON, each as a member of a query: `{"subjects":[{"label":…,"subject":{…}}],
/// "agents":[{"label":…,"actor":{…}}]}`.
pub fn callers_json(bundle: &Bundle) -> String {
    let mut out = String::new();
    let mut object = Object::open(&mut out);
    object.list("subjects", principals::subjects(bundle), |out, named| {
        labelled(out, "subject", &named, subject)
    });
    object.list("agents", principals::agents(bundle), |out, named| labelled(out, "actor", &named, actor));
    object.close();
    out
}

fn labelled<T>(out: &mut String, key: &'static str, named: &Named<T>, write: impl Fn(&mut String, &T)) {
    let mut object = Object::open(out);
    object.text("label", &named.label);
    write(object.key(key), &named.value);
    object.close();
}

fn subject(out: &mut String, subject: &SubjectQuery) {
    let mut object = Object::open(out);
    object.text("id", &subject.id);
    if let Some(issuer) = &subject.issuer {
        object.text("issuer", issuer);
    }
    object.texts("groups", &subject.groups);
    object.texts("roles", &subject.roles);
    if let Some(claims) = &subject.claims {
        object.raw("claims", claims);
    }
    object.close();
}

fn actor(out: &mut String, actor: &ActorQuery) {
    let mut object = Object::open(out);
    let kind = match actor.kind {
        ActorKind::Subject => "subject",
        ActorKind::Client => "client",
    };
    object.text(kind, &actor.id);
    if let Some(issuer) = &actor.issuer {
        object.text("issuer", issuer);
    }
    object.close();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
