use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Option<ExportSettings>> {
    let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
    ExportSettings::read(&|name| found(name).map(|(_, value)| (*value).to_owned()))
}

/// What is exported to a collector, with these variables besides.
#[track_caller]
fn to_collector(variables: &[(&str, &str)]) -> ExportSettings {
    let collector = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
    read(&[&[collector], variables].concat()).unwrap().expect("an export")
}

#[test]
fn nothing_is_exported_unless_a_variable_says_so() {
    for variables in [
        &[][..],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
        &[("OTEL_SERVICE_NAME", "shop")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"), ("OTEL_TRACES_EXPORTER", "none")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a"), ("OTEL_SDK_DISABLED", "TRUE")],
        &[("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_SDK_DISABLED", "true")],
    ] {
        assert_eq!(read(variables).unwrap(), None, "{variables:?}");
    }
}

#[test]
fn an_endpoint_for_all_signals_gets_the_path_of_traces() {
    for (variables, expected) in [
        (&[("OTEL_TRACES_EXPORTER", "otlp")][..], "http://localhost:4318/v1/traces"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1")], "http://a:1/v1/traces"),
        (&[("OTEL_EXPORTER_OTLP_ENDPOINT", " http://a:1/otlp/ ")], "http://a:1/otlp/v1/traces"),
        (&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a:1/mine")], "http://a:1/mine"),
        (
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1"), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b:2/x")],
            "http://b:2/x",
        ),
    ] {
        assert_eq!(read(variables).unwrap().unwrap().endpoint, expected, "{variables:?}");
    }
}

#[test]
fn the_defaults_are_those_of_the_specification() {
    let expected = ExportSettings {
        endpoint: "http://collector:4318/v1/traces".to_owned(),
        timeout: Duration::from_secs(10),
        sampler: Sampler { follows_parent: true, ratio: 1.0 },
        has_service_name: false,
        queue: 2048,
        batch: 512,
        delay: Duration::from_secs(5),
    };
    assert_eq!(to_collector(&[]), expected);
    let given = to_collector(&[
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "700"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%2Cb, other = 1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test, service.name=shop"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.01"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ]);
    let changed = ExportSettings {
        timeout: Duration::from_millis(700),
        sampler: Sampler { follows_parent: true, ratio: 0.01 },
        has_service_name: true,
        queue: 100,
        batch: 100,
        delay: Duration::from_millis(10),
        ..expected
    };
    assert_eq!(given, changed);
    let both = [("OTEL_EXPORTER_OTLP_TIMEOUT", "700"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "800")];
    assert_eq!(to_collector(&both).timeout, Duration::from_millis(800));
}

#[test]
fn samplers_are_named_as_the_specification_names_them() {
    for (name, follows_parent, ratio) in [
        ("always_on", false, 1.0),
        ("always_off", false, 0.0),
        ("traceidratio", false, 1.0),
        ("parentbased_always_on", true, 1.0),
        ("parentbased_always_off", true, 0.0),
        ("parentbased_traceidratio", true, 1.0),
    ] {
        let sampler = to_collector(&[("OTEL_TRACES_SAMPLER", name)]).sampler;
        assert_eq!(sampler, Sampler { follows_parent, ratio }, "{name}");
    }
}

#[test]
fn a_value_that_cannot_be_used_stops_the_start_and_says_what_to_write() {
    for (name, value, fix) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "write a URL like http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector", "write a URL like http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/v1/traces", "write a URL like http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "write a number of milliseconds"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "write http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json", "write http/protobuf"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "write none"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem", "name the file in SSL_CERT_FILE"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "write otlp or none"),
        ("OTEL_TRACES_SAMPLER", "jaeger_remote", "write always_on"),
        ("OTEL_SDK_DISABLED", "yes", "write true or false"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "write a number from 1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many", "write a number from 1"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1", "write a number of milliseconds"),
        ("OTEL_RESOURCE_ATTRIBUTES", "shop", "write key=value"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=1", "write key=value"),
    ] {
        let variables = [(name, value), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")];
        let error = read(&variables).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(fix), "{error}");
    }
    for value in ["2", "-0.1", "one", "NaN"] {
        let sampler = [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_TRACES_SAMPLER", "traceidratio")];
        let error = read(&[&sampler[..], &[("OTEL_TRACES_SAMPLER_ARG", value)]].concat()).unwrap_err().to_string();
        assert!(error.contains(value) && error.contains("from 0 to 1"), "{error}");
    }
}

#[test]
fn the_error_of_a_header_does_not_show_it() {
    let secret = [("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_HEADERS", "x-ok=1,canary-of-a-key")];
    let error = read(&secret).unwrap_err().to_string();
    assert!(error.contains("member 2 of OTEL_EXPORTER_OTLP_HEADERS") && !error.contains("canary"), "{error}");
}

#[test]
fn an_endpoint_over_tls_needs_the_feature() {
    let read = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector")]);
    match cfg!(feature = "tls") {
        true => assert_eq!(read.unwrap().unwrap().endpoint, "https://collector/v1/traces"),
        false => assert!(read.unwrap_err().to_string().contains("feature `tls`")),
    }
}
