//! `toolward token`: keys and tokens for development.

use super::clock::nanoseconds;
use super::files;
use crate::keys::private_half;
use crate::test_token::{SigningKey, jwks};
use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};
use filter::crypto::Algorithm;
use jwt_simple::prelude::{
    Claims, Duration, ECDSAP256KeyPairLike as _, ES256KeyPair, Ed25519KeyPair, EdDSAKeyPairLike as _,
    HeaderOptions, JWTClaims, RS256KeyPair, RSAKeyPairLike as _,
};
use serde_json::{Map, Value, json};
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `toolward token`.
#[derive(Args)]
pub struct Token {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes a development key set (RS256, ES256, EdDSA) and prints its public half
    Keygen {
        /// Folder for the private keys; made with mode 0700, the keys with 0600; nothing is overwritten
        #[arg(short, long, value_name = "FOLDER")]
        out: PathBuf,
    },
    /// Prints the public half of a key set: what goes into `issuers[].jwks`
    Jwks {
        /// Folder with the private keys
        #[arg(long, value_name = "FOLDER")]
        keys: PathBuf,
    },
    /// Mints a delegation token and prints it
    Mint(Box<Mint>),
}

#[derive(Args)]
struct Mint {
    /// A private key (PKCS#8 PEM), or a folder with a key set
    #[arg(long, value_name = "PATH")]
    key: PathBuf,
    /// Which key of the set
    #[arg(long, value_enum, default_value_t = Choice::Es256)]
    algorithm: Choice,
    /// `iss`: the issuer
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// `sub`: the subject
    #[arg(long, value_name = "ID")]
    subject: Option<String>,
    /// `aud`: the server's resource identifier; may be repeated
    #[arg(long, value_name = "URL")]
    audience: Vec<String>,
    /// `client_id`
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// `act`: the agent that calls, then the agents that acted earlier
    #[arg(long, value_name = "ID,ID,…", value_delimiter = ',')]
    act: Vec<String>,
    /// A group of the subject; may be repeated
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// A role of the subject; may be repeated
    #[arg(long, value_name = "NAME")]
    role: Vec<String>,
    /// A scope; may be repeated
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Lifetime in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    ttl: u64,
    /// Claims as a JSON object; they replace others of the same name
    #[arg(long, value_name = "JSON")]
    claims: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Choice {
    /// RSA, PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    Eddsa,
}

impl Token {
    /// Executes the command.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        match self.action {
            Action::Keygen { out } => {
                keygen(&out)?;
                eprintln!("for development: anybody who reads `{}` can mint tokens", out.display());
                println!("{}", key_set(&out)?);
            }
            Action::Jwks { keys } => println!("{}", key_set(&keys)?),
            Action::Mint(mint) => {
                eprintln!("for development: an authorization server issues the tokens of production");
                println!("{}", mint.mint()?);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn key_set(folder: &Path) -> anyhow::Result<Value> {
    let keys = SigningKey::from_folder(folder)?;
    if keys.is_empty() {
        bail!("`{}` holds no key (`*.pem`); make a set with `toolward token keygen`", folder.display());
    }
    Ok(jwks(&keys))
}

fn keygen(folder: &Path) -> anyhow::Result<()> {
    let place = || format!("cannot make the folder `{}`; keys are not overwritten", folder.display());
    fs::DirBuilder::new().mode(0o700).create(folder).with_context(place)?;
    // The caller's umask may have cleared bits.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).with_context(place)?;
    let pems = [
        RS256KeyPair::generate(2048).and_then(|key| key.to_pem()).map_err(described)?,
        ES256KeyPair::generate().to_pem().map_err(described)?,
        Ed25519KeyPair::generate().to_pem(),
    ];
    // Each set has its own name, so that the `kid` of a token identifies the set.
    let set = format!("{:x}", nanoseconds()? % 0x1_0000_0000);
    for pem in pems {
        let pem = private_half(&pem);
        let algorithm = SigningKey::from_pem("new", &pem)?.algorithm().name().to_ascii_lowercase();
        let path = folder.join(format!("dev-{algorithm}-{set}.pem"));
        files::create(&path, pem.as_bytes(), Some(0o600))?;
    }
    Ok(())
}

impl Mint {
    fn mint(&self) -> anyhow::Result<String> {
        let path = self.key_file()?;
        let pem = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let key = SigningKey::from_file(&path)?;
        let id = key.id();
        let claims = JWTClaims {
            issued_at: None,
            expires_at: None,
            invalid_before: None,
            ..Claims::with_custom_claims(self.claims()?, Duration::from_secs(0))
        };
        let options = HeaderOptions { signature_type: Some("at+jwt".to_owned()), ..HeaderOptions::default() };
        match key.algorithm() {
            Algorithm::Rs256 => RS256KeyPair::from_pem(&pem)
                .and_then(|key| key.with_key_id(id).sign_with_options(claims, &options)),
            Algorithm::Es256 => ES256KeyPair::from_pem(&pem)
                .and_then(|key| key.with_key_id(id).sign_with_options(claims, &options)),
            Algorithm::EdDsa => Ed25519KeyPair::from_pem(&pem)
                .and_then(|key| key.with_key_id(id).sign_with_options(claims, &options)),
        }
        .map_err(described)
    }

    /// The file itself, or the first key of the folder that signs with the algorithm.
    fn key_file(&self) -> anyhow::Result<PathBuf> {
        if !self.key.is_dir() {
            return Ok(self.key.clone());
        }
        let wanted = match self.algorithm {
            Choice::Rs256 => Algorithm::Rs256,
            Choice::Es256 => Algorithm::Es256,
            Choice::Eddsa => Algorithm::EdDsa,
        };
        let keys = SigningKey::from_folder(&self.key)?;
        match keys.iter().find(|key| key.algorithm() == wanted) {
            Some(key) => Ok(self.key.join(format!("{}.pem", key.id()))),
            None => bail!("`{}` holds no key for {wanted}", self.key.display()),
        }
    }

    fn claims(&self) -> anyhow::Result<Map<String, Value>> {
        let mut claims = Map::new();
        let now = nanoseconds()? / 1_000_000_000;
        let now = u64::try_from(now).context("the clock is far off")?;
        claims.insert("iat".into(), now.into());
        claims.insert("exp".into(), now.saturating_add(self.ttl).into());
        claims.insert("jti".into(), format!("dev-{:x}", nanoseconds()?).into());
        for (name, value) in [("iss", &self.issuer), ("sub", &self.subject), ("client_id", &self.client_id)] {
            if let Some(value) = value {
                claims.insert(name.into(), value.clone().into());
            }
        }
        match self.audience.as_slice() {
            [] => {}
            [one] => drop(claims.insert("aud".into(), one.clone().into())),
            several => drop(claims.insert("aud".into(), several.into())),
        }
        for (name, values) in [("groups", &self.group), ("roles", &self.role)] {
            if !values.is_empty() {
                claims.insert(name.into(), values.as_slice().into());
            }
        }
        if !self.scope.is_empty() {
            claims.insert("scope".into(), self.scope.join(" ").into());
        }
        let nested = self.act.iter().rev().fold(None, |earlier, actor| {
            Some(match earlier {
                None => json!({"sub": actor}),
                Some(earlier) => json!({"sub": actor, "act": earlier}),
            })
        });
        claims.extend(nested.map(|act: Value| ("act".to_owned(), act)));
        if let Some(text) = &self.claims {
            let laid_over: Map<String, Value> =
                serde_json::from_str(text).context("expected a JSON object in `--claims`")?;
            claims.extend(laid_over);
        }
        for (name, option) in [("iss", "--issuer"), ("sub", "--subject"), ("aud", "--audience")] {
            if !claims.contains_key(name) {
                bail!("the token has no `{name}`; give `{option}`, or `{name}` in `--claims`");
            }
        }
        Ok(claims)
    }
}

fn described(error: jwt_simple::Error) -> anyhow::Error {
    anyhow::anyhow!("jwt-simple: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_set_is_private_is_never_overwritten_and_mints_what_its_public_half_verifies() {
        let folder = std::env::temp_dir().join(format!("toolward-token-{:x}", nanoseconds().unwrap()));
        keygen(&folder).unwrap();
        assert!(keygen(&folder).is_err(), "a second set must not replace the first");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let keys = SigningKey::from_folder(&folder).unwrap();
        assert_eq!(keys.len(), 3);
        for (choice, algorithm) in [
            (Choice::Rs256, Algorithm::Rs256),
            (Choice::Es256, Algorithm::Es256),
            (Choice::Eddsa, Algorithm::EdDsa),
        ] {
            let mint = Mint {
                key: folder.clone(),
                algorithm: choice,
                issuer: Some("https://id.test".into()),
                subject: Some("u-1".into()),
                audience: vec!["https://tools.test".into()],
                client_id: None,
                act: vec!["buyer".into(), "planner".into()],
                group: Vec::new(),
                role: Vec::new(),
                scope: vec!["a".into(), "b".into()],
                ttl: 60,
                claims: Some(r#"{"sub": "u-2"}"#.into()),
            };
            let claims = mint.claims().unwrap();
            assert_eq!(claims["sub"], "u-2", "`--claims` is laid over the options");
            assert_eq!(claims["act"], json!({"sub": "buyer", "act": {"sub": "planner"}}));
            let token = mint.mint().unwrap();
            let key = keys.iter().find(|key| key.algorithm() == algorithm).unwrap();
            assert_eq!(mode(&folder.join(format!("{}.pem", key.id()))), 0o600);
            let jwk = key.public_jwk().to_string();
            use jwt::{ECDSAP256PublicKeyLike as _, EdDSAPublicKeyLike as _, RSAPublicKeyLike as _};
            use jwt_simple::prelude as jwt;
            let verified = match algorithm {
                Algorithm::Rs256 => jwt::RS256PublicKey::from_jwk(&jwk)
                    .and_then(|key| key.verify_token::<jwt::NoCustomClaims>(&token, None)),
                Algorithm::Es256 => jwt::ES256PublicKey::from_jwk(&jwk)
                    .and_then(|key| key.verify_token::<jwt::NoCustomClaims>(&token, None)),
                Algorithm::EdDsa => jwt::Ed25519PublicKey::from_jwk(&jwk)
                    .and_then(|key| key.verify_token::<jwt::NoCustomClaims>(&token, None)),
            };
            assert_eq!(verified.unwrap().subject.as_deref(), Some("u-2"));
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
