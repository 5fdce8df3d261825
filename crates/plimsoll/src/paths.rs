//! `plimsoll paths`: who gets where in a cluster or its files, and what ends it.

use crate::args::{PathOrder, Paths, PathsFormat};
use crate::output;
use crate::settings::Settings;
use crate::target::{Target, declarations};
use model::assessment::{Outcome, Verdict};
use model::graph::Added;
use model::snapshot::Object;
use report::View;
use scan::attack::{Cluster, Found, From, Order, Query, added};
use scan::delta::{self, Standing};
use scan::inputs::Declarations;
use std::path::Path;

/// 0; with `--fail-on new-path` 1 where a route is new, 3 where one may be.
pub(crate) fn run(options: &Paths, settings: &Settings) -> anyhow::Result<u8> {
    let declarations = declarations(options.config.as_deref())?;
    if let [old, new] = &*options.diff {
        let old = Target::named(old)?.cluster(&declarations);
        let new = Target::named(new)?;
        return difference(&old, &new, options, &declarations, settings);
    }
    let target = match (&*options.targets, &options.from) {
        ([], from) => Target::saved(from.as_deref(), settings)?,
        ([one], _) => Target::named(one)?,
        (several, _) => Target::manifests(several)?,
    };
    let cluster = target.cluster(&declarations);
    if options.edges {
        let (edges, redact) = (cluster.edges(), options.redact_names);
        let file = options.output.as_deref();
        output::to(file, settings, |out, _| match options.format {
            PathsFormat::Json => report::paths::edges_json(&edges, redact, out),
            _ => report::paths::edges_text(&edges, redact, out),
        })?;
        return Ok(0);
    }
    if let Some(file) = &options.candidate {
        return candidate(&target, &cluster, file, options, &declarations, settings);
    }
    let query = query(options);
    let found = cluster.ask(&query, target.about(settings))?;
    show(&found, None, options, settings)?;
    Ok(0)
}

/// What objects of a file add to a cluster.
fn candidate(
    target: &Target,
    cluster: &Cluster,
    file: &Path,
    options: &Paths,
    declarations: &Declarations,
    settings: &Settings,
) -> anyhow::Result<u8> {
    let candidates = Target::manifests(&[file.to_owned()])?.snapshot;
    let origin = target.snapshot.origin;
    let objects: Vec<Object> = candidates
        .objects
        .iter()
        .map(|object| delta::candidate(object, origin))
        .collect();
    let mut standing = Standing::of(&target.snapshot, cluster, declarations);
    let delta = standing.consider_all(&objects);
    let mut found = cluster.bare(target.about(settings), standing.ledger().clone());
    found.assessment.paths = delta.routes.paths;
    let code = code(options, delta.routes.routes.len(), &found);
    show(&found, Some(&delta.beside), options, settings)?;
    Ok(code)
}

/// A path whose least chance is above zero is sure.
fn code(options: &Paths, routes: usize, found: &Found) -> u8 {
    let mut paths = found.assessment.paths.iter();
    match (options.fail_on, routes) {
        (None, _) | (_, 0) => 0,
        _ if paths.any(|path| path.probability.low > 0.0) => 1,
        _ => 3,
    }
}

fn query(options: &Paths) -> Query {
    let from = match &options.subject {
        Some(subject) => From::Subject(subject.as_str().into()),
        None if options.networks => From::Networks,
        None => From::All,
    };
    Query {
        from,
        to: options.to.as_deref().map(Into::into),
        top: options.top,
        order: match options.order {
            PathOrder::Likely => Order::Likely,
            PathOrder::Short => Order::Short,
        },
    }
}

/// Routes that the change adds.
fn difference(
    old: &Cluster,
    new: &Target,
    options: &Paths,
    declarations: &Declarations,
    settings: &Settings,
) -> anyhow::Result<u8> {
    let query = Query {
        top: 0,
        ..query(options)
    };
    let before = old.ask(&query, new.about(settings))?;
    let cluster = new.cluster(declarations);
    let mut after = cluster.ask(&query, new.about(settings))?;
    after.assessment.paths = added(&before, &after);
    after.assessment.cuts.clear();
    let code = code(options, after.assessment.paths.len(), &after);
    let beside = delta::beside(old, &cluster);
    show(&after, Some(&beside), options, settings)?;
    Ok(code)
}

fn show(
    found: &Found,
    added: Option<&Added>,
    options: &Paths,
    settings: &Settings,
) -> anyhow::Result<()> {
    // Names of subjects and rights are no names of workloads: they are not told in their place.
    let added = added.filter(|_| !options.redact_names);
    let verdict = Verdict {
        outcome: Outcome::Passed,
        reasons: Vec::new(),
        notices: Vec::new(),
        exit_code: 0,
    };
    let view = View {
        assessment: &found.assessment,
        verdict: &verdict,
        top: 0,
        redact_names: options.redact_names,
    };
    let routes: Vec<_> = found
        .routes
        .iter()
        .map(|r| (r.sink.clone(), r.routes))
        .collect();
    let file = options.output.as_deref();
    output::to(file, settings, |out, terminal| match options.format {
        PathsFormat::Text => report::paths::text(&view, &routes, added, &terminal, out),
        PathsFormat::Json => report::paths::json(&view, &routes, added, out),
        PathsFormat::Dot => report::paths::dot(&view, out),
        PathsFormat::Svg => report::paths::svg(&view, out),
    })
}
