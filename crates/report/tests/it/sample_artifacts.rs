//! Assessments of an image, a file tree and a list of packages, as `scan image|rootfs|sbom` makes them: one readable, one
//! hostile, one of any size.

use super::{
    HOSTILE, Text, Vulnerability, about, identity, placement, scores, shop, vulnerabilities,
};
use jiff::civil::date;
use model::assessment::{Assessment, Coverage, ScannedImage};
use model::evidence::{Gap, GapWeight, Ledger, Stage};
use model::finding::{Finding, MatchId};
use model::image::{ImageIdentity, JoinGrade};
use model::inventory::{
    Component, FoundAs, HistoryLine, ImageConfig, Inventory, Layer, Place, Release, Remark,
    SourcePackage,
};
use model::matches::{
    Advisory, Artifact, ArtifactKind, Basis, Category, Fix, FixState, Match, MatchSet, MatchSource,
    Package, Suppression,
};
use model::vulnerability::Severity;

const NAME: &str = "ghcr.io/shop/web:1.4.2";

/// A shop's image on Debian: two packages of one source, a jar, a program that links a module, a package that nobody
/// repairs, and three findings that are suppressed for three reasons.
pub(crate) fn image() -> Assessment {
    let inventory = inventory();
    let packages = packages(&inventory);
    let mut ledger = Ledger::default();
    let no_epss = ledger.gap(Gap {
        class: "epss-missing".into(),
        what: "CVE-2026-1111 has no EPSS score yet".into(),
        stage: Stage::Match,
        scope: "CVE-2026-1111".into(),
        weight: GapWeight::Widens,
        close: "plimsoll db update".into(),
    });
    ledger.gaps(inventory.gaps.clone());
    let (scores, mut factors) = scores();
    for factor in &mut factors {
        if &*factor.name == "delivery" {
            factor.reason = "not seen in a cluster: exposure unknown".into();
        }
    }
    let mut about = about();
    about.origin = None;
    about.cluster = None;
    about.cluster_name = None;
    about.kubernetes = None;
    let mut vulnerabilities = vulnerabilities(no_epss);
    vulnerabilities.push(Vulnerability {
        id: "CVE-2021-45046".into(),
        title: Some("Incomplete fix of Log4Shell".into()),
        ..vulnerabilities[2].clone()
    });
    let shop = shop();
    let mut placement = placement(0, 0, 0, JoinGrade::Digest, 1);
    placement.runs_in = None;
    Assessment {
        about,
        ledger,
        workloads: Vec::new(),
        images: vec![ScannedImage {
            name: NAME.into(),
            kind: ArtifactKind::Image,
            identity: identity(NAME, 'a'),
            os: None,
            placements: vec![0],
            tools: vec!["plimsoll".into()],
        }],
        placements: vec![placement],
        packages,
        vulnerabilities,
        situations: shop.situations,
        scores,
        factors,
        findings: findings(),
        suppressed: suppressed(),
        unjoined: Vec::new(),
        paths: Vec::new(),
        cuts: Vec::new(),
        actions: Vec::new(),
        coverage: Coverage::default(),
        sets: vec![set(&inventory)],
        inventories: vec![inventory],
        checks: Vec::new(),
        credentials: Vec::new(),
    }
}

/// A folder without a distribution, in which nothing but a lock file and a jar were found.
pub(crate) fn rootfs() -> Assessment {
    let mut a = image();
    let inventory = &mut a.inventories[0];
    inventory.artifact.kind = ArtifactKind::Filesystem;
    inventory.artifact.name = "build/rootfs".into();
    inventory.artifact.identity = ImageIdentity::default();
    inventory.release = None;
    inventory.layers.clear();
    inventory.config = None;
    for component in &mut inventory.components {
        component.at.iter_mut().for_each(|place| place.layer = None);
    }
    a.images[0].kind = ArtifactKind::Filesystem;
    a.images[0].name = "build/rootfs".into();
    a.images[0].identity = ImageIdentity::default();
    a.ledger.gaps[1].scope = "rootfs build/rootfs".into();
    a
}

/// An image in which nothing is wrong, and no gap is known.
pub(crate) fn clean() -> Assessment {
    let mut a = image();
    a.findings.clear();
    a.suppressed.clear();
    a.ledger = Ledger::default();
    a.inventories[0].gaps.clear();
    a
}

