//! The shell commands in the documentation of an example, and the responses that it shows.

/// A request by `curl`, or by the function `call` that the first command defines.
#[derive(Debug)]
pub(crate) struct ShellCommand {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    /// The body of a POST request; `None` for a GET request.
    pub(crate) body: Option<String>,
    pub(crate) response: String,
}

/// Reads the block of shell code. A command may take several lines; the line after it shows the
/// response.
pub(crate) fn shell_commands(source: &str) -> Vec<ShellCommand> {
    let doc = source.lines().map_while(|line| line.strip_prefix("//!")).collect::<Vec<_>>().join("\n");
    let (_, shell) = doc.split_once("```sh\n").expect("a block of shell code");
    let (shell, _) = shell.split_once("\n ```").expect("its end");
    let shell = shell.replace("\\\n", " ");
    let mut lines = shell.lines().map(str::trim);
    let (mut url, mut found) = (None, Vec::new());
    while let Some(line) = lines.next() {
        url = line.split([' ', '"']).find(|word| word.starts_with("http://")).map(str::to_owned).or(url);
        if line.starts_with("call() ") {
            assert!(line.contains("-H 'content-type: application/json'"), "{line}");
            continue;
        }
        let to_quote = |before| line.split_once(before)?.1.split('\'').next().map(str::to_owned);
        let response = lines.next().and_then(|line| line.strip_prefix("# "));
        found.push(ShellCommand {
            url: url.clone().expect("a command with its URL"),
            token: to_quote("-H 'X-Api-Token: "),
            body: to_quote("-d '"),
            response: response.unwrap_or_else(|| panic!("no response is shown to: {line}")).to_owned(),
        });
    }
    found
}
