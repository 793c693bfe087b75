//! Builds the servers from their Go modules, once per state of those modules; Felix apart from the others, and only for
//! the tests that need it.
//! It must never start one: what it hands out are files.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The oldest Go minor version (of Go 1) that Kubernetes' modules compile with.
const GO_MINOR: u32 = 26;
const NEED_GO: &str = "Go 1.26 or later must be in PATH: the tests build kube-apiserver from its Go modules";

const KUBERNETES_VERSION: &str = "v1.37.2";
const CALICO_VERSION: &str = "v3.28.5";
const CALICO_MODULE: &str = "github.com/projectcalico/calico";

/// The names that the control plane's one binary answers to.
const CONTROL_PLANE: &[&str] = &["etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy", "kubectl"];

/// The built programs and Calico's CRDs, in one directory.
#[derive(Debug)]
pub struct Servers {
    directory: PathBuf,
}

impl Servers {
    /// The path of `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-proxy`, `kubectl`, `calicoctl` or `oracle`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs().join(name)
    }

    /// The directory of all programs, to be put first in a `PATH`.
    pub fn programs(&self) -> PathBuf {
        self.directory.join("bin")
    }

    /// The directory of Calico's CRDs (group crd.projectcalico.org/v1), one YAML file each.
    pub fn crds(&self) -> PathBuf {
        self.directory.join("crd")
    }
}

/// Builds the servers if no earlier run did; the first time takes up to 13 minutes. Panics when Go is missing or fails.
pub fn build() -> &'static Servers {
    static BUILT: OnceLock<Servers> = OnceLock::new();
    BUILT.get_or_init(|| {
        let what = "kube-apiserver and calicoctl from their Go modules; the first time takes up to 13 minutes";
        let files = ["control-plane/main.go", "calico/oracle/main.go"];
        let directory = built("", &["control-plane", "calico"], &files, what, |sources, directory| {
            let programs = directory.join("bin");
            fs::create_dir_all(&programs).expect("make the directory of the programs");
            build_control_plane(&sources.join("control-plane"), &programs);
            build_calico(&sources.join("calico"), &programs);
            copy_crds(&sources.join("calico"), &directory.join("crd"));
        });
        Servers { directory }
    })
}

/// Builds Felix if no earlier run did, and gives the program; the first time takes up to 5 minutes.
pub fn build_felix() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let what = "Felix from its Go module; the first time takes up to 5 minutes";
        let directory = built("felix-", &["calico"], &[], what, |sources, to| {
            let build = format!("{CALICO_MODULE}/felix/buildinfo");
            let flags = format!("-s -w -X {build}.GitVersion={CALICO_VERSION}");
            let main = format!("{CALICO_MODULE}/felix/cmd/calico-felix");
            go_build(&sources.join("calico"), &flags, &to.join("calico-felix"), &main);
        });
        directory.join("calico-felix")
    })
}

/// Builds Calico's API server, which serves projectcalico.org/v3 behind kube-apiserver, if no earlier run did, and gives the
/// program; the first time takes up to 4 minutes. Of no later release than the others is there a Go module to be had.
pub fn build_calico_apiserver() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let what = "Calico's API server from its Go module; the first time takes up to 4 minutes";
        let directory = built("calico-apiserver-", &["apiserver"], &[], what, |sources, to| {
            let main = format!("{CALICO_MODULE}/apiserver/cmd/apiserver");
            go_build(&sources.join("apiserver"), "-s -w", &to.join("calico-apiserver"), &main);
        });
        directory.join("calico-apiserver")
    })
}

/// Everything that Calico's validator is asked by Calico's own tests, one JSON line each: its `type`, the `input`, and
/// whether it was `valid`. They are run here, from the Go module, and nothing of them is kept in this repository.
pub fn recorded_cases() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let what = "the tests of Calico's validator from its Go module, and runs them";
        let directory = built("cases-", &["calico"], &["calico/cases/record.go"], what, |sources, to| {
            let module = sources.join("calico");
            let package = format!("{CALICO_MODULE}/libcalico-go/lib/validator/v3");
            let original = PathBuf::from(go(&module, ["list", "-f", "{{.Dir}}", &package]));
            // Go replaces no files of a module that it fetched, so the package goes on under our module's name.
            let copy = to.join("module");
            fs::create_dir_all(copy.join("cases")).expect("make a directory for the package");
            for file in ["go.mod", "go.sum", "cases/record.go"] {
                fs::copy(module.join(file), copy.join(file)).expect("copy the module");
            }
            let (entry, renamed) = ("func Validate(current interface{}) error {", "func validateUnrecorded(");
            for file in ["validator.go", "validator_test.go", "validator_suite_test.go"] {
                let text = fs::read_to_string(original.join(file)).expect("read Calico's validator");
                assert!(
                    file != "validator.go" || text.contains(entry),
                    "Calico's validator has another entry than {entry}"
                );
                let text = text.replace(entry, &format!("{renamed}current interface{{}}) error {{"));
                let text = text.replace(&package, "kubectl-zerotrust/tests/servers/calico/cases");
                fs::write(copy.join("cases").join(file), text).expect("write Calico's validator");
            }
            // The test framework is a requirement of Calico's module alone; its copy may say that it is one of its own.
            let program = to.join("validator.test");
            let output = format!("-o={}", program.display());
            go(&copy, ["test", "-c", "-mod=mod", "-trimpath", "-buildvcs=false", &output, "./cases"]);
            let cases = to.join("cases.json");
            // It leaves a report beside its package, as Calico's tests do.
            let report = to.join("a/b/c");
            fs::create_dir_all(&report).and_then(|()| fs::create_dir(to.join("report"))).expect("make directories");
            let ran = Command::new(&program).current_dir(report).env("RECORDED_CASES", &cases).output();
            let ran = ran.expect("run the tests of Calico's validator");
            assert!(ran.status.success(), "Calico's own tests failed:\n{}", String::from_utf8_lossy(&ran.stdout));
        });
        directory.join("cases.json")
    })
}

