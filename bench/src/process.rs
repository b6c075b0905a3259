//! What the kernel says of a process and of the machine.

use std::fs;
use std::time::Duration;

/// How long the threads of a process have been on a processor, in its own code and in the kernel's.
///
/// `None` where there is no such process, or no Linux.
#[must_use]
pub fn cpu_time(process: u32) -> Option<Duration> {
    let mut nanoseconds = 0_u64;
    for thread in fs::read_dir(format!("/proc/{process}/task")).ok()? {
        let line = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += line.split(' ').next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanoseconds))
}

/// How many processes wanted a processor during the last minute, on average.
#[must_use]
pub fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg")
        .ok()?
        .split(' ')
        .next()?
        .parse()
        .ok()
}
