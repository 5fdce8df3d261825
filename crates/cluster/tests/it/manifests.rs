//! Manifest files: what is read, what is a gap, what is an error, and where fields stand.

use crate::{bytes, options, read_text};
use cluster::manifests::{Input, Locator, ManifestError, Options, read};
use model::evidence::{Fact, GapWeight};
use model::object::SourceSpan;
use model::snapshot::{NEWEST_KUBERNETES_MINOR, Place, Snapshot};
use std::fs;
use std::path::Path;

fn names(snapshot: &Snapshot) -> Vec<String> {
    snapshot
        .objects
        .iter()
        .map(|object| object.reference().to_string())
        .collect()
}

fn gaps(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.gaps.iter().map(|gap| &*gap.class).collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(names(&read_text(text).unwrap()), expected);
}

#[track_caller]
fn fails(text: impl AsRef<[u8]>, expected: &str) {
    assert_eq!(read_text(text).unwrap_err().to_string(), expected);
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn read_folder(path: &Path) -> Result<Snapshot, ManifestError> {
    read(&[Input::Path(path.to_owned())], &options())
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME, namespace: ns}\n";

fn pod(name: &str) -> String {
    POD.replace("NAME", name)
}

#[test]
fn documents_and_lists() {
    check(
        &[pod("b"), pod("a")].join("---\n"),
        &["Pod ns/a", "Pod ns/b"],
    );
    check("---\n# nothing\n---\n", &[]);
    check(
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n- {apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n",
        &["Pod default/a", "Deployment default/d"],
    );
    check(
        r#"{"apiVersion":"apps/v1","kind":"DeploymentList","items":[{"metadata":{"name":"d"}}]}"#,
        &["Deployment default/d"],
    );
    check(
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}]}]\n",
        &["Pod default/a"],
    );
    check(
        "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"a\"}}\n{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"b\"}}",
        &["Node a", "Node b"],
    );
    // Two objects of one name are both kept.
    check(
        &[pod("a"), pod("a")].join("---\n"),
        &["Pod ns/a", "Pod ns/a"],
    );
    // Control characters are data; whoever prints them escapes.
    check(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: \"a\\e[31m\\n<b>\", namespace: \"\\0\"}\n",
        &["Pod \u{0}/a\u{1b}[31m\n<b>"],
    );
}

#[test]
fn places() {
    let text = format!(
        "{}---\n{}",
        pod("a"),
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n"
    );
    let snapshot = read(&[bytes("x", pod("z")), bytes("-", text)], &options()).unwrap();
    assert_eq!(snapshot.files, ["x".into(), "-".into()]);
    let places: Vec<(&str, Place)> = snapshot
        .objects
        .iter()
        .map(|o| (&*o.name, o.place))
        .collect();
    let place = |file, document, item| Place::File {
        file,
        document,
        item,
    };
    assert_eq!(
        places,
        [
            ("b", place(1, 1, Some(0))),
            ("a", place(1, 0, None)),
            ("z", place(0, 0, None))
        ]
    );
}

#[test]
fn cyclic_owners_are_data() {
    let owned = |name: &str, owner: &str| {
        format!(
            "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {{name: {name}, ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: {owner}, uid: u}}]}}\n"
        )
    };
    check(
        &[owned("a", "b"), owned("b", "a")].join("---\n"),
        &["ReplicaSet default/a", "ReplicaSet default/b"],
    );
}

#[test]
fn head_of_the_snapshot() {
    let snapshot = read_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system, uid: u-1}\n---\napiVersion: v1\nkind: Event\nmetadata: {name: e}\n---\na: 1\n").unwrap();
    assert_eq!(snapshot.cluster.value().map(|id| &*id.0), Some("u-1"));
    assert_eq!(
        (snapshot.version.minor, snapshot.version.known),
        (NEWEST_KUBERNETES_MINOR, false)
    );
    assert_eq!(
        snapshot
            .other_kinds
            .iter()
            .map(|(k, n)| (&**k, *n))
            .collect::<Vec<_>>(),
        [("Event", 1)]
    );
    assert_eq!(snapshot.listed.len(), 1);
    assert_eq!(gaps(&snapshot), ["not-kubernetes"]);
    assert_eq!(snapshot.gaps[0].weight, GapWeight::Notice);
    let options = Options {
        kubernetes_minor: Some(30),
        ..options()
    };
    let snapshot = read(&[bytes("-", "# empty")], &options).unwrap();
    assert_eq!((snapshot.version.minor, snapshot.version.known), (30, true));
    assert_eq!(snapshot.cluster, Fact::Absent);
}

