//! Network reachability against the results of a public suite: connections and exposure, as sets, one trial a case and
//! kind. Cases about other networks than the pod network are trials of their own, in which only its part is compared.

#![allow(clippy::expect_used, reason = "tests")]

use libtest_mimic::{Arguments, Failed, Trial};
use model::reach::{Connectivity, Direction};
use scan::inputs::{Declarations, Source, manifests};
use scan::reach::Network;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Case, and why the reference is not followed.
const EXCEPTIONS: &[(&str, &str)] = &[];

type Lines = BTreeSet<String>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let Some(root) = testkit::shared("conformance/network-policy") else {
        let skipped = Trial::test("network-policy", || Ok(())).with_ignored_flag(true);
        return libtest_mimic::run(&arguments, vec![skipped]).exit_code();
    };
    let mut folders: Vec<PathBuf> = root
        .read_dir()
        .expect("the suite")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "{} is empty", root.display());
    let mut trials = Vec::new();
    for folder in folders {
        let name = folder
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let file = |suffix: &str| folder.join(format!("{name}_{suffix}"));
        let refused = EXCEPTIONS.iter().any(|(case, _)| *case == name);
        // A JSON document does not say which network its lines are of; the text beside it does.
        let several = std::fs::read_to_string(file("connlist_output.txt"))
            .is_ok_and(|text| text.contains(OTHER));
        for (suffix, check) in [
            ("connlist_output.txt", connections as fn(&Path, &str) -> _),
            ("connlist_output.json", connections_json),
            ("exposure_output.txt", exposure),
        ] {
            let expected = file(suffix);
            let Ok(text) = std::fs::read_to_string(&expected) else {
                continue;
            };
            if several && suffix.ends_with("json") {
                continue;
            }
            let kind = suffix.replace("_output.", "-");
            let part = if several { "pod network of " } else { "" };
            let folder = folder.clone();
            let trial = Trial::test(format!("{part}{name}/{kind}"), move || {
                check(&folder.join("manifests"), &text)
            });
            trials.push(trial.with_ignored_flag(refused));
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The reference speaks of several networks.
const OTHER: &str = "Permitted connectivity analyzed in";

fn read(folder: &Path) -> Result<Connectivity, Failed> {
    let sources = [Source::Path(folder.to_owned())];
    let snapshot = manifests(&sources, None, [0; 32])?;
    Ok(Network::of(&snapshot, &Declarations::default()).connectivity(true))
}

/// The reference knows IPv4 only, and leaves out pairs without a connection.
fn ours(all: &Connectivity) -> Lines {
    let four = |name: &str| !name.ends_with("[External]") || !name.contains(':');
    all.connections
        .iter()
        .filter(|c| four(&c.src) && four(&c.dst) && &*c.conn != "No Connections")
        .map(|c| format!("{} => {} : {}", c.src, c.dst, c.conn))
        .collect()
}

/// Virtual machines are not evaluated, other networks neither.
fn pod_network(text: &str) -> Lines {
    text.lines()
        .take_while(|line| !line.starts_with("Workload-to") && !line.starts_with("Exposure"))
        .skip_while(|line| line.contains(OTHER))
        .take_while(|line| !line.contains(OTHER))
        .filter(|line| line.contains(" => ") && !line.contains("[VirtualMachine]"))
        .map(|line| line.trim().to_owned())
        .collect()
}

fn equal(ours: &Lines, expected: &Lines) -> Result<(), Failed> {
    if ours == expected {
        return Ok(());
    }
    let missing: Vec<_> = expected.difference(ours).take(20).collect();
    let extra: Vec<_> = ours.difference(expected).take(20).collect();
    Err(format!("missing {missing:#?}\nextra {extra:#?}").into())
}

fn connections(folder: &Path, text: &str) -> Result<(), Failed> {
    equal(&ours(&read(folder)?), &pod_network(text))
}

fn connections_json(folder: &Path, text: &str) -> Result<(), Failed> {
    let listed: Vec<serde_json::Value> = serde_json::from_str(text)?;
    let field = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or("").to_owned();
    let expected = listed.iter().map(|one| {
        let (src, dst, conn) = (field(one, "src"), field(one, "dst"), field(one, "conn"));
        format!("{src} => {dst} : {conn}")
    });
    equal(&ours(&read(folder)?), &expected.collect())
}

fn exposure(folder: &Path, text: &str) -> Result<(), Failed> {
    let all = read(folder)?;
    let four = |name: &str| !name.ends_with("[External]") || !name.contains(':');
    let got = all.exposures.iter().filter(|o| four(&o.peer)).map(|open| {
        let arrow = match open.direction {
            Direction::Egress => "=>",
            Direction::Ingress => "<=",
        };
        format!("{} {arrow} {} : {}", open.workload, open.peer, open.conn)
    });
    let exposed = text
        .lines()
        .skip_while(|line| !line.starts_with("Exposure"));
    let lines = exposed.filter(|line| line.contains("=>") || line.contains("<="));
    let expected = lines.map(|line| line.replace('\t', ""));
    let words = |line: String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    equal(&got.map(words).collect(), &expected.map(words).collect())?;
    let connections = |line: &String| line.contains(" => ");
    let listed: Lines = pod_network(text).into_iter().filter(connections).collect();
    equal(&ours(&all), &listed)
}
