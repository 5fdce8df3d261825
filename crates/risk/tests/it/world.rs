//! A small cluster to rank: builders of an Assessment as the stages before `risk` would write it.

use jiff::Timestamp;
use jiff::civil::date;
use model::assessment::{About, Assessment, Coverage, ScannedImage};
use model::evidence::{Claim, Estimate, Evidence, Fact, Gap, GapWeight, Ledger, Stage};
use model::finding::{Finding, MatchId, Score};
use model::image::{ImageIdentity, ImageReference, JoinGrade};
use model::keys::WorkloadKey;
use model::matches::{ArtifactKind, Category, Fix, FixState, Package};
use model::object::ObjectRef;
use model::situation::{Blast, BlastStep, Delivery, Exposure, ExposureClass, Reach, Situation};
use model::text::Text;
use model::vulnerability::{
    AttackProfile, AttackVector, Epss, Kev, Likelihood, PrivilegesRequired, Severity, Vulnerability,
};
use model::workload::{
    Container, ContainerIndex, ContainerKind, Criticality, CriticalityLevel, Placement, Workload,
    WorkloadState,
};
use risk::{Settings, rank};

#[derive(Clone)]
pub(crate) struct World(pub(crate) Assessment);

/// How a container stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stand {
    pub class: ExposureClass,
    pub lateral: f64,
    pub privileged: bool,
    pub admin: bool,
    pub batch: bool,
    pub level: CriticalityLevel,
}

pub(crate) const PLAIN: Stand = Stand {
    class: ExposureClass::Cluster,
    lateral: 0.0,
    privileged: false,
    admin: false,
    batch: false,
    level: CriticalityLevel::Undeclared,
};
pub(crate) const EXPOSED: Stand = Stand {
    class: ExposureClass::Internet,
    ..PLAIN
};
pub(crate) const EXPOSED_PRIVILEGED: Stand = Stand {
    privileged: true,
    ..EXPOSED
};
pub(crate) const BATCH: Stand = Stand {
    class: ExposureClass::None,
    batch: true,
    ..PLAIN
};

/// Prioritisation facts 6.3.
pub(crate) fn direct(class: ExposureClass) -> Estimate {
    match class {
        ExposureClass::Internet => Estimate::exact(1.0),
        ExposureClass::External => Estimate::exact(0.5),
        ExposureClass::Cluster => Estimate::exact(0.15),
        ExposureClass::Namespace => Estimate::exact(0.07),
        ExposureClass::None => Estimate::exact(0.02),
        ExposureClass::Unknown => Estimate::between(0.02, 0.15, 1.0),
    }
}

/// An attack over the network that needs nothing.
pub(crate) fn easy() -> AttackProfile {
    AttackProfile {
        vector: Some(AttackVector::Network),
        privileges: Some(PrivilegesRequired::None),
        user_interaction: Some(false),
        high_complexity: Some(false),
        confidentiality_high: Some(true),
        integrity_high: Some(true),
        availability_high: Some(true),
    }
}

