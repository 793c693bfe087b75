//! Runs the program that a kubeconfig names for credentials (client.authentication.k8s.io), once.
//! Never shows what it printed, and never runs it for a server without TLS.

use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::connection::Secret;
use super::kubeconfig::{ClusterEntry, Exec};
use crate::kubernetes::objects::or_default;

/// The variable in which a plugin finds what is asked of it.
const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";
/// The extension of a cluster that is meant for plugins.
const EXTENSION: &str = "client.authentication.k8s.io/exec";
/// The versions of the protocol.
const V1: &str = "client.authentication.k8s.io/v1";
const V1BETA1: &str = "client.authentication.k8s.io/v1beta1";

/// What a plugin gave.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    /// A bearer token.
    #[serde(deserialize_with = "or_default")]
    pub token: Secret,
    /// A client certificate, in PEM.
    #[serde(deserialize_with = "or_default")]
    pub client_certificate_data: String,
    /// Its key, in PEM.
    #[serde(deserialize_with = "or_default")]
    pub client_key_data: Secret,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Credential {
    api_version: String,
    kind: String,
    status: Option<Status>,
}

/// Runs the plugin. `terminal` tells whether a person can answer it on standard input; its standard error is ours. The
/// error is a sentence for a person.
pub(super) fn run(exec: &Exec, cluster: &ClusterEntry, terminal: bool) -> Result<Status, String> {
    if exec.command.is_empty() {
        return Err("the kubeconfig names no command for the exec plugin".into());
    }
    if ![V1, V1BETA1].contains(&exec.api_version.as_str()) {
        let found = if exec.api_version.is_empty() { "none" } else { &exec.api_version };
        return Err(format!("the exec plugin's apiVersion must be {V1} or {V1BETA1}; it is {found}"));
    }
    let interactive = interactive(exec, terminal)?;
    let mut spec = json!({ "interactive": interactive });
    if exec.provide_cluster_info {
        spec["cluster"] = cluster_info(cluster)?;
    }
    let info = json!({ "kind": "ExecCredential", "apiVersion": exec.api_version, "spec": spec });
    let output = Command::new(&exec.command)
        .args(&exec.args)
        .envs(exec.env.iter().map(|variable| (variable.name.as_str(), variable.value.expose())))
        .env(EXEC_INFO, info.to_string())
        .stdin(if interactive { Stdio::inherit() } else { Stdio::null() })
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| not_run(exec, &error))?;
    if !output.status.success() {
        return Err(format!("the exec plugin {} failed ({})", exec.command, output.status));
    }
    status(exec, &output.stdout)
}

/// v1 wants the mode said; v1beta1 means IfAvailable.
fn interactive(exec: &Exec, terminal: bool) -> Result<bool, String> {
    match exec.interactive_mode.as_str() {
        "Never" => Ok(false),
        "IfAvailable" => Ok(terminal),
        "" if exec.api_version == V1BETA1 => Ok(terminal),
        "Always" if terminal => Ok(true),
        "Always" => Err(format!(
            "the exec plugin {} needs a terminal (interactiveMode: Always), and there is none",
            exec.command
        )),
        "" => Err(format!("the exec plugin {} has no interactiveMode, which {V1} needs", exec.command)),
        other => Err(format!("the exec plugin {} has an unknown interactiveMode: {other}", exec.command)),
    }
}

fn cluster_info(cluster: &ClusterEntry) -> Result<Value, String> {
    let mut info = json!({ "server": cluster.server });
    for (field, value) in [("tls-server-name", &cluster.tls_server_name), ("proxy-url", &cluster.proxy_url)] {
        if !value.is_empty() {
            info[field] = value.as_str().into();
        }
    }
    if cluster.insecure_skip_tls_verify {
        info["insecure-skip-tls-verify"] = true.into();
    }
    if cluster.disable_compression {
        info["disable-compression"] = true.into();
    }
    if !cluster.certificate_authority_data.is_empty() {
        info["certificate-authority-data"] = cluster.certificate_authority_data.as_str().into();
    } else if !cluster.certificate_authority.is_empty() {
        let pem = std::fs::read(&cluster.certificate_authority)
            .map_err(|error| format!("{}: {error}", cluster.certificate_authority))?;
        info["certificate-authority-data"] = STANDARD.encode(pem).into();
    }
    if let Some(extension) = cluster.extensions.iter().find(|extension| extension.name == EXTENSION) {
        info["config"] = extension.extension.clone();
    }
    Ok(info)
}

fn not_run(exec: &Exec, error: &std::io::Error) -> String {
    let mut text = match error.kind() {
        std::io::ErrorKind::NotFound => format!("the exec plugin {} of the kubeconfig is not installed", exec.command),
        _ => format!("the exec plugin {} of the kubeconfig cannot be run: {error}", exec.command),
    };
    if !exec.install_hint.trim().is_empty() {
        text.push_str("; ");
        text.push_str(exec.install_hint.trim());
    }
    text
}

