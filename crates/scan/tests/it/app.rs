//! One image with known vulnerabilities, assessed with what files say of them.

use crate::sample::digest;
use model::assessment::Assessment;
use model::image::{ImageIdentity, ImageReference};
use model::matches::{
    Advisory, Artifact, ArtifactKind, Category, Fix, FixState, Match, MatchSet, MatchSource,
    OsRelease, Package,
};
use model::vulnerability::Severity;
use scan::inputs::Declarations;
use scan::{Input, RiskSettings, Rulings, Settings, assess_ruled};

pub(crate) const CVE: &str = "CVE-2024-1001";

/// `ghcr.io/shop/app:1.2` on Debian 12.5, amd64, with one vulnerability in five packages.
pub(crate) fn app() -> MatchSet {
    let package = |name: &str,
                   version: &str,
                   kind: &str,
                   purl: Option<&str>,
                   upstream: Option<&str>,
                   at: &str| Package {
        name: name.into(),
        version: version.into(),
        kind: kind.into(),
        purl: purl.map(Into::into),
        upstream: upstream.map(Into::into),
        locations: vec![at.into()],
        layer: None,
    };
    let packages = vec![
        package(
            "libssl3",
            "3.0.11-1",
            "deb",
            Some("pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12.5"),
            Some("openssl"),
            "var/lib/dpkg/status",
        ),
        package(
            "zlib1g",
            "1:1.2.13",
            "deb",
            None,
            Some("zlib"),
            "var/lib/dpkg/status",
        ),
        package(
            "github.com/moby/sys/user",
            "v0.1.0",
            "golang",
            Some("pkg:golang/github.com/moby/sys/user@v0.1.0"),
            None,
            "usr/local/bin/gosu",
        ),
        package(
            "@babel/core",
            "7.0.0",
            "npm",
            Some("pkg:npm/%40babel/core@7.0.0"),
            None,
            "app/node_modules/@babel/core/package.json",
        ),
        package(
            "github.com/tianon/gosu",
            "v1.19.0",
            "golang",
            Some("pkg:golang/github.com/tianon/gosu@v1.19.0"),
            None,
            "usr/local/bin/gosu",
        ),
    ];
    let one = |n: u32| Match {
        category: Category::Vulnerability,
        artifact: 0,
        // The program itself has another one.
        advisory: u32::from(n == 4),
        package: Some(n),
        target: None,
        field: None,
        severity: Severity::High,
        fix: Fix {
            state: if n == 0 {
                FixState::Fixed
            } else {
                FixState::WillNotFix
            },
            versions: Vec::new(),
        },
        suppression: None,
        basis: None,
    };
    let advisory = |id: &str, alias: &str| Advisory {
        id: id.into(),
        aliases: vec![alias.into()],
        covers: Vec::new(),
        title: None,
        severity: Severity::High,
        cvss: Vec::new(),
        vectors: Vec::new(),
        cwes: Vec::new(),
        url: None,
        feed: Some("debian:distro:debian:12".into()),
        published: Some("2026-11-10".parse().unwrap()),
    };
    MatchSet {
        source: MatchSource {
            tool: "grype".into(),
            tool_version: None,
            format: "test".into(),
            file: "app.json".into(),
            digest: "".into(),
            created: None,
        },
        artifacts: vec![Artifact {
            kind: ArtifactKind::Image,
            name: "ghcr.io/shop/app:1.2".into(),
            identity: ImageIdentity {
                manifests: vec![digest('a').into()],
                references: vec![ImageReference::parse("ghcr.io/shop/app:1.2").unwrap()],
                platform: Some("linux/amd64".into()),
                ..ImageIdentity::default()
            },
            os: Some(OsRelease {
                id: "debian".into(),
                version: "12.5".into(),
                end_of_life: None,
            }),
            object: None,
            container: None,
        }],
        packages,
        advisories: vec![
            advisory(CVE, "GHSA-aaaa-bbbb-cccc"),
            advisory("CVE-2024-1002", "GHSA-aaaa-bbbb-dddd"),
        ],
        matches: (0..5).map(one).collect(),
        bases: Vec::new(),
        gaps: Vec::new(),
    }
}

pub(crate) fn ruled(sets: Vec<MatchSet>, rulings: &Rulings) -> Assessment {
    let settings = Settings {
        now: "2026-11-23T12:00:00Z".parse().unwrap(),
        tool_version: "0".into(),
        risk: RiskSettings::default(),
    };
    let input = Input {
        inventories: Vec::new(),
        snapshot: None,
        sources: &[],
        tree: None,
        sets,
        intel: None,
        declarations: &Declarations::default(),
        gaps: Vec::new(),
        spoken_of: std::collections::BTreeSet::new(),
    };
    assess_ruled(input, rulings, &settings)
}

/// The last words of the packages whose findings are suppressed, in their order.
pub(crate) fn suppressed(assessment: &Assessment) -> String {
    let mut names: Vec<&str> = assessment
        .suppressed
        .iter()
        .filter_map(|finding| assessment.packages.get(finding.package? as usize))
        .map(|package| package.name.rsplit('/').next().unwrap())
        .collect();
    names.sort_unstable();
    names.join(" ")
}

/// Notes and gaps, as one text.
pub(crate) fn said(assessment: &Assessment) -> String {
    let findings = assessment.findings.iter().chain(&assessment.suppressed);
    let notes = findings.flat_map(|f| &f.notes).map(|note| &**note);
    let gaps = assessment.ledger.gaps.iter().map(|gap| &*gap.what);
    let reasons = assessment
        .suppressed
        .iter()
        .filter_map(|f| f.suppression.as_ref());
    let reasons = reasons.map(|s| format!("{}: {}", s.by, s.reason));
    let texts: Vec<String> = notes
        .chain(gaps)
        .map(str::to_owned)
        .chain(reasons)
        .collect();
    texts.join("\n")
}
