//! `plimsoll db`: builds, updates and queries the intelligence database.

use crate::args::{Db, Plain};
use crate::output::{self, NotCompleted};
use crate::settings::Settings;
use anyhow::Context;
use model::evidence::{Fact, Gap};
use model::vulnerability::Exploitation;
use report::terminal::escape;
use scan::database::{
    self, FeedSource, Matched, Outcome, PackageMatches, Shown, Status, Times, UpdateOptions,
};
use scan::inputs;
use std::io::{self, Read, Write};
use std::path::Path;

pub(crate) fn run(command: &Db, settings: &Settings) -> anyhow::Result<u8> {
    match command {
        Db::Build { from, output } => {
            let folder = output.as_deref().unwrap_or(&settings.database);
            let (status, gaps) = database::build(from, folder)
                .with_context(|| format!("cannot build a database from {}", from.display()))?;
            say_gaps(&gaps);
            output::stdout(|out| print_status(&status, out))?;
            Ok(0)
        }
        Db::Update {
            mirrors,
            feeds,
            output,
        } => update(mirrors, feeds, output.as_deref(), settings),
        Db::Status { db, verify, format } => {
            let folder = db.as_deref().unwrap_or(&settings.database);
            let status = database::status(folder, *verify)
                .with_context(|| format!("no sound database in {}", folder.display()))?;
            output::stdout(|out| match format {
                Plain::Json => json(&status, out),
                Plain::Table => print_status(&status, out),
            })?;
            Ok(0)
        }
        Db::Compare { ecosystem } => compare(ecosystem),
        Db::Match {
            purl,
            distro,
            purls,
            db,
            format,
        } => {
            let asked = match (purl, purls) {
                (Some(purl), _) => vec![(purl.clone(), distro.clone())],
                (None, Some(file)) => asked(file, distro.as_deref())?,
                (None, None) => Vec::new(),
            };
            let folder = db.as_deref().unwrap_or(&settings.database);
            match_packages(&asked, purls.is_none(), folder, *format)
        }
        Db::Show { id, db, format } => {
            show(id, db.as_deref().unwrap_or(&settings.database), *format)
        }
    }
}

fn compare(ecosystem: &str) -> anyhow::Result<u8> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let disagreements = database::compare(ecosystem, io::stdin().lock(), &mut out)?;
    writeln!(out, "{disagreements}")?;
    out.flush()?;
    Ok(u8::from(disagreements > 0))
}

