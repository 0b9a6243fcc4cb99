//! Variables that cannot be used.

use callbox_test_support::program::Program;

pub(crate) fn wrong() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ] {
        let program =
            Program::with_role("front", &["--port", "0"]).env("OTEL_TRACES_EXPORTER", "otlp").env(name, value);
        let end = program.run();
        assert!(!end.status.success(), "{end:?}");
        assert!(end.log.contains(&format!("Error: {name} is `{value}`: write ")), "{end:?}");
    }
    let off = Program::with_role("front", &["--port", "0"]).env("OTEL_TRACES_SAMPLER", "sometimes");
    drop(off.start());
}