/// The image, in which every name and text of others is hostile.
pub(crate) fn hostile_image() -> Assessment {
    let mut a = image();
    let bad = || Text::from(HOSTILE);
    a.images[0].name = bad();
    a.images[0].identity.references.clear();
    for package in &mut a.packages {
        package.name = bad();
        package.version = bad();
        package.purl = Some(format!("pkg:deb/debian/{HOSTILE}").into());
        package.locations = vec![bad()];
    }
    let inventory = &mut a.inventories[0];
    inventory.artifact.name = bad();
    inventory.artifact.identity = a.images[0].identity.clone();
    if let Some(release) = &mut inventory.release {
        release.id = bad();
        release.version = bad();
        release.title = Some(bad());
        release.codename = Some(bad());
    }
    for layer in &mut inventory.layers {
        layer.created_by = Some(bad());
    }
    for component in &mut inventory.components {
        component.kind = bad();
        component.namespace = Some(bad());
        component.name = bad();
        component.version = bad();
        component.purl = format!("pkg:deb/debian/{HOSTILE}").into();
        component.vendor = Some(bad());
        component.licenses = vec![bad(), "]]>".into()];
        component.module = Some(bad());
        component.source = Some(SourcePackage {
            name: bad(),
            version: bad(),
        });
        // An index that points nowhere, and one to itself.
        component.owner = component.owner.map(|_| u32::MAX);
        for place in &mut component.at {
            place.path = format!("]]>{HOSTILE}").into();
            place.layer = Some(999);
        }
    }
    inventory.components[0].owner = Some(0);
    if let Some(config) = &mut inventory.config {
        config.user = Some(bad());
        config.labels = vec![(bad(), bad())];
        config.entrypoint = vec![bad()];
    }
    for vulnerability in &mut a.vulnerabilities {
        vulnerability.title = Some(bad());
        vulnerability.aliases = vec![bad()];
        vulnerability.cwes = vec![bad()];
        vulnerability.likelihood.reasons = vec![bad()];
        for cvss in &mut vulnerability.cvss {
            cvss.vector = bad();
            cvss.source = bad();
        }
    }
    for finding in a.findings.iter_mut().chain(&mut a.suppressed) {
        finding.title = Some(bad());
        finding.notes = vec![bad()];
        finding.fix.versions = vec![bad()];
        if let Some(suppression) = &mut finding.suppression {
            suppression.reason = bad();
        }
    }
    a.findings[0].id = format!("]]>{HOSTILE}").into();
    a.findings[1].id = "".into();
    for gap in &mut a.ledger.gaps {
        gap.what = bad();
        gap.close = bad();
    }
    for set in &mut a.sets {
        for advisory in &mut set.advisories {
            advisory.id = bad();
            advisory.feed = Some(bad());
            advisory.url = Some("javascript:alert(1)".into());
        }
    }
    a
}

/// An image of `size` packages, each with a finding.
pub(crate) fn large_image(size: u32) -> Assessment {
    let mut a = image();
    let template = a.inventories[0].components[0].clone();
    for i in 0..size {
        let name: Text = format!("library-{i}").into();
        let purl: Text = format!("pkg:deb/debian/library-{i}@1.2.3-{i}").into();
        a.inventories[0].components.push(Component {
            name: name.clone(),
            version: format!("1.2.3-{i}").into(),
            purl: purl.clone(),
            source: None,
            ..template.clone()
        });
        a.packages.push(Package {
            name,
            version: format!("1.2.3-{i}").into(),
            purl: Some(purl),
            upstream: None,
            ..a.packages[0].clone()
        });
        let package = a.packages.len() as u32 - 1;
        a.findings.push(Finding {
            package: Some(package),
            ..a.findings[0].clone()
        });
    }
    a
}

fn inventory() -> Inventory {
    let layer = |digit: &str, by: &str, of_base| Layer {
        diff_id: format!("sha256:{}", digit.repeat(64)).into(),
        digest: Some(format!("sha256:{}", "9".repeat(64)).into()),
        created_by: Some(by.into()),
        of_base: Some(of_base),
        size: 80_000_000,
    };
    Inventory {
        artifact: Artifact {
            kind: ArtifactKind::Image,
            name: NAME.into(),
            identity: identity(NAME, 'a'),
            os: None,
            object: None,
            container: None,
        },
        release: Some(Release {
            id: "debian".into(),
            like: Vec::new(),
            version: "12.5".into(),
            codename: Some("bookworm".into()),
            title: Some("Debian GNU/Linux 12 (bookworm)".into()),
            end_of_life: Some(date(2026, 6, 10)),
        }),
        layers: vec![
            layer("d", "ADD rootfs.tar.xz /", true),
            layer("e", "RUN apt-get install -y openssl", true),
            layer("f", "COPY app.jar /app/", false),
        ],
        components: components(),
        linked: Vec::new(),
        config: Some(ImageConfig {
            created: Some("2026-10-01T00:00:00Z".parse().unwrap()),
            user: None,
            entrypoint: vec!["/usr/bin/java".into()],
            command: vec!["-jar".into(), "/app/app.jar".into()],
            ports: vec!["8443/tcp".into()],
            environment: vec!["JAVA_HOME".into()],
            labels: vec![(
                "org.opencontainers.image.source".into(),
                "https://git.example/shop/web".into(),
            )],
            history: vec![HistoryLine {
                created_by: "CMD [\"-jar\"]".into(),
                empty: true,
            }],
        }),
        remarks: vec![Remark {
            check: "image-root-user".into(),
            place: Place {
                path: "".into(),
                layer: None,
            },
            line: None,
            what: "the image runs as root".into(),
        }],
        gaps: vec![Gap {
            class: "ecosystem-not-covered".into(),
            what: "there is no feed of Maven: 1 package was not judged (log4j-core)".into(),
            stage: Stage::Match,
            scope: format!("image {NAME}").into(),
            weight: GapWeight::Hides,
            close: "plimsoll db update".into(),
        }],
    }
}

