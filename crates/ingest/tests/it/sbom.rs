//! What lists of packages become, what is told of those that nobody can judge, and how much a large one costs.

use ingest::{IngestError, Limits, read_sbom};
use model::evidence::GapWeight;
use model::inventory::{Component, FoundAs, Inventory, Release};
use model::matches::ArtifactKind;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::time::Instant;

fn all(text: &str) -> Vec<Inventory> {
    read_sbom("f", text.as_bytes(), None, &Limits::default())
        .unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn one(text: &str) -> Inventory {
    let mut found = all(text);
    assert_eq!(found.len(), 1, "{text}");
    found.remove(0)
}

fn cyclonedx(components: &Value) -> String {
    json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}).to_string()
}

fn spdx(packages: &Value) -> String {
    json!({"spdxVersion": "SPDX-2.3", "name": "list", "packages": packages}).to_string()
}

fn purl_ref(purl: &str) -> Value {
    json!([{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}])
}

fn spdx3(packages: &[Value]) -> String {
    let mut graph = vec![
        json!({"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1"}),
        json!({"type": "SpdxDocument", "spdxId": "d", "name": "list", "rootElement": ["s"]}),
    ];
    graph.extend_from_slice(packages);
    json!({"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph})
        .to_string()
}

/// `kind namespace/name version`.
fn shown(component: &Component) -> String {
    let namespace = component
        .namespace
        .as_deref()
        .map_or(String::new(), |n| format!("{n}/"));
    format!(
        "{} {namespace}{} {}",
        component.kind, component.name, component.version
    )
}

fn listed(inventory: &Inventory) -> Vec<String> {
    inventory.components.iter().map(shown).collect()
}

fn release(inventory: &Inventory) -> Option<(&str, &str)> {
    inventory
        .release
        .as_ref()
        .map(|release| (&*release.id, &*release.version))
}

#[test]
fn every_form_lists_the_same_packages() {
    let expected = [
        "deb debian/libssl3 3.0.11-1",
        "golang github.com/BurntSushi/toml v1.0.0",
        "npm @a/b 1.0",
    ];
    let check = |text: &str| assert_eq!(listed(&one(text)), expected, "{text}");
    let deb = "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64&distro=debian-12&upstream=openssl";
    let (go, npm) = (
        "pkg:golang/github.com/burntsushi/toml@v1.0.0",
        "pkg:npm/%40a/b@1.0",
    );
    check(&cyclonedx(&json!([
        {"type": "library", "name": "b", "group": "@a", "version": "1.0", "purl": npm},
        {"type": "library", "name": "github.com/BurntSushi/toml", "version": "v1.0.0", "purl": go},
        {"type": "library", "name": "libssl3", "version": "3.0.11-1", "purl": deb},
    ])));
    check(&format!(
        "<?xml version='1.0'?><bom xmlns='http://cyclonedx.org/schema/bom/1.4'><components>\
         <component type='library'><group>@a</group><name>b</name><version>1.0</version><purl>{npm}</purl></component>\
         <component type='library'><name>github.com/BurntSushi/toml</name><purl>{go}</purl>\
         <components><component type='library'><name>libssl3</name><purl>{}</purl></component></components></component>\
         </components></bom>",
        deb.replace('&', "&amp;")
    ));
    check(&spdx(&json!([
        {"SPDXID": "a", "name": "@a/b", "versionInfo": "1.0", "externalRefs": purl_ref(npm)},
        {"SPDXID": "b", "name": "github.com/BurntSushi/toml", "externalRefs": purl_ref(go)},
        {"SPDXID": "c", "name": "libssl3", "externalRefs": purl_ref(deb)},
    ])));
    check(&format!(
        "# a list\nSPDXVersion: SPDX-2.3\nDocumentName: list\n\
         PackageName: @a/b\nSPDXID: a\nExternalRef: PACKAGE-MANAGER purl {npm}\n\
         PackageName: github.com/BurntSushi/toml\nExternalRef: PACKAGE_MANAGER purl {go}\nPackageComment: <text>x\nPackageName: no</text>\n\
         FileName: ./x\nSPDXID: f\nPackageVersion: of no package\n\
         PackageName: libssl3\nExternalRef: PACKAGE-MANAGER purl {deb}\n"
    ));
    check(&spdx3(&[
        json!({"type": "software_Package", "spdxId": "a", "name": "b", "software_packageUrl": npm}),
        json!({"type": "software_Package", "spdxId": "b", "name": "github.com/BurntSushi/toml",
            "externalIdentifier": [{"type": "ExternalIdentifier", "externalIdentifierType": "packageUrl", "identifier": go}]}),
        json!({"@type": "Package", "@id": "c", "name": "libssl3", "packageUrl": deb}),
    ]));
    let statement = json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://spdx.dev/Document", "predicate":
        serde_json::from_str::<Value>(&spdx(&json!([
            {"name": "@a/b", "externalRefs": purl_ref(npm)},
            {"name": "github.com/BurntSushi/toml", "externalRefs": purl_ref(go)},
            {"name": "libssl3", "externalRefs": purl_ref(deb)},
        ]))).unwrap()});
    check(&statement.to_string());
}

