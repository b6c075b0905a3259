//! The whole middleware in a live axum server beside bare axum: processor time per request.
//!
//! `cargo bench -p doorward-bench --bench live` starts one server process on processor 0 that listens
//! on a port per variant, and lets `wrk` on processor 1 load one port after another, the order reversed
//! every other round. The time is the kernel's account of the server process (`schedstat`), divided by
//! the requests that `wrk` counted; what a variant adds is the difference to the bare one in the same
//! round. Needs Linux with two processors, `taskset` and `wrk`.
//!
//! `-- --seconds 4 --rounds 10 --instances 3` change how long it takes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that prints a table")]

mod server;
#[path = "../support/mod.rs"]
mod support;
mod wrk;

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use doorward_bench::{Spread, cpu_time, load_average};
use server::Variant;
use wrk::{Load, Wrk};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.iter().any(|argument| argument == "serve") {
        return server::serve();
    }
    // `cargo test --all-targets` runs this file too; only `cargo bench` asks for a benchmark.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let number = |name: &str, default: u32| -> Result<u32, Failure> {
        let at = arguments.iter().position(|argument| argument == name);
        Ok(at
            .and_then(|at| arguments.get(at + 1))
            .map_or(Ok(default), |text| text.parse())?)
    };
    let (seconds, rounds) = (number("--seconds", 2)?, number("--rounds", 6)?);
    let instances = number("--instances", 3)?;
    let mut cells = Cells::default();
    for instance in 1..=instances {
        let server = Server::start()?;
        // Code and tables are cold at first.
        for variant in Variant::ALL {
            server.measure(variant, 1)?;
        }
        for round in 0..rounds {
            let mut order = Variant::ALL;
            if round % 2 == 1 {
                order.reverse();
            }
            for variant in order {
                cells.add(variant, server.measure(variant, seconds)?);
            }
            eprintln!(
                "instance {instance}/{instances}, round {}/{rounds}, load {:.1}",
                round + 1,
                load_average().unwrap_or(f64::NAN)
            );
        }
    }
    cells.print();
    Ok(())
}

/// The server process; it ends with this value.
struct Server {
    process: Child,
    /// What the server printed: a line per variant.
    targets: Vec<Wrk>,
}

impl Server {
    fn start() -> Result<Self, Failure> {
        let mut process = Command::new("taskset")
            .args(["-c", "0"])
            .arg(std::env::current_exe()?)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().ok_or("server has no output")?).lines();
        let mut server = Self {
            process,
            targets: Vec::new(),
        };
        for variant in Variant::ALL {
            let line = lines.next().ok_or("server ended early")??;
            server.targets.push(Wrk::from_line(variant, &line)?);
        }
        Ok(server)
    }

    fn measure(&self, variant: Variant, seconds: u32) -> Result<Cell, Failure> {
        let wrk = self
            .targets
            .iter()
            .find(|wrk| wrk.variant == variant)
            .ok_or("no such variant")?;
        // `taskset` becomes the server: its process is the server's.
        let process = self.process.id();
        let before = cpu_time(process).ok_or("no schedstat")?;
        let load = wrk.run(seconds)?;
        let after = cpu_time(process).ok_or("server ended")?;
        let Load { requests, per_second } = load;
        Ok(Cell {
            microseconds: (after - before).as_secs_f64() * 1e6 / requests,
            per_second,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One variant in one round.
#[derive(Clone, Copy)]
struct Cell {
    microseconds: f64,
    per_second: f64,
}

/// Cells by variant, in the order of the rounds.
#[derive(Default)]
struct Cells(Vec<(Variant, Cell)>);

impl Cells {
    fn add(&mut self, variant: Variant, cell: Cell) {
        self.0.push((variant, cell));
    }

    fn of(&self, variant: Variant) -> Vec<Cell> {
        let cells = self.0.iter().filter(|(measured, _)| *measured == variant);
        cells.map(|(_, cell)| *cell).collect()
    }

    fn print(&self) {
        println!("median (min–max) over {} pairs", self.of(Variant::Bare).len());
        println!(
            "{:<46} {:>20} {:>22} {:>8} {:>10}",
            "server", "CPU µs/request", "added µs, paired", "CPU ×", "requests/s"
        );
        for variant in Variant::ALL {
            let base = self.of(variant.base());
            let own = self.of(variant);
            let paired = |compute: fn(f64, f64) -> f64| {
                let pairs = own.iter().zip(&base);
                Spread::of(pairs.map(|(own, base)| compute(own.microseconds, base.microseconds)))
            };
            println!(
                "{:<46} {:>20.2} {:>22.2} {:>8.2} {:>10.0}",
                variant.name(),
                Spread::of(own.iter().map(|cell| cell.microseconds)),
                paired(|own, base| own - base),
                paired(|own, base| own / base).median,
                Spread::of(own.iter().map(|cell| cell.per_second)).median,
            );
        }
    }
}
