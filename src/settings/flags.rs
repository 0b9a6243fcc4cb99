//! The command line: the flags of all settings, and one-line errors for mistakes.

use std::collections::HashMap;
use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::start_error::StartError;

use super::OwnSettings;
use super::ProgramInfo;
use super::app::PREFIX;
use super::file::DEFAULT_PATH;
use super::source::{env_names, flag_name};
use super::table::{SETTINGS, SettingSpec};
use super::value_type::Arity;

/// Width of the help text, in columns.
const HELP_WIDTH: usize = 100;

/// Indent of the help of a flag, as clap prints it, in columns.
const HELP_INDENT: usize = 10;

/// The values of the flags.
#[derive(Debug)]
pub(super) struct ParsedFlags {
    pub(super) values: HashMap<&'static str, String>,
    pub(super) config: Option<String>,
    pub(super) show_settings: bool,
    /// The values of `--app`, each as `key=value`.
    pub(super) app: Vec<String>,
}

/// The outcome of reading the command line.
pub(super) enum FlagsOutcome {
    Parsed(ParsedFlags),
    /// Print this text of `--help` or `--version`.
    Print(String),
}

pub(super) fn read(
    args: impl IntoIterator<Item = OsString>,
    about: &ProgramInfo<'_>,
) -> Result<FlagsOutcome, StartError> {
    let args: Vec<OsString> = args.into_iter().collect();
    match command(about, program_name(&args)).try_get_matches_from(args) {
        Ok(mut matches) => Ok(FlagsOutcome::Parsed(ParsedFlags {
            values: SETTINGS.iter().filter_map(|row| Some((row.key, value_of(&mut matches, row)?))).collect(),
            config: matches.remove_one("config"),
            show_settings: matches.get_flag("show_settings"),
            app: matches.try_remove_many("app").ok().flatten().map(Iterator::collect).unwrap_or_default(),
        })),
        Err(error) if !error.use_stderr() => Ok(FlagsOutcome::Print(error.to_string())),
        Err(error) => Err(one_line(&error)),
    }
}

fn value_of(matches: &mut ArgMatches, row: &SettingSpec) -> Option<String> {
    let values: Vec<String> = matches.remove_many(row.key)?.collect();
    Some(values.join(","))
}

fn program_name(args: &[OsString]) -> String {
    let name = args.first().and_then(|program| std::path::Path::new(program).file_name());
    name.map_or_else(|| "server".into(), |name| name.to_string_lossy().into_owned())
}

fn command(about: &ProgramInfo<'_>, program: String) -> Command {
    let intro = format!(
        "{service}: a microservice that answers JSON-RPC 2.0 over HTTP.\n\n\
         A setting is taken from its flag, else from the environment, else from a TOML file, else from the program itself, \
         else it has its default. --show-settings prints each value and its source.",
        service = about.service,
    );
    let example = format!(
        "Example:\n  {program} --port 8080 --log debug\n  CALLBOX_PORT=8080 {program} --show-settings\n\n\
         The same in {DEFAULT_PATH}, with the flags' names, but _ for -:\n  port = 8080\n  body_limit = \"64KiB\"\n  \
         allowed_hosts = [\"example.org\", \"localhost\"]"
    );
    Command::new(program)
        .version(concat!("(callbox ", env!("CARGO_PKG_VERSION"), ")"))
        .about(wrapped(&intro, HELP_WIDTH))
        .after_help(example)
        .next_line_help(true)
        .args(SETTINGS.iter().map(argument))
        .next_help_heading("This program")
        .args([
            Arg::new("config")
                .long("config")
                .value_name("FILE")
                .help(format!("TOML file to read [default: {DEFAULT_PATH}, if it exists] [env: CALLBOX_CONFIG]")),
            Arg::new("show_settings")
                .long("show-settings")
                .action(ArgAction::SetTrue)
                .help("Print each setting and its source, and exit"),
        ])
        .args(matches!(about.app, OwnSettings::Read { .. }).then(app_argument))
}

/// Breaks lines that are wider than `width`, between words.
///
/// clap could wrap to the width of the terminal, but would bring four more crates for that.
fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut column = 0;
        for word in line.split_inclusive(' ') {
            let length = word.trim_end().chars().count();
            if column > 0 && column + length > width {
                out.truncate(out.trim_end().len());
                out.push('\n');
                column = 0;
            }
            out += word;
            column += word.chars().count();
        }
    }
    out
}

/// Returns the flag for the settings of the program itself.
fn app_argument() -> Arg {
    let help = format!(
        "A setting of this program: a key of the section [app] in the file, with dots between the keys of sections; repeat the \
         flag for several [env: {PREFIX}…]"
    );
    let help = wrapped(&help, HELP_WIDTH - HELP_INDENT);
    Arg::new("app").long("app").value_name("KEY=VALUE").action(ArgAction::Append).help(help)
}

fn argument(row: &SettingSpec) -> Arg {
    let mut help = row.help.trim().to_owned();
    if row.arity == Arity::Many {
        help += "; separate several by commas, or repeat the flag";
    }
    if !row.default.is_empty() && row.arity != Arity::Switch {
        help += &format!(" [default: {}]", row.default);
    }
    help += &format!(" [env: {}]", env_names(row.key).collect::<Vec<_>>().join(", "));
    let arg = Arg::new(row.key)
        .long(flag_name(row.key).trim_start_matches('-').to_owned())
        .value_name(row.placeholder)
        .help(wrapped(&help, HELP_WIDTH - HELP_INDENT))
        .help_heading(row.group);
    match row.arity {
        Arity::One => arg,
        Arity::Many => arg.action(ArgAction::Append),
        Arity::Switch => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
    }
}

/// Turns clap's report into one line, without its tips and usage.
fn one_line(error: &clap::Error) -> StartError {
    let context = |kind| error.get(kind).map(ToString::to_string);
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    match (error.kind(), context(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(flag)) => {
            let what = format!("unknown argument {flag:?}");
            match context(ContextKind::SuggestedArg) {
                Some(near) => StartError::new(what, format_args!("did you mean {near:?}?")),
                None => StartError::new(what, "--help lists the flags"),
            }
        }
        (ErrorKind::InvalidValue, Some(flag)) => {
            StartError::new(format_args!("{flag} has no value"), "write one after it")
        }
        (ErrorKind::ArgumentConflict, Some(flag)) => {
            StartError::new(format_args!("{flag} is given twice"), "keep one of them")
        }
        _ => StartError::new(first, "--help lists the flags"),
    }
}
