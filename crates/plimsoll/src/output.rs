//! Writes results: to standard output or to private files, in the form that was asked for.
//! Data goes to standard output, everything else to standard error; a broken pipe is success.

use crate::args::{Format, Show};
use crate::settings::Settings;
use anyhow::Context;
use model::assessment::{Assessment, Verdict};
use report::View;
use report::sarif::SarifOptions;
use report::terminal::TerminalOptions;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

/// The verdict's code, or the error in one line.
pub(crate) fn finish(done: anyhow::Result<u8>) -> ExitCode {
    let failed = match &done {
        Err(error) if is_not_completed(error) => 3,
        _ => 2,
    };
    ExitCode::from(finish_as(done, failed))
}

/// The code, or `failed` and the error in one line; a broken pipe is success.
#[allow(clippy::print_stderr)] // the one place that speaks to a person
pub(crate) fn finish_as(done: anyhow::Result<u8>, failed: u8) -> u8 {
    match done {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => 0,
        Err(error) => {
            let chain: Vec<String> = error
                .chain()
                .map(|cause| report::terminal::escape(&cause.to_string()))
                .collect();
            eprintln!("error: {}", short(chain.join(": ")));
            failed
        }
    }
}

/// Characters of an error; what is longer quotes too much of an input.
const LONGEST: usize = 700;

fn short(message: String) -> String {
    match message.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}...", message.get(..cut).unwrap_or("")),
        None => message,
    }
}

/// A panic is "not completed" too. Its message is not shown: it may quote what was being read (rule 20).
#[allow(clippy::print_stderr, clippy::exit)] // release builds abort, which is none of our exit codes
pub(crate) fn answer_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        eprintln!(
            "error: a bug in plimsoll {}{place}; please report this line",
            env!("CARGO_PKG_VERSION")
        );
        std::process::exit(3);
    }));
}

fn is_not_completed(error: &anyhow::Error) -> bool {
    error.is::<NotCompleted>()
        || error.chain().any(|cause| {
            cause
                .downcast_ref::<io::Error>()
                .is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)
        })
}

/// The work could not be completed (exit 3), in contrast to wrong usage or input (exit 2).
#[derive(Debug)]
pub(crate) struct NotCompleted(pub(crate) String);

impl std::fmt::Display for NotCompleted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotCompleted {}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
            || cause
                .downcast_ref::<serde_json::Error>()
                .and_then(serde_json::Error::io_error_kind)
                == Some(io::ErrorKind::BrokenPipe)
    })
}

/// Says something to the person, on standard error.
#[allow(clippy::print_stderr)]
pub(crate) fn say(line: &str) {
    eprintln!("{}", report::terminal::escape(line));
}

/// Flags that do not fit together; asked before the work, so that nothing is written for a wrong call.
pub(crate) fn check(show: &Show) -> anyhow::Result<()> {
    anyhow::ensure!(
        show.sarif_split.is_none() || show.format == Format::Sarif,
        "--sarif-split needs --format sarif"
    );
    Ok(())
}

/// Writes an Assessment as the user asked.
pub(crate) fn show(
    assessment: &Assessment,
    verdict: &Verdict,
    show: &Show,
    settings: &Settings,
) -> anyhow::Result<()> {
    let view = View {
        assessment,
        verdict,
        top: show.top,
        redact_names: show.redact_names,
    };
    check(show)?;
    if let Some(folder) = &show.sarif_split {
        let written = report::sarif::split(&view, &SarifOptions::default(), folder)
            .with_context(|| format!("cannot write SARIF files into {}", folder.display()))?;
        say(&format!(
            "{} SARIF files in {}",
            written.len(),
            folder.display()
        ));
        return Ok(());
    }
    let also = show.also.iter().map(|(format, path)| (*format, Some(path)));
    for (format, file) in std::iter::once((show.format, show.output.as_ref())).chain(also) {
        to(file.map(|file| &**file), settings, |out, terminal| {
            write(&view, format, terminal, out)
        })?;
    }
    Ok(())
}

fn write(
    view: &View,
    format: Format,
    terminal: TerminalOptions,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Table => report::terminal::write(view, &terminal, out),
        Format::Json => report::json::write(view, out),
        Format::Sarif => report::sarif::write(view, &SarifOptions::default(), out),
        Format::Csv => report::csv::write(view, out),
        Format::Markdown => report::markdown::write(view, out),
        Format::Html => report::html::write(view, out),
        Format::Cyclonedx => report::cyclonedx::write(view, out),
        Format::SpdxJson => report::spdx::write(view, out),
        Format::Openvex => report::openvex::write(view, out),
        Format::Gitlab => report::gitlab::write(view, out),
        Format::Junit => report::junit::write(view, out),
        Format::Github => report::github::write(view, out),
        Format::TrivyJson => report::trivy::write(view, out),
        Format::GrypeJson => report::grype::write(view, out),
    }
}

/// Writes to a private file, else to standard output.
pub(crate) fn to(
    file: Option<&Path>,
    settings: &Settings,
    write: impl FnOnce(&mut dyn Write, TerminalOptions) -> io::Result<()>,
) -> anyhow::Result<()> {
    let terminal = settings.terminal.options();
    let Some(path) = file else {
        return stdout(|out| write(out, terminal));
    };
    let plain = TerminalOptions {
        colour: false,
        ..terminal
    };
    report::file::write_private(path, |out| write(out, plain))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Buffered standard output, flushed before the exit code is decided.
pub(crate) fn stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> anyhow::Result<()> {
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    write(&mut out)?;
    out.flush()?;
    Ok(())
}
