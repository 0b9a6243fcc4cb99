//! The shell commands in the documentation of an example, and the responses that it shows.

/// A request by `curl`, or by the function `call` that the first command defines.
#[derive(Debug)]
pub struct ShellCommand {
    /// The URL of the request.
    pub url: String,
    /// The headers that the command itself sets, with the variables of the shell as they are
    /// written.
    pub headers: Vec<(String, String)>,
    /// The body of a POST request; `None` for a GET request.
    pub body: Option<String>,
    /// The response that the documentation shows.
    pub response: String,
}

/// Returns the first block of shell code in the documentation of an example.
///
/// # Panics
/// If there is none.
pub fn shell_block(source: &str) -> String {
    let doc = source.lines().map_while(|line| line.strip_prefix("//!")).collect::<Vec<_>>().join("\n");
    let (_, shell) = doc.split_once("```sh\n").expect("a block of shell code");
    shell.split_once("\n ```").expect("its end").0.to_owned()
}

/// Reads a block of shell code. A command may take several lines; the line after it shows the
/// response.
///
/// # Panics
/// If a command has no URL or shows no response.
pub fn shell_commands(shell: &str) -> Vec<ShellCommand> {
    let shell = shell.replace("\\\n", " ");
    let mut lines = shell.lines().map(str::trim);
    let (mut url, mut found) = (None, Vec::new());
    while let Some(line) = lines.next() {
        url = line.split([' ', '"']).find(|word| word.starts_with("http://")).map(str::to_owned).or(url);
        if line.starts_with("call() ") {
            assert!(line.contains("-H 'content-type: application/json'"), "{line}");
            continue;
        }
        let headers = line.split(" -H ").skip(1).filter_map(|rest| {
            let quote = rest.chars().next()?;
            let (name, value) = rest[1..].split(quote).next()?.split_once(": ")?;
            Some((name.to_owned(), value.to_owned()))
        });
        let body = line.split_once(" -d '").and_then(|(_, rest)| rest.split('\'').next());
        let response = lines.next().and_then(|line| line.strip_prefix("# "));
        found.push(ShellCommand {
            url: url.clone().expect("a command with its URL"),
            headers: headers.collect(),
            body: body.map(str::to_owned),
            response: response.unwrap_or_else(|| panic!("no response is shown to: {line}")).to_owned(),
        });
    }
    found
}
