//! The manifest's template for Krew, filled in as a release does: it fits Krew's rules.
//! Never asks Krew's index or a release; addresses and sums are the test's own.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// The template with the tag v0.1.0 and an archive's address and SHA-256 for each platform, as krew-release-bot makes it.
fn filled() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("krew/zerotrust.yaml");
    let mut text = String::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let line = match line.split_once("{{addURIAndSha (printf \"") {
            Some((indent, rest)) => {
                let url = rest.split('"').next().unwrap();
                assert!(rest.ends_with("| indent 6}}") && indent.len() == 6, "{line}");
                format!("{indent}uri: {}\n{indent}sha256: {}", url.replace("%s", "x"), "0".repeat(64))
            }
            None => line.replace("{{ .TagName }}", "v0.1.0").replace("{{ .PluginOwner }}/{{ .PluginRepo }}", "x/x"),
        };
        assert!(!line.contains("{{"), "a field that no release fills in: {line}");
        text.push_str(&line);
        text.push('\n');
    }
    serde_yaml::from_str(&text).unwrap()
}

#[test]
fn the_manifest_fits_krews_rules() {
    let manifest = filled();
    assert_eq!(manifest["apiVersion"], "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!(manifest["kind"], "Plugin");
    assert_eq!(manifest["metadata"]["name"], "zerotrust", "the name of the file");
    let spec = &manifest["spec"];
    assert_eq!(spec["version"], "v0.1.0");
    assert!(!spec["shortDescription"].as_str().unwrap().contains('\n'));
    assert!(spec["homepage"].as_str().unwrap().starts_with("https://"));
    let known = ["apiVersion", "kind", "metadata", "spec"];
    assert!(manifest.as_object().unwrap().keys().all(|key| known.contains(&key.as_str())), "Krew ignores other fields");
    let mut seen = BTreeSet::new();
    for platform in spec["platforms"].as_array().unwrap() {
        let labels = &platform["selector"]["matchLabels"];
        let (os, arch) = (labels["os"].as_str().unwrap(), labels["arch"].as_str().unwrap());
        assert!(seen.insert((os.to_string(), arch.to_string())), "{os}/{arch} stands twice");
        assert!(["linux", "darwin", "windows"].contains(&os) && ["amd64", "arm64"].contains(&arch), "{os}/{arch}");
        let (archive, program) = match os {
            "windows" => (".zip", "kubectl-zerotrust.exe"),
            _ => (".tar.gz", "kubectl-zerotrust"),
        };
        assert_eq!(platform["bin"], program);
        let uri = platform["uri"].as_str().unwrap();
        assert!(uri.ends_with(&format!("kubectl-zerotrust-{os}-{arch}{archive}")), "{uri}");
    }
    assert!(seen.contains(&("linux".to_string(), "amd64".to_string())));
}
