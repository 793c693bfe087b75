//! Reads kubeconfig files and puts them together, as kubectl does.
//! Never chooses an entry, and never shows what a kubeconfig holds besides names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::connection::Secret;
use crate::kubernetes::AccessError;
use crate::kubernetes::objects::or_default;

/// Looks up a variable of the environment.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One file.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Document {
    #[serde(deserialize_with = "or_default")]
    current_context: String,
    #[serde(deserialize_with = "or_default")]
    clusters: Vec<NamedCluster>,
    #[serde(deserialize_with = "or_default")]
    contexts: Vec<NamedContext>,
    #[serde(deserialize_with = "or_default")]
    users: Vec<NamedUser>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    cluster: ClusterEntry,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    context: ContextEntry,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    user: UserEntry,
}

/// How to reach a cluster.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct ClusterEntry {
    #[serde(deserialize_with = "or_default")]
    pub server: String,
    #[serde(deserialize_with = "or_default")]
    pub tls_server_name: String,
    #[serde(deserialize_with = "or_default")]
    pub insecure_skip_tls_verify: bool,
    #[serde(deserialize_with = "or_default")]
    pub certificate_authority: String,
    #[serde(deserialize_with = "or_default")]
    pub certificate_authority_data: String,
    #[serde(deserialize_with = "or_default")]
    pub proxy_url: String,
    #[serde(deserialize_with = "or_default")]
    pub disable_compression: bool,
    #[serde(deserialize_with = "or_default")]
    pub extensions: Vec<Extension>,
}

/// What a third party keeps with a cluster.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Extension {
    pub name: String,
    pub extension: Value,
}

/// A cluster, a user and a namespace that go together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ContextEntry {
    #[serde(deserialize_with = "or_default")]
    pub cluster: String,
    #[serde(deserialize_with = "or_default")]
    pub user: String,
    #[serde(deserialize_with = "or_default")]
    pub namespace: String,
}

/// Who to be.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct UserEntry {
    #[serde(deserialize_with = "or_default")]
    pub client_certificate: String,
    #[serde(deserialize_with = "or_default")]
    pub client_certificate_data: String,
    #[serde(deserialize_with = "or_default")]
    pub client_key: String,
    #[serde(deserialize_with = "or_default")]
    pub client_key_data: Secret,
    #[serde(deserialize_with = "or_default")]
    pub token: Secret,
    #[serde(rename = "tokenFile", deserialize_with = "or_default")]
    pub token_file: String,
    #[serde(deserialize_with = "or_default")]
    pub username: String,
    #[serde(deserialize_with = "or_default")]
    pub password: Secret,
    #[serde(rename = "as", deserialize_with = "or_default")]
    pub impersonate: String,
    #[serde(rename = "as-uid", deserialize_with = "or_default")]
    pub impersonate_uid: String,
    #[serde(rename = "as-groups", deserialize_with = "or_default")]
    pub impersonate_groups: Vec<String>,
    #[serde(rename = "as-user-extra", deserialize_with = "or_default")]
    pub impersonate_extra: BTreeMap<String, Vec<String>>,
    pub auth_provider: Option<AuthProvider>,
    pub exec: Option<Exec>,
}

/// A login built into clients.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct AuthProvider {
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub config: BTreeMap<String, Secret>,
}

/// A program that prints credentials.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Exec {
    #[serde(deserialize_with = "or_default")]
    pub api_version: String,
    #[serde(deserialize_with = "or_default")]
    pub command: String,
    #[serde(deserialize_with = "or_default")]
    pub args: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub env: Vec<ExecVariable>,
    #[serde(deserialize_with = "or_default")]
    pub install_hint: String,
    #[serde(deserialize_with = "or_default")]
    pub interactive_mode: String,
    #[serde(deserialize_with = "or_default")]
    pub provide_cluster_info: bool,
}

/// A variable of the plugin's environment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ExecVariable {
    pub name: String,
    pub value: Secret,
}

/// All files together.
#[derive(Debug, Default)]
pub(super) struct Kubeconfig {
    /// The files that were looked for, as a person would name them.
    pub searched: String,
    pub current_context: String,
    pub clusters: BTreeMap<String, ClusterEntry>,
    pub contexts: BTreeMap<String, ContextEntry>,
    pub users: BTreeMap<String, UserEntry>,
}

