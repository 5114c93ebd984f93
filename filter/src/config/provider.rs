//! `issuers[].provider`: the form of the tokens of known identity providers. Each setting can be given by
//! itself.

use crate::token::{ClaimPath, IdentityClaims, TokenTypes};

/// A known identity provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// RFC 9068: `typ` is `at+jwt`, the client is in `client_id`.
    Rfc9068,
    /// Keycloak: `typ` is `JWT`, the claim `typ` is `Bearer`, the client is in `azp`, realm roles are nested.
    Keycloak,
    /// Microsoft Entra ID: `typ` is `JWT`, the client is in `azp` (v2) or `appid` (v1), the subject in `oid`.
    Entra,
    /// Okta: no `typ`; the client is in `cid`, the scopes in `scp`.
    Okta,
    /// Auth0: `typ` is `JWT` with `azp`, or `at+jwt` with `client_id`.
    Auth0,
    /// Amazon Cognito: no `typ`; `token_use` is `access`. A trigger must add `aud`.
    Cognito,
}

impl Provider {
    /// Every provider, with the name in configurations.
    pub const ALL: [(&str, Provider); 6] = [
        ("rfc9068", Provider::Rfc9068),
        ("keycloak", Provider::Keycloak),
        ("entra", Provider::Entra),
        ("okta", Provider::Okta),
        ("auth0", Provider::Auth0),
        ("cognito", Provider::Cognito),
    ];

    /// The provider at this place of [`Provider::ALL`].
    pub(super) fn at(index: usize) -> Option<Provider> {
        Provider::ALL.get(index).map(|(_, provider)| *provider)
    }

    /// The kinds of token that it issues as access tokens.
    pub fn token_types(self) -> TokenTypes {
        let (named, untyped): (&[&str], bool) = match self {
            Provider::Rfc9068 => (&["at+jwt"], false),
            Provider::Keycloak | Provider::Entra | Provider::Auth0 => (&["at+jwt", "JWT"], false),
            Provider::Okta => (&["at+jwt"], true),
            Provider::Cognito => (&[], true),
        };
        TokenTypes {
            named: named.iter().map(|name| (*name).to_owned()).collect(),
            untyped,
            nonce_with_bearer: self == Provider::Keycloak,
        }
    }

    /// The claims that it puts identities into.
    pub fn claims(self) -> IdentityClaims {
        let standard = IdentityClaims::default();
        let clients = |names: &[&str]| names.iter().map(|name| ClaimPath::top(name)).collect();
        match self {
            Provider::Rfc9068 => standard,
            Provider::Keycloak => IdentityClaims {
                clients: clients(&["azp"]),
                roles: ClaimPath::below("realm_access", "roles"),
                ..standard
            },
            Provider::Entra => IdentityClaims {
                subject: ClaimPath::top("oid"),
                clients: clients(&["azp", "appid"]),
                scope: ClaimPath::top("scp"),
                ..standard
            },
            Provider::Okta => {
                IdentityClaims { clients: clients(&["cid"]), scope: ClaimPath::top("scp"), ..standard }
            }
            Provider::Auth0 => IdentityClaims { clients: clients(&["client_id", "azp"]), ..standard },
            Provider::Cognito => IdentityClaims { groups: ClaimPath::top("cognito:groups"), ..standard },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, provider: Provider) -> String {
        let types = provider.token_types();
        let mut named: Vec<String> = types.named.iter().map(|name| format!("`{name}`")).collect();
        if types.untyped {
            named.push("none".to_owned());
        }
        let claims = provider.claims();
        let clients: Vec<String> = claims.clients.iter().map(|path| format!("`{path}`")).collect();
        format!(
            "| `{name}` | {} | `{}` | {} | `{}` | `{}` | `{}` | {} |",
            named.join(", "),
            claims.subject,
            clients.join(", "),
            claims.scope,
            claims.groups,
            claims.roles,
            if types.nonce_with_bearer { "`with_bearer`" } else { "`refuse`" }
        )
    }

    #[test]
    fn the_documentation_has_the_settings_of_each_provider() {
        let docs = include_str!("../../../docs/configuration.md");
        for (name, provider) in Provider::ALL {
            let row = row(name, provider);
            assert!(docs.contains(&row), "docs/configuration.md lacks:\n{row}");
        }
    }
}
