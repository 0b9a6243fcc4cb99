//! Attacks on a callbox server: what strangers may send, and which resources may run out.
//!
//! Run with `cargo bench -p callbox-benches --bench attack`, which takes a few minutes. `-- slow
//! panics` runs some of the attacks, and `-- --quick` short forms of them, in which missed times do
//! not count. Each attack starts a server in its own process, on loopback, and ends it. The bench
//! fails if a target is missed. The guide's page `stress` has the results.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod batches;
mod client;
mod descriptors;
mod drain;
mod guesses;
mod load;
mod logs;
mod malformed;
mod mutation;
mod overload;
mod panics;
mod paths;
mod pause;
mod pipelining;
mod refused;
mod report;
mod revocation;
mod server;
mod server_process;
mod slow;

use std::process::ExitCode;
use std::time::Instant;

use report::Report;

type Attack = fn(&mut Report) -> std::io::Result<()>;

const ATTACKS: &[(&str, Attack)] = &[
    ("malformed", malformed::run),
    ("slow", slow::run),
    ("pipelining", pipelining::run),
    ("refused", refused::run),
    ("overload", overload::run),
    ("batches", batches::run),
    ("panics", panics::run),
    ("drain", drain::run),
    ("pause", pause::run),
    ("descriptors", descriptors::run),
    ("paths", paths::run),
    ("guesses", guesses::run),
    ("revocation", revocation::run),
    ("logs", logs::run),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((server::ROLE, arguments)) = arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        return server::serve(arguments);
    }
    // `cargo bench` passes this flag; `cargo test --all-targets` does not, and only has to build
    // the bench.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    let arguments = arguments.iter().map(String::as_str).filter(|argument| *argument != "--bench");
    let (flags, names): (Vec<_>, Vec<_>) = arguments.partition(|argument| argument.starts_with("--"));
    let known = |name: &&str| *name == "all" || ATTACKS.iter().any(|(known, _)| known == name);
    if !flags.iter().all(|flag| *flag == "--quick") || !names.iter().all(known) {
        let names: Vec<_> = ATTACKS.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        println!("there are --quick and the attacks {names}; all of them if none is named");
        return ExitCode::from(2);
    }
    let all = names.is_empty() || names.contains(&"all");
    let mut report = Report::new(!flags.is_empty());
    for (name, attack) in ATTACKS.iter().filter(|(name, _)| all || names.contains(name)) {
        let begin = Instant::now();
        if let Err(error) = attack(&mut report) {
            report.exact("the attack runs to its end", error, false);
        }
        report.print(name, begin.elapsed());
    }
    if report.is_missed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
