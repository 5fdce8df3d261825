//! Who owns a workload, how much depends on it, and which tool's source it comes from (rules 14 and 17).
//! Comes in: declarations, labels, annotations, the namespace. Goes out: owner, environment, criticality, source.
//! Never: a label that lowers anything.

use crate::declare::{Declarations, Level, Raising, owners_of};
use crate::view::Labels;
use model::evidence::{Estimate, Ledger};
use model::object::ObjectRef;
use model::text::Text;
use model::workload::{Criticality, CriticalityLevel, Environment, ManagedBy, Owner};

/// Labels and annotations that name an owner, the surest first (`a8r.io`: annotations for humans).
const OWNER_KEYS: [&str; 7] = [
    "plimsoll.dev/owner",
    "a8r.io/owner",
    "app.kubernetes.io/owner",
    "backstage.io/owner",
    "owner",
    "team",
    "squad",
];
const CRITICALITY_KEY: &str = "plimsoll.dev/criticality";

/// What is known of a workload when it is attributed.
pub(crate) struct Subject<'a> {
    pub object: &'a ObjectRef,
    pub namespace: &'a str,
    pub labels: &'a Labels,
    pub annotations: &'a Labels,
    pub pod_labels: &'a Labels,
    /// Labels and annotations of its namespace, where it was seen.
    pub of_namespace: Option<(&'a Labels, &'a Labels)>,
    /// Path of the file that it was read from.
    pub file: Option<&'a str>,
    /// The custom resource that controls it.
    pub operator: Option<&'a ObjectRef>,
}

impl Subject<'_> {
    fn matches(&self, declarations: &Declarations) -> impl Iterator<Item = usize> {
        let matching: Vec<usize> = declarations
            .workloads
            .iter()
            .enumerate()
            .filter(|(_, declaration)| {
                declaration.select.matches(
                    self.namespace,
                    &self.object.kind,
                    &self.object.name,
                    self.labels,
                    self.pod_labels,
                )
            })
            .map(|(index, _)| index)
            .collect();
        matching.into_iter()
    }

    /// What files that came with the manifests say of it.
    fn raising<'d>(&self, declarations: &'d Declarations) -> impl Iterator<Item = &'d Raising> {
        declarations.raising.iter().filter(|entry| {
            entry.select.matches(
                self.namespace,
                &self.object.kind,
                &self.object.name,
                self.labels,
                self.pod_labels,
            )
        })
    }
}

pub(crate) struct Attribution {
    pub owner: Option<Owner>,
    pub environment: Option<Environment>,
    pub criticality: Criticality,
    pub managed_by: Option<ManagedBy>,
}

pub(crate) fn attribute(
    subject: &Subject<'_>,
    declarations: &Declarations,
    ledger: &mut Ledger,
) -> Attribution {
    let mut declared_owner = None;
    let mut environment = None;
    let mut declared_level: Option<(usize, Level)> = None;
    for index in subject.matches(declarations) {
        let Some(declaration) = declarations.workloads.get(index) else {
            continue;
        };
        declared_owner = declared_owner.or_else(|| declaration.owner.clone());
        environment = environment.or(declaration.environment);
        declared_level = declared_level.or(declaration.criticality.map(|level| (index, level)));
    }
    let raising: Vec<&Raising> = subject.raising(declarations).collect();
    if raising.iter().any(|entry| entry.production) {
        environment = Some(Environment::Production);
    }
    let owner = declared_owner
        .map(|name| Owner {
            name,
            rule: "plimsoll.yaml".into(),
        })
        .or_else(|| owner(subject, declarations));
    Attribution {
        owner,
        environment,
        criticality: criticality(subject, declared_level, &raising, ledger),
        managed_by: managed_by(subject),
    }
}

