//! `callbox new`: checks everything first, then writes the crate, and prints the next steps.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::Result;
use crate::dependency::Source;
use crate::names::{check_type, crate_name, identifier, replace_word};
use crate::role::Role;

/// The arguments of `callbox new`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  callbox new MyService my_service --role entity")]
pub(crate) struct Arguments {
    /// Name of the service's type, such as MyService
    #[arg(value_name = "TYPE")]
    type_name: String,
    /// Directory to write; its last part names the crate. It must be empty or not exist
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
    /// Kind of service to start from
    #[arg(long, value_enum, default_value_t = Role::Basic)]
    role: Role,
    /// Checkout of callbox to depend on [default: the one that this command was built from, if it
    /// exists; else the release]
    #[arg(long, value_name = "PATH")]
    callbox_path: Option<PathBuf>,
}

/// Writes the crate, and returns the message for the user.
pub(crate) fn run(arguments: &Arguments) -> Result<String> {
    let Arguments { type_name, directory, role, .. } = arguments;
    check_type(type_name, *role)?;
    let crate_name = crate_name(directory)?;
    check_empty(directory)?;
    let source = Source::choose(arguments.callbox_path.as_deref())?;

    fs::create_dir_all(directory).map_err(|error| cannot_write(directory, &error))?;
    let own_workspace = is_inside_package(directory)?;
    let mut written = Vec::new();
    for file in role.templates() {
        let mut text = render(file.text, *role, type_name, crate_name, &source);
        if file.path == "Cargo.toml" {
            // Only the manifest has the name of the crate with dashes.
            text = text.replacen(&format!("name = {:?}", identifier(crate_name)), &format!("name = {crate_name:?}"), 1);
            if own_workspace {
                text += "\n# Keeps the crate out of the surrounding workspace. Remove this to make it a member.\n[workspace]\n";
            }
        }
        write(&directory.join(file.path), &text)?;
        written.push(file.path);
    }
    written.sort_unstable();
    Ok(format!("Wrote {}\n  {}\n\n{}", directory.display(), written.join("\n  "), next_steps(directory, *role)))
}

fn render(text: &str, role: Role, type_name: &str, crate_name: &str, source: &Source) -> String {
    let mut text = text.to_owned();
    // The type's own name is last, because it may equal one of the other placeholders.
    for word in role.crate_placeholders() {
        text = replace_word(&text, word, &identifier(crate_name));
    }
    for (word, with) in [
        ("CALLBOX_SOURCE", source.to_toml().as_str()),
        ("PUBLIC_CALL", role.public_call()),
        ("PRIVATE_CALL", role.private_call()),
    ] {
        text = replace_word(&text, word, with);
    }
    role.type_placeholders().iter().fold(text, |text, word| replace_word(&text, word, type_name))
}

fn next_steps(directory: &Path, role: Role) -> String {
    format!(
        "Next:\n  cd {directory}\n  cargo run\n\nThen, from another terminal:\n  curl -s http://127.0.0.1:5000/api \
         -H 'content-type: application/json' \\\n    -d '{call}'\n\nIts page: http://127.0.0.1:5000/pages/stats\n",
        directory = for_shell(directory),
        call = role.public_call(),
    )
}

/// Returns a path as one word for the shell.
fn for_shell(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.chars().all(|c| c.is_alphanumeric() || "/._-+".contains(c)) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn check_empty(directory: &Path) -> Result<()> {
    match fs::read_dir(directory).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{} is not empty: name another directory, or empty this one", directory.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(format!("{} is a file: name another directory", directory.display()))
        }
        Err(error) => Err(cannot_write(directory, &error)),
    }
}

/// Whether cargo would look for a workspace around the new crate.
fn is_inside_package(directory: &Path) -> Result<bool> {
    let directory = directory.canonicalize().map_err(|error| cannot_write(directory, &error))?;
    Ok(directory.ancestors().skip(1).any(|above| above.join("Cargo.toml").exists()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        // `create_new` does not overwrite a file that someone has created in the meantime.
        fs::File::create_new(path)?.write_all(text.as_bytes())
    });
    written.map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be written ({error}): name a directory where you may write", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_for_the_shell() {
        for (path, word) in
            [("a/my_service-2", "a/my_service-2"), ("my files/a", "'my files/a'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(for_shell(Path::new(path)), word);
        }
    }
}
