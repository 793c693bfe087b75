//! Reads kubeconfig files and picks the cluster and the user that a command means, as kubectl does.
//! Never connects, and never shows what a kubeconfig holds besides names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::connection::{Connection, Secret};
use crate::kubernetes::AccessError;
use crate::kubernetes::objects::or_default;

/// Looks up a variable of the environment.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where Kubernetes puts a pod's credentials.
pub(super) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

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

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct ContextEntry {
    #[serde(deserialize_with = "or_default")]
    cluster: String,
    #[serde(deserialize_with = "or_default")]
    user: String,
    #[serde(deserialize_with = "or_default")]
    namespace: String,
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
    searched: String,
    current_context: String,
    clusters: BTreeMap<String, ClusterEntry>,
    contexts: BTreeMap<String, ContextEntry>,
    users: BTreeMap<String, UserEntry>,
}

/// What a command means.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Selected {
    /// The context's name, where one was used.
    pub context: Option<String>,
    /// The user's name, where one was used.
    pub user_name: Option<String>,
    /// The context's namespace.
    pub namespace: Option<String>,
    /// How to reach the cluster.
    pub cluster: ClusterEntry,
    /// Who to be.
    pub user: UserEntry,
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

    fn is_empty(&self) -> bool {
        self.clusters.is_empty() && self.contexts.is_empty() && self.users.is_empty()
    }

    /// The cluster and user that the flags choose, else the current context's, else the pod's own.
    pub fn select(
        &self,
        flags: &Connection,
        environment: Environment<'_>,
        service_account: &Path,
    ) -> Result<Selected, AccessError> {
        let named = flags.context.is_some() || flags.cluster.is_some() || flags.user.is_some();
        let mut selected = match self.is_empty() && !named {
            true => in_cluster(environment, service_account).unwrap_or_default(),
            false => self.of_context(flags)?,
        };
        override_cluster(&mut selected.cluster, flags)?;
        override_user(&mut selected.user, flags)?;
        if selected.cluster.server.is_empty() {
            return Err(self.refused(match self.is_empty() {
                true => "there is no kubeconfig, and this is not a pod; name one with --kubeconfig or KUBECONFIG".into(),
                false => format!(
                    "no context is chosen; choose one with --context or `kubectl config use-context`: {}",
                    list(self.contexts.keys())
                ),
            }));
        }
        Ok(selected)
    }

    fn of_context(&self, flags: &Connection) -> Result<Selected, AccessError> {
        let context_name = flags.context.clone().unwrap_or_else(|| self.current_context.clone());
        let context = match self.contexts.get(&context_name) {
            Some(context) => context.clone(),
            None if context_name.is_empty() => ContextEntry::default(),
            None => {
                let (chosen, there) = (context_name, list(self.contexts.keys()));
                return Err(self.refused(format!("there is no context {chosen:?}; there are: {there}")));
            }
        };
        let cluster_name = flags.cluster.clone().unwrap_or(context.cluster);
        let cluster = match self.clusters.get(&cluster_name) {
            Some(cluster) => cluster.clone(),
            None if cluster_name.is_empty() || flags.server.is_some() && flags.cluster.is_none() => {
                ClusterEntry::default()
            }
            None => {
                let there = list(self.clusters.keys());
                return Err(self.refused(format!("there is no cluster {cluster_name:?}; there are: {there}")));
            }
        };
        let user_name = flags.user.clone().unwrap_or(context.user);
        let user = match self.users.get(&user_name) {
            Some(user) => user.clone(),
            None if user_name.is_empty() => UserEntry::default(),
            None => {
                let there = list(self.users.keys());
                return Err(self.refused(format!("there is no user {user_name:?}; there are: {there}")));
            }
        };
        let set = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Selected {
            context: set(context_name),
            user_name: set(user_name),
            namespace: set(context.namespace),
            cluster,
            user,
        })
    }

    fn refused(&self, reason: String) -> AccessError {
        let path = if self.searched.is_empty() { "kubeconfig" } else { &self.searched };
        AccessError::File { path: path.to_string(), reason }
    }
}