fn owner(subject: &Subject<'_>, declarations: &Declarations) -> Option<Owner> {
    let found = |name: &Text, rule: String| Owner {
        name: Text::clone(name),
        rule: rule.into(),
    };
    let own = OWNER_KEYS.iter().find_map(|key| {
        let label = subject.labels.get(*key).or(subject.pod_labels.get(*key));
        let label = label.map(|name| found(name, format!("label {key}")));
        label.or_else(|| {
            let name = subject.annotations.get(*key)?;
            Some(found(name, format!("annotation {key}")))
        })
    });
    let by_file = || {
        let line = owners_of(&declarations.code_owners, subject.file?)?;
        Some(Owner {
            name: line.owners.join(" ").into(),
            rule: "CODEOWNERS".into(),
        })
    };
    let by_namespace = || {
        let (labels, annotations) = subject.of_namespace?;
        OWNER_KEYS.iter().find_map(|key| {
            let name = labels.get(*key).or(annotations.get(*key))?;
            Some(found(name, format!("namespace {}", subject.namespace)))
        })
    };
    let by_part = || {
        let key = "app.kubernetes.io/part-of";
        let name = subject.labels.get(key)?;
        Some(found(name, format!("label {key}")))
    };
    own.or_else(by_file)
        .or_else(by_namespace)
        .or_else(by_part)
        .filter(|owner| is_said(&owner.name))
}

/// Rule 17: a label on the workload or its namespace can only raise what the platform's file says.
fn criticality(
    subject: &Subject<'_>,
    declared: Option<(usize, Level)>,
    raising: &[&Raising],
    ledger: &mut Ledger,
) -> Criticality {
    let labelled = [subject.labels, subject.annotations]
        .into_iter()
        .chain(subject.of_namespace.map(|(labels, _)| labels))
        .chain(subject.of_namespace.map(|(_, annotations)| annotations))
        .filter_map(|labels| Some((Level::parse(labels.get(CRITICALITY_KEY)?)?, CRITICALITY_KEY)));
    // Neither labels nor a file beside the manifests are the platform's: they may only raise (rule 17).
    let said = raising
        .iter()
        .filter_map(|entry| Some((entry.criticality?, &*entry.file)));
    let raised = labelled.chain(said).max_by_key(|(level, _)| *level);
    let mut because = Vec::new();
    let declared = declared.map(|(index, level)| {
        because.push(ledger.about(
            subject.object,
            format!(
                "plimsoll.yaml declares criticality {} (entry {index})",
                word(level)
            ),
        ));
        level
    });
    let raised = raised.filter(|(raised, _)| declared.is_none_or(|level| *raised > level));
    if let Some((level, by)) = raised.filter(|(level, _)| *level > Level::Low) {
        because.push(ledger.about(
            subject.object,
            format!("{by} raises criticality to {}", word(level)),
        ));
    }
    let raised = raised.map(|(level, _)| level);
    match (declared, raised) {
        (_, Some(level)) if declared.is_some() || level == Level::Crown => Criticality {
            level: level.level(),
            value: Estimate::exact(level.value()),
            because,
        },
        // Only a label speaks: it lifts the lower bound, the upper one stays where nobody knew better.
        (None, Some(level)) if level > Level::Low => Criticality {
            level: level.level(),
            value: Estimate::between(level.value(), level.value(), Criticality::UNKNOWN.high),
            because,
        },
        (Some(level), _) => Criticality {
            level: level.level(),
            value: Estimate::exact(level.value()),
            because,
        },
        (None, _) => Criticality {
            level: CriticalityLevel::Undeclared,
            value: Criticality::UNKNOWN,
            because,
        },
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Low => "low",
        Level::Normal => "normal",
        Level::High => "high",
        Level::Crown => "crown",
    }
}

/// Neither empty nor dropped by the collector (rule 20).
fn is_said(text: &str) -> bool {
    !text.trim().is_empty() && !text.starts_with("redacted:")
}

fn managed_by(subject: &Subject<'_>) -> Option<ManagedBy> {
    if let Some(managed) = applied_by(subject.labels, subject.annotations) {
        return Some(managed);
    }
    let operator = subject.operator.map(|operator| operator.to_string().into());
    let olm = || subject.labels.get("olm.owner").filter(|text| is_said(text));
    Some(ManagedBy {
        tool: "operator".into(),
        name: operator.or_else(|| olm().cloned())?,
    })
}