#[test]
fn what_properties_tell() {
    let check = |component: Value, expected: &str, source: Option<(&str, &str)>| {
        let text = cyclonedx(&json!([
            {"type": "operating-system", "name": "redhat", "version": "9.4"}, component,
        ]));
        let found = one(&text);
        let component = found.components.first().unwrap_or_else(|| panic!("{text}"));
        let of = component.source.as_ref().map(|s| (&*s.name, &*s.version));
        assert_eq!((&*shown(component), of), (expected, source), "{text}");
    };
    let trivy = |name: &str, value: &str| json!({"name": format!("aquasecurity:trivy:{name}"), "value": value});
    let syft = |name: &str, value: &str| json!({"name": format!("syft:{name}"), "value": value});
    check(
        json!({"name": "glibc", "version": "1:2.34-60", "properties": [trivy("PkgType", "redhat")]}),
        "rpm rhel/glibc 1:2.34-60",
        None,
    );
    check(
        json!({"name": "libc6", "version": "2.36-9", "properties": [trivy("PkgType", "debian"), trivy("SrcName", "glibc"),
            trivy("SrcVersion", "2.36"), trivy("SrcRelease", "9"), trivy("SrcEpoch", "1")]}),
        "deb rhel/libc6 2.36-9",
        Some(("glibc", "1:2.36-9")),
    );
    check(
        json!({"name": "Jinja2", "version": "2.10", "properties": [syft("package:type", "python")]}),
        "pypi jinja2 2.10",
        None,
    );
    check(
        json!({"name": "core", "group": "@angular", "version": "1", "properties": [syft("package:type", "npm")]}),
        "npm @angular/core 1",
        None,
    );
    check(
        json!({"name": "org.a:b", "version": "1", "properties": [{"name": "plimsoll:type", "value": "maven"}]}),
        "maven org.a/b 1",
        None,
    );
    check(
        json!({"name": "x", "purl": "pkg:rpm/redhat/x@1-1?epoch=2&distro=redhat-9.4&upstream=y-1-1.src.rpm"}),
        "rpm redhat/x 2:1-1",
        Some(("y", "1-1")),
    );
}

#[test]
fn places_licences_and_layers() {
    let text = json!({"bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"type": "container", "name": "nginx:1.25", "version": format!("sha256:{}", "a".repeat(64)),
            "properties": [{"name": "aquasecurity:trivy:DiffID", "value": "sha256:0"}, {"name": "aquasecurity:trivy:DiffID", "value": "sha256:1"}]}},
        "components": [
            {"type": "library", "name": "a", "version": "1", "purl": "pkg:deb/debian/a@1?distro=debian-12",
                "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "own"}}, {"expression": "MIT OR X11"}],
                "properties": [
                    {"name": "syft:location:1:path", "value": "/var/lib/dpkg/status"}, {"name": "syft:location:1:layerID", "value": "sha256:1"},
                    {"name": "syft:location:0:path", "value": "/usr/share/doc/a/copyright"}]},
            {"type": "library", "name": "b", "version": "1", "purl": "pkg:npm/b@1", "scope": "excluded",
                "properties": [{"name": "aquasecurity:trivy:FilePath", "value": "app/b/package.json"}, {"name": "aquasecurity:trivy:LayerDiffID", "value": "sha256:0"}]},
        ]}).to_string();
    let found = one(&text);
    assert_eq!(found.artifact.kind, ArtifactKind::Image);
    assert_eq!(
        found.artifact.identity.references[0].to_string(),
        "docker.io/library/nginx:1.25"
    );
    assert_eq!(found.artifact.identity.digests.len(), 1);
    assert_eq!(release(&found), Some(("debian", "12")));
    assert_eq!(
        found
            .layers
            .iter()
            .map(|layer| &*layer.diff_id)
            .collect::<Vec<_>>(),
        ["sha256:0", "sha256:1"]
    );
    let place = |c: &Component| {
        c.at.iter()
            .map(|place| (place.path.to_string(), place.layer))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        place(&found.components[0]),
        [("var/lib/dpkg/status".to_owned(), Some(1))]
    );
    assert_eq!(
        place(&found.components[1]),
        [("app/b/package.json".to_owned(), Some(0))]
    );
    assert_eq!(
        found.components[0]
            .licenses
            .iter()
            .map(|l| &**l)
            .collect::<Vec<_>>(),
        ["MIT", "own", "MIT OR X11"]
    );
    assert_eq!(found.components[1].found, FoundAs::Declared);
    assert_eq!(found.gaps, []);
    let xml = "<bom xmlns='http://cyclonedx.org/schema/bom/1.6'><components><component type='library'><name>a</name><licenses>\
        <license><id>MIT</id></license><license acknowledgement='declared'><name>own</name></license></licenses><purl>pkg:npm/a@1</purl>\
        <evidence><occurrences><occurrence><location>/x</location></occurrence><occurrence><location>/y</location></occurrence></occurrences></evidence></component>\
        <component type='library'><name>b</name><licenses><expression bom-ref='e'>MIT OR X11</expression></licenses><purl>pkg:npm/b@1</purl></component></components></bom>";
    let found = one(xml);
    let licences = |c: &Component| {
        c.licenses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(licences(&found.components[0]), ["MIT", "own"]);
    assert_eq!(licences(&found.components[1]), ["MIT OR X11"]);
    assert_eq!(place(&found.components[0]), [("x".to_owned(), None)]);
}