/// A flag for the authority or for no check at all takes the place of both in the file, and `--server` clears the file's
/// TLS name, as with kubectl.
fn override_cluster(cluster: &mut ClusterEntry, flags: &Connection) -> Result<(), AccessError> {
    let insecure = flags.insecure_skip_tls_verify.unwrap_or(false);
    if insecure || flags.certificate_authority.is_some() {
        cluster.insecure_skip_tls_verify = insecure;
        cluster.certificate_authority = flags.certificate_authority.as_deref().map(absolute).unwrap_or_default();
        cluster.certificate_authority_data = String::new();
    }
    if flags.insecure_skip_tls_verify == Some(false) {
        cluster.insecure_skip_tls_verify = false;
    }
    if let Some(server) = &flags.server {
        cluster.server.clone_from(server);
        cluster.tls_server_name = String::new();
    }
    if let Some(name) = &flags.tls_server_name {
        cluster.tls_server_name.clone_from(name);
    }
    if let Some(disable) = flags.disable_compression {
        cluster.disable_compression = disable;
    }
    let authority = !cluster.certificate_authority.is_empty() || !cluster.certificate_authority_data.is_empty();
    if cluster.insecure_skip_tls_verify && authority {
        return Err(AccessError::Credentials(
            "a certificate authority and insecure-skip-tls-verify exclude each other; leave one of them out".into(),
        ));
    }
    Ok(())
}

fn override_user(user: &mut UserEntry, flags: &Connection) -> Result<(), AccessError> {
    if let Some(token) = &flags.token {
        user.token = token.clone();
        user.token_file = String::new();
        // What is typed on the command line is what the person means: nothing else logs in beside it.
        (user.exec, user.auth_provider) = (None, None);
        (user.username, user.password) = (String::new(), Secret::default());
    }
    if let Some(file) = &flags.client_certificate {
        (user.client_certificate, user.client_certificate_data) = (absolute(file), String::new());
        user.exec = None;
    }
    if let Some(file) = &flags.client_key {
        (user.client_key, user.client_key_data) = (absolute(file), Secret::default());
    }
    if let Some(name) = &flags.impersonate {
        user.impersonate.clone_from(name);
    }
    if let Some(uid) = &flags.impersonate_uid {
        user.impersonate_uid.clone_from(uid);
    }
    if !flags.impersonate_groups.is_empty() {
        user.impersonate_groups.clone_from(&flags.impersonate_groups);
    }
    let more =
        !user.impersonate_uid.is_empty() || !user.impersonate_groups.is_empty() || !user.impersonate_extra.is_empty();
    if user.impersonate.is_empty() && more {
        return Err(AccessError::Credentials("--as-group and --as-uid need --as, the user to impersonate".into()));
    }
    Ok(())
}

/// The pod's own ServiceAccount, where this program runs in one.
fn in_cluster(environment: Environment<'_>, service_account: &Path) -> Option<Selected> {
    let (host, port) = (environment("KUBERNETES_SERVICE_HOST")?, environment("KUBERNETES_SERVICE_PORT")?);
    let token = service_account.join("token");
    if !token.is_file() {
        return None;
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    let namespace = std::fs::read_to_string(service_account.join("namespace")).ok();
    let authority = service_account.join("ca.crt");
    Some(Selected {
        context: None,
        user_name: None,
        namespace: namespace.map(|text| text.trim().to_string()).filter(|text| !text.is_empty()),
        cluster: ClusterEntry {
            server: format!("https://{host}:{port}"),
            certificate_authority: if authority.is_file() { absolute(&authority) } else { String::new() },
            ..ClusterEntry::default()
        },
        user: UserEntry { token_file: absolute(&token), ..UserEntry::default() },
    })
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
    let place = error
        .location()
        .map(|place| format!("line {}, column {}: ", place.line(), place.column()))
        .unwrap_or_default();
    match error {
        serde_yaml::Error::Message { .. } => format!("{place}this is not what a kubeconfig has here"),
        _ => format!("{place}this is not YAML, or not what a kubeconfig has here"),
    }
}

fn unusable(path: &str, reason: impl ToString) -> AccessError {
    AccessError::File { path: path.to_string(), reason: reason.to_string() }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}

fn home(environment: Environment<'_>) -> Option<PathBuf> {
    ["HOME", "USERPROFILE"].iter().find_map(|name| environment(name)).filter(|home| !home.is_empty()).map(PathBuf::from)
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}