fn components() -> Vec<Component> {
    let one =
        |kind: &str, name: &str, version: &str, purl: &str, path: &str, layer: u32| Component {
            kind: kind.into(),
            namespace: None,
            name: name.into(),
            version: version.into(),
            purl: purl.into(),
            source: None,
            architecture: Some("amd64".into()),
            module: None,
            vendor: None,
            licenses: Vec::new(),
            found: FoundAs::Installed,
            at: vec![Place {
                path: path.into(),
                layer: Some(layer),
            }],
            owner: None,
            files: Vec::new(),
            linked: None,
        };
    let deb = |name: &str, version: &str, source: &str, layer| {
        let purl = format!(
            "pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12.5&upstream={source}"
        );
        Component {
            namespace: Some("debian".into()),
            source: Some(SourcePackage {
                name: source.into(),
                version: "".into(),
            }),
            licenses: vec!["Apache-2.0".into(), "OpenSSL and SSLeay".into()],
            vendor: Some("Debian OpenSSL Team".into()),
            ..one("deb", name, version, &purl, "var/lib/dpkg/status", layer)
        }
    };
    vec![
        deb("libssl3", "3.0.11-1~deb12u1", "openssl", 0),
        deb("libxml2", "2.9.14+dfsg-1.3~deb12u1", "libxml2", 0),
        deb("openssl", "3.0.11-1~deb12u1", "openssl", 1),
        deb("python3-yaml", "6.0-3+b2", "pyyaml", 1),
        Component {
            found: FoundAs::Recognized,
            ..one(
                "generic",
                "busybox",
                "1.36.1",
                "pkg:generic/busybox@1.36.1",
                "bin/busybox",
                2,
            )
        },
        Component {
            namespace: Some("golang.org/x".into()),
            found: FoundAs::Embedded,
            ..one(
                "golang",
                "net",
                "v0.17.0",
                "pkg:golang/golang.org/x/net@v0.17.0",
                "usr/bin/proxy",
                2,
            )
        },
        Component {
            namespace: Some("org.apache.logging.log4j".into()),
            licenses: vec!["Apache-2.0".into()],
            found: FoundAs::Embedded,
            ..one(
                "maven",
                "log4j-core",
                "2.14.1",
                "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
                "app/app.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar",
                2,
            )
        },
        Component {
            namespace: Some("@shop-ui".into()),
            found: FoundAs::Declared,
            ..one(
                "npm",
                "cart",
                "1.0.0",
                "pkg:npm/%40shop-ui/cart@1.0.0",
                "app/package-lock.json",
                2,
            )
        },
        Component {
            owner: Some(3),
            licenses: vec!["MIT".into()],
            ..one(
                "pypi",
                "pyyaml",
                "6.0",
                "pkg:pypi/pyyaml@6.0",
                "usr/lib/python3/dist-packages/PyYAML-6.0.dist-info",
                1,
            )
        },
        // The same package twice, in two places.
        Component {
            licenses: vec!["MIT".into()],
            ..one(
                "pypi",
                "pyyaml",
                "6.0",
                "pkg:pypi/pyyaml@6.0",
                "opt/venv/PyYAML-6.0.dist-info",
                2,
            )
        },
    ]
}

/// As the matcher makes them of components.
fn packages(inventory: &Inventory) -> Vec<Package> {
    inventory
        .components
        .iter()
        .map(|component| {
            let place = &component.at[0];
            let layer = place
                .layer
                .and_then(|layer| inventory.layers.get(layer as usize));
            Package {
                name: component.name.clone(),
                version: component.version.clone(),
                kind: component.kind.clone(),
                purl: Some(component.purl.clone()),
                upstream: component.source.as_ref().map(|source| source.name.clone()),
                locations: vec![place.path.clone()],
                layer: layer.map(|layer| layer.diff_id.clone()),
            }
        })
        .collect()
}