/// The directory of a group of programs, which `build` fills if no earlier run did.
fn built(group: &str, modules: &[&str], files: &[&str], what: &str, build: impl FnOnce(&Path, &Path)) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo's tmp lies in its target directory");
    let root = target.join("servers");
    let directory = root.join(format!("{group}{}", digest(&sources, modules, files, &go_version(&sources))));
    if !directory.exists() {
        build_alone(&root, &directory, what, |unfinished| build(&sources, unfinished));
    }
    directory
}

/// The whole directory appears at once, by a rename: a run that was cut short leaves nothing that looks complete.
fn build_alone(root: &Path, directory: &Path, what: &str, build: impl FnOnce(&Path)) {
    fs::create_dir_all(root).expect("make the directory of the servers");
    let lock = File::create(root.join("lock")).expect("open the lock of the servers");
    lock.lock().expect("lock the directory of the servers");
    if directory.exists() {
        return;
    }
    // Not eprintln!, whose output cargo test holds back: ten silent minutes look like a hang.
    let _ = writeln!(std::io::stderr(), "Building {what}.");
    let unfinished = root.join("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).expect("remove an unfinished build");
    }
    fs::create_dir(&unfinished).expect("make the directory of the programs");
    build(&unfinished);
    fs::rename(&unfinished, directory).expect("put the servers in their place");
}

fn build_control_plane(module: &Path, programs: &Path) {
    // Without a version in it, kube-apiserver runs, but everything that reads its version as a number fails.
    let flags = format!("-s -w -X k8s.io/component-base/version.gitVersion={KUBERNETES_VERSION}");
    go_build(module, &flags, &programs.join("control-plane"), ".");
    for name in CONTROL_PLANE {
        symlink("control-plane", programs.join(name)).expect("name the control plane's binary");
    }
}

fn build_calico(module: &Path, programs: &Path) {
    // calicoctl compares one of the two with the cluster's version and prints the other.
    let commands = format!("{CALICO_MODULE}/calicoctl/calicoctl/commands");
    let flags = format!("-s -w -X {commands}.VERSION={CALICO_VERSION} -X {commands}/common.VERSION={CALICO_VERSION}");
    let main = format!("{CALICO_MODULE}/calicoctl/calicoctl");
    go_build(module, &flags, &programs.join("calicoctl"), &main);
    go_build(module, "-s -w", &programs.join("oracle"), "./oracle");
}

fn copy_crds(module: &Path, to: &Path) {
    let from = go(module, ["list", "-m", "-f", "{{.Dir}}", CALICO_MODULE]);
    fs::create_dir_all(to).expect("make the directory of the CRDs");
    for file in fs::read_dir(Path::new(&from).join("libcalico-go/config/crd")).expect("list Calico's CRDs") {
        let file = file.expect("list Calico's CRDs");
        fs::copy(file.path(), to.join(file.file_name())).expect("copy one of Calico's CRDs");
    }
}

fn go_build(module: &Path, ldflags: &str, to: &Path, package: &str) {
    let to = to.as_os_str();
    let args = ["build", "-trimpath", "-buildvcs=false", "-ldflags", ldflags, "-o"].map(OsStr::new);
    go(module, args.into_iter().chain([to, OsStr::new(package)]));
}

/// What `go` printed, without the line's end, or what it said when it failed.
fn try_go<S: AsRef<OsStr>>(module: &Path, args: impl IntoIterator<Item = S>) -> Result<String, String> {
    let mut command = Command::new("go");
    // No cgo: the servers then need no C compiler, and run whatever libc the machine has.
    command.current_dir(module).env("CGO_ENABLED", "0").env("GOWORK", "off").args(args);
    let output = command.output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_string())
}

fn go<S: AsRef<OsStr>>(module: &Path, args: impl IntoIterator<Item = S>) -> String {
    try_go(module, args).unwrap_or_else(|error| panic!("{error}"))
}

/// Asked inside a module, so that a `go` which fetches newer toolchains by itself answers with the one it will use.
fn go_version(sources: &Path) -> String {
    let version = try_go(&sources.join("control-plane"), ["env", "GOVERSION"]);
    let version = version.unwrap_or_else(|error| panic!("{NEED_GO} ({error})"));
    assert!(minor(&version) >= Some(GO_MINOR), "{NEED_GO}, not {version}");
    version
}

/// `go1.26.8` and `go1.27-devel_0123` are 26 and 27.
fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// Changes with everything that a group of programs is made of. Not a checksum: Go's own sums guard the modules.
fn digest(sources: &Path, modules: &[&str], files: &[&str], go_version: &str) -> String {
    let mut hasher = DefaultHasher::new();
    // This file too, since it holds the flags of the builds.
    (go_version, include_str!("servers.rs")).hash(&mut hasher);
    let of_modules = modules.iter().flat_map(|module| [format!("{module}/go.mod"), format!("{module}/go.sum")]);
    for file in of_modules.chain(files.iter().map(ToString::to_string)) {
        fs::read(sources.join(&file)).unwrap_or_else(|e| panic!("read tests/servers/{file}: {e}")).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}
