//! Records as the official exports and feeds write them, one of each kind, down to the answer for a package: what is
//! found, what is not, and what is said of its fix.

use crate::matching::{check, inventory, told};
use crate::small::open;
use intel::matching::matches;

/// A record's whole text, its package, and what is told of it.
struct Kind {
    record: &'static str,
    cases: &'static [(&'static str, &'static str, &'static [&'static str])],
}

const OSV: &[Kind] = &[
    // Ubuntu: source package, list of versions, rating of the record.
    Kind {
        record: r#"{"id":"UBUNTU-CVE-2024-0001","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0001"],"related":["USN-1-1"],
          "severity":[{"type":"Ubuntu","score":"medium"}],
          "affected":[{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"curl","purl":"pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.16?arch=source&distro=jammy"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"7.81.0-1ubuntu1.16"}]}],"versions":["7.81.0-1","7.81.0-1ubuntu1.15"],
            "ecosystem_specific":{"binaries":[{"binary_name":"libcurl4","binary_version":"7.81.0-1ubuntu1.16"}],"availability":"No subscription required"}},
           {"package":{"ecosystem":"Ubuntu:20.04:LTS","name":"curl","purl":"pkg:deb/ubuntu/curl?arch=source&distro=focal"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"versions":["7.68.0-1ubuntu2"]},
           {"package":{"ecosystem":"Ubuntu:Pro:20.04:LTS","name":"curl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"7.68.0-1ubuntu2.99+esm1"}]}]}]}"#,
        cases: &[
            (
                "pkg:deb/ubuntu/libcurl4@7.81.0-1ubuntu1.15?upstream=curl",
                "ubuntu:22.04",
                &["CVE-2024-0001 7.81.0-1ubuntu1.16 fixed"],
            ),
            (
                "pkg:deb/ubuntu/libcurl4@7.81.0-1ubuntu1.16?upstream=curl",
                "ubuntu:22.04",
                &[],
            ),
            // The plain channel has no fix; what only Pro has is not one.
            (
                "pkg:deb/ubuntu/curl@7.68.0-1ubuntu2.20",
                "ubuntu:20.04",
                &["CVE-2024-0001 - affected"],
            ),
        ],
    },
    Kind {
        record: r#"{"id":"USN-0002-1","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0002","CVE-2024-0003","UBUNTU-CVE-2024-0002"],
          "affected":[{"package":{"ecosystem":"Ubuntu:24.04:LTS","name":"vim"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2:9.1-2"}]}]}]}"#,
        cases: &[(
            "pkg:deb/ubuntu/vim@9.1-1?epoch=2",
            "ubuntu:24.04",
            &["CVE-2024-0002 2:9.1-2 fixed", "CVE-2024-0003 2:9.1-2 fixed"],
        )],
    },
    // Red Hat: product of a CPE, module in the title.
    Kind {
        record: r#"{"id":"RHSA-2024:0004","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0004"],"summary":"Red Hat Security Advisory: nodejs:18 security update",
          "affected":[{"package":{"ecosystem":"Red Hat:enterprise_linux:8::appstream","name":"nodejs","purl":"pkg:rpm/redhat/nodejs"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:18.19.0-1.module+el8.9.0+1+aa"}]}]},
           {"package":{"ecosystem":"Red Hat:openshift:4.12::el8","name":"nodejs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}"#,
        cases: &[
            (
                "pkg:rpm/redhat/nodejs@18.1.0-1.module%2Bel8.6.0%2B1%2Bbb?epoch=1&rpmmod=nodejs:18",
                "rhel:8.9",
                &["CVE-2024-0004 1:18.19.0-1.module+el8.9.0+1+aa fixed"],
            ),
            (
                "pkg:rpm/redhat/nodejs@16.1.0-1.module%2Bel8.6.0%2B1%2Bbb?epoch=1&rpmmod=nodejs:16",
                "rhel:8.9",
                &[],
            ),
        ],
    },
    // Rocky: an epoch of 0 is written.
    Kind {
        record: r#"{"id":"RLSA-2024:0005","modified":"2024-04-04T00:00:00Z","related":["CVE-2024-0005"],"summary":"Moderate: grafana security update",
          "affected":[{"package":{"ecosystem":"Rocky Linux:9","name":"grafana","purl":"pkg:rpm/rocky-linux/grafana?distro=rocky-linux-9&epoch=0"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"0:9.2.10-16.el9_4"}]}],"database_specific":{"yum_repository":"AppStream"}}]}"#,
        cases: &[
            (
                "pkg:rpm/rocky/grafana@9.2.10-15.el9_4",
                "rocky:9.4",
                &["CVE-2024-0005 0:9.2.10-16.el9_4 fixed"],
            ),
            (
                "pkg:rpm/rocky/grafana-selinux@9.2.10-15.el9_4?upstream=grafana-9.2.10-15.el9_4.src.rpm",
                "rocky:9.4",
                &["CVE-2024-0005 0:9.2.10-16.el9_4 fixed"],
            ),
            ("pkg:rpm/rocky/grafana@9.2.10-16.el9_4", "rocky:9.4", &[]),
        ],
    },
    // SUSE: binaries with their own fixes, products with service packs.
    Kind {
        record: r#"{"id":"SUSE-SU-2024:0006-1","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0006"],"related":[],
          "affected":[{"package":{"ecosystem":"SUSE:Linux Enterprise Module for Basesystem 15 SP5","name":"openssl-1_1","purl":"pkg:rpm/suse/openssl-1_1&distro=x"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.1.1l-150500.17.25.1"}]}],
            "ecosystem_specific":{"binaries":[{"libopenssl1_1":"1.1.1l-150500.17.25.1","openssl-1_1":"1.1.1l-150500.17.25.1"}]}},
           {"package":{"ecosystem":"openSUSE:Leap 15.5","name":"openssl-1_1"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.1.1l-150500.17.25.1"}]}],
            "ecosystem_specific":{"binaries":[{"libopenssl1_1":"1.1.1l-150500.17.25.1"}]}}]}"#,
        cases: &[
            (
                "pkg:rpm/suse/libopenssl1_1@1.1.1l-150500.17.22.1",
                "sles:15.5",
                &["CVE-2024-0006 1.1.1l-150500.17.25.1 fixed"],
            ),
            (
                "pkg:rpm/opensuse/libopenssl1_1@1.1.1l-150500.17.22.1",
                "opensuse-leap:15.5",
                &["CVE-2024-0006 1.1.1l-150500.17.25.1 fixed"],
            ),
            (
                "pkg:rpm/suse/libopenssl1_1-hmac@1.1.1l-150500.17.22.1?upstream=openssl-1_1-1.1.1l-150500.17.22.1.src.rpm",
                "sles:15.5",
                &[],
            ),
        ],
    },
    Kind {
        record: r#"{"id":"ALPINE-CVE-2024-0007","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0007"],
          "affected":[{"package":{"ecosystem":"Alpine:v3.20","name":"openssl","purl":"pkg:apk/alpine/openssl?arch=source"},
            "ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.3.2-r0"}]}],"versions":["3.3.1-r0"]}]}"#,
        cases: &[
            (
                "pkg:apk/alpine/libssl3@3.3.1-r3?upstream=openssl",
                "alpine:3.20.1",
                &["CVE-2024-0007 3.3.2-r0 fixed"],
            ),
            (
                "pkg:apk/alpine/libssl3@3.3.2-r0?upstream=openssl",
                "alpine:3.20.1",
                &[],
            ),
        ],
    },
    Kind {
        record: r#"{"id":"CGA-0008-0008-0008","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0008","GHSA-0008-0008-0008"],
          "affected":[{"package":{"ecosystem":"Wolfi","name":"go-1.22","purl":"pkg:apk/wolfi/go-1.22?arch=source"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.22.3-r0"}]}]},
           {"package":{"ecosystem":"Chainguard","name":"go-1.22"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.22.3-r1"}]}]}]}"#,
        cases: &[
            (
                "pkg:apk/wolfi/go-1.22-doc@1.22.2-r0?upstream=go-1.22",
                "wolfi:20230201",
                &["CVE-2024-0008 1.22.3-r0 fixed"],
            ),
            (
                "pkg:apk/chainguard/go-1.22@1.22.3-r0",
                "chainguard:20230214",
                &["CVE-2024-0008 1.22.3-r1 fixed"],
            ),
        ],
    },
    // GitHub: no fix, a bound of what is known; a second range; a word for the severity.
    Kind {
        record: r#"{"id":"GHSA-0009-0009-0009","modified":"2024-04-04T00:00:00Z","aliases":["CVE-2024-0009"],"database_specific":{"severity":"MODERATE","github_reviewed":true},
          "affected":[{"package":{"ecosystem":"npm","name":"one"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"database_specific":{"last_known_affected_version_range":"<= 1.2.3"}},
           {"package":{"ecosystem":"npm","name":"two"},"ranges":[{"type":"SEMVER","events":[{"introduced":"1.0.0"},{"fixed":"1.4.2"}]},{"type":"SEMVER","events":[{"introduced":"2.0.0"},{"fixed":"2.1.0"}]}]},
           {"package":{"ecosystem":"NuGet","name":"Newtonsoft.Json"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"13.0.1"}]}],"versions":["12.0.3"]},
           {"package":{"ecosystem":"Packagist","name":"symfony/http-kernel"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0.0"},{"last_affected":"4.4.13"}]}]},
           {"package":{"ecosystem":"RubyGems","name":"rack"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0.0"},{"fixed":"2.2.6.4"}]}]},
           {"package":{"ecosystem":"Maven","name":"org.x:core"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0-beta9"},{"fixed":"2.15.0"}]}]}]}"#,
        cases: &[
            ("pkg:npm/one@1.2.3", "", &["CVE-2024-0009 - unknown"]),
            ("pkg:npm/one@1.2.4", "", &[]),
            ("pkg:npm/two@1.4.1", "", &["CVE-2024-0009 1.4.2 fixed"]),
            ("pkg:npm/two@1.9.0", "", &[]),
            ("pkg:npm/two@2.0.0-rc.1", "", &[]),
            (
                "pkg:nuget/newtonsoft.json@12.0.3",
                "",
                &["CVE-2024-0009 13.0.1 fixed"],
            ),
            (
                "pkg:composer/symfony/http-kernel@v4.4.13",
                "",
                &["CVE-2024-0009 - unknown"],
            ),
            ("pkg:composer/symfony/http-kernel@v4.4.14", "", &[]),
            ("pkg:gem/rack@2.2.6.3", "", &["CVE-2024-0009 2.2.6.4 fixed"]),
            (
                "pkg:maven/org.x/core@2.0-rc1",
                "",
                &["CVE-2024-0009 2.15.0 fixed"],
            ),
            ("pkg:maven/org.x/core@2.0-beta8", "", &[]),
        ],
    },
    // A limit ends a range, commits are no versions, and a list counts beside both.
    Kind {
        record: r#"{"id":"PYSEC-2024-10","modified":"2024-04-04T00:00:00Z","aliases":["CVE-2024-0010"],
          "affected":[{"package":{"ecosystem":"PyPI","name":"three"},"ranges":[{"type":"GIT","repo":"https://example.org/x","events":[{"introduced":"0"},{"fixed":"abc"}]},
            {"type":"ECOSYSTEM","events":[{"introduced":"1.0"},{"limit":"1.5"}]}],"versions":["3.0rc1"]}]}"#,
        cases: &[
            ("pkg:pypi/three@1.4.9", "", &["CVE-2024-0010 - affected"]),
            ("pkg:pypi/three@1.5", "", &[]),
            ("pkg:pypi/three@3.0.rc1", "", &["CVE-2024-0010 - unknown"]),
        ],
    },
    Kind {
        record: r#"{"id":"MGASA-2024-0011","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0011"],
          "affected":[{"package":{"ecosystem":"Mageia:9","name":"bind","purl":"pkg:rpm/mageia/bind?arch=source&distro=mageia-9"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"9.18.28-1.mga9"}]}]}]}"#,
        cases: &[(
            "pkg:rpm/mageia/lib64dns1@9.18.1-1.mga9?upstream=bind-9.18.1-1.mga9.src.rpm",
            "mageia:9",
            &["CVE-2024-0011 9.18.28-1.mga9 fixed"],
        )],
    },
    Kind {
        record: r#"{"id":"PHSA-2024-4.0-0012","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0012"],
          "affected":[{"package":{"ecosystem":"Photon OS:4.0","name":"curl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"8.1.2-9.ph4"}]}]}]}"#,
        cases: &[(
            "pkg:rpm/photon/curl-libs@8.1.2-8.ph4?upstream=curl-8.1.2-8.ph4.src.rpm",
            "photon:4.0",
            &["CVE-2024-0012 8.1.2-9.ph4 fixed"],
        )],
    },
    Kind {
        record: r#"{"id":"AZL-0013","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0013"],
          "affected":[{"package":{"ecosystem":"Azure Linux:2","name":"golang"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.22.5-2.cm2"}]}]}]}"#,
        cases: &[(
            "pkg:rpm/mariner/golang@1.22.5-1.cm2",
            "mariner:2.0.20240112",
            &["CVE-2024-0013 1.22.5-2.cm2 fixed"],
        )],
    },
    // Debian's export: a release without a fix, and a word on its urgency.
    Kind {
        record: r#"{"id":"DEBIAN-CVE-2024-0014","modified":"2024-04-04T00:00:00Z","upstream":["CVE-2024-0014"],
          "affected":[{"package":{"ecosystem":"Debian:12","name":"tiff","purl":"pkg:deb/debian/tiff?arch=source"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"versions":["4.5.0-6"],"ecosystem_specific":{"urgency":"unimportant"}},
           {"package":{"ecosystem":"Debian:13","name":"tiff"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"4.5.1-1"}]}],"ecosystem_specific":{"urgency":"not yet assigned"}},
           {"package":{"ecosystem":"Debian:11","name":"tiff"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"ecosystem_specific":{"urgency":"end-of-life"}}]}"#,
        cases: &[
            (
                "pkg:deb/debian/libtiff6@4.5.0-6?upstream=tiff",
                "debian:12",
                &["CVE-2024-0014 - affected"],
            ),
            (
                "pkg:deb/debian/libtiff6@4.5.0-6?upstream=tiff",
                "debian:13",
                &["CVE-2024-0014 4.5.1-1 fixed"],
            ),
            (
                "pkg:deb/debian/libtiff5@4.2.0-1?upstream=tiff",
                "debian:11",
                &["CVE-2024-0014 - end_of_life"],
            ),
        ],
    },
];

#[test]
fn every_kind_of_osv_record() {
    for Kind { record, cases } in OSV {
        let value: serde_json::Value = serde_json::from_str(record).unwrap();
        let id = value["id"].as_str().unwrap();
        let intel = open(&vec![(
            format!("osv/x/{id}.json"),
            record.as_bytes().to_vec(),
        )]);
        for (purl, distro, expected) in *cases {
            check(&intel, purl, distro, expected);
        }
    }
}

/// Red Hat's VEX: every state that a product may have.
#[test]
fn states_of_red_hats_documents() {
    const STATES: [(&str, &str, &str, &str, &str); 7] = [
        (
            "known_affected",
            "none_available",
            "Affected",
            "deferred-not",
            "affected",
        ),
        (
            "known_affected",
            "none_available",
            "Fix deferred",
            "deferred",
            "fix_deferred",
        ),
        (
            "known_affected",
            "no_fix_planned",
            "Will not fix",
            "wontfix",
            "will_not_fix",
        ),
        (
            "known_affected",
            "no_fix_planned",
            "Out of support scope",
            "ended",
            "end_of_life",
        ),
        ("known_affected", "", "", "plain", "affected"),
        (
            "under_investigation",
            "",
            "",
            "looked",
            "under_investigation",
        ),
        ("known_not_affected", "", "", "safe", ""),
    ];
    let mut relationships = Vec::new();
    let mut remediations = Vec::new();
    let mut statuses: std::collections::BTreeMap<&str, Vec<String>> =
        std::collections::BTreeMap::new();
    for (status, category, details, name, _) in STATES {
        let id = format!("rhel9:{name}");
        relationships.push(serde_json::json!({
            "full_product_name": {"product_id": id}, "product_reference": name, "relates_to_product_reference": "rhel9",
        }));
        if !category.is_empty() {
            remediations.push(
                serde_json::json!({"category": category, "details": details, "product_ids": [id]}),
            );
        }
        statuses.entry(status).or_default().push(id);
    }
    let document = serde_json::json!({
        "document": {},
        "product_tree": {
            "branches": [{"product": {"product_id": "rhel9", "name": "", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:9"}}}],
            "relationships": relationships,
        },
        "vulnerabilities": [{"cve": "CVE-2024-0100", "product_status": statuses, "remediations": remediations}],
    });
    let intel = open(&vec![(
        "csaf-vex/2024/cve-2024-0100.json".to_owned(),
        document.to_string().into_bytes(),
    )]);
    for (_, _, _, name, word) in STATES {
        let purl = format!("pkg:rpm/redhat/{name}@1-1.el9");
        let set = matches(&inventory(&[&purl], Some("rhel:9.4")), &intel, None);
        let expected: Vec<String> = (!word.is_empty())
            .then(|| format!("CVE-2024-0100 - {word}"))
            .into_iter()
            .collect();
        assert_eq!(told(&set), expected, "{name}");
    }
}
