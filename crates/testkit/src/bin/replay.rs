//! `replay FOLDER ...`: serves recorded traffic until it is killed; prints a kubeconfig first.
//! A folder with INDEX.json is a recording of requests, any other a folder of full lists.
#![allow(clippy::print_stdout)] // the kubeconfig is its output

use std::path::PathBuf;
use testkit::replay::{Recorded, start};

fn main() -> std::io::Result<()> {
    let mut recorded = Recorded::default();
    for folder in std::env::args_os().skip(1).map(PathBuf::from) {
        if folder.join("INDEX.json").exists() {
            recorded.add_index(&folder)?;
        } else {
            recorded.add_lists(&folder)?;
        }
    }
    let running = start(recorded, Vec::new())?;
    print!("{}", running.kubeconfig());
    std::io::Write::flush(&mut std::io::stdout())?;
    loop {
        std::thread::park();
    }
}
