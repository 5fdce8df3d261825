//! From the Assessment to the transfer types: look-ups, redaction, words.
//! Nothing is collected that grows with the findings.

use super::FORMAT_VERSION;
use super::document as to;
use super::installed;
use crate::each::{Each, each};
use crate::names::Names;
use crate::view::{Place, Scored, View, at, object};
use crate::wording as word;
use model::action::Action;
use model::assessment::{Outcome, ScannedImage};
use model::evidence::{Estimate, Fact};
use model::finding::{Finding, Score};
use model::graph::{Change, Cut, Edge, Path};
use model::object::{ObjectRef, SourceSpan};
use model::snapshot::Origin;
use model::vulnerability::{Exploitation, Vulnerability};
use model::workload::Workload;
use std::borrow::Cow;

#[derive(Clone, Copy)]
pub(crate) struct Select<'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) names: &'a Names,
}

pub(super) fn document<'a>(view: &'a View<'a>, names: &'a Names) -> to::Document<'a> {
    let s = Select { view, names };
    let all = view.assessment;
    to::Document {
        format_version: FORMAT_VERSION,
        verdict: match view.verdict.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::NotCompleted => "not-completed",
        },
        exit_code: view.verdict.exit_code,
        reasons: s.texts(&view.verdict.reasons),
        notices: s.texts(&view.verdict.notices),
        coverage: s.coverage(),
        about: s.about(),
        actions: Each(Box::new(move || {
            Box::new(
                all.actions
                    .iter()
                    .enumerate()
                    .map(move |(i, a)| s.action(i, a)),
            )
        })),
        findings: s.findings(&all.findings),
        suppressed: s.findings(&all.suppressed),
        unjoined: s.findings(&all.unjoined),
        packages: installed::packages(view, names),
        artifacts: installed::artifacts(view, names),
        paths: each(&all.paths, move |path| s.path(path)),
        cuts: each(&all.cuts, move |cut| s.cut(cut)),
        images: each(&all.images, move |image| s.image(image)),
        workloads: each(&all.workloads, move |workload| s.workload(workload)),
        vulnerabilities: each(&all.vulnerabilities, move |v| s.vulnerability(v)),
        scores: each(&all.scores, move |score| s.score(score)),
    }
}