#[test]
fn distributions_agree_or_are_told() {
    let check = |systems: Value, purls: &[&str], expected: Option<(&str, &str)>, gaps: &[&str]| {
        let mut components: Vec<Value> = purls
            .iter()
            .map(|purl| json!({"name": "x", "purl": purl}))
            .collect();
        components.extend(systems.as_array().cloned().unwrap_or_default());
        let found = one(&cyclonedx(&json!(components)));
        assert_eq!(release(&found), expected, "{purls:?}");
        assert_eq!(
            found.gaps.iter().map(|gap| &*gap.class).collect::<Vec<_>>(),
            gaps
        );
    };
    let (d12, d125) = (
        "pkg:deb/debian/a@1?distro=debian-12",
        "pkg:deb/debian/b@1?distro=debian-12.5",
    );
    check(json!([]), &[d12, d125], Some(("debian", "12.5")), &[]);
    check(json!([]), &["pkg:deb/debian/a@1"], None, &[]);
    check(
        json!([]),
        &[d12, "pkg:deb/ubuntu/a@1?distro=ubuntu-22.04"],
        None,
        &["sbom-distributions-differ"],
    );
    check(
        json!([{"type": "operating-system", "name": "alma", "version": "9"}]),
        &[d12],
        Some(("almalinux", "9")),
        &[],
    );
    check(
        json!([{"type": "operating-system", "name": "alpine", "version": "3.19"}, {"type": "operating-system", "name": "debian", "version": "12"}]),
        &[],
        None,
        &["sbom-distributions-differ"],
    );
    check(
        json!([]),
        &["pkg:apk/alpine/a@1?distro=3.19.1"],
        Some(("alpine", "3.19.1")),
        &[],
    );
    let given = Release {
        id: "debian".into(),
        like: Vec::new(),
        version: "11".into(),
        codename: None,
        title: None,
        end_of_life: None,
    };
    let text = cyclonedx(&json!([{"name": "x", "purl": d12}]));
    let found = read_sbom("f", text.as_bytes(), Some(&given), &Limits::default()).unwrap();
    assert_eq!(release(&found[0]), Some(("debian", "11")));
}

