//! A Kubernetes control plane (etcd and kube-apiserver) with Calico's CRDs, for one test or one test process.
//! It never touches the cluster, kubeconfig or home directory of whoever runs the tests, and needs no root.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::audit::{self, AuditEvent};
use super::certificates::{Authority, bare_key};
use super::keeper::{Keeper, Scratch};
use super::servers::{self, Servers};

/// How long a start may take; it takes seconds, but on a machine that compiles at the same time it can take many.
const PATIENCE: Duration = Duration::from_secs(180);

/// A field of every policy's schema, and the same with the one that 3.28 lacks.
const TYPES: &str = "\n              types:\n";
const TIER_AND_TYPES: &str = "\n              tier:\n                type: string\n              types:\n";

/// Where a control plane runs.
#[derive(Debug, Clone)]
pub struct Place {
    /// The program and the arguments that run what follows them there; empty where the test itself is.
    pub enter: Vec<OsString>,
    /// The addresses that kube-apiserver serves; the first is the one in kubeconfigs.
    pub addresses: Vec<IpAddr>,
    /// A free port there; without one, one is looked for.
    pub port: Option<u16>,
    /// The ranges of cluster addresses, of one family or of both.
    pub service_ranges: Vec<String>,
}

impl Place {
    /// On the machine itself, where only it can reach the servers.
    fn here() -> Place {
        let service_ranges = vec!["10.21.0.0/16".into()];
        Place { enter: vec![], addresses: vec![Ipv4Addr::LOCALHOST.into()], port: None, service_ranges }
    }

    /// A program as it is run there.
    fn run(&self, program: &OsStr) -> Vec<OsString> {
        self.enter.iter().cloned().chain([program.to_os_string()]).collect()
    }
}

/// A running control plane. Dropping it, or the end of the test process, stops the servers and removes their files.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped from the top: kube-apiserver before the etcd that it writes to, and the files last.
    apiserver: Option<Keeper>,
    etcd: Keeper,
    users: Authority,
    scratch: Scratch,
    servers: &'static Servers,
    place: Place,
    port: u16,
    admin: PathBuf,
    clients: AtomicU32,
}

impl ControlPlane {
    /// Starts a control plane with Calico's CRDs; builds the servers first where that is needed.
    pub fn start() -> Self {
        let plane = Self::without_calico();
        plane.install_crds();
        plane
    }

    /// Starts a control plane that knows nothing of Calico.
    pub fn without_calico() -> Self {
        Self::bare_at(Place::here())
    }

    /// Starts a control plane with Calico's CRDs somewhere else.
    pub fn start_at(place: Place) -> Self {
        let plane = Self::bare_at(place);
        plane.install_crds();
        plane
    }

    fn bare_at(place: Place) -> Self {
        let servers = servers::build();
        let scratch = Scratch::new();
        let home = scratch.path();
        fs::create_dir(home.join("home")).expect("make a home directory");
        let users = Authority::new(home, "users");
        let socket = format!("unix://{}/etcd", home.display());
        let etcd = keep(&place, servers, "etcd", &etcd_flags(home, &socket), home.join("etcd.log"));
        let flags = apiserver_flags(home, &socket, &users, &place);
        let (apiserver, clients) = (None, AtomicU32::new(0));
        let mut plane =
            ControlPlane { apiserver, etcd, users, scratch, servers, place, port: 0, admin: PathBuf::new(), clients };
        plane.start_apiserver(&flags);
        // Between our finding a free port and the server's taking it, another process can take it.
        while !plane.becomes_ready() {
            plane.start_apiserver(&flags);
        }
        plane
    }