fn finding(
    id: &str,
    severity: Severity,
    vulnerability: u32,
    package: u32,
    fix: &[&str],
    score: u32,
    matched: u32,
) -> Finding {
    Finding {
        container: None,
        id: id.into(),
        category: Category::Vulnerability,
        severity,
        vulnerability: Some(vulnerability),
        image: Some(0),
        package: Some(package),
        object: None,
        field: None,
        source: None,
        title: None,
        fix: Fix {
            state: if fix.is_empty() {
                FixState::NotFixed
            } else {
                FixState::Fixed
            },
            versions: fix.iter().map(|fix| (*fix).into()).collect(),
        },
        matches: vec![MatchId {
            set: 0,
            index: matched,
        }],
        suppression: None,
        notes: Vec::new(),
        scores: vec![score],
    }
}

fn findings() -> Vec<Finding> {
    use Severity::{Critical, High, Unknown};
    vec![
        finding("CVE-2026-2222", High, 0, 0, &["3.0.11-1~deb12u2"], 0, 0),
        finding("CVE-2026-2222", High, 0, 2, &["3.0.11-1~deb12u2"], 0, 1),
        finding("CVE-2026-1111", Critical, 1, 1, &[], 1, 2),
        finding(
            "CVE-2021-44228",
            Critical,
            2,
            6,
            &["2.3.1", "2.12.2", "2.15.0"],
            2,
            3,
        ),
        finding(
            "CVE-2021-45046",
            Critical,
            4,
            6,
            &["2.12.2", "2.16.0"],
            2,
            4,
        ),
        finding("CVE-2022-0778", Unknown, 3, 0, &["3.0.11-1~deb12u9"], 3, 5),
        Finding {
            id: "image-root-user".into(),
            category: Category::Misconfiguration,
            severity: Severity::Medium,
            vulnerability: None,
            package: None,
            title: Some("The image runs as root".into()),
            fix: Fix {
                state: FixState::Fixed,
                versions: Vec::new(),
            },
            container: None,
            scores: Vec::new(),
            ..finding("", Unknown, 0, 0, &[], 0, 6)
        },
    ]
}

fn suppressed() -> Vec<Finding> {
    use Severity::High;
    let by = |by: &str, reason: &str, finding: Finding| Finding {
        suppression: Some(Suppression {
            by: by.into(),
            reason: reason.into(),
        }),
        ..finding
    };
    vec![
        by(
            "plimsoll",
            "not reachable: usr/bin/proxy does not link golang.org/x/net/http2.(*Server).ServeConn",
            finding("CVE-2022-0778", High, 3, 5, &["0.23.0"], 3, 7),
        ),
        by(
            ".trivyignore, line 3",
            "team-web accepts it until 2026-12-31",
            finding("CVE-2026-1111", High, 1, 8, &["6.0.1"], 3, 8),
        ),
        by(
            "VEX vex/web.json",
            "the parser is compiled out",
            finding("CVE-2026-1111", High, 1, 4, &[], 3, 9),
        ),
    ]
}

fn set(inventory: &Inventory) -> MatchSet {
    let cited: Vec<Finding> = findings().into_iter().chain(suppressed()).collect();
    MatchSet {
        source: MatchSource {
            tool: "plimsoll".into(),
            tool_version: Some("0.1.0".into()),
            format: "plimsoll".into(),
            file: NAME.into(),
            digest: "cd".repeat(32).into(),
            created: None,
        },
        artifacts: vec![inventory.artifact.clone()],
        packages: packages(inventory),
        advisories: cited
            .iter()
            .map(|finding| Advisory {
                id: finding.id.clone(),
                aliases: Vec::new(),
                covers: Vec::new(),
                title: None,
                severity: finding.severity,
                cvss: Vec::new(),
                vectors: Vec::new(),
                cwes: Vec::new(),
                url: Some(
                    format!("https://security-tracker.debian.org/tracker/{}", finding.id).into(),
                ),
                feed: Some("osv/Debian".into()),
                published: None,
            })
            .collect(),
        matches: cited
            .iter()
            .zip(0u32..)
            .map(|(finding, index)| Match {
                category: finding.category,
                artifact: 0,
                advisory: index,
                package: finding.package,
                target: None,
                field: None,
                severity: finding.severity,
                fix: finding.fix.clone(),
                suppression: finding.suppression.clone(),
                basis: Some(0),
            })
            .collect(),
        bases: vec![Basis {
            feed: "osv/Debian".into(),
            ..Basis::default()
        }],
        gaps: inventory.gaps.clone(),
    }
}
