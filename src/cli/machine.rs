//! Facts about this machine, so that runs on different machines are not compared by mistake.

use crate::observation::Machine;

/// Reads what determines this machine's speed; what the system does not report stays empty.
pub fn read() -> Machine {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    Machine {
        processor: value(&cpu, "model name").unwrap_or_default().to_string(),
        processors: std::thread::available_parallelism().map_or(0, |count| count.get() as u64),
        memory_bytes: value(&memory, "MemTotal").map_or(0, kilobytes) * 1024,
    }
}

/// Returns the load average of the last minute, where the system tells it in a file.
pub fn load_average() -> Option<f64> {
    let load = std::fs::read_to_string("/proc/loadavg").ok()?;
    load.split_whitespace().next()?.parse().ok()
}

/// Returns the first value of `name` in lines of the form `name : value`.
fn value<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

fn kilobytes(value: &str) -> u64 {
    let number = value.split_whitespace().next().unwrap_or_default();
    number.parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_files_are_understood() {
        let text = "processor\t: 0\nmodel name\t: A fast one @ 3 GHz\nMemTotal:       16 kB\n";
        assert_eq!(value(text, "model name"), Some("A fast one @ 3 GHz"));
        assert_eq!(value(text, "MemTotal").map(kilobytes), Some(16));
        assert_eq!(value("", "model name"), None);
    }
}