impl<'a> Select<'a> {
    fn text(self, text: &'a str) -> Cow<'a, str> {
        self.names.show(text)
    }

    fn texts<T: AsRef<str>>(self, texts: &'a [T]) -> Vec<Cow<'a, str>> {
        texts.iter().map(|text| self.text(text.as_ref())).collect()
    }

    fn findings(self, from: &'a [Finding]) -> Each<'a, to::Finding<'a>> {
        each(from, move |finding| self.finding(finding))
    }

    fn finding(self, finding: &'a Finding) -> to::Finding<'a> {
        let view = self.view;
        let best = view.best(finding);
        let vulnerability = view.vulnerability(finding);
        let scored = view.score(finding);
        let workload_source = best.and_then(|place| place.workload?.source.as_ref());
        to::Finding {
            id: self.text(&finding.id),
            category: word::category(finding.category),
            severity: word::severity(finding.severity),
            aliases: vulnerability.map_or(&[], |v| &v.aliases),
            title: view.title(finding).map(|title| self.text(title)),
            object: object(finding, best.as_ref()).map(|o| self.object(o)),
            field: finding.field.as_deref().map(|field| self.text(field)),
            container: best.and_then(|p| Some(self.text(&p.container?.name))),
            source: finding
                .source
                .as_ref()
                .or(workload_source)
                .map(|s| self.span(s)),
            image: view.image(finding).map(|image| self.text(&image.name)),
            package: view.package(finding).map(|package| to::Package {
                name: &package.name,
                version: &package.version,
                purl: package.purl.as_deref(),
                kind: &package.kind,
                locations: self.texts(&package.locations),
                layer: package.layer.as_deref().filter(|_| !self.names.redacts()),
            }),
            fixed_version: match &*finding.fix.versions {
                [] => None,
                versions => Some(versions.join(", ")),
            },
            status: word::status(finding.fix.state),
            reasons: self.reasons(finding, scored, vulnerability),
            score: scored.map(points),
            kev: vulnerability.and_then(|v| match v.kev {
                Fact::Is(_) => Some(true),
                Fact::Absent => Some(false),
                Fact::Unknown(_) => None,
            }),
            epss: vulnerability.and_then(|v| Some(v.epss.value()?.score)),
            due: scored.and_then(|s| s.score.deadline.due),
            vulnerability: finding.vulnerability,
            tracking_key: view.tracking_key(finding, self.names),
            placements: view.places(finding).map(|p| self.placement(p)).collect(),
            matches: self.statements(finding),
            suppression: finding.suppression.as_ref().map(|s| to::Suppression {
                by: self.text(&s.by),
                reason: self.text(&s.reason),
            }),
            notes: self.texts(&finding.notes),
        }
    }

    /// The factors of the score, else what makes the likelihood, else who says it, else what we saw ourselves.
    fn reasons(
        self,
        finding: &'a Finding,
        scored: Option<Scored<'a>>,
        vulnerability: Option<&'a Vulnerability>,
    ) -> Vec<Cow<'a, str>> {
        let factors = scored.map(|scored| self.view.assessment.factors(scored.score));
        let reasons: Vec<_> = factors
            .into_iter()
            .flatten()
            .map(|factor| self.text(&factor.reason))
            .collect();
        if !reasons.is_empty() {
            return reasons;
        }
        if let Some(v) = vulnerability.filter(|v| !v.likelihood.reasons.is_empty()) {
            return self.texts(&v.likelihood.reasons);
        }
        let says = |cited: crate::view::Cited<'a>| {
            let id = cited.advisory.map_or(&*finding.id, |a| &*a.id);
            let tool = &cited.source.tool;
            match &cited.said.target {
                Some(target) => format!("{tool} says {id} of {}", self.text(target)),
                None => format!("{tool} says {id}"),
            }
        };
        if finding.matches.is_empty() {
            return self.texts(&finding.notes);
        }
        self.view
            .cited(finding)
            .map(|c| Cow::Owned(says(c)))
            .collect()
    }

    fn placement(self, place: Place<'a>) -> to::Placement<'a> {
        to::Placement {
            object: place.workload.map(|workload| self.object(&workload.object)),
            container: place.container.map(|c| self.text(&c.name)),
            score: place.score.map(points),
            grade: word::grade(place.placement.grade),
            exposure: place.situation.map(|s| word::exposure(s.exposure.class)),
        }
    }

    fn statements(self, finding: &'a Finding) -> Vec<to::Statement<'a>> {
        self.view
            .cited(finding)
            .map(|cited| to::Statement {
                document: cited.set,
                tool: &cited.source.tool,
                id: cited.advisory.map_or(&*finding.id, |a| &*a.id),
                severity: word::severity(cited.said.severity),
                feed: cited.advisory.and_then(|a| a.feed.as_deref()),
                url: cited.advisory.and_then(|a| a.url.as_deref()),
            })
            .collect()
    }

    pub(crate) fn object(self, object: &'a ObjectRef) -> to::Object<'a> {
        to::Object {
            kind: &object.kind,
            namespace: object.namespace.as_deref().map(|n| self.text(n)),
            name: self.text(&object.name),
        }
    }

    fn span(self, span: &'a SourceSpan) -> to::Span<'a> {
        to::Span {
            file: self.text(&span.file),
            line: span.line,
            column: span.column,
            rendered_from: span.rendered_from.as_deref().map(|t| self.text(t)),
            alternatives: span.alternatives.iter().map(|a| self.text(a)).collect(),
        }
    }

    fn objects(self, workloads: impl Iterator<Item = u32>) -> Vec<to::Object<'a>> {
        let all = &self.view.assessment.workloads;
        workloads
            .filter_map(|index| at(all, Some(index)))
            .map(|workload| self.object(&workload.object))
            .collect()
    }

    fn action(self, index: usize, action: &'a Action) -> to::Action<'a> {
        let image = at(&self.view.assessment.images, action.image);
        to::Action {
            // The digest in the id could be tried with guessed names.
            id: if self.names.redacts() {
                Cow::Owned(format!("action-{}", index + 1))
            } else {
                Cow::Borrowed(&*action.id)
            },
            kind: word::action_kind(action.kind),
            title: self.text(&action.title),
            points: range(&action.points),
            removes: range(&action.removes),
            class: word::fix_class(action.class),
            class_reason: self.text(&action.class_reason),
            certainty: word::certainty(action.certainty),
            why: self.texts(&action.why),
            exact: self.texts(&action.exact),
            undo: self.text(&action.undo),
            image: image.map(|image| self.text(&image.name)),
            object: action.object.as_ref().map(|o| self.object(o)),
            source: action.source.as_ref().map(|s| self.span(s)),
            closes: &action.closes,
            workloads: self.objects(action.workloads.iter().copied()),
            due: self.view.due(&action.closes),
        }
    }

    pub(crate) fn path(self, path: &'a Path) -> to::Path<'a> {
        to::Path {
            entry: self.text(&path.entry),
            sink: self.text(&path.sink),
            probability: range(&path.probability),
            edges: path.edges.iter().map(|edge| self.edge(edge)).collect(),
        }
    }

    fn edge(self, edge: &'a Edge) -> to::Edge<'a> {
        let evidence = edge
            .evidence
            .iter()
            .filter_map(|id| self.view.evidence(*id));
        let missing = edge.missing.iter().filter_map(|id| self.view.gap(*id));
        to::Edge {
            from: self.text(&edge.from),
            to: self.text(&edge.to),
            kind: &edge.kind,
            technique: &edge.technique,
            probability: range(&edge.probability),
            evidence: evidence
                .map(|evidence| to::Evidence {
                    statement: self.text(&evidence.statement),
                    object: evidence.object.as_ref().map(|o| self.object(o)),
                    pointer: evidence.pointer.as_deref(),
                    source: evidence.source.as_ref().map(|s| self.span(s)),
                })
                .collect(),
            missing: missing.map(|gap| self.text(&gap.what)).collect(),
            changeable: edge.changeable.iter().map(|c| self.change(c)).collect(),
        }
    }

    fn change(self, change: &'a Change) -> to::Change<'a> {
        to::Change {
            object: self.object(&change.object),
            what: self.text(&change.what),
            structural: change.structural,
        }
    }

    pub(crate) fn cut(self, cut: &'a Cut) -> to::Cut<'a> {
        to::Cut {
            sink: self.text(&cut.sink),
            changes: cut.changes.iter().map(|c| self.change(c)).collect(),
            routes: cut.routes,
            of: cut.of,
            least: cut.least,
        }
    }

    fn image(self, image: &'a ScannedImage) -> to::Image<'a> {
        let identity = &image.identity;
        let mut digests: Vec<&str> = identity
            .config
            .iter()
            .chain(&identity.manifests)
            .chain(&identity.indexes)
            .chain(&identity.digests)
            .map(|digest| &**digest)
            .collect();
        if self.names.redacts() {
            digests.clear();
        }
        let references = identity.references.iter();
        let placements = image.placements.iter();
        let run_by = placements.filter_map(|i| at(&self.view.assessment.placements, Some(*i)));
        to::Image {
            name: self.text(&image.name),
            kind: word::artifact_kind(image.kind),
            digests,
            references: references
                .map(|r| self.names.show_owned(&r.to_string()))
                .collect(),
            platform: identity.platform.as_deref(),
            os: image
                .os
                .as_ref()
                .map(|os| format!("{} {}", os.id, os.version)),
            tools: &image.tools,
            workloads: self.objects(run_by.filter_map(|p| Some(p.runs_in?.workload))),
        }
    }

    fn workload(self, workload: &'a Workload) -> to::Workload<'a> {
        let cluster = self.view.assessment.about.cluster.as_ref();
        let key = if self.names.redacts() {
            self.names.show_owned(&workload.key.key(None))
        } else {
            Cow::Owned(workload.key.key(cluster))
        };
        to::Workload {
            kind: &workload.object.kind,
            namespace: workload.object.namespace.as_deref().map(|n| self.text(n)),
            name: self.text(&workload.object.name),
            key,
            state: word::workload_state(workload.state),
            pods: workload.pods,
            owner: workload.owner.as_ref().map(|owner| to::Owner {
                name: self.text(&owner.name),
                rule: self.text(&owner.rule),
            }),
            environment: workload.environment.map(word::environment),
            criticality: word::criticality(workload.criticality.level),
            managed_by: workload.managed_by.as_ref().map(|by| to::ManagedBy {
                tool: &by.tool,
                name: self.text(&by.name),
            }),
            source: workload.source.as_ref().map(|s| self.span(s)),
            containers: workload
                .containers
                .iter()
                .map(|container| to::Container {
                    name: self.text(&container.name),
                    kind: word::container_kind(container.kind),
                    image: self.text(&container.image),
                    running: if self.names.redacts() {
                        &[]
                    } else {
                        &container.running
                    },
                })
                .collect(),
        }
    }

    fn vulnerability(self, v: &'a Vulnerability) -> to::Vulnerability<'a> {
        let mut unknown = Vec::new();
        for (name, is_unknown) in [
            ("epss", matches!(v.epss, Fact::Unknown(_))),
            ("kev", matches!(v.kev, Fact::Unknown(_))),
            ("ssvc", matches!(v.ssvc, Fact::Unknown(_))),
        ] {
            if is_unknown {
                unknown.push(name);
            }
        }
        to::Vulnerability {
            id: &v.id,
            aliases: &v.aliases,
            title: v.title.as_deref().map(|title| self.text(title)),
            severity: word::severity(v.severity),
            published: v.published,
            epss: v.epss.value().map(|epss| to::Epss {
                score: epss.score,
                percentile: epss.percentile,
                model: &epss.model,
                date: epss.date,
            }),
            kev: v.kev.value().map(|kev| to::Kev {
                added: kev.added,
                ransomware: kev.ransomware,
                name: &kev.name,
            }),
            ssvc: v.ssvc.value().map(|ssvc| to::Ssvc {
                exploitation: match ssvc.exploitation {
                    Exploitation::None => "none",
                    Exploitation::PublicPoc => "public-poc",
                    Exploitation::Active => "active",
                },
                automatable: ssvc.automatable,
                technical_impact: if ssvc.total_impact {
                    "total"
                } else {
                    "partial"
                },
            }),
            unknown,
            cvss: v
                .cvss
                .iter()
                .map(|cvss| to::Cvss {
                    source: &cvss.source,
                    version: &cvss.version,
                    vector: &cvss.vector,
                    base: cvss.base,
                })
                .collect(),
            cwes: &v.cwes,
            likelihood: range(&v.likelihood.estimate),
            reasons: self.texts(&v.likelihood.reasons),
        }
    }

    fn score(self, score: &'a Score) -> to::Score<'a> {
        to::Score {
            points: range(&score.points),
            risk: range(&score.risk),
            delivery: range(&score.delivery),
            confidence: score.confidence,
            deadline: to::Deadline {
                timeline: &score.deadline.timeline,
                due: score.deadline.due,
                in_kev: score.deadline.in_kev,
                exposed: score.deadline.exposed,
                automatable: score.deadline.automatable,
                total_impact: score.deadline.total_impact,
            },
            ssvc: &score.ssvc,
            cvss_bte: score.cvss_bte.as_deref(),
            factors: self
                .view
                .assessment
                .factors(score)
                .map(|factor| to::Factor {
                    name: &factor.name,
                    points: factor.points,
                    value: range(&factor.value),
                    reason: self.text(&factor.reason),
                })
                .collect(),
        }
    }

    fn coverage(self) -> to::Coverage<'a> {
        let c = &self.view.assessment.coverage;
        to::Coverage {
            listed: c
                .listed
                .iter()
                .map(|listed| to::Listed {
                    group: &listed.group,
                    kind: &listed.kind,
                    count: listed.count,
                    complete: listed.complete,
                })
                .collect(),
            namespaces: c.namespaces,
            namespaces_without_policy: c.namespaces_without_policy,
            workloads: c.workloads,
            dormant: c.dormant,
            history: c.history,
            pods: c.pods,
            images: c.images,
            images_scanned: c.images_scanned,
            images_with_high: c.images_with_high,
            matches: c.matches,
            other_kinds: c
                .other_kinds
                .iter()
                .map(|(k, n)| (Cow::Borrowed(&**k), *n))
                .collect(),
            gaps: self.gaps(),
        }
    }

    pub(crate) fn gaps(self) -> Vec<to::Gap<'a>> {
        let gaps = self.view.assessment.ledger.gaps_accepted();
        gaps.map(|(gap, accepted)| to::Gap {
            class: &gap.class,
            what: self.text(&gap.what),
            stage: word::stage(gap.stage),
            scope: self.text(&gap.scope),
            weight: word::weight(gap.weight),
            close: self.text(&gap.close),
            accepted: accepted.map(|acceptance| to::Accepted {
                owner: self.text(&acceptance.owner),
                reason: self.text(&acceptance.reason),
                expires: acceptance.expires,
            }),
        })
        .collect()
    }

    pub(crate) fn about(self) -> to::About<'a> {
        let about = &self.view.assessment.about;
        let cluster = about.cluster.as_ref().filter(|_| !self.names.redacts());
        to::About {
            tool_version: &about.tool_version,
            now: about.now,
            origin: about.origin.map(|origin| match origin {
                Origin::Live => "live",
                Origin::Files => "files",
            }),
            names_redacted: self.names.redacts(),
            cluster: cluster.map(|id| Cow::Borrowed(&*id.0)),
            cluster_name: about.cluster_name.as_deref().map(|n| self.text(n)),
            kubernetes: about.kubernetes.map(|version| to::Kubernetes {
                version: format!("1.{}", version.minor),
                known: version.known,
            }),
            database: about.database.as_ref().map(|database| to::Database {
                digest: &database.digest,
                feeds: database
                    .feeds
                    .iter()
                    .map(|feed| to::Feed {
                        name: &feed.name,
                        date: feed.date,
                        age_days: word::age_days(feed.date, about.now),
                        records: feed.records,
                        digest: &feed.digest,
                        version: feed.version.as_deref(),
                    })
                    .collect(),
            }),
            documents: self
                .view
                .assessment
                .sets
                .iter()
                .map(|set| to::Source {
                    tool: &set.source.tool,
                    tool_version: set.source.tool_version.as_deref(),
                    format: &set.source.format,
                    file: self.text(&set.source.file),
                    digest: &set.source.digest,
                    created: set.source.created,
                })
                .collect(),
        }
    }
}

fn points(scored: Scored) -> to::Points {
    let points = &scored.score.points;
    to::Points {
        points: points.expected,
        low: points.low,
        high: points.high,
        explanation: scored.index,
    }
}

fn range(estimate: &Estimate) -> to::Range {
    to::Range {
        low: estimate.low,
        expected: estimate.expected,
        high: estimate.high,
    }
}
