//! Commands that this build does not have.

/// Takes whatever stands behind the command.
#[cfg(not(feature = "cli"))]
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<std::ffi::OsString>,
}

/// How to get it.
pub(crate) fn line(command: &str) -> String {
    format!("this build has no `callbox {command}`: it comes with `cargo install callbox --features cli`")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_command_that_is_not_there_says_how_to_get_it() {
        assert_eq!(
            super::line("call"),
            "this build has no `callbox call`: it comes with `cargo install callbox --features cli`"
        );
    }
}
