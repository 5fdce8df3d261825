//! Counts of a test run, read off the lines that libtest and libtest-mimic print.
//! A run that says nothing is never a passed run.

use std::fmt;

/// What became of the tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Count {
    /// Adds one `test result: ok. 3 passed; 0 failed; 1 ignored; ...` line; ignores any other.
    pub(crate) fn read(&mut self, line: &str) {
        let Some((_, counts)) = line
            .trim()
            .strip_prefix("test result: ")
            .and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split(';') {
            let Some((number, word)) = part.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match word {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => {}
            }
        }
    }

    /// A test that ended early because something is absent prints `skipped: REASON`; libtest
    /// counts it as passed, we do not.
    pub(crate) fn skip_one_passed(&mut self) {
        if self.passed > 0 {
            self.passed -= 1;
            self.skipped += 1;
        }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    fn check(lines: &str, expected: &str) {
        let mut count = Count::default();
        lines.lines().for_each(|line| count.read(line));
        assert_eq!(count.to_string(), expected);
    }

    #[test]
    fn result_lines_are_summed() {
        check("", "0 passed, 0 failed, 0 skipped");
        check(
            "running 3 tests\ntest a ... ok",
            "0 passed, 0 failed, 0 skipped",
        );
        check(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 9 filtered out; finished in 0.00s",
            "3 passed, 0 failed, 1 skipped",
        );
        check(
            "test result: ok. 3 passed; 0 failed; 1 ignored\ntest result: FAILED. 2 passed; 5 failed; 0 ignored",
            "5 passed, 5 failed, 1 skipped",
        );
    }
}
