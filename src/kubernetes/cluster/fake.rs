//! A tiny HTTP/1.1 server for tests, with or without TLS: answers as the test says and keeps what it was asked.
//! Never part of the program.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::connect::{Machine, connect};
use super::{Cluster, Connection, Notice};
use crate::kubernetes::AccessError;

/// A request as it arrived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub method: String,
    pub path: String,
    /// Lower-case names; several of one name are joined by commas.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// What to answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Waits before it answers.
    pub delay: Duration,
    /// Closes the connection instead of answering.
    pub hang_up: bool,
}

impl Reply {
    pub fn json(status: u16, body: impl ToString) -> Reply {
        let headers = vec![("Content-Type", "application/json".to_string())];
        Reply { status, headers, body: body.to_string().into_bytes(), ..Reply::default() }
    }

    pub fn text(status: u16, body: &str) -> Reply {
        let headers = vec![("Content-Type", "text/plain; charset=utf-8".to_string())];
        Reply { status, headers, body: body.as_bytes().to_vec(), ..Reply::default() }
    }

    pub fn status(status: u16, reason: &str, message: &str, details: serde_json::Value) -> Reply {
        Reply::json(
            status,
            serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message,
                "reason": reason, "details": details, "code": status}),
        )
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Reply {
        self.headers.push((name, value.to_string()));
        self
    }
}

type Script = Arc<dyn Fn(&Asked, usize) -> Reply + Send + Sync>;

/// A running server; the script gets each request and how many came before it.
pub(crate) struct Fake {
    pub url: String,
    /// The certificate of its authority, in PEM; empty without TLS.
    pub authority: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    directory: tempfile::TempDir,
}

impl Fake {
    pub async fn plain(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Fake {
        Fake::start(None, script).await
    }

    pub async fn tls(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Fake {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertifiedIssuer::self_signed(parameters, key).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_string(), "localhost".to_string()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        Fake::start(Some((TlsAcceptor::from(Arc::new(config)), authority.pem())), script).await
    }

    async fn start(
        tls: Option<(TlsAcceptor, String)>,
        script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static,
    ) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let (acceptor, authority) = tls.map_or((None, String::new()), |(acceptor, pem)| (Some(acceptor), pem));
        let (asked, script): (_, Script) = (Arc::new(Mutex::new(Vec::new())), Arc::new(script));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (log, script, acceptor) = (Arc::clone(&log), Arc::clone(&script), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, &log, &script).await;
                            }
                        }
                        None => serve(stream, &log, &script).await,
                    }
                });
            }
        });
        Fake { url, authority, asked, directory: tempfile::tempdir().unwrap() }
    }

    /// Everything that it was asked, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The paths that it was asked for, sorted.
    pub fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> =
            self.asked().into_iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
        paths.sort();
        paths
    }

    /// A file below the server's own directory.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A kubeconfig for it, whose user is written in YAML on one line.
    pub fn kubeconfig(&self, user: &str) -> PathBuf {
        let authority = match self.authority.is_empty() {
            true => String::new(),
            false => format!(", certificate-authority: {}", self.file("ca.crt", &self.authority).display()),
        };
        let url = &self.url;
        self.file(
            "config",
            &format!(
                "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: c\n  cluster: {{server: \"{url}\"{authority}}}\n\
                 contexts:\n- name: here\n  context: {{cluster: c, user: me, namespace: shop}}\nusers:\n- name: me\n  user: {user}\n"
            ),
        )
    }

    /// Connects with a kubeconfig that holds this user; what was told comes along.
    pub fn connect(&self, user: &str) -> Result<(Cluster, Told), AccessError> {
        self.connect_with(user, Connection::default())
    }

    pub fn connect_with(&self, user: &str, flags: Connection) -> Result<(Cluster, Told), AccessError> {
        self.connect_from(user, flags, &[])
    }

    /// The same with variables of the environment.
    pub fn connect_from(
        &self,
        user: &str,
        flags: Connection,
        environment: &[(&str, &str)],
    ) -> Result<(Cluster, Told), AccessError> {
        let look = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
        let told = Told::default();
        let flags = Connection { kubeconfig: Some(self.kubeconfig(user)), ..flags };
        let machine = Machine { environment: &look, service_account: self.directory.path(), terminal: false };
        let (selected, transport) = connect(&flags, &machine, told.listener())?;
        Ok((Cluster::new(selected, transport), told))
    }
}

/// What the listener heard, without the exchanges.
#[derive(Clone, Default)]
pub(crate) struct Told(std::rc::Rc<std::cell::RefCell<Vec<Notice>>>);

impl Told {
    pub fn listener(&self) -> super::Listener {
        let told = self.clone();
        Box::new(move |notice| told.0.borrow_mut().push(notice.clone()))
    }

    pub fn texts(&self) -> Vec<String> {
        let told = self.0.borrow();
        told.iter().filter(|n| !matches!(n, Notice::Exchange { .. })).map(ToString::to_string).collect()
    }

    pub fn everything(&self) -> String {
        self.0.borrow().iter().map(|notice| format!("{notice} {notice:?}\n")).collect()
    }
}

async fn serve(
    stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    log: &Mutex<Vec<Asked>>,
    script: &Script,
) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace();
        let mut asked = Asked {
            method: words.next().unwrap_or_default().to_string(),
            path: words.next().unwrap_or_default().to_string(),
            ..Asked::default()
        };
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap();
            let entry = asked.headers.entry(name.to_lowercase()).or_default();
            *entry = if entry.is_empty() { value.trim().to_string() } else { format!("{entry},{}", value.trim()) };
        }
        let mut body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        asked.body = String::from_utf8(body).unwrap();
        let before = {
            let mut log = log.lock().unwrap();
            log.push(asked.clone());
            log.len() - 1
        };
        let reply = script(&asked, before);
        tokio::time::sleep(reply.delay).await;
        if reply.hang_up {
            return;
        }
        let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        bytes.extend(&reply.body);
        if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}
