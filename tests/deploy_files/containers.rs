//! The image and the manifests: paths, ports, probes and versions.

use std::path::Path;

use super::settings::{value, variables};
use super::{lines_of, read};

/// Returns the values behind `key`, wherever it stands in a text.
fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    lines_of(text).filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key)).map(str::trim).collect()
}

#[test]
fn the_image_is_built_by_the_oldest_compiler_from_what_a_new_crate_has() {
    let (image, workspace) = (read("deploy/Dockerfile"), read("Cargo.toml"));
    let oldest = value(&workspace, "rust-version = ").trim_matches('"');
    assert_eq!(values(&image, "FROM ")[0], format!("rust:{oldest}-slim-bookworm AS build"));
    let template = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/templates/common"));
    let copied: Vec<_> = values(&image, "COPY ").into_iter().filter(|copy| !copy.starts_with("--from")).collect();
    assert_eq!(copied.len(), 4, "{copied:?}");
    for source in copied.iter().flat_map(|copy| copy.rsplit_once(' ').unwrap().0.split(' ')) {
        // The manifest is written from a template, and the lock file is made by cargo.
        let is_there = ["Cargo.toml", "Cargo.lock"].contains(&source) || template.join(source).exists();
        assert!(is_there, "a new crate has no {source}");
    }
    let name = value(&read("cli/templates/common/manifest.toml"), "name = ").trim_matches('"').to_owned();
    assert_eq!(image.matches(&format!("target/release/{name} ")).count(), 1);
}

#[test]
fn the_image_and_the_pods_run_as_the_same_user_who_is_not_root() {
    let (image, manifests) = (read("deploy/Dockerfile"), read("deploy/kubernetes.yaml"));
    let user = value(&manifests, "runAsUser:");
    assert_ne!(user, "0");
    assert_eq!(value(&image, "USER "), format!("{user}:{user}"));
    for (key, expected) in [
        ("runAsNonRoot:", "true"),
        ("allowPrivilegeEscalation:", "false"),
        ("readOnlyRootFilesystem:", "true"),
        ("drop:", "[\"ALL\"]"),
        ("enableServiceLinks:", "false"),
        ("automountServiceAccountToken:", "false"),
        ("honorLabels:", "true"),
    ] {
        assert_eq!(value(&manifests, key), expected, "{key}");
    }
}

#[test]
fn ports_are_those_on_which_the_server_listens_and_probes_have_its_paths() {
    let (image, manifests) = (read("deploy/Dockerfile"), read("deploy/kubernetes.yaml"));
    let metrics = &variables("deploy/kubernetes.yaml")["metrics"];
    assert_eq!(*metrics, variables("deploy/Dockerfile")["metrics"]);
    assert_eq!(*metrics, variables("deploy/callbox.service")["metrics"]);
    let metrics = metrics.rsplit_once(':').unwrap().1;
    assert_eq!(values(&manifests, "containerPort:"), ["5000", metrics]);
    assert_eq!(value(&image, "EXPOSE "), format!("5000 {metrics}"));
    assert_eq!(values(&manifests, "path:"), ["/health/ready", "/health/live", "/health/ready", "/metrics"]);
    for path in ["/health/live", "/health/ready"] {
        assert!(read("src/server/health.rs").contains(&format!("\"{path}\"")), "{path}");
        assert!(image.contains(path), "{path}");
    }
}

#[test]
fn the_alerts_look_for_the_job_of_the_manifests() {
    let (manifests, alerts) = (read("deploy/kubernetes.yaml"), read("deploy/alerts.yaml"));
    let job = value(&manifests, "replacement:");
    assert!(alerts.contains(&format!("up{{job=\"{job}\"}}")));
    assert_eq!(alerts.matches("{job=\"").count(), alerts.matches(&format!("{{job=\"{job}\"")).count());
}
