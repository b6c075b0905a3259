//! Summary lines as the runners print them.

use super::{Counts, Reporter};

#[track_caller]
fn check(reporter: Reporter, lines: &[&str], passed: u64, failed: u64, skipped: u64) {
    let mut counts = Counts::default();
    for line in lines {
        counts.read_line(reporter, line);
    }
    assert_eq!(
        counts,
        Counts {
            passed,
            failed,
            skipped
        },
        "{lines:?}"
    );
}

#[test]
fn nextest_summary_is_read_with_and_without_colours() {
    check(
        Reporter::Nextest,
        &["     Summary [   1.204s] 12 tests run: 12 passed, 0 skipped"],
        12,
        0,
        0,
    );
    check(
        Reporter::Nextest,
        &[
            "\u{1b}[32;1m     Summary\u{1b}[0m [   1.204s] \u{1b}[1m12\u{1b}[0m tests run: \u{1b}[1m9\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m (1 slow), 2 failed, 1 timed out, 3 skipped",
        ],
        9,
        3,
        3,
    );
    check(
        Reporter::Nextest,
        &["     Summary [   0.004s] 1 test run: 1 passed, 0 skipped"],
        1,
        0,
        0,
    );
}

#[test]
fn libtest_results_of_several_binaries_add_up() {
    check(
        Reporter::Libtest,
        &[
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 0.00s",
        ],
        7,
        2,
        1,
    );
}

#[test]
fn vitest_summary_counts_tests_and_not_files() {
    let lines = [
        " Test Files  1 failed | 9 passed (10)",
        "\u{1b}[2m      Tests \u{1b}[22m \u{1b}[1m\u{1b}[31m2 failed\u{1b}[39m | \u{1b}[32m190 passed\u{1b}[39m | 1 skipped | 1 todo (194)",
        "   Start at  20:51:56",
    ];
    check(Reporter::Vitest, &lines, 190, 2, 2);
    check(Reporter::Vitest, &["      Tests  194 passed (194)"], 194, 0, 0);
}

#[test]
fn node_summary_counts_cancelled_tests_as_failed() {
    let lines = [
        "ℹ tests 9",
        "ℹ suites 2",
        "ℹ pass 6",
        "ℹ fail 1",
        "ℹ cancelled 1",
        "ℹ skipped 1",
        "ℹ todo 0",
    ];
    check(Reporter::Node, &lines, 6, 2, 1);
    check(Reporter::Node, &["# tests 2", "# pass 2", "# fail 0"], 2, 0, 0);
}

#[test]
fn ordinary_output_changes_nothing() {
    let lines = [
        "PASS [   0.013s] doorward-core cookie::tests::a",
        "3 passed, 4 failed",
        "running 7 tests",
        "# heading",
    ];
    for reporter in [Reporter::Nextest, Reporter::Libtest, Reporter::Node] {
        check(reporter, &lines, 0, 0, 0);
    }
}
