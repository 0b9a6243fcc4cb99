//! The Kubernetes manifests, read as YAML.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{file, run};

/// Returns the documents of a YAML file. A key that stands twice is an error.
fn documents(name: &str) -> Vec<Value> {
    // The virtual environment that the set-up makes, beside what this test was built into.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/yaml_to_json.py");
    let said = run(Command::new(target.join("python/bin/python")).arg(script).arg(file(name)));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

pub(crate) fn fit() {
    let all = documents("kubernetes.yaml");
    let kinds: Vec<_> = all.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["Deployment", "Service", "PodDisruptionBudget", "ServiceMonitor"]);
    let [deployment, service, budget, monitor] = all.as_slice() else { unreachable!("there are four") };
    let names: Vec<_> = all.iter().map(|one| &one["metadata"]["name"]).collect();
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");

    // Each selects what the one before it has made.
    let labels = json!({ "app": names[0] });
    let template = &deployment["spec"]["template"];
    assert_eq!(template["metadata"]["labels"], labels);
    assert_eq!(deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(service["spec"]["selector"], labels);
    assert_eq!(budget["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"]);

    // Ports are named where they are used.
    let container = &template["spec"]["containers"][0];
    let names_of = |ports: &Value, key: &str| -> Vec<String> {
        ports.as_array().unwrap().iter().map(|port| port[key].as_str().unwrap().to_owned()).collect()
    };
    let ports = names_of(&container["ports"], "name");
    assert_eq!(ports, ["http", "metrics"]);
    assert_eq!(names_of(&service["spec"]["ports"], "targetPort"), ports);
    assert_eq!(names_of(&monitor["spec"]["endpoints"], "port"), ["metrics"]);
    for (probe, path) in
        [("startupProbe", "/health/ready"), ("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready")]
    {
        let get = &container[probe]["httpGet"];
        assert_eq!(get["path"], path, "{probe}");
        assert!(ports.iter().any(|port| get["port"] == **port), "{probe}");
    }
    // A value of a variable that is no string is refused by Kubernetes.
    let variables = container["env"].as_array().unwrap();
    assert!(variables.iter().all(|variable| variable["value"].is_string()), "{variables:?}");
    // With less time than the probe and the balancer need, calls come to a pod that stops.
    let readiness = &container["readinessProbe"];
    assert!(readiness["periodSeconds"].as_u64().unwrap() * readiness["failureThreshold"].as_u64().unwrap() < 10);

    let rules = documents("alerts.yaml");
    assert_eq!(rules[0]["groups"][0]["rules"].as_array().map(Vec::len), Some(5));
}
