//! `plimsoll db compare`: lines in, the wrong ones and their number out.

use crate::runner::Home;

#[track_caller]
fn check(ecosystem: &str, input: &str, wrong: &[&str]) {
    let ran = Home::new().run_with(&["db", "compare", ecosystem], input.as_bytes());
    let ran = ran.sound();
    assert_eq!(ran.code, i32::from(!wrong.is_empty()), "{}", ran.stderr);
    let number = wrong.len().to_string();
    let expected = [wrong, &[&number, ""]].concat().join("\n");
    assert_eq!(ran.text(), expected);
}

#[test]
fn wrong_lines_and_their_number() {
    check("Debian", "", &[]);
    check(
        "Debian:12",
        "# comment\n// another\n\n1.0~rc1 < 1.0\n1.0-1 > 1.0\n",
        &[],
    );
    check(
        "deb",
        "1 > 2\n  1.0   =  1.0-0\n2 <  1",
        &["1 > 2", "2 <  1"],
    );
    check(
        "Red Hat",
        "1.0~rc1 > 1.0\n1.0^a > 1.0\n",
        &["1.0~rc1 > 1.0"],
    );
    check("pypi", "1.0.dev1 < 1.0a1\n1.0 = 1\n", &[]);
    check(
        "golang",
        "go1.22rc1 < 1.22.0\n(devel) = (devel)\n",
        &["(devel) = (devel)"],
    );
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let home = Home::new();
    let unknown = home.run(&["db", "compare", "Klingon"]).refused("Klingon");
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("debian"), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("wolfi"), "{}", unknown.stderr);
    for line in ["1 <", "1 <= 2", "1 < 2 3", "< 1 2", "1<2"] {
        let input = format!("1 < 2\n{line}\n");
        let ran = home.run_with(&["db", "compare", "npm"], input.as_bytes());
        let ran = ran.refused("line 2");
        assert_eq!(ran.code, 2, "{line}");
    }
    let ran = home.run_with(&["db", "compare", "npm"], b"1 < \xff\n");
    assert_eq!(ran.refused("line 1").code, 2);
    let long = "1".repeat(3 << 20);
    let ran = home.run_with(
        &["db", "compare", "npm"],
        format!("{long} < 2\n").as_bytes(),
    );
    assert_eq!(ran.refused("line 1").code, 2);
}