/// Who applies an object of any kind, by what its labels and annotations say (rule 14). Argo CD and Flux apply what Helm
/// rendered, so they come first.
pub fn applied_by(labels: &Labels, annotations: &Labels) -> Option<ManagedBy> {
    let label = |key: &str| labels.get(key).filter(|text| is_said(text));
    let annotation = |key: &str| annotations.get(key).filter(|text| is_said(text));
    let by = |tool: &str, name: &str| {
        Some(ManagedBy {
            tool: tool.into(),
            name: name.into(),
        })
    };
    if let Some(id) = annotation("argocd.argoproj.io/tracking-id") {
        return by("argo-cd", id.split(':').next().unwrap_or(id));
    }
    if let Some(name) = label("argocd.argoproj.io/instance") {
        return by("argo-cd", name);
    }
    for kind in ["kustomize", "helm"] {
        if let Some(name) = label(&format!("{kind}.toolkit.fluxcd.io/name")) {
            let namespace = label(&format!("{kind}.toolkit.fluxcd.io/namespace"));
            let full = namespace.map_or_else(|| name.to_string(), |ns| format!("{ns}/{name}"));
            return by("flux", &full);
        }
    }
    if let Some(name) = annotation("meta.helm.sh/release-name") {
        let namespace = annotation("meta.helm.sh/release-namespace");
        let full = namespace.map_or_else(|| name.to_string(), |ns| format!("{ns}/{name}"));
        return by("helm", &full);
    }
    let by_helm = label("app.kubernetes.io/managed-by").or_else(|| label("heritage"));
    if by_helm.is_some_and(|tool| matches!(&**tool, "Helm" | "Tiller")) {
        let release = label("app.kubernetes.io/instance").or_else(|| label("release"));
        return by(
            "helm",
            release
                .or_else(|| label("helm.sh/chart"))
                .map_or("", |name| name),
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use CriticalityLevel::{Crown, High, Low, Normal, Undeclared};

    fn labels(text: &str) -> Labels {
        text.split_whitespace()
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(key, value)| (key.into(), value.into()))
            .collect()
    }

    struct Case<'a> {
        labels: &'a str,
        annotations: &'a str,
        namespace: &'a str,
        file: &'a str,
    }

    fn attributed(case: &Case<'_>, declarations: &str) -> Attribution {
        let mut declarations: Declarations = serde_saphyr::from_str(declarations).unwrap();
        declarations.code_owners = crate::declare::code_owners("/deploy/ @code");
        attributed_by(case, &declarations)
    }

    fn attributed_by(case: &Case<'_>, declarations: &Declarations) -> Attribution {
        let object = ObjectRef::new("apps", "Deployment", Some("shop"), "web");
        let (own, annotations, of_namespace) = (
            labels(case.labels),
            labels(case.annotations),
            labels(case.namespace),
        );
        let none = Labels::new();
        let subject = Subject {
            object: &object,
            namespace: "shop",
            labels: &own,
            annotations: &annotations,
            pod_labels: &none,
            of_namespace: Some((&of_namespace, &none)),
            file: Some(case.file),
            operator: None,
        };
        attribute(&subject, declarations, &mut Ledger::default())
    }

    const PLAIN: Case<'static> = Case {
        labels: "",
        annotations: "",
        namespace: "",
        file: "x.yaml",
    };

    #[test]
    fn owners_by_rule() {
        let check = |case: Case<'_>, file: &str, expected: &str| {
            let got = attributed(&case, file)
                .owner
                .map_or(String::new(), |o| format!("{} by {}", o.name, o.rule));
            assert_eq!(got, expected);
        };
        check(PLAIN, "{}", "");
        check(
            Case {
                labels: "team=a app.kubernetes.io/part-of=p",
                ..PLAIN
            },
            "{}",
            "a by label team",
        );
        check(
            Case {
                labels: "app.kubernetes.io/part-of=p app.kubernetes.io/managed-by=x",
                ..PLAIN
            },
            "{}",
            "p by label app.kubernetes.io/part-of",
        );
        check(
            Case {
                annotations: "owner=b",
                namespace: "team=n",
                ..PLAIN
            },
            "{}",
            "b by annotation owner",
        );
        check(
            Case {
                namespace: "team=n",
                ..PLAIN
            },
            "{}",
            "n by namespace shop",
        );
        check(
            Case {
                namespace: "team=n",
                file: "deploy/w.yaml",
                ..PLAIN
            },
            "{}",
            "@code by CODEOWNERS",
        );
        check(
            Case {
                labels: "team=a",
                ..PLAIN
            },
            "workloads: [{ match: { names: [db] }, owner: x }, { owner: y }]",
            "y by plimsoll.yaml",
        );
    }

    #[test]
    fn files_beside_the_manifests_only_raise() {
        for (platform, beside, expected, environment) in [
            ("{}", "{}", Undeclared, None),
            (
                "{}",
                "workloads: [{ criticality: low, environment: staging }]",
                Undeclared,
                None,
            ),
            (
                "workloads: [{ criticality: high, environment: production }]",
                "workloads: [{ criticality: low, environment: staging }]",
                High,
                Some(Environment::Production),
            ),
            (
                "workloads: [{ criticality: low, environment: staging }]",
                "workloads: [{ criticality: crown, environment: production }]",
                Crown,
                Some(Environment::Production),
            ),
            ("{}", "workloads: [{ criticality: high }]", High, None),
            (
                "{}",
                "workloads: [{ match: { names: [other] }, criticality: high }]",
                Undeclared,
                None,
            ),
        ] {
            let mut declarations: Declarations = serde_saphyr::from_str(platform).unwrap();
            declarations.raise("k8s/plimsoll.yaml", serde_saphyr::from_str(beside).unwrap());
            let got = attributed_by(&PLAIN, &declarations);
            assert_eq!(got.criticality.level, expected, "{platform} {beside}");
            assert_eq!(got.environment, environment, "{platform} {beside}");
            assert_eq!(got.owner.map(|owner| owner.rule), None);
        }
    }

    #[test]
    fn labels_only_raise_criticality() {
        let check = |label: &str, file: &str, expected: (CriticalityLevel, f64, f64, f64)| {
            let own = format!("{CRITICALITY_KEY}={label}");
            let labels = if label.is_empty() { "" } else { &own };
            let got = attributed(&Case { labels, ..PLAIN }, file).criticality;
            assert_eq!(
                (got.level, got.value.low, got.value.expected, got.value.high),
                expected,
                "{label} over {file}"
            );
        };
        let low = "workloads: [{ criticality: low }]";
        let high = "workloads: [{ criticality: high }, { criticality: low }]";
        check("", "{}", (Undeclared, 0.25, 0.5, 1.0));
        check("low", "{}", (Undeclared, 0.25, 0.5, 1.0));
        check("nonsense", "{}", (Undeclared, 0.25, 0.5, 1.0));
        check("normal", "{}", (Normal, 0.5, 0.5, 1.0));
        check("high", "{}", (High, 0.8, 0.8, 1.0));
        check("crown", "{}", (Crown, 1.0, 1.0, 1.0));
        check("", low, (Low, 0.25, 0.25, 0.25));
        check("high", low, (High, 0.8, 0.8, 0.8));
        check("low", high, (High, 0.8, 0.8, 0.8));
        check("crown", high, (Crown, 1.0, 1.0, 1.0));
    }

    #[test]
    fn sources() {
        let check = |own: &str, annotations: &str, expected: &str| {
            let case = Case {
                labels: own,
                annotations,
                ..PLAIN
            };
            let got = attributed(&case, "{}")
                .managed_by
                .map_or(String::new(), |m| format!("{} {}", m.tool, m.name));
            assert_eq!(got, expected, "{own} {annotations}");
        };
        check("", "", "");
        check(
            "",
            "argocd.argoproj.io/tracking-id=shop:apps/Deployment:shop/web meta.helm.sh/release-name=r",
            "argo-cd shop",
        );
        check(
            "kustomize.toolkit.fluxcd.io/name=apps kustomize.toolkit.fluxcd.io/namespace=flux-system",
            "",
            "flux flux-system/apps",
        );
        check(
            "helm.toolkit.fluxcd.io/name=web",
            "meta.helm.sh/release-name=web",
            "flux web",
        );
        check(
            "app.kubernetes.io/managed-by=Helm app.kubernetes.io/instance=r1",
            "",
            "helm r1",
        );
        check(
            "",
            "meta.helm.sh/release-name=r meta.helm.sh/release-namespace=ns",
            "helm ns/r",
        );
        check("app.kubernetes.io/managed-by=hand", "", "");
        check("olm.owner=op.v1", "", "operator op.v1");
    }
}
