//! Chooses the cluster and the user that a command means: flags over context over the pod that it runs in, as kubectl does.
//! Never reads a kubeconfig file, and never connects.

use std::path::Path;

use super::connection::{Connection, Secret};
use super::kubeconfig::{ClusterEntry, ContextEntry, Environment, Kubeconfig, UserEntry, absolute};
use crate::kubernetes::AccessError;

/// Where Kubernetes puts a pod's credentials.
pub(super) const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

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
                true => {
                    "there is no kubeconfig, and this is not a pod; name one with --kubeconfig or KUBECONFIG".into()
                }
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

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "none".to_string() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        connection: Connection,
    }

    /// Files in a directory of their own, KUBECONFIG naming all of them and one that is missing, and flags as typed.
    fn choose(files: &[&str], flags: &str) -> Result<Selected, AccessError> {
        let directory = tempfile::tempdir().unwrap();
        let mut paths = vec![directory.path().join("missing")];
        for (index, text) in files.iter().enumerate() {
            paths.push(directory.path().join(format!("{index}.yaml")));
            std::fs::write(&paths[index + 1], text).unwrap();
        }
        let list = std::env::join_paths(&paths).unwrap().into_string().unwrap();
        let environment = |name: &str| (name == "KUBECONFIG").then(|| list.clone());
        let flags = Line::parse_from(["x"].into_iter().chain(flags.split_whitespace())).connection;
        Kubeconfig::load(flags.kubeconfig.as_deref(), &environment)?.select(&flags, &environment, directory.path())
    }

    const FIRST: &str = "
users:
- {name: red, user: {token: AAA}}
clusters:
- {name: c, cluster: {server: 'https://a:1', certificate-authority: ca.crt}}
";
    const SECOND: &str = "