    /// The kubeconfig of a user who may do everything.
    pub fn kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// A new kubeconfig with a client certificate for `user` in at most two `groups`; what the user may do is for the test
    /// to grant.
    pub fn kubeconfig_for(&self, user: &str, groups: &[&str]) -> PathBuf {
        // Numbered, since the name of a user may hold characters that a file's may not.
        let file = format!("client-{}", self.clients.fetch_add(1, Ordering::Relaxed));
        let pair = self.users.client(&file, user, groups);
        let kubeconfig = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "test", "cluster": {
                "server": format!("https://{}", SocketAddr::new(self.place.addresses[0], self.port)),
                "certificate-authority": self.users.certificate("users"),
            } }],
            "users": [{ "name": user, "user": {
                "client-certificate": pair.certificate,
                "client-key": pair.key,
            } }],
            "contexts": [{ "name": "test", "context": { "cluster": "test", "user": user } }],
            "current-context": "test",
        });
        let path = self.scratch.path().join(format!("{file}.kubeconfig"));
        fs::write(&path, kubeconfig.to_string()).expect("write a kubeconfig");
        path
    }

    /// A command in the environment of this cluster alone: nothing of ours but `PATH`, where the servers' kubectl and
    /// calicoctl come first, an empty home directory, and the admin's kubeconfig.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut path = vec![self.servers.programs()];
        path.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
        let words = self.place.run(program.as_ref());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .env_clear()
            .env("PATH", std::env::join_paths(path).expect("put the servers first in PATH"))
            .env("HOME", self.scratch.path().join("home"))
            .env("KUBECONFIG", &self.admin)
            .env("DATASTORE_TYPE", "kubernetes")
            .stdin(Stdio::null());
        command
    }

    /// Runs kubectl as the admin; add `--kubeconfig` for another user.
    pub fn kubectl<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.command(self.servers.program("kubectl")).args(args).output().expect("run kubectl")
    }

    /// Runs calicoctl as the admin.
    pub fn calicoctl<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        self.command(self.servers.program("calicoctl")).args(args).output().expect("run calicoctl")
    }

    /// Applies YAML documents as the admin; panics with kubectl's words when it is refused.
    pub fn apply(&self, yaml: &str) {
        let mut kubectl = self.command(self.servers.program("kubectl"));
        kubectl.args(["apply", "--filename=-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = kubectl.spawn().expect("run kubectl");
        let mut pipe = child.stdin.take().expect("kubectl's stdin is a pipe");
        pipe.write_all(yaml.as_bytes()).expect("give kubectl the documents");
        drop(pipe);
        succeeded("kubectl apply", &child.wait_with_output().expect("run kubectl"));
    }

    /// Starts kube-controller-manager with `controllers` alone, which come with the control plane and go with the value.
    pub fn start_controllers(&self, controllers: &[&str]) -> Keeper {
        let home = self.scratch.path();
        let flags = [
            format!("--kubeconfig={}", self.admin.display()),
            "--leader-elect=false".into(),
            format!("--controllers={}", controllers.join(",")),
            // It serves nothing that anybody asks for.
            "--secure-port=0".into(),
        ];
        keep(&self.place, self.servers, "kube-controller-manager", &flags, home.join("controllers.log"))
    }

    /// Starts another server beside the control plane, which goes with the value.
    pub fn start_beside(&self, program: &Path, flags: &[String], environment: &[(&str, &Path)], log: &str) -> Keeper {
        let variables = environment.iter().map(|(name, value)| OsString::from(format!("{name}={}", value.display())));
        let words: Vec<OsString> =
            [OsString::from("env")].into_iter().chain(variables).chain([program.as_os_str().to_owned()]).collect();
        Keeper::start(&words, flags, self.scratch.path().join(log))
    }

    /// An etcd of its own for Calico, on loopback, and its address.
    pub fn start_etcd_beside(&self) -> (Keeper, String) {
        let free =
            || TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a free port").port();
        let (client, peer) = (format!("http://127.0.0.1:{}", free()), format!("http://127.0.0.1:{}", free()));
        let home = self.scratch.path();
        let flags = [
            format!("--data-dir={}/calico-data", home.display()),
            "--unsafe-no-fsync".into(),
            "--name=calico".into(),
            format!("--listen-client-urls={client}"),
            format!("--advertise-client-urls={client}"),
            format!("--listen-peer-urls={peer}"),
            format!("--initial-advertise-peer-urls={peer}"),
            format!("--initial-cluster=calico={peer}"),
        ];
        let etcd = keep(&self.place, self.servers, "etcd", &flags, home.join("calico-etcd.log"));
        (etcd, client)
    }

    /// The authority that users are signed by, whose certificate is the first path, and a pair for a server that it signs.
    pub fn serving_pair(&self, file: &str, names: &[&str]) -> (PathBuf, PathBuf, PathBuf) {
        let pair = self.users.server(file, names);
        (self.users.certificate("users"), pair.certificate, pair.key)
    }

    /// A directory that goes with the control plane.
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    /// Every request so far but kube-apiserver's own, in the order of arrival.
    pub fn audit(&self) -> Vec<AuditEvent> {
        audit::read(&self.scratch.path().join("audit.log"))
    }

    fn start_apiserver(&mut self, flags: &[String]) {
        self.port = self.place.port.unwrap_or_else(|| {
            let free = TcpListener::bind(("127.0.0.1", 0)).expect("find a free port");
            free.local_addr().expect("read the free port").port()
        });
        let flags: Vec<_> = flags.iter().cloned().chain([format!("--secure-port={}", self.port)]).collect();
        let log = self.scratch.path().join("apiserver.log");
        self.apiserver = Some(keep(&self.place, self.servers, "kube-apiserver", &flags, log));
        self.admin = self.kubeconfig_for("admin", &["system:masters"]);
    }

    /// Waits for kube-apiserver. False when it ended because its port is taken; any other end, and no end, is a panic.
    fn becomes_ready(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The port first, as it costs nothing to ask; kubectl is a large program to start in vain.
            let elsewhere = !self.place.enter.is_empty();
            let listens = elsewhere || TcpStream::connect(("127.0.0.1", self.port)).is_ok();
            if listens && self.kubectl(["get", "--raw=/readyz"]).status.success() {
                return true;
            }
            let apiserver = self.apiserver.as_mut().expect("kube-apiserver was started");
            let runs = apiserver.runs() && self.etcd.runs();
            let log = apiserver.log();
            if !runs && log.contains("address already in use") {
                return false;
            }
            if !runs || Instant::now() > deadline {
                let what = if runs { "not become ready" } else { "not kept running" };
                panic!("The control plane has {what}.\n--- etcd\n{}\n--- kube-apiserver\n{log}", self.etcd.log());
            }
            sleep(Duration::from_millis(50));
        }
    }

    /// Calico's kinds as custom resources of projectcalico.org/v3, as Calico has them from 3.32 on. There is no Go module of
    /// that release to be had, so these are 3.28's own schemas under the newer group and version: enough for everything but
    /// the newer release's own rules (CEL) and fields.
    pub fn install_native_crds(&self) {
        let directory = self.scratch.path().join("native");
        self.rewrite_crds(&directory, |text| {
            let text = text.replace("crd.projectcalico.org", "projectcalico.org").replace(TYPES, TIER_AND_TYPES);
            text.replace("  - name: v1\n", "  - name: v3\n")
        });
        let before = self.established();
        self.create_crds(&directory, before);
    }

    fn install_crds(&self) {
        self.create_crds(&self.servers.crds(), 0);
    }

    /// Calico's CRDs of crd.projectcalico.org/v1 beside others, with the field that names the tier, as from 3.29 on.
    pub fn install_crds_too(&self) {
        let directory = self.scratch.path().join("tiered");
        self.rewrite_crds(&directory, |text| text.replace(TYPES, TIER_AND_TYPES));
        let before = self.established();
        self.create_crds(&directory, before);
    }

    fn rewrite_crds(&self, directory: &Path, rewrite: impl Fn(String) -> String) {
        fs::create_dir(directory).expect("make a directory for CRDs");
        for file in fs::read_dir(self.servers.crds()).expect("list Calico's CRDs") {
            let file = file.expect("list Calico's CRDs");
            let text = fs::read_to_string(file.path()).expect("read one of Calico's CRDs");
            fs::write(directory.join(file.file_name()), rewrite(text)).expect("write a CRD");
        }
    }

    fn established(&self) -> usize {
        let template = r#"jsonpath={.items[*].status.conditions[?(@.type=="Established")].status}"#;
        let conditions = self.kubectl(["get", "customresourcedefinitions", "--output", template]);
        String::from_utf8_lossy(&conditions.stdout).split_whitespace().filter(|s| *s == "True").count()
    }

    fn create_crds(&self, directory: &Path, before: usize) {
        let crds = format!("--filename={}", directory.display());
        // Not validated by kubectl: it would fetch and parse the whole OpenAPI document for that.
        succeeded("kubectl create", &self.kubectl(["create", &crds, "--validate=false"]));
        // Not kubectl wait, which opens a watch for each CRD in turn: two seconds for eighteen of them.
        let created = before + fs::read_dir(directory).expect("list Calico's CRDs").count();
        let deadline = Instant::now() + PATIENCE;
        // A failure too is a no: kubectl does not filter conditions that are not there yet.
        while self.established() != created {
            assert!(Instant::now() < deadline, "Calico's CRDs are not established");
            sleep(Duration::from_millis(50));
        }
    }
}

