//! `callbox token`: creates, lists and revokes the tokens of a file.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use callbox::auth::{TokenFile, TokenInfo};
use clap::Subcommand;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::Result;
use crate::terminal::{print, print_error, print_or_fail};

/// The arguments of `callbox token`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// File of the tokens [default: the one that CALLBOX_TOKENS or callbox.toml names, else
    /// callbox-tokens.toml]
    #[arg(long, value_name = "FILE", global = true)]
    file: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Creates a token and prints it, once: the file has only its hash. Running servers accept it
    /// immediately
    #[command(after_help = "Example:\n  callbox token new --name ci --scope admin --expires 90d")]
    New {
        /// Name of the holder; each name has at most one token that has not expired
        #[arg(long)]
        name: String,
        /// Scope that the token grants, besides what every token grants; separate several by
        /// commas, or repeat the flag
        #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',')]
        scopes: Vec<String>,
        /// Lifetime of the token: 12h, 90d, 52w or never
        #[arg(long, value_name = "TIME", default_value = "90d", value_parser = lifetime)]
        expires: Lifetime,
    },
    /// Lists the tokens, without their secrets
    List,
    /// Removes a token from the file. Running servers reject it immediately
    Revoke {
        /// Id of the token, or name of its holder: then all tokens of that name are removed
        #[arg(value_name = "ID-OR-NAME")]
        id_or_name: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifetime {
    For(Duration),
    Never,
}

/// Runs the command. The result is printed on standard output, and explanations on standard error.
pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let file = arguments.file.map_or_else(TokenFile::usual, |path| Ok(TokenFile::new(path)));
    let file = file.map_err(|error| error.to_string())?;
    match arguments.command {
        Command::New { name, scopes, expires } => new(&file, &name, &scopes, expires),
        Command::List => {
            let tokens = file.list().map_err(|error| error.to_string())?;
            print(&table(&tokens))
        }
        Command::Revoke { id_or_name } => {
            for token in file.revoke(&id_or_name).map_err(|error| error.to_string())? {
                print_error(&format!("Revoked {} ({}).\n", token.name(), token.id()));
            }
            Ok(())
        }
    }
}

fn new(file: &TokenFile, name: &str, scopes: &[String], expires: Lifetime) -> Result<()> {
    let lifetime = match expires {
        Lifetime::For(time) => Some(time),
        Lifetime::Never => None,
    };
    let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
    let token = file.issue(name, &scopes, lifetime).map_err(|error| error.to_string())?;
    if let Err(error) = print_or_fail(&format!("{}\n", token.reveal())) {
        // Nobody has seen the token, so nobody can use it.
        return file.revoke(token.info().id()).map_err(|error| error.to_string()).and(Err(error));
    }
    let scopes = if scopes.is_empty() { "no scope".to_owned() } else { scopes.join(", ") };
    let path = file.path().display();
    print_error(&format!(
        "Created a token for {name}: {scopes}; it expires {expires}.\n\
         It is shown only once: {path} has only its hash. A server accepts it with --tokens {path}.\n",
        expires = token.info().expires().map_or_else(|| "never".to_owned(), date),
    ));
    Ok(())
}

fn table(tokens: &[TokenInfo]) -> String {
    let mut rows = vec![["ID", "NAME", "SCOPES", "CREATED", "EXPIRES"].map(str::to_owned)];
    rows.extend(tokens.iter().map(|token| {
        let expires = token.expires().map_or_else(|| "never".to_owned(), date);
        [
            token.id().to_owned(),
            token.name().to_owned(),
            token.scopes().join(","),
            token.created().map_or_else(String::new, date),
            if token.is_expired() { format!("{expires}, expired") } else { expires },
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let cell = if cell.is_empty() { "-" } else { cell };
            format!("{cell:width$}")
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn date(time: SystemTime) -> String {
    OffsetDateTime::from(time).truncate_to_second().format(&Rfc3339).unwrap_or_else(|_| "far off".to_owned())
}

fn lifetime(text: &str) -> Result<Lifetime> {
    if text == "never" {
        return Ok(Lifetime::Never);
    }
    let invalid = || "write a number with its unit, such as 30m, 12h, 90d or 52w, or never".to_owned();
    let units = [("m", 60), ("h", 3600), ("d", 86_400), ("w", 7 * 86_400)];
    let number = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, seconds) = number.ok_or_else(invalid)?;
    let number = number.parse::<u64>().map_err(|_| invalid())?;
    number.checked_mul(seconds).map(|seconds| Lifetime::For(Duration::from_secs(seconds))).ok_or_else(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_a_number_with_a_unit_or_never() {
        let hours = |hours: u64| Ok(Lifetime::For(Duration::from_secs(hours * 3600)));
        for (text, expected) in [
            ("90d", hours(90 * 24)),
            ("12h", hours(12)),
            ("120m", hours(2)),
            ("1w", hours(168)),
            ("never", Ok(Lifetime::Never)),
        ] {
            assert_eq!(lifetime(text), expected, "{text}");
        }
        for text in
            ["", "d", "90", "90 d", "-1d", "1.5d", "90dd", "90y", "99999999999999999999d", "9999999999999999999w", "é"]
        {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }
}