fn update(
    mirrors: &[String],
    feeds: &[String],
    output: Option<&Path>,
    settings: &Settings,
) -> anyhow::Result<u8> {
    let options = UpdateOptions {
        feeds: settings.feeds.clone(),
        database: output.unwrap_or(&settings.database).to_owned(),
        sources: sources(mirrors, feeds)?,
        times: Times::default(),
    };
    let bar = settings
        .terminal
        .progress
        .then(indicatif::ProgressBar::new_spinner);
    let updated = database::update(&options, &mut |progress| {
        if let Some(bar) = &bar {
            bar.set_message(format!(
                "{}: {:.1} MB",
                progress.feed,
                progress.received as f64 / 1e6
            ));
            bar.tick();
        }
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let updated =
        updated.map_err(|error| NotCompleted(format!("{:#}", anyhow::Error::new(error))))?;
    let mut failed = 0;
    for feed in &updated.feeds {
        failed += usize::from(matches!(feed.outcome, Outcome::Failed { .. }));
        output::say(&outcome(feed));
    }
    say_gaps(&updated.gaps);
    output::stdout(|out| print_status(&updated.status, out))?;
    Ok(if failed == 0 { 0 } else { 3 })
}

/// The official sources, or the feeds that were named, with the user's mirrors.
fn sources(mirrors: &[String], feeds: &[String]) -> anyhow::Result<Vec<FeedSource>> {
    let mut sources = if feeds.is_empty() {
        database::official()
    } else {
        feeds
            .iter()
            .map(|feed| database::source(feed))
            .collect::<Result<_, _>>()?
    };
    for mirror in mirrors {
        let (feed, url) = mirror
            .split_once('=')
            .with_context(|| format!("--mirror expects NAME=URL, found `{mirror}`"))?;
        if !sources.iter().any(|source| source.feed == feed) {
            sources.push(database::source(feed)?);
        }
        for source in sources.iter_mut().filter(|source| source.feed == feed) {
            url.clone_into(&mut source.url);
        }
    }
    Ok(sources)
}

fn say_gaps(gaps: &[Gap]) {
    for gap in gaps {
        output::say(&format!("gap: {}", gap.what));
    }
}

fn json(value: &impl serde::Serialize, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

fn print_status(status: &Status, out: &mut dyn Write) -> io::Result<()> {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    writeln!(
        out,
        "database {}",
        escape(&status.folder.display().to_string())
    )?;
    writeln!(
        out,
        "  digest {}{}",
        status.digest,
        if status.verified { " (verified)" } else { "" }
    )?;
    writeln!(
        out,
        "  advisories {:.1} MB, scores {:.1} MB",
        megabytes(status.advisories_bytes),
        megabytes(status.scores_bytes)
    )?;
    writeln!(
        out,
        "\n  {:<18} {:<11} {:>9}  {:<13} digest",
        "feed", "data of", "records", "version"
    )?;
    for feed in &status.feeds {
        let date = feed
            .date
            .map_or_else(|| "unknown".to_owned(), |date| date.to_string());
        let digest: String = feed.digest.chars().take(12).collect();
        writeln!(
            out,
            "  {:<18} {date:<11} {:>9}  {:<13} {digest}",
            escape(&feed.name),
            feed.records,
            feed.version.as_deref().unwrap_or("-")
        )?;
    }
    Ok(())
}

fn show(id: &str, folder: &Path, format: Plain) -> anyhow::Result<u8> {
    let intel = inputs::intelligence(folder)?.with_context(|| {
        format!(
            "no database in {}; build one with plimsoll db build --from DIR",
            folder.display()
        )
    })?;
    let shown =
        database::show(&intel, id)?.with_context(|| format!("the database does not know {id}"))?;
    output::stdout(|out| match format {
        Plain::Json => json(&shown, out),
        Plain::Table => print_shown(&shown, out),
    })?;
    Ok(0)
}

/// Largest list of packages, in bytes.
const MAX_LIST: u64 = 256 << 20;

/// The lines of a list: `PURL`, or `PURL<TAB>DISTRO`; empty ones and comments are left out.
fn asked(file: &Path, distro: Option<&str>) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let reading = || format!("cannot read {}", file.display());
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(std::fs::File::open(file).with_context(reading)?)
    };
    let mut text = String::new();
    source
        .take(MAX_LIST)
        .read_to_string(&mut text)
        .with_context(reading)?;
    let lines = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines
        .map(|line| match line.split_once('\t') {
            Some((purl, own)) if !own.trim().is_empty() => {
                (purl.to_owned(), Some(own.trim().to_owned()))
            }
            Some((purl, _)) => (purl.to_owned(), distro.map(str::to_owned)),
            None => (line.to_owned(), distro.map(str::to_owned)),
        })
        .collect())
}

/// One purl that cannot be read is wrong usage; lines of a list that cannot be are said, and the rest is judged.
fn match_packages(
    asked: &[(String, Option<String>)],
    alone: bool,
    folder: &Path,
    format: Plain,
) -> anyhow::Result<u8> {
    let intel = inputs::intelligence(folder)?.with_context(|| {
        format!(
            "no database in {}; build one with plimsoll db build --from DIR",
            folder.display()
        )
    })?;
    let results: Vec<PackageMatches> = asked
        .iter()
        .map(|(purl, distro)| database::match_purl(&intel, purl, distro.as_deref()))
        .collect();
    let mut unread = 0;
    for error in results.iter().filter_map(|result| result.error.as_deref()) {
        if alone {
            anyhow::bail!("{error}");
        }
        unread += 1;
        if unread == 1 {
            output::say(&format!(
                "a line of the list was not judged: {}",
                escape(error)
            ));
        }
    }
    if unread > 1 {
        output::say(&format!("{unread} lines of the list were not judged"));
    }
    let matched = Matched { results };
    output::stdout(|out| match format {
        Plain::Json => json(&matched, out),
        Plain::Table => print_matched(&matched, out),
    })?;
    Ok(if unread == 0 { 0 } else { 3 })
}

