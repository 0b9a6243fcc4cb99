//! Starts the server. `--help` lists what can be set by flags, environment variables and `callbox.toml`.

fn main() -> callbox::Result<()> {
    my_service::app().with_args().start()
}