fn succeeded(what: &str, output: &Output) {
    assert!(output.status.success(), "{what} failed:\n{}", String::from_utf8_lossy(&output.stderr));
}

fn keep(place: &Place, servers: &Servers, name: &str, flags: &[String], log: PathBuf) -> Keeper {
    let words = place.run(servers.program(name).as_os_str());
    Keeper::start(&words, flags, log)
}

/// etcd listens on Unix sockets in our directory: no ports to collide on, and no other user can reach it.
fn etcd_flags(home: &Path, socket: &str) -> Vec<String> {
    let peer = format!("unix://{}/peer", home.display());
    vec![
        format!("--data-dir={}/data", home.display()),
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
        "--name=test".into(),
        format!("--listen-client-urls={socket}"),
        format!("--advertise-client-urls={socket}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=test={peer}"),
    ]
}

/// The flags of kube-apiserver, all but its port.
fn apiserver_flags(home: &Path, etcd: &str, users: &Authority, place: &Place) -> Vec<String> {
    let proxies = Authority::new(home, "proxies");
    let proxy = proxies.client("proxy", "front-proxy", &[]);
    let addresses: Vec<String> = place.addresses.iter().map(ToString::to_string).collect();
    let mut names = vec!["localhost", "kubernetes.default.svc"];
    names.extend(addresses.iter().map(String::as_str));
    let serving = users.server("serving", &names);
    // Becomes the endpoint of the Service default/kubernetes, where loopback is refused. Nobody connects to it, so where
    // there is no other an address for documentation serves and no interface has to have it.
    let advertised = if place.addresses[0].is_loopback() { "192.0.2.1" } else { &addresses[0] };
    let (account_key, account_public) = bare_key(home, "accounts");
    let policy = home.join("audit.yaml");
    fs::write(&policy, audit::POLICY).expect("write the audit policy");
    let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
    vec![
        format!("--etcd-servers={etcd}"),
        format!("--bind-address={}", addresses[0]),
        format!("--advertise-address={advertised}"),
        format!("--service-cluster-ip-range={}", place.service_ranges.join(",")),
        "--service-node-port-range=30000-32767".into(),
        "--authorization-mode=RBAC".into(),
        "--allow-privileged=true".into(),
        "--profiling=false".into(),
        // No controller makes service accounts or calls nodes ready, and tests write Pods and Nodes by hand.
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition".into(),
        file("client-ca-file", &users.certificate("users")),
        file("tls-cert-file", &serving.certificate),
        file("tls-private-key-file", &serving.key),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        file("service-account-signing-key-file", &account_key),
        file("service-account-key-file", &account_public),
        file("requestheader-client-ca-file", &proxies.certificate("proxies")),
        "--requestheader-allowed-names=front-proxy".into(),
        "--requestheader-username-headers=X-Remote-User".into(),
        "--requestheader-group-headers=X-Remote-Group".into(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".into(),
        file("proxy-client-cert-file", &proxy.certificate),
        file("proxy-client-key-file", &proxy.key),
        file("audit-policy-file", &policy),
        file("audit-log-path", &home.join("audit.log")),
    ]
}