#[test]
fn custom_kinds_take_the_scope_of_their_definition() {
    let crd = |scope: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: rs.x.io}}\nspec: {{group: x.io, scope: {scope}, names: {{kind: R}}}}\n---\n"
        )
    };
    let r = "apiVersion: x.io/v1\nkind: R\nmetadata: {name: r}\nspec: {template: {spec: {containers: [{image: i}]}}}\n";
    check(r, &["R default/r"]);
    check(
        &(crd("Cluster") + r),
        &["CustomResourceDefinition rs.x.io", "R r"],
    );
    check(
        &(crd("Namespaced") + r),
        &["CustomResourceDefinition rs.x.io", "R default/r"],
    );
}

#[test]
fn named_inputs_must_be_readable() {
    fails("a: [\n", "-:1:4: invalid YAML: bracket is not closed");
    fails("a: 1\na: 2\n", "-:2:1: key occurs twice in one mapping");
    fails(
        format!("{}---\n\"x\": 'y\n", pod("a")),
        "-:5:6: invalid YAML: quote is not closed",
    );
    fails("a: 1\n", "no Kubernetes object in -");
    fails("[]", "no Kubernetes object in -");
    fails(b"\xff\xff", "-:1:1: not UTF-8 or UTF-16 text");
    fails(
        "{\"apiVersion\": \"v1\"",
        "-:1:20: invalid JSON: comma or closing bracket expected",
    );
    let missing = read_folder(Path::new("does/not/exist")).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read does/not/exist");
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        read_folder(empty.path()),
        Err(ManifestError::NothingFound { .. })
    ));
    let small = Options {
        max_bytes: 10,
        ..options()
    };
    assert_eq!(
        read(&[bytes("-", pod("a"))], &small)
            .unwrap_err()
            .to_string(),
        "inputs are larger than 10 bytes together, at -"
    );
}

#[test]
fn folders_go_on() {
    let folder = folder(&[
        ("b.yaml", &pod("b")),
        ("a/x.YML", &pod("x")),
        (
            "a/y.json",
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"y","namespace":"ns"}}"#,
        ),
        ("a/readme.md", "a: ["),
        (
            "broken.yaml",
            &format!("{}---\na: ['CANARY\n", pod("before")),
        ),
        ("values.yaml", "replicas: 1\n"),
        (
            "kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [b.yaml]\n",
        ),
        (".git/config.yaml", &pod("git")),
        (".github/workflows/ci.yml", "on: push\njobs: {}\n"),
        ("raw.yaml", "metadata:\n  name: {{ .Release.Name }}-x\n"),
        (
            "nameless.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nspec: {}\n",
        ),
    ]);
    let snapshot = read_folder(folder.path()).unwrap();
    assert_eq!(
        names(&snapshot),
        ["Pod ns/b", "Pod ns/before", "Pod ns/x", "Pod ns/y"]
    );
    assert_eq!(
        gaps(&snapshot),
        [
            "manifest-broken",
            "object-without-name",
            "template-not-rendered",
            "not-kubernetes"
        ]
    );
    let broken = &snapshot.gaps[0];
    assert_eq!(broken.weight, GapWeight::Hides);
    assert!(
        broken.what.ends_with(
            "broken.yaml:5:5: invalid YAML: quote is not closed; the rest of the file was not read"
        ),
        "{}",
        broken.what
    );
    assert!(
        snapshot.gaps[3].what.contains("3 documents in 3 files"),
        "{}",
        snapshot.gaps[3].what
    );
    assert!(
        snapshot.files[0].ends_with("/.github/workflows/ci.yml"),
        "{:?}",
        snapshot.files
    );
    assert!(!format!("{snapshot:?}").contains("CANARY"));
}