current-context: x
users:
- {name: red, user: {client-certificate: b.crt, client-key: b.key}}
- {name: blue, user: {tokenFile: t, exec: {command: ./bin/login, apiVersion: v}}}
- {name: bare, user: {exec: {command: login}}}
clusters:
- {name: c, cluster: {server: 'https://b:1', tls-server-name: foo}}
- {name: d, cluster: {server: 'https://d:1', tls-server-name: foo, insecure-skip-tls-verify: true}}
contexts:
- {name: x, context: {cluster: c, user: red, namespace: ns1}}
- {name: y, context: {cluster: d, user: blue}}
- {name: z, context: {cluster: c, user: gone}}
- {name: bare, context: {cluster: c, user: bare}}
";

    /// kubectl 1.32 puts the same files together in the same way.
    #[test]
    fn the_first_file_that_names_an_entry_wins_and_missing_files_are_skipped() {
        let selected = choose(&[FIRST, SECOND], "").unwrap();
        assert_eq!(selected.cluster.server, "https://a:1");
        assert_eq!(selected.cluster.tls_server_name, "");
        assert_eq!(selected.user.token.expose(), "AAA");
        assert_eq!(selected.user.client_certificate, "");
        assert_eq!(selected.context.as_deref(), Some("x"));
        assert_eq!(selected.user_name.as_deref(), Some("red"));
        assert_eq!(selected.namespace.as_deref(), Some("ns1"));
    }

    #[test]
    fn relative_paths_are_meant_from_their_own_file() {
        let selected = choose(&[FIRST, SECOND], "--context y").unwrap();
        assert!(Path::new(&selected.user.token_file).is_absolute());
        let command = &selected.user.exec.as_ref().unwrap().command;
        assert!(Path::new(command).is_absolute() && command.ends_with("/bin/login"), "{command}");
        assert_eq!(selected.namespace, None);
        assert_eq!(choose(&[SECOND], "--context bare").unwrap().user.exec.unwrap().command, "login");
        let authority = choose(&[FIRST, SECOND], "").unwrap().cluster.certificate_authority;
        assert!(Path::new(&authority).is_absolute() && authority.ends_with("/ca.crt"), "{authority}");
    }

    #[test]
    fn unknown_names_are_refused_with_those_that_there_are() {
        for (flags, parts) in [
            ("--context q", ["\"q\"", "bare, x, y, z"]),
            ("--cluster q", ["\"q\"", "c, d"]),
            ("--user q", ["\"q\"", "bare, blue, red"]),
            ("--context z", ["\"gone\"", "bare, blue, red"]),
        ] {
            let error = choose(&[FIRST, SECOND], flags).unwrap_err().to_string();
            assert!(parts.iter().all(|part| error.contains(part)), "{flags}: {error}");
        }
        let error = choose(&[FIRST, "contexts: [{name: one, context: {cluster: c}}]"], "").unwrap_err().to_string();
        assert!(error.contains("--context") && error.contains("one"), "{error}");
        assert!(choose(&["", "# nothing\n"], "").unwrap_err().to_string().contains("KUBECONFIG"));
        assert!(choose(&[], "--kubeconfig /nowhere/config").unwrap_err().to_string().starts_with("/nowhere/config: "));
    }

    #[test]
    fn flags_win_over_the_file() {
        let selected =
            choose(&[SECOND], "--context y --cluster c --user red --token T --as a --as-group g --as-uid 7").unwrap();
        assert_eq!(selected.cluster.server, "https://b:1");
        assert_eq!((selected.user.token.expose(), selected.user.token_file.as_str()), ("T", ""));
        assert_eq!((selected.user.impersonate.as_str(), selected.user.impersonate_uid.as_str()), ("a", "7"));
        assert_eq!(selected.user.impersonate_groups, ["g"]);
        assert!(choose(&[SECOND], "--context y --token T").unwrap().user.exec.is_none());
        // `--server` is another server: the file's TLS name is not its own.
        let selected = choose(&[SECOND], "--context y -s https://e:2").unwrap();
        assert_eq!((selected.cluster.server.as_str(), selected.cluster.tls_server_name.as_str()), ("https://e:2", ""));
        let selected = choose(&[FIRST, SECOND], "--insecure-skip-tls-verify").unwrap();
        assert!(selected.cluster.insecure_skip_tls_verify && selected.cluster.certificate_authority.is_empty());
        let selected = choose(&[SECOND], "--context y --certificate-authority /ca").unwrap();
        assert!(!selected.cluster.insecure_skip_tls_verify);
        assert_eq!(selected.cluster.certificate_authority, "/ca");
        assert!(choose(&[SECOND], "--as-group g").unwrap_err().to_string().contains("--as"));
        let both = "clusters: [{name: c, cluster: {server: 'https://a', insecure-skip-tls-verify: true, certificate-authority: x}}]";
        assert!(choose(&[both], "--cluster c").unwrap_err().to_string().contains("exclude each other"));
    }

    #[test]
    fn a_server_by_flag_needs_no_kubeconfig() {
        let selected = choose(&[], "-s https://h:6443 --token T").unwrap();
        assert_eq!((selected.cluster.server.as_str(), selected.user.token.expose()), ("https://h:6443", "T"));
        assert_eq!((selected.context, selected.user_name), (None, None));
    }

    #[test]
    fn without_any_kubeconfig_a_pod_is_itself() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in [("token", "tok"), ("ca.crt", "PEM"), ("namespace", "tools\n")] {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let environment = |name: &str| match name {
            "KUBERNETES_SERVICE_HOST" => Some("fd00::1".to_string()),
            "KUBERNETES_SERVICE_PORT" => Some("443".to_string()),
            _ => None,
        };
        let select = |flags: &Connection, environment: Environment<'_>| {
            Kubeconfig::load(None, environment).unwrap().select(flags, environment, directory.path())
        };
        let selected = select(&Connection::default(), &environment).unwrap();
        assert_eq!(selected.cluster.server, "https://[fd00::1]:443");
        assert_eq!(selected.namespace.as_deref(), Some("tools"));
        assert!(
            selected.user.token_file.ends_with("/token") && selected.cluster.certificate_authority.ends_with("/ca.crt")
        );
        let named = Connection { context: Some("c".into()), ..Connection::default() };
        assert!(select(&named, &environment).is_err());
        assert!(select(&Connection::default(), &|_| None).is_err());
    }

    #[test]
    fn a_malformed_kubeconfig_says_where_and_never_what() {
        for text in [
            "users:\n- name: a\n  user: {token: HUSH\nfoo: [",
            "users:\n- name: a\n  user: HUSH",
            "users:\n- name: a\n  user: {token: [HUSH]}",
            "HUSH",
            "users: {HUSH: x}",
        ] {
            let error = choose(&[text], "").unwrap_err().to_string();
            assert!(error.contains("0.yaml: line ") && !error.contains("HUSH"), "{error}");
        }
    }
}