#[test]
fn what_nobody_can_judge_is_told() {
    let check = |components: Value, expected: &[&str]| {
        let found = one(&cyclonedx(&components));
        let gaps: Vec<&str> = found.gaps.iter().map(|gap| &*gap.what).collect();
        assert_eq!(gaps, expected, "{components}");
        assert!(found.gaps.iter().all(|gap| gap.weight == GapWeight::Hides));
    };
    check(
        json!([{"type": "library", "name": "a"}, {"type": "library", "name": "b", "cpe": "cpe:2.3:a:b:b:1:*:*:*:*:*:*:*"}, {"name": "c", "purl": "pkg:npm/c@1"}]),
        &[
            "2 of the components in f have no package URL and no type that tells what they are, so they were not judged: a, b; 1 of them name a CPE, which is only a hint",
        ],
    );
    // Files, devices and the frames that Trivy puts around packages are no packages.
    check(
        json!([{"type": "file", "name": "/etc/x"}, {"type": "device", "name": "d"}, {"type": "library", "name": "i", "purl": "pkg:oci/i"},
            {"type": "application", "name": "package-lock.json", "properties": [{"name": "aquasecurity:trivy:Class", "value": "lang-pkgs"}]}]),
        &[],
    );
    let text = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "compositions": [{"aggregate": "incomplete_first_party_only"}],
        "vulnerabilities": [{"id": "CVE-1"}, {"id": "CVE-2"}]}).to_string();
    let gaps: Vec<(String, GapWeight)> = one(&text)
        .gaps
        .into_iter()
        .map(|gap| (gap.class.to_string(), gap.weight))
        .collect();
    assert_eq!(
        gaps,
        [
            ("sbom-incomplete".to_owned(), GapWeight::Hides),
            ("sbom-own-vulnerabilities".to_owned(), GapWeight::Notice),
        ]
    );
}

#[test]
fn several_images_are_several_inventories() {
    let text = json!({"bomFormat": "CycloneDX", "specVersion": "1.6",
        "metadata": {"component": {"bom-ref": "scan", "type": "platform", "name": "cluster"}},
        "components": [
            {"bom-ref": "1", "type": "container", "name": "a:1"}, {"bom-ref": "1s", "type": "operating-system", "name": "debian", "version": "12"},
            {"bom-ref": "1p", "name": "x", "purl": "pkg:deb/debian/x@1"},
            {"bom-ref": "2", "type": "container", "name": "b:1", "components": [{"bom-ref": "2q", "name": "q", "purl": "pkg:npm/q@1"}]},
            {"bom-ref": "2s", "type": "operating-system", "name": "alpine", "version": "3.19"}, {"bom-ref": "2p", "name": "x", "purl": "pkg:apk/alpine/x@1"},
        ],
        "dependencies": [{"ref": "scan", "dependsOn": ["1", "2"]}, {"ref": "1", "dependsOn": ["1s"]}, {"ref": "1s", "dependsOn": ["1p"]}, {"ref": "2", "dependsOn": ["2s", "2p"]}]}).to_string();
    let found = all(&text);
    let shown: Vec<_> = found
        .iter()
        .map(|one| {
            (
                one.artifact.name.to_string(),
                release(one).map(|(id, _)| id.to_owned()),
                listed(one),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "a:1".to_owned(),
                Some("debian".to_owned()),
                vec!["deb debian/x 1".to_owned()]
            ),
            (
                "b:1".to_owned(),
                Some("alpine".to_owned()),
                vec!["apk alpine/x 1".to_owned(), "npm q 1".to_owned()]
            ),
        ]
    );
}

#[test]
fn what_a_document_describes() {
    let check = |text: &str, kind: ArtifactKind, name: &str, expected: &[&str]| {
        let found = one(text);
        assert_eq!(
            (found.artifact.kind, &*found.artifact.name),
            (kind, name),
            "{text}"
        );
        assert_eq!(listed(&found), expected, "{text}");
    };
    let package = json!({"SPDXID": "p", "name": "p", "externalRefs": purl_ref("pkg:npm/p@1")});
    let of = |root: Value| {
        json!({"spdxVersion": "SPDX-2.3", "name": "list", "packages": [root, package],
            "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": "r"}]}).to_string()
    };
    check(
        &of(json!({"SPDXID": "r", "name": "n:1", "primaryPackagePurpose": "CONTAINER"})),
        ArtifactKind::Image,
        "n:1",
        &["npm p 1"],
    );
    check(
        &of(json!({"SPDXID": "r", "name": "/d", "primaryPackagePurpose": "FILE"})),
        ArtifactKind::Filesystem,
        "/d",
        &["npm p 1"],
    );
    check(
        &of(json!({"SPDXID": "r", "name": "app", "externalRefs": purl_ref("pkg:github/o/app@1")})),
        ArtifactKind::Sbom,
        "app",
        &["npm p 1"],
    );
    check(
        &of(json!({"SPDXID": "r", "name": "app", "externalRefs": purl_ref("pkg:npm/app@2")})),
        ArtifactKind::Sbom,
        "app",
        &["npm app 2", "npm p 1"],
    );
    check(
        &spdx(&json!([package])),
        ArtifactKind::Sbom,
        "list",
        &["npm p 1"],
    );
    check(r#"{"bomFormat":"CycloneDX"}"#, ArtifactKind::Sbom, "f", &[]);
}