#[test]
fn chart_sources_are_not_manifests() {
    let folder = folder(&[
        (
            "chart/Chart.yaml",
            "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
        ),
        (
            "chart/templates/quoted.yaml",
            &pod("\"{{ .Release.Name }}\""),
        ),
        ("chart/templates/deep/plain.yaml", &pod("plain")),
        (
            "other/templates/quoted.yaml",
            &pod("\"{{ workflow.name }}\""),
        ),
    ]);
    let snapshot = read_folder(folder.path()).unwrap();
    assert_eq!(
        names(&snapshot),
        ["Pod ns/plain", "Pod ns/{{ workflow.name }}"]
    );
    assert_eq!(gaps(&snapshot), ["template-not-rendered", "not-kubernetes"]);
    let named = read_folder(&folder.path().join("chart/templates/quoted.yaml")).unwrap();
    assert_eq!(
        (names(&named).len(), gaps(&named)),
        (0, vec!["template-not-rendered"])
    );
}

#[cfg(unix)]
#[test]
fn links_stay_inside() {
    use std::os::unix::fs::symlink;
    let outside = folder(&[("secret.yaml", &pod("outside"))]);
    let folder = folder(&[("a/real.yaml", &pod("real"))]);
    symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    symlink(outside.path(), folder.path().join("out")).unwrap();
    symlink(
        outside.path().join("secret.yaml"),
        folder.path().join("out.yaml"),
    )
    .unwrap();
    symlink("nowhere", folder.path().join("dead.yaml")).unwrap();
    symlink(
        folder.path().join("a/real.yaml"),
        folder.path().join("inside.yaml"),
    )
    .unwrap();
    let snapshot = read_folder(folder.path()).unwrap();
    assert_eq!(names(&snapshot), ["Pod ns/real", "Pod ns/real"]);
    assert_eq!(
        gaps(&snapshot),
        [
            "manifest-unreadable",
            "link-not-followed",
            "link-not-followed"
        ]
    );
}

#[test]
fn an_input_is_read_once() {
    let folder = folder(&[("a.yaml", &pod("a"))]);
    let file = folder.path().join("a.yaml");
    let inputs = [
        Input::Path(file.clone()),
        Input::Path(folder.path().to_owned()),
        Input::Path(file),
    ];
    assert_eq!(names(&read(&inputs, &options()).unwrap()), ["Pod ns/a"]);
}

#[test]
fn reading_is_deterministic() {
    let files: Vec<(String, String)> = (0..50)
        .map(|n| (format!("d{}/f{n}.yaml", n % 7), pod(&format!("p{n}"))))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let folder = folder(&files);
    let first = format!("{:?}", read_folder(folder.path()).unwrap());
    for _ in 0..3 {
        assert_eq!(format!("{:?}", read_folder(folder.path()).unwrap()), first);
    }
}

const DEPLOY: &str = "\u{FEFF}# a comment
---
# Source: shop/templates/deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
        - name: web
          image: nginx
          securityContext:
            'privileged': true
          ports: [{containerPort: 80}, {containerPort: 81, é: 1, name: x}]
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, metadata: {name: a}}
- apiVersion: v1
  kind: Pod
  metadata:
    name: b
    annotations: &x {a/b: c, d~e: f}
    labels: *x
  spec: {}
";

