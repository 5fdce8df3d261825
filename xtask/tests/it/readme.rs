//! The README shows what `plimsoll demo` really prints.

use super::root;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const BEGIN: &str = "<!-- demo:begin -->\n";
const END: &str = "<!-- demo:end -->";

/// The binary that `cargo test --workspace` built beside this test.
fn binary() -> Option<PathBuf> {
    let test = std::env::current_exe().ok()?;
    let file = test.parent()?.parent()?.join("plimsoll");
    file.is_file().then_some(file)
}

/// The text between the two marks, and what lies around it.
fn split(readme: &str) -> (&str, &str, &str) {
    let (before, rest) = readme
        .split_once(BEGIN)
        .expect("README.md has the mark demo:begin");
    let (shown, after) = rest
        .split_once(END)
        .expect("README.md has the mark demo:end");
    (before, shown, after)
}

/// What a person sees, within the marks: no colour, 100 columns, no trailing blanks.
fn demo(binary: &PathBuf) -> String {
    let output = Command::new(binary)
        .arg("demo")
        .env("NO_COLOR", "1")
        .env("COLUMNS", "100")
        .current_dir(root())
        .output()
        .expect("plimsoll starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    // 1 says that something is over the gate; the demo has no gate, but it may get one.
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "demo: {}: {complaint}",
        output.status
    );
    let text = String::from_utf8(output.stdout).expect("the demo prints UTF-8");
    let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    format!("```text\n$ plimsoll demo\n{}\n```\n", lines.join("\n"))
}

#[test]
fn generated_demo_in_the_readme() {
    let file = root().join("README.md");
    let readme = fs::read_to_string(&file).expect("README.md");
    let (before, shown, after) = split(&readme);
    let Some(binary) = binary() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "no plimsoll beside the tests: run `cargo test --workspace`"
        );
        println!("skipped: no plimsoll beside the tests, run `cargo test --workspace`");
        return;
    };
    let expected = demo(&binary);
    if std::env::var_os("PLIMSOLL_GENERATE").is_some() {
        fs::write(&file, format!("{before}{BEGIN}{expected}{END}{after}")).expect("README.md");
        return;
    }
    assert_eq!(shown, expected, "README.md is old: run `cargo xtask gen`");
}