#[test]
fn strangers_are_no_sbom() {
    let check = |bytes: &[u8], expected: &str| {
        let error = read_sbom("f", bytes, None, &Limits::default()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    };
    check(b"root:x:0:0", "it is neither JSON, XML nor tag-value");
    check(b"", "the file is empty");
    check(b"{}", "it is an empty object");
    check(b"[]", "it is no JSON object");
    check(br#"{"SchemaVersion":2}"#, r#"its keys are "SchemaVersion""#);
    check(
        br#"{"predicate":{"predicate":{"bomFormat":"CycloneDX"}}}"#,
        r#"its keys are "predicate""#,
    );
    check(b"<html/>", "XML or HTML");
    check(
        br#"{"bomFormat":"CycloneDX","components":7}"#,
        "$.components: invalid type",
    );
    check(
        br#"{"bomFormat":"CycloneDX","components":["#,
        "damaged JSON",
    );
    let deep = [
        r#"[{"components":"#.repeat(1000),
        "[]".into(),
        "}]".repeat(1000),
    ]
    .concat();
    let deep = format!(r#"{{"bomFormat":"CycloneDX","components":{deep}}}"#);
    check(deep.as_bytes(), "recursion limit exceeded");
    let few = Limits {
        document: 10,
        ..Limits::default()
    };
    assert!(matches!(
        read_sbom("f", &[b' '; 11], None, &few),
        Err(IngestError::TooLarge { .. })
    ));
}

/// A list of packages that is given as a report is judged, and never looks clean.
#[test]
fn reports_without_results_are_lists() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let packages = json!([{"name": "p", "purl": "pkg:npm/p@1"}]);
    let trivy = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"tools": {"components": [{"name": "trivy"}]}},
        "components": packages, "vulnerabilities": []});
    let judged = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": packages, "vulnerabilities": []});
    write("a.json", &cyclonedx(&packages));
    write(
        "b.json",
        &spdx(&json!([{"name": "p", "externalRefs": purl_ref("pkg:npm/p@1")}])),
    );
    write(
        "c.spdx",
        "SPDXVersion: SPDX-2.3\nPackageName: p\nExternalRef: PACKAGE-MANAGER purl pkg:npm/p@1\n",
    );
    write("d.json", &trivy.to_string());
    write("e.json", &judged.to_string());
    write("f.json", r#"{"matches":[]}"#);
    let (mut sets, gaps) =
        ingest::read_paths(&[folder.path().to_owned()], &Limits::default()).unwrap();
    assert_eq!((sets.len(), gaps.len()), (6, 0));
    let lists = ingest::take_package_lists(&mut sets, &Limits::default());
    let formats: Vec<&str> = sets.iter().map(|set| &*set.source.format).collect();
    assert_eq!(formats, ["cyclonedx/1.6", "grype-json"]);
    assert_eq!(
        lists.iter().map(listed).collect::<Vec<_>>(),
        vec![vec!["npm p 1"]; 4]
    );
}

#[test]
fn a_hundred_thousand_packages() {
    let component = |n: usize| {
        json!({"bom-ref": format!("r{n}"), "type": "library", "name": format!("p{n}"), "version": "1.0",
            "purl": format!("pkg:npm/p{n}@1.0"), "licenses": [{"license": {"id": "MIT"}}],
            "properties": [{"name": "syft:package:type", "value": "npm"}, {"name": "syft:location:0:path", "value": format!("/app/p{n}/package.json")}]})
    };
    let packages: Vec<Value> = (0..100_000).map(component).collect();
    let text = cyclonedx(&json!(packages));
    let begin = Instant::now();
    let found = one(&text);
    let took = begin.elapsed();
    println!("100,000 packages, {} MB: {took:?}", text.len() >> 20);
    assert_eq!(found.components.len(), 100_000);
    let (c, others) = (&found.components[0].licenses[0], &found.components[1..]);
    assert!(
        others
            .iter()
            .all(|other| std::sync::Arc::ptr_eq(&other.licenses[0], c))
    );
}

