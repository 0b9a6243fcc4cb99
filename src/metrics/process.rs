//! The metrics of the process, with the names that exporters of all languages use.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::families::Families;

/// Number of clock ticks per second in `/proc`. The same on every architecture that Linux has.
const TICKS: f64 = 100.0;

/// Reads the metrics of this process at each scrape. There are none where there is no `/proc`.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families::new(encoder);
        let read = |name: &str| fs::read_to_string(format!("/proc/{name}")).unwrap_or_default();
        let (stat, status) = (read("self/stat"), read("self/status"));
        if let Some(seconds) = cpu_seconds(&stat) {
            families.counter("process_cpu_seconds", "Time used of the processors, in seconds", &seconds)?;
        }
        if let Some(start) = start_seconds(&stat).zip(boot_seconds(&read("stat"))).map(|(start, boot)| boot + start) {
            families.gauge("process_start_time_seconds", "Start of the process, in seconds since 1970", &start)?;
        }
        for (name, help, line, unit) in [
            ("process_resident_memory_bytes", "Size of the memory in use", "VmRSS:", 1024),
            ("process_virtual_memory_bytes", "Size of the address space", "VmSize:", 1024),
            ("process_threads", "Number of threads", "Threads:", 1),
        ] {
            if let Some(value) = number_after(&status, line) {
                families.gauge(name, help, &value.saturating_mul(unit))?;
            }
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            families.gauge("process_open_fds", "Number of open files", &(files.count() as u64))?;
        }
        let limits = read("self/limits");
        for (name, help, line) in [
            ("process_max_fds", "Maximum number of open files", "Max open files"),
            ("process_virtual_memory_max_bytes", "Maximum size of the address space", "Max address space"),
        ] {
            // There is no number if there is no limit.
            if let Some(max) = number_after(&limits, line) {
                families.gauge(name, help, &max)?;
            }
        }
        Ok(())
    }
}

/// Returns a field of `/proc/self/stat` by its number in the manual, proc(5). The name of the
/// program, the second field, is in parentheses and may have any character.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(number - 3)?.parse().ok()
}

/// Returns the time that the process has used of the processors, in seconds.
fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS)
}

/// Returns the start of the process, in seconds since that of the system.
fn start_seconds(stat: &str) -> Option<f64> {
    Some(field(stat, 22)? / TICKS)
}

/// Returns the start of the system, in seconds since 1970.
fn boot_seconds(stat: &str) -> Option<f64> {
    number_after(stat, "btime").map(|seconds| seconds as f64)
}

/// Returns the first number of the line that begins like this.
fn number_after(lines: &str, begin: &str) -> Option<u64> {
    let rest = lines.lines().find_map(|line| line.strip_prefix(begin))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_may_look_like_other_fields() {
        let stat = "1 (a) b (2 3) R 4 1 1 0 -1 4194304 9 0 0 0 250 50 0 0 20 0 7 0 12345 1000 200 0";
        assert_eq!((cpu_seconds(stat), start_seconds(stat)), (Some(3.0), Some(123.45)));
        assert_eq!(cpu_seconds("1 (a) R"), None);
    }

    #[test]
    fn a_line_without_a_number_has_none() {
        let limits = "Max address space   unlimited   unlimited\nMax open files   unlimited   unlimited   files\n";
        assert_eq!(number_after(limits, "Max address space"), None);
        assert_eq!(
            number_after("Max address space   8589934592   unlimited   bytes", "Max address space"),
            Some(1 << 33)
        );
        assert_eq!(number_after(limits, "Max open files"), None);
        assert_eq!(number_after("Max open files   1024   4096   files", "Max open files"), Some(1024));
        assert_eq!(number_after("Threads:\t7\n", "Threads:"), Some(7));
        assert_eq!(number_after("cpu 1\nbtime 1700000000\n", "btime"), Some(1_700_000_000));
    }
}
