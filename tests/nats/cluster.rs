//! The example `cluster`: what its documentation describes is what happens.

use std::path::{Path, PathBuf};

use callbox_test_support::examples::{CHECKOUT, example_path};
use callbox_test_support::nats_server::nats_program;
use callbox_test_support::program::Program;

/// A row of the table that the example prints.
#[derive(Debug)]
struct Second {
    answered: u64,
    lost: u64,
    /// The answers of each instance.
    by: [u64; 3],
}

/// Reads the rows between the lines about what is done to the instances.
fn phases(out: &str) -> Vec<Vec<Second>> {
    let mut phases = vec![Vec::new()];
    for line in out.lines() {
        let cells: Vec<_> = line.split_whitespace().collect();
        match cells[..] {
            ["==", ..] => phases.push(Vec::new()),
            [_, answered, lost, _, p99, a, b, c] if p99.ends_with("ms") => {
                let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("{line}"));
                let second = Second { answered: number(answered), lost: number(lost), by: [a, b, c].map(number) };
                phases.last_mut().expect("the first").push(second);
            }
            _ => {}
        }
    }
    phases
}

/// A slow instance has few calls, one that is killed loses a few, and one that starts is found.
pub(crate) fn script() {
    // Whoever works on the example has built it already.
    let built = std::env::var_os("CLUSTER_PROGRAM").map_or_else(|| example_path("cluster"), PathBuf::from);
    let script = Path::new(CHECKOUT).join("examples/cluster/run");
    let program = Program::at(Path::new("bash"), &[script.to_str().unwrap()]);
    let program = program.env("CLUSTER_PROGRAM", built.to_str().unwrap());
    let ended = program.env("NATS_SERVER", nats_program().to_str().unwrap()).run();
    assert!(ended.status.success(), "{ended:?}");
    eprintln!("{}", ended.out);
    let phases = phases(&ended.out);
    let [begin, slow, fast, killed, back] = &phases[..] else { panic!("{}", ended.out) };
    let sum = |seconds: &[Second]| {
        seconds.iter().fold([0; 3], |sum, second| std::array::from_fn(|name| sum[name] + second.by[name]))
    };
    assert!(sum(begin).iter().all(|count| *count > 20), "{begin:?}");
    let [a, b, c] = sum(&slow[1..]);
    assert!(c > 0 && c * 2 < a.min(b), "the slow one has less than half of what another has: {slow:?}");
    let last = &fast[fast.len() - 1];
    assert!(last.by[2] > 20, "it is fast again: {fast:?}");
    let last = &killed[killed.len() - 1];
    assert!(last.by[1] == 0 && last.by[0] > 20 && last.by[2] > 20, "the others have its calls: {killed:?}");
    let last = &back[back.len() - 1];
    assert!(last.by[1] > 20, "it was found: {back:?}");
    let all = || phases.iter().flatten();
    let (answered, lost) =
        (all().map(|second| second.answered).sum::<u64>(), all().map(|second| second.lost).sum::<u64>());
    assert!(answered > 1_000 && lost <= 20, "{answered} were answered, {lost} were lost");
    assert!(ended.out.contains(&format!("{answered} calls were answered, {lost} were lost")));
}
