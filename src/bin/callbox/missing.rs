//! Commands that this build does not have.

#[cfg(not(feature = "cli"))]
pub(crate) use answers::{Arguments, call, completions, describe, stress, top};

#[cfg(not(feature = "cli"))]
mod answers {
    use std::ffi::OsString;

    use super::line;
    use crate::exit::{Exit, Failure};

    /// Takes whatever stands behind the command.
    #[derive(Debug, clap::Args)]
    #[command(disable_help_flag = true)]
    pub(crate) struct Arguments {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
        rest: Vec<OsString>,
    }

    macro_rules! missing {
        ($($command:ident)*) => {
            $(pub(crate) fn $command(_: &Arguments) -> Result<(), Failure> {
                Err(Failure::new(Exit::Usage, line(stringify!($command))))
            })*
        };
    }

    missing!(call completions describe stress top);
}

/// How to get it.
fn line(command: &str) -> String {
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
