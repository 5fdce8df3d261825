//! The commands of `docs/ci.md` and `docs/rights.md`, run in their order.

use crate::pipeline::{OPENSSL, ZLIB, home, image};
use crate::rights::audit_log;
use crate::runner::Home;
use std::path::Path;

/// Lines of the shell blocks that call the program, with the exit code that a comment behind them says.
fn commands(text: &str) -> Vec<(String, i32)> {
    let blocks = text.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap_or("").lines());
    lines
        .filter(|line| line.starts_with("plimsoll "))
        .map(|line| {
            let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
            let code = comment.trim().strip_prefix("exit code ");
            let code = code.map_or(0, |code| {
                code.split(',').next().unwrap().trim().parse().unwrap()
            });
            (command.trim().to_owned(), code)
        })
        .collect()
}

#[test]
fn the_commands_of_the_document_do_what_it_says() {
    let home = home();
    image(&home, "app.tar", &[OPENSSL, ZLIB]);
    follow(&home, "ci.md", 5);
}

#[test]
fn the_questions_of_rights_are_answered() {
    let home = Home::new();
    home.write("audit.log", audit_log("checkout"));
    follow(&home, "rights.md", 14);
}

fn follow(home: &Home, document: &str, least: usize) {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let text = std::fs::read_to_string(docs.join(document)).unwrap();
    let commands = commands(&text);
    assert!(commands.len() >= least, "{commands:?}");
    for (command, expected) in commands {
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let ran = home.run(&words).sound();
        assert_eq!(ran.code, expected, "{command}: {}", ran.stderr);
    }
}