#[test]
fn fields_have_places() {
    let inputs = [bytes("deploy.yaml", DEPLOY)];
    let snapshot = read(&inputs, &options()).unwrap();
    let place = |kind: &str, name: &str| {
        snapshot
            .objects
            .iter()
            .find(|o| &*o.gvk.kind == kind && &*o.name == name)
            .unwrap()
            .place
    };
    let mut locator = Locator::new(&inputs);
    let cases = [
        ("Deployment", "web", "", "deploy.yaml:4:1"),
        ("Deployment", "web", "/kind", "deploy.yaml:5:1"),
        (
            "Deployment",
            "web",
            "/spec/template/spec/containers/0",
            "deploy.yaml:12:11",
        ),
        (
            "Deployment",
            "web",
            "/spec/template/spec/containers/0/securityContext/privileged",
            "deploy.yaml:15:13",
        ),
        (
            "Deployment",
            "web",
            "/spec/template/spec/containers/0/securityContext/runAsNonRoot",
            "deploy.yaml:14:11",
        ),
        (
            "Deployment",
            "web",
            "/spec/template/spec/hostNetwork",
            "deploy.yaml:10:5",
        ),
        (
            "Deployment",
            "web",
            "/spec/template/spec/containers/3/image",
            "deploy.yaml:11:7",
        ),
        (
            "Deployment",
            "web",
            "/spec/template/spec/containers/0/ports/1/name",
            "deploy.yaml:16:66",
        ),
        ("Pod", "a", "", "deploy.yaml:21:3"),
        ("Pod", "a", "/metadata/name", "deploy.yaml:21:42"),
        (
            "Pod",
            "b",
            "/metadata/annotations/a~1b",
            "deploy.yaml:26:22",
        ),
        (
            "Pod",
            "b",
            "/metadata/annotations/d~0e",
            "deploy.yaml:26:30",
        ),
        ("Pod", "b", "/metadata/labels", "deploy.yaml:27:5"),
        ("Pod", "b", "/metadata/labels/d~0e", "deploy.yaml:26:30"),
    ];
    let position = |span: &SourceSpan| format!("{}:{}:{}", span.file, span.line, span.column);
    for (kind, name, pointer, expected) in cases {
        let span = locator
            .locate(&snapshot, place(kind, name), pointer)
            .unwrap();
        assert_eq!(position(&span), expected, "{pointer}");
    }
    let fields: Vec<(Place, &str)> = cases
        .iter()
        .rev()
        .map(|(kind, name, pointer, _)| (place(kind, name), *pointer))
        .collect();
    let spans = Locator::new(&inputs).locate_all(&snapshot, &fields);
    for (span, (_, _, _, expected)) in spans.iter().zip(cases.iter().rev()) {
        assert_eq!(position(span.as_ref().unwrap()), *expected);
    }
    assert_eq!(
        locator
            .chart_source(&snapshot, place("Deployment", "web"))
            .as_deref(),
        Some("shop/templates/deploy.yaml")
    );
    assert_eq!(locator.chart_source(&snapshot, place("Pod", "a")), None);
    assert_eq!(locator.locate(&snapshot, Place::Server, ""), None);
    assert_eq!(
        Locator::new(&[]).locate(&snapshot, place("Pod", "a"), ""),
        None
    );
}

#[test]
fn fields_of_json_and_folders_have_places() {
    let folder = folder(&[(
        "a/x.json",
        "{\"apiVersion\":\"v1\",\n \"kind\":\"Pod\",\"metadata\":{\"name\":\"j\"},\n \"spec\":{\"hostPID\":true}}\n{\"apiVersion\":\"v1\",\"kind\":\"Node\",\n\"metadata\":{\"name\":\"k\"}}",
    )]);
    let inputs = [Input::Path(folder.path().to_owned())];
    let snapshot = read(&inputs, &options()).unwrap();
    let mut locator = Locator::new(&inputs);
    let at = |locator: &mut Locator, object: usize, pointer| {
        let span = locator
            .locate(&snapshot, snapshot.objects[object].place, pointer)
            .unwrap();
        assert!(span.file.ends_with("/a/x.json"));
        (span.document, span.line, span.column)
    };
    assert_eq!(&*snapshot.objects[1].name, "j");
    assert_eq!(at(&mut locator, 1, "/spec/hostPID"), (0, 3, 10));
    assert_eq!(at(&mut locator, 0, "/metadata/name"), (1, 5, 13));
    // Only files of the inputs are opened.
    let mut foreign = snapshot.clone();
    foreign.files[0] = format!("{}/a/../../etc/x.json", folder.path().display()).into();
    assert_eq!(locator.locate(&foreign, foreign.objects[0].place, ""), None);
}