fn status(exec: &Exec, printed: &[u8]) -> Result<Status, String> {
    let refused = |what: &str| format!("the exec plugin {} {what}", exec.command);
    let credential: Credential =
        serde_json::from_slice(printed).map_err(|_| refused("printed something else than an ExecCredential"))?;
    if credential.kind != "ExecCredential" {
        return Err(refused("printed something else than an ExecCredential"));
    }
    if credential.api_version != exec.api_version {
        return Err(refused(&format!("was asked for {} and printed {}", exec.api_version, credential.api_version)));
    }
    let status = credential.status.ok_or_else(|| refused("printed an ExecCredential without status"))?;
    let (certificate, key) = (!status.client_certificate_data.is_empty(), !status.client_key_data.is_empty());
    if certificate != key {
        return Err(refused("printed a client certificate without its key, or a key without its certificate"));
    }
    if status.token.is_empty() && !certificate {
        return Err(refused("printed neither a token nor a client certificate"));
    }
    Ok(status)
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::kubernetes::cluster::kubeconfig::{ExecVariable, Extension};

    /// A plugin that runs a line of shell.
    fn plugin(script: &str) -> Exec {
        Exec {
            api_version: V1.into(),
            command: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            interactive_mode: "Never".into(),
            ..Exec::default()
        }
    }

    fn prints(json: &str) -> Exec {
        plugin(&format!("cat <<'END'\n{json}\nEND"))
    }

    fn error(exec: &Exec, terminal: bool) -> String {
        run(exec, &ClusterEntry::default(), terminal).unwrap_err()
    }

    #[test]
    fn a_token_or_a_certificate_comes_back() {
        let token = prints(
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}"#,
        );
        assert_eq!(run(&token, &ClusterEntry::default(), false).unwrap().token.expose(), "t");
        let pair = prints(
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",
                "status":{"clientCertificateData":"C","clientKeyData":"K"}}"#,
        );
        let status = run(&pair, &ClusterEntry::default(), false).unwrap();
        assert_eq!((status.client_certificate_data.as_str(), status.client_key_data.expose()), ("C", "K"));
    }

    #[test]
    fn the_plugin_sees_what_is_asked_of_it() {
        let directory = tempfile::tempdir().unwrap();
        let seen = directory.path().join("seen");
        let authority = directory.path().join("ca.crt");
        std::fs::write(&authority, "PEM").unwrap();
        let mut exec = plugin(&format!(
            r#"printf '%s\n%s' "$KUBERNETES_EXEC_INFO" "$EXTRA" > {}
               echo '{{"kind":"ExecCredential","apiVersion":"{V1BETA1}","status":{{"token":"t"}}}}'"#,
            seen.display()
        ));
        exec.api_version = V1BETA1.into();
        exec.interactive_mode = String::new();
        exec.provide_cluster_info = true;
        exec.env = vec![ExecVariable { name: "EXTRA".into(), value: "more".to_string().into() }];
        let cluster = ClusterEntry {
            server: "https://h:6443".into(),
            certificate_authority: authority.display().to_string(),
            extensions: vec![Extension { name: EXTENSION.into(), extension: json!({"audience": "a"}) }],
            ..ClusterEntry::default()
        };
        run(&exec, &cluster, false).unwrap();
        let seen = std::fs::read_to_string(seen).unwrap();
        let (info, extra) = seen.rsplit_once('\n').unwrap();
        assert_eq!(extra, "more");
        let info: Value = serde_json::from_str(info).unwrap();
        assert_eq!(
            info,
            json!({"kind": "ExecCredential", "apiVersion": V1BETA1, "spec": {"interactive": false, "cluster": {
                "server": "https://h:6443", "certificate-authority-data": "UEVN", "config": {"audience": "a"}}}})
        );
    }

    #[test]
    fn a_plugin_that_is_not_there_shows_its_hint() {
        let exec = Exec {
            command: "/nowhere/kube-login".into(),
            install_hint: "install it with `brew install kube-login`\n".into(),
            ..plugin("")
        };
        let error = error(&exec, false);
        assert!(error.contains("/nowhere/kube-login") && error.contains("brew install"), "{error}");
        assert!(!Path::new("/nowhere").exists());
    }

    #[test]
    fn interactive_modes_are_honoured() {
        let mut exec = prints(
            r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"}}"#,
        );
        exec.interactive_mode = "Always".into();
        assert!(error(&exec, false).contains("needs a terminal"));
        exec.interactive_mode = String::new();
        assert!(error(&exec, false).contains("interactiveMode"));
        exec.interactive_mode = "Sometimes".into();
        assert!(error(&exec, false).contains("Sometimes"));
        for (mode, terminal, expected) in
            [("Never", true, false), ("IfAvailable", true, true), ("IfAvailable", false, false), ("Always", true, true)]
        {
            exec.interactive_mode = mode.into();
            assert_eq!(interactive(&exec, terminal), Ok(expected), "{mode}");
        }
    }

    #[test]
    fn bad_answers_are_refused_and_never_quoted() {
        for (printed, reason) in [
            ("hush", "something else"),
            (r#"{"kind":"Secret","apiVersion":"v1","data":"hush"}"#, "something else"),
            (
                r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{"token":"hush"}}"#,
                "was asked for",
            ),
            (r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"}"#, "without status"),
            (r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{}}"#, "neither"),
            (
                r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"clientKeyData":"hush"}}"#,
                "without its key",
            ),
        ] {
            let error = error(&prints(printed), false);
            assert!(error.contains(reason) && !error.contains("hush"), "{error}");
        }
        assert!(error(&plugin("exit 3"), false).contains("exit status: 3"));
        let old = Exec { api_version: "client.authentication.k8s.io/v1alpha1".into(), ..plugin("") };
        assert!(error(&old, false).contains("v1alpha1"));
    }
}