impl Kubeconfig {
    /// Reads the file that `explicit` names, or those of KUBECONFIG, or ~/.kube/config. Only a file that was named by
    /// flag must be there, as with kubectl.
    pub fn load(explicit: Option<&Path>, environment: Environment<'_>) -> Result<Kubeconfig, AccessError> {
        let listed = environment("KUBECONFIG").filter(|list| !list.is_empty());
        let files: Vec<PathBuf> = match (explicit, listed) {
            (Some(file), _) => vec![file.to_path_buf()],
            (None, Some(list)) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
            (None, None) => home(environment).map(|home| home.join(".kube").join("config")).into_iter().collect(),
        };
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let mut all = Kubeconfig { searched: names.join(", "), ..Kubeconfig::default() };
        for file in files {
            match std::fs::read(&file) {
                Ok(bytes) => all.merge(document(&file, &bytes)?),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound && explicit.is_none() => {}
                Err(error) => return Err(unusable(&file.display().to_string(), error)),
            }
        }
        Ok(all)
    }

    /// The first file that names an entry wins, whole entry by whole entry.
    fn merge(&mut self, next: Document) {
        if self.current_context.is_empty() {
            self.current_context = next.current_context;
        }
        for NamedCluster { name, cluster } in next.clusters {
            self.clusters.entry(name).or_insert(cluster);
        }
        for NamedContext { name, context } in next.contexts {
            self.contexts.entry(name).or_insert(context);
        }
        for NamedUser { name, user } in next.users {
            self.users.entry(name).or_insert(user);
        }
    }

    /// Whether no file says anything.
    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty() && self.contexts.is_empty() && self.users.is_empty()
    }
}

/// One file, with its relative paths resolved against its own directory.
fn document(file: &Path, bytes: &[u8]) -> Result<Document, AccessError> {
    let shown = file.display().to_string();
    let text = std::str::from_utf8(bytes).map_err(|_| unusable(&shown, "it is not UTF-8 text"))?;
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Ok(Document::default());
    }
    let options = serde_yaml::options! { with_snippet: false };
    let mut document: Document = serde_yaml::from_str_with_options::<Option<Document>>(text, options)
        .map_err(|error| unusable(&shown, malformed(&error)))?
        .unwrap_or_default();
    let directory = file.parent().unwrap_or(Path::new(""));
    let resolve = |path: &mut String| {
        if !path.is_empty() && Path::new(path.as_str()).is_relative() {
            *path = absolute(&directory.join(path.as_str()));
        }
    };
    for NamedCluster { cluster, .. } in &mut document.clusters {
        resolve(&mut cluster.certificate_authority);
    }
    for NamedUser { user, .. } in &mut document.users {
        resolve(&mut user.client_certificate);
        resolve(&mut user.client_key);
        resolve(&mut user.token_file);
        // A bare command is looked for in PATH; one with a directory is meant from the kubeconfig's own.
        if let Some(exec) = user.exec.as_mut().filter(|exec| exec.command.contains(['/', std::path::MAIN_SEPARATOR])) {
            resolve(&mut exec.command);
        }
    }
    Ok(document)
}

/// Where a kubeconfig is malformed. Never quotes it: what stands there may be a token.
fn malformed(error: &serde_yaml::Error) -> String {
    let error = error.without_snippet();
    let place =
        error.location().map(|place| format!("line {}, column {}: ", place.line(), place.column())).unwrap_or_default();
    match error {
        serde_yaml::Error::Message { .. } => format!("{place}this is not what a kubeconfig has here"),
        _ => format!("{place}this is not YAML, or not what a kubeconfig has here"),
    }
}

fn unusable(path: &str, reason: impl ToString) -> AccessError {
    AccessError::File { path: path.to_string(), reason: reason.to_string() }
}

/// A path that does not depend on the working directory, as text.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

fn home(environment: Environment<'_>) -> Option<PathBuf> {
    ["HOME", "USERPROFILE"].iter().find_map(|name| environment(name)).filter(|home| !home.is_empty()).map(PathBuf::from)
}