const SEEDS: [&str; 5] = [
    r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"tools":[{"name":"plimsoll"}],"component":{"bom-ref":"r","type":"container","name":"a:1","purl":"pkg:oci/a@sha256:0?tag=1&repository_url=b","properties":[{"name":"plimsoll:layer:0:of","value":"x"},{"name":"plimsoll:layer:0:diff-id","value":"y"}]}},"components":[{"bom-ref":"c","type":"container","name":"c"},{"bom-ref":"o","type":"operating-system","name":"debian","version":"12"},{"bom-ref":"p","name":"p","purl":"pkg:deb/debian/p@1?distro=debian-12","licenses":[{"license":{"id":"MIT"}}],"evidence":{"occurrences":[{"location":"x"}]},"properties":[{"name":"plimsoll:layer","value":"0"},{"name":"syft:location:0:path","value":"y"}]},{"bom-ref":"q","name":"q","properties":[{"name":"syft:package:type","value":"deb"}]}],"dependencies":[{"ref":"c","dependsOn":["p","c"]},{"ref":"p","dependsOn":["q"]}],"compositions":[{"aggregate":"incomplete"}],"vulnerabilities":[{}]}"#,
    r#"{"spdxVersion":"SPDX-2.3","name":"n","creationInfo":{"creators":["Tool: plimsoll-1"]},"documentDescribes":["a","b"],"hasExtractedLicensingInfos":[{"licenseId":"LicenseRef-1","name":"l"}],"packages":[{"SPDXID":"a","name":"a","primaryPackagePurpose":"CONTAINER"},{"SPDXID":"b","name":"b","primaryPackagePurpose":"CONTAINER"},{"SPDXID":"p","name":"p","sourceInfo":"found in x; brought by layer 0; built from y 1","licenseDeclared":"MIT AND LicenseRef-1","externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:deb/d/p@1"}],"annotations":[{"comment":"PkgType: debian"}]}],"relationships":[{"spdxElementId":"a","relationshipType":"CONTAINS","relatedSpdxElement":"p"}]}"#,
    r#"{"@context":"x","@graph":[{"type":"SpdxDocument","rootElement":["s"]},{"type":"software_Package","spdxId":"s","name":"n","software_packageUrl":"pkg:npm/a@1"},{"type":"Relationship","from":"s","to":["e"],"relationshipType":"hasDeclaredLicense"},{"type":"simplelicensing_LicenseExpression","spdxId":"e","simplelicensing_licenseExpression":"MIT"}]}"#,
    "SPDXVersion: SPDX-2.3\nDocumentName: <text>a\nb</text>\nPackageName: p\nSPDXID: p\nExternalRef: PACKAGE-MANAGER purl pkg:npm/p@1\nRelationship: a CONTAINS p\nSPDXREF: p\nAnnotationComment: PkgType: deb\n",
    "<bom xmlns='http://cyclonedx.org/schema/bom/1.5'><components><component type='library'><name>a</name><licenses><license><id>MIT</id></license><expression b='c'>x</expression></licenses><purl>pkg:npm/a@1</purl></component></components></bom>",
];

fn sound(bytes: &[u8]) {
    let limits = Limits {
        document: 1 << 20,
        ..Limits::default()
    };
    let Ok(found) = read_sbom("f", bytes, None, &limits) else {
        return;
    };
    assert!(!found.is_empty());
    for one in found {
        for component in &one.components {
            assert!(!component.kind.is_empty() && !component.name.is_empty());
            assert!(
                component
                    .owner
                    .is_none_or(|owner| (owner as usize) < one.components.len())
            );
            assert!(component.at.iter().all(|at| {
                at.layer
                    .is_none_or(|layer| (layer as usize) < one.layers.len())
            }));
        }
    }
}

#[test]
fn seeds_are_read() {
    for seed in SEEDS {
        assert!(
            all(seed).iter().any(|one| !one.components.is_empty()),
            "{seed}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn damaged_lists(seed in 0..SEEDS.len(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6), cut in any::<prop::sample::Index>()) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        sound(&bytes);
        sound(&bytes[..cut.index(bytes.len() + 1)]);
    }

    /// Swaps whole values, so that the result is often valid JSON of a wrong shape.
    #[test]
    fn values_of_wrong_type(seed in 0..3_usize, at in any::<prop::sample::Index>(), value in prop::sample::select(vec!["null", "5", "\"\"", "[]", "{}", "[null]", "true", "\"a\"", "[\"c\",\"c\"]"])) {
        let text = SEEDS[seed];
        let places: Vec<usize> = text.match_indices(':').map(|(place, _)| place + 1).collect();
        let place = places[at.index(places.len())];
        let rest = &text[place..];
        let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
        sound(format!("{}{value}{}", &text[..place], &rest[end..]).as_bytes());
    }
}