pub(crate) fn local() -> AttackProfile {
    AttackProfile {
        vector: Some(AttackVector::Local),
        ..easy()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let now: Timestamp = "2026-08-20T12:00:00Z".parse().unwrap();
        World(Assessment {
            about: About {
                tool_version: "0".into(),
                now,
                origin: None,
                cluster: None,
                cluster_name: None,
                kubernetes: None,
                database: None,
            },
            ledger: Ledger::default(),
            workloads: Vec::new(),
            images: Vec::new(),
            placements: Vec::new(),
            packages: Vec::new(),
            vulnerabilities: Vec::new(),
            situations: Vec::new(),
            scores: Vec::new(),
            factors: Vec::new(),
            findings: Vec::new(),
            suppressed: Vec::new(),
            unjoined: Vec::new(),
            paths: Vec::new(),
            cuts: Vec::new(),
            actions: Vec::new(),
            coverage: Coverage::default(),
            sets: Vec::new(),
            inventories: Vec::new(),
            checks: Vec::new(),
            credentials: Vec::new(),
        })
    }

    /// A workload `shop/NAME` of one container that runs the image; the image is made at its first use.
    pub(crate) fn run(&mut self, name: &str, image: &str, stand: Stand) -> u32 {
        let object = ObjectRef::new("apps", "Deployment", Some("shop"), name);
        let situation = self.situation(&object, stand);
        let a = &mut self.0;
        let workload = u32::try_from(a.workloads.len()).unwrap();
        let value = match stand.level {
            CriticalityLevel::Undeclared => Estimate::between(0.25, 0.5, 1.0),
            CriticalityLevel::Low => Estimate::exact(0.25),
            CriticalityLevel::Normal => Estimate::exact(0.5),
            CriticalityLevel::High => Estimate::exact(0.8),
            CriticalityLevel::Crown => Estimate::exact(1.0),
        };
        a.workloads.push(Workload {
            key: WorkloadKey {
                namespace: "shop".into(),
                kind: "Deployment".into(),
                name: name.into(),
                group: "apps".into(),
            },
            object,
            state: WorkloadState::Active,
            pods: 1,
            containers: vec![Container {
                name: "main".into(),
                kind: ContainerKind::App,
                image: image.into(),
                reference: ImageReference::parse(image),
                running: Vec::new(),
                pointer: "/spec/template/spec/containers/0".into(),
            }],
            owner: None,
            environment: None,
            criticality: Criticality {
                level: stand.level,
                value,
                because: Vec::new(),
            },
            managed_by: None,
            source: None,
        });
        let image = self.image(image);
        let a = &mut self.0;
        let placement = u32::try_from(a.placements.len()).unwrap();
        a.placements.push(Placement {
            image,
            runs_in: Some(ContainerIndex {
                workload,
                container: 0,
            }),
            grade: JoinGrade::Digest,
            situation,
        });
        a.images[image as usize].placements.push(placement);
        workload
    }

    /// The image, looked at without a cluster.
    pub(crate) fn nowhere(&mut self, image: &str) {
        let image = self.image(image);
        let a = &mut self.0;
        let missing = a.ledger.gap(gap());
        let placement = u32::try_from(a.placements.len()).unwrap();
        a.placements.push(Placement {
            image,
            runs_in: None,
            grade: JoinGrade::Digest,
            situation: u32::try_from(a.situations.len()).unwrap(),
        });
        a.situations.push(Situation::unseen(missing));
        a.images[image as usize].placements.push(placement);
    }

    pub(crate) fn image(&mut self, name: &str) -> u32 {
        let a = &mut self.0;
        let known = a.images.iter().position(|image| &*image.name == name);
        let index = known.unwrap_or_else(|| {
            a.images.push(ScannedImage {
                name: name.into(),
                kind: ArtifactKind::Image,
                identity: ImageIdentity {
                    references: ImageReference::parse(name).into_iter().collect(),
                    ..ImageIdentity::default()
                },
                os: None,
                placements: Vec::new(),
                tools: vec!["trivy".into()],
            });
            a.images.len() - 1
        });
        u32::try_from(index).unwrap()
    }

    fn situation(&mut self, object: &ObjectRef, stand: Stand) -> u32 {
        let a = &mut self.0;
        let service = ObjectRef::new("", "Service", Some("shop"), &object.name);
        let chain = vec![a.ledger.field(
            &service,
            "/spec/type",
            format!("{service} is of type LoadBalancer"),
        )];
        let port = a.ledger.evidence(Evidence {
            statement: "a port is declared".into(),
            object: Some(object.clone()),
            pointer: None,
            source: None,
        });
        let gap = a.ledger.gap(gap());
        let claim = |truth: Option<bool>| match truth {
            Some(true) => Claim::yes(port),
            Some(false) => Claim::no(port),
            None => Claim::unknown(gap),
        };
        let public = match stand.class {
            ExposureClass::Internet | ExposureClass::External => Some(true),
            ExposureClass::Unknown => None,
            _ => Some(false),
        };
        let listens = claim(Some(!stand.batch));
        let public = claim(public);
        let mut steps = Vec::new();
        let mut step = |reach, pointer: &str, reason: &str| {
            let because = if reach == Reach::Cluster {
                let binding = ObjectRef::new(
                    "rbac.authorization.k8s.io",
                    "ClusterRoleBinding",
                    None,
                    &object.name,
                );
                a.ledger.about(&binding, "grants cluster-admin")
            } else {
                a.ledger.field(object, pointer, reason)
            };
            steps.push(BlastStep {
                reach,
                probability: Estimate::exact(0.9),
                reason: reason.into(),
                because: vec![because],
                missing: Vec::new(),
            });
        };
        if stand.admin {
            step(Reach::Cluster, "", "service account is cluster-admin");
        }
        if stand.privileged {
            step(
                Reach::Node,
                "/spec/template/spec/containers/0/securityContext/privileged",
                "privileged container",
            );
        }
        let blast = if stand.admin {
            0.9
        } else if stand.privileged {
            0.54
        } else {
            0.1
        };
        let exposed = stand.class >= ExposureClass::External;
        a.situations.push(Situation {
            exposure: Exposure {
                class: stand.class,
                at_least: if stand.class == ExposureClass::Unknown {
                    ExposureClass::None
                } else {
                    stand.class
                },
                at_most: if stand.class == ExposureClass::Unknown {
                    ExposureClass::Internet
                } else {
                    stand.class
                },
                public,
                chain: if exposed { chain.clone() } else { Vec::new() },
            },
            deliveries: if exposed {
                vec![Delivery {
                    port: 8080,
                    protocol: "TCP".into(),
                    class: stand.class,
                    chain,
                }]
            } else {
                Vec::new()
            },
            listens,
            direct: direct(stand.class),
            lateral: Estimate::exact(stand.lateral),
            tenants: None,
            blast: Blast {
                value: Estimate::exact(blast),
                steps,
            },
            path: None,
        });
        u32::try_from(a.situations.len() - 1).unwrap()
    }

    /// A vulnerability with L as given; above 0.9 with `kev`.
    pub(crate) fn vulnerability(
        &mut self,
        id: &str,
        likelihood: f64,
        kev: bool,
        profile: AttackProfile,
    ) -> u32 {
        let a = &mut self.0;
        a.vulnerabilities.push(Vulnerability {
            id: id.into(),
            aliases: Vec::new(),
            title: None,
            published: None,
            epss: Fact::Is(Epss {
                score: likelihood,
                percentile: 0.5,
                model: "v2026.06.15".into(),
                date: date(2026, 8, 16),
            }),
            kev: if kev {
                Fact::Is(Kev {
                    added: date(2026, 1, 1),
                    ransomware: false,
                    name: "x".into(),
                })
            } else {
                Fact::Absent
            },
            ssvc: Fact::Absent,
            cvss: Vec::new(),
            profile,
            cwes: Vec::new(),
            severity: Severity::High,
            likelihood: Likelihood {
                estimate: Estimate::exact(if kev { likelihood.max(0.9) } else { likelihood }),
                reasons: vec![Text::from(format!("EPSS {likelihood}"))],
            },
        });
        u32::try_from(a.vulnerabilities.len() - 1).unwrap()
    }

    /// A finding of the vulnerability in a package of the image, with a fix in 1.0.2 of 1.0.1.
    pub(crate) fn find(
        &mut self,
        image: &str,
        vulnerability: u32,
        package: &str,
        kind: &str,
    ) -> u32 {
        let image = self.image(image);
        let a = &mut self.0;
        let package = Package {
            name: package.into(),
            version: "1.0.1".into(),
            kind: kind.into(),
            purl: None,
            upstream: None,
            locations: Vec::new(),
            layer: None,
        };
        let known = a.packages.iter().position(|p| *p == package);
        let package = known.unwrap_or_else(|| {
            a.packages.push(package);
            a.packages.len() - 1
        });
        let index = u32::try_from(a.findings.len()).unwrap();
        a.findings.push(Finding {
            id: a.vulnerabilities[vulnerability as usize].id.clone(),
            category: Category::Vulnerability,
            severity: Severity::High,
            vulnerability: Some(vulnerability),
            image: Some(image),
            package: Some(u32::try_from(package).unwrap()),
            object: None,
            field: None,
            source: None,
            title: None,
            fix: Fix {
                state: FixState::Fixed,
                versions: vec!["1.0.2".into()],
            },
            matches: vec![MatchId { set: 0, index }],
            suppression: None,
            notes: Vec::new(),
            container: None,
            scores: Vec::new(),
        });
        index
    }

    pub(crate) fn ranked(mut self) -> Assessment {
        rank(&mut self.0, &Settings::default());
        self.0
    }
}

fn gap() -> Gap {
    Gap {
        class: "x".into(),
        what: "nothing was seen".into(),
        stage: Stage::Relate,
        scope: "x".into(),
        weight: GapWeight::Widens,
        close: "".into(),
    }
}

/// The score of the finding with the id in its first placement.
pub(crate) fn score<'a>(assessment: &'a Assessment, id: &str) -> &'a Score {
    let finding = assessment.findings.iter().find(|f| &*f.id == id).unwrap();
    &assessment.scores[finding.scores[0] as usize]
}

pub(crate) fn points(assessment: &Assessment, id: &str) -> f64 {
    score(assessment, id).points.expected
}

/// One finding in one container: its score.
pub(crate) fn alone(likelihood: f64, kev: bool, profile: AttackProfile, stand: Stand) -> Score {
    let mut world = World::new();
    world.run("web", "ghcr.io/shop/web:1", stand);
    let v = world.vulnerability("CVE-2026-0001", likelihood, kev, profile);
    world.find("ghcr.io/shop/web:1", v, "lib", "npm");
    score(&world.ranked(), "CVE-2026-0001").clone()
}
