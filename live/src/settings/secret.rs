//! What is never shown: no log, error, `Debug` or journal has it.

use std::fmt;
use std::fs;
use std::path::PathBuf;

use provisioner_files::file::{Issue, Section, kind};

/// A secret. Prints as `(secret)`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// That text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever is to have it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In that file; blanks around it do not count.
    File(PathBuf),
    /// In that variable of the environment, as `env` gives it.
    Env(String),
}

impl SecretSource {
    /// Reads it; `env` looks up a variable of the environment.
    ///
    /// # Errors
    ///
    /// It is not there, or empty. Says where it should be.
    pub fn read(&self, env: impl Fn(&str) -> Option<String>) -> Result<Secret, String> {
        let (text, place) = match self {
            Self::File(path) => {
                let place = format!("the file {}", path.display());
                let text = fs::read_to_string(path);
                (text.map_err(|error| format!("{place} cannot be read: {error}"))?, place)
            }
            Self::Env(name) => {
                let place = format!("the environment variable {name}");
                (env(name).ok_or_else(|| format!("{place} is not set"))?, place)
            }
        };
        match text.trim() {
            "" => Err(format!("{place} is empty")),
            text => Ok(Secret::new(text)),
        }
    }
}

/// Who may sign a server's certificate.
pub(super) fn ca_file(s: &mut Section<'_>) -> Option<PathBuf> {
    let doc = "Certificates (PEM) of which one has to have signed the server's, if it speaks TLS; \
               without this file, those count that the system trusts.";
    s.optional("ca_file", kind::path(), doc)
}

/// A secret in a file or in the environment, by two keys of which one is written.
pub(super) fn secret(
    s: &mut Section<'_>,
    (file, env): (&'static str, &'static str),
    (file_doc, env_doc): (&'static str, &'static str),
) -> SecretSource {
    let path = s.optional(file, kind::path(), file_doc);
    let name = s.optional(env, kind::text(), env_doc);
    match (path, name) {
        (Some(path), None) => return SecretSource::File(path),
        (None, Some(name)) => return SecretSource::Env(name),
        (Some(_), Some(_)) => {
            let issue = Issue::new(format!("`{file}` and `{env}` say the same"), s.place(env));
            s.report(issue.hint("leave one of them out"));
        }
        (None, None) => {
            let issue = Issue::new(format!("neither `{file}` nor `{env}` is there"), s.here());
            s.report(issue.hint(format!("add for example {file} = \"secrets/name\"")));
        }
    }
    SecretSource::Env(String::new())
}