fn print_matched(matched: &Matched, out: &mut dyn Write) -> io::Result<()> {
    for result in &matched.results {
        writeln!(out, "{}", escape(&result.purl))?;
        for (one, mark) in result
            .matches
            .iter()
            .map(|one| (one, ""))
            .chain(result.suppressed.iter().map(|one| (one, " suppressed")))
        {
            let fixed = one
                .fixed_version
                .as_deref()
                .map_or_else(String::new, |fixed| format!(" {}", escape(fixed)));
            writeln!(
                out,
                "  {}  {}  {}{fixed}{mark}",
                escape(&one.id),
                one.severity,
                one.status
            )?;
            if !one.aliases.is_empty() {
                writeln!(out, "    also {}", escape(&one.aliases.join(", ")))?;
            }
            writeln!(out, "    {}", escape(&one.reason))?;
        }
        for said in result.why_not.iter().chain(&result.error) {
            writeln!(out, "  {}", escape(said))?;
        }
        for gap in &result.gaps {
            writeln!(out, "  gap: {}", escape(&gap.what))?;
        }
    }
    Ok(())
}

fn print_shown(shown: &Shown, out: &mut dyn Write) -> io::Result<()> {
    let one = &shown.vulnerability;
    writeln!(
        out,
        "{}  {}",
        one.id,
        escape(one.title.as_deref().unwrap_or(""))
    )?;
    if !one.aliases.is_empty() {
        writeln!(out, "  also {}", one.aliases.join(", "))?;
    }
    writeln!(out, "  severity    {}", one.severity)?;
    match &one.epss {
        Fact::Is(epss) => writeln!(
            out,
            "  EPSS        {} (higher than {:.1} % of all CVEs; {}, {})",
            epss.score,
            epss.percentile * 100.0,
            epss.model,
            epss.date
        )?,
        Fact::Absent => writeln!(out, "  EPSS        not scored")?,
        Fact::Unknown(_) => writeln!(out, "  EPSS        unknown: the feed is missing")?,
    }
    match &one.kev {
        Fact::Is(kev) => writeln!(
            out,
            "  KEV         since {}{}",
            kev.added,
            if kev.ransomware {
                ", used by ransomware"
            } else {
                ""
            }
        )?,
        Fact::Absent => writeln!(out, "  KEV         not listed")?,
        Fact::Unknown(_) => writeln!(out, "  KEV         unknown: the feed is missing")?,
    }
    match &one.ssvc {
        Fact::Is(ssvc) => {
            let exploitation = match ssvc.exploitation {
                Exploitation::None => "none",
                Exploitation::PublicPoc => "public proof of concept",
                Exploitation::Active => "active",
            };
            let impact = if ssvc.total_impact {
                "total"
            } else {
                "partial"
            };
            let automatable = if ssvc.automatable { "yes" } else { "no" };
            writeln!(
                out,
                "  SSVC        exploitation {exploitation}, automatable {automatable}, technical impact {impact}"
            )?;
        }
        Fact::Absent => writeln!(out, "  SSVC        not assessed")?,
        Fact::Unknown(_) => writeln!(out, "  SSVC        unknown: the feed is missing")?,
    }
    for cvss in &one.cvss {
        writeln!(
            out,
            "  CVSS {:<5} {:>4.1}  {}  ({})",
            cvss.version,
            cvss.base,
            escape(&cvss.vector),
            escape(&cvss.source)
        )?;
    }
    let likelihood = one.likelihood.estimate;
    writeln!(
        out,
        "  likelihood  {:.4} within 90 days ({:.4} to {:.4}): {}",
        likelihood.expected,
        likelihood.low,
        likelihood.high,
        one.likelihood.reasons.join("; ")
    )?;
    writeln!(out, "\n  who says it")?;
    for said in &shown.statements {
        let published = said
            .published
            .map_or_else(String::new, |date| format!(", published {date}"));
        let withdrawn = said
            .withdrawn
            .map_or_else(String::new, |date| format!(", withdrawn {date}"));
        writeln!(
            out,
            "    {} in {}{published}{withdrawn}",
            escape(&said.id),
            escape(&said.feed)
        )?;
    }
    Ok(())
}

fn outcome(feed: &database::FeedOutcome) -> String {
    match &feed.outcome {
        Outcome::Updated { bytes } => {
            format!("{}: updated, {:.1} MB", feed.feed, *bytes as f64 / 1e6)
        }
        Outcome::Unchanged => format!("{}: unchanged", feed.feed),
        Outcome::Failed { error, kept } => {
            let kept = if *kept {
                "the old data is kept"
            } else {
                "there is no older data"
            };
            format!("{}: failed, {kept}: {error}", feed.feed)
        }
    }
}
