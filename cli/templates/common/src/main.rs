//! Starts the server. `--help` lists the settings, which can be flags, environment variables, or
//! keys of `callbox.toml`.

fn main() -> callbox::Result<()> {
    my_service::app().with_args().start()
}
