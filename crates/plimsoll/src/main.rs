//! `plimsoll`: arguments in, settings resolved once, a use case of `scan`, bytes of `report` out.
//! Never: analysis.

mod args;
mod benchmark;
mod collect;
mod compat;
mod database;
mod declared;
mod demo;
mod exceptions;
mod fix;
mod netpol;
mod node;
mod output;
mod paths;
mod reach;
mod rights;
mod scanning;
mod settings;
mod target;
mod vap;
mod views;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    output::answer_panics();
    output::finish(run())
}

fn run() -> anyhow::Result<u8> {
    let arguments = args::Arguments::parse();
    let settings = settings::Settings::resolve()?;
    match arguments.command {
        args::Command::Demo(show) => demo::run(&show, &settings),
        args::Command::Scan(args::Scanned::Ranked(target)) => scanning::run(&target, &settings),
        args::Command::Scan(args::Scanned::Node(options)) => node::run(&options, &settings),
        args::Command::Collect(options) => collect::run(&options, &settings),
        args::Command::Queue(view) => views::queue(&view, &settings),
        args::Command::Paths(options) => paths::run(&options, &settings),
        args::Command::Reach(options) => reach::run(&options, &settings),
        args::Command::WhoCan(options) => rights::who_can(&options, &settings),
        args::Command::Can(options) => rights::can(&options, &settings),
        args::Command::Cis(options) => benchmark::cis(&options, &settings),
        args::Command::Checklist(options) => benchmark::checklist(&options, &settings),
        args::Command::Fix(options) => fix::run(&options, &settings),
        args::Command::Export(options) => rights::export(&options, &settings),
        args::Command::Explain(explain) => views::explain(&explain, &settings),
        args::Command::Db(command) => database::run(&command, &settings),
        args::Command::Compat(compat) => compat::run(&compat, &settings),
    }
}
