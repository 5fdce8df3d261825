//! Actions that change a field of an object so that less falls with a container: privileges, host access,
//! rights of service accounts. In: the steps of the blast radius and their evidence; out: candidates.
//! Control-plane objects and what cannot be named by object and field give none.

use super::Candidate;
use super::value::{Board, Effect};
use super::words::{at_source, namespace, plain, resource, rollback, shell};
use model::action::{ActionKind, FixClass};
use model::assessment::Assessment;
use model::evidence::Evidence;
use model::object::ObjectRef;
use model::text::Text;
use model::workload::Workload;
use std::collections::BTreeMap;

/// A field whose change takes a step away. Rows are matched by the end of the JSON pointer.
struct Row {
    end: &'static str,
    change: Change,
    class: FixClass,
    reason: &'static str,
}

enum Change {
    /// Set to this JSON value; the second is what it was.
    Set(&'static str, &'static str),
    /// Remove the field.
    Remove,
    /// Remove the list item or map that holds the field.
    RemoveParent,
}

/// The fields of Pod Security (policies `baseline` and `restricted`) and the token of the service account.
const ROWS: [Row; 12] = [
    row("/privileged", Change::Set("false", "true"), FixClass::NeedsTest, "device and kernel access ends; test what the container does with it"),
    row("/hostPID", Change::Set("false", "true"), FixClass::NeedsTest, "the container no longer sees the node's processes"),
    row("/hostIPC", Change::Set("false", "true"), FixClass::NeedsTest, "the container no longer shares the node's memory segments"),
    row("/hostNetwork", Change::Set("false", "true"), FixClass::Breaking, "the pod leaves the node's network: addresses and ports change"),
    row("/allowPrivilegeEscalation", Change::Set("false", "true"), FixClass::NeedsTest, "setuid programs in the container stop gaining rights"),
    row("/automountServiceAccountToken", Change::Set("false", "true"), FixClass::NeedsTest, "whatever calls the Kubernetes API from the pod stops"),
    row("/runAsNonRoot", Change::Set("true", "false"), FixClass::NeedsTest, "an image that starts as root is refused"),
    row("/runAsUser", Change::Set("65532", "0"), FixClass::NeedsTest, "files and ports that only root may use fail"),
    row("/procMount", Change::Remove, FixClass::NeedsTest, "the usual masks of /proc come back"),
    row("/capabilities/add", Change::Remove, FixClass::NeedsTest, "the added capabilities end; test what uses them"),
    row("/hostPath", Change::RemoveParent, FixClass::Breaking, "the node's files are no longer there for the container"),
    row("/hostPath/path", Change::RemoveParent, FixClass::Breaking, "the node's files are no longer there for the container"),
];

const fn row(end: &'static str, change: Change, class: FixClass, reason: &'static str) -> Row {
    Row {
        end,
        change,
        class,
        reason,
    }
}

/// Steps that one piece of evidence carries.
#[derive(Default)]
struct Steps {
    reason: Option<Text>,
    of: Vec<(u32, Vec<usize>)>,
    workload: Option<u32>,
    evidence: Option<usize>,
}

pub(crate) fn candidates(assessment: &Assessment, board: &Board) -> Vec<Candidate> {
    let mut found: BTreeMap<(ObjectRef, Text), Steps> = BTreeMap::new();
    for (target, id) in board.targets.iter().zip(0u32..) {
        let Some(situation) = assessment.situations.get(target.situation as usize) else {
            continue;
        };
        for (index, step) in situation.blast.steps.iter().enumerate() {
            for evidence in &step.because {
                let Some((object, pointer)) = assessment
                    .ledger
                    .evidence
                    .get(evidence.0 as usize)
                    .and_then(changeable)
                else {
                    continue;
                };
                let steps = found.entry((object, pointer)).or_default();
                steps.reason.get_or_insert_with(|| Text::clone(&step.reason));
                steps.workload.get_or_insert(target.workload);
                steps.evidence.get_or_insert(evidence.0 as usize);
                match steps.of.last_mut() {
                    Some((last, indices)) if *last == id => {
                        if !indices.contains(&index) {
                            indices.push(index);
                        }
                    }
                    _ => steps.of.push((id, vec![index])),
                }
            }
        }
    }
    found
        .into_iter()
        .map(|((object, pointer), steps)| candidate(assessment, object, &pointer, steps))
        .collect()
}

/// Object and field of evidence that a change can take away; the field is empty for a grant of rights.
fn changeable(evidence: &Evidence) -> Option<(ObjectRef, Text)> {
    let object = evidence.object.as_ref()?;
    if is_grant(object) {
        return Some((object.clone(), Text::from("")));
    }
    let pointer = evidence.pointer.as_ref()?;
    row_of(pointer).map(|(_, pointer)| (object.clone(), pointer))
}

fn is_grant(object: &ObjectRef) -> bool {
    &*object.group == "rbac.authorization.k8s.io"
        && matches!(&*object.kind, "ClusterRoleBinding" | "RoleBinding")
}

/// The row of a pointer, and the pointer cut to the field that is changed (`/add/0` is a part of `/add`).
fn row_of(pointer: &str) -> Option<(&'static Row, Text)> {
    let field = match pointer.rsplit_once('/') {
        Some((list, index)) if !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) => {
            if list.ends_with("/volumes") {
                return ROWS
                    .iter()
                    .find(|row| row.end == "/hostPath")
                    .map(|row| (row, Text::from(format!("{pointer}/hostPath"))));
            }
            list
        }
        _ => pointer,
    };
    ROWS.iter()
        .find(|row| field.ends_with(row.end))
        .map(|row| (row, Text::from(field)))
}

fn candidate(
    assessment: &Assessment,
    object: ObjectRef,
    pointer: &str,
    steps: Steps,
) -> Candidate {
    let evidence = steps
        .evidence
        .and_then(|index| assessment.ledger.evidence.get(index));
    let workload = steps
        .workload
        .and_then(|index| assessment.workloads.get(index as usize));
    // The object's own workload knows its source; a binding has only what its evidence says.
    let own = workload.filter(|workload| workload.object == object);
    let span = evidence
        .and_then(|evidence| evidence.source.clone())
        .or_else(|| own.and_then(|workload| workload.source.clone()));
    let written = Written::of(&object, pointer, own);
    let exact = match (own.and_then(|w| w.managed_by.as_ref()), &span) {
        (Some(managed), _) => format!("{}: {}", at_source(managed), written.what),
        (None, Some(span)) => format!("in {span} {}", written.what),
        (None, None) => written.command,
    };
    let undo = match (own.and_then(|w| w.managed_by.as_ref()), &span) {
        (None, None) => written.undo,
        _ => format!("apply {object} as it was before"),
    };
    let mut because = Vec::new();
    because.extend(steps.reason);
    Candidate {
        kind: ActionKind::ChangeField,
        title: format!("{} in {object}", written.title),
        key: format!("change\0{object}\0{}\0{pointer}", object.group),
        image: None,
        source: span,
        closes: Vec::new(),
        targets: steps.of.iter().map(|(target, _)| *target).collect(),
        effect: Effect::Blast(steps.of),
        class: written.class,
        class_reason: written.reason,
        because,
        exact: vec![plain(&exact).into()],
        undo: plain(&undo).into(),
        object: Some(object),
    }
}

/// One change in the forms in which it is told.
struct Written {
    /// `set privileged: false`.
    title: String,
    /// `set privileged: false (/spec/...)`.
    what: String,
    command: String,
    undo: String,
    class: FixClass,
    reason: Text,
}

impl Written {
    fn of(object: &ObjectRef, pointer: &str, own: Option<&Workload>) -> Written {
        let Some((row, _)) = row_of(pointer) else {
            return Written::grant(object);
        };
        let (path, verb, value, before) = match row.change {
            Change::Set(value, before) => (pointer, "add", Some(value), Some(before)),
            Change::Remove => (pointer, "remove", None, None),
            Change::RemoveParent => (parent(pointer), "remove", None, None),
        };
        let name = row.end.rsplit('/').next().unwrap_or(row.end);
        let name = if row.end == "/capabilities/add" {
            "added capabilities"
        } else if row.end.starts_with("/hostPath") {
            "the hostPath volume"
        } else {
            name
        };
        let title = match value {
            Some(value) => format!("set {name}: {value}"),
            None => format!("remove {name}"),
        };
        let undo = match before {
            Some(before) => patch(object, "add", path, Some(before)),
            None => own.map_or_else(|| format!("apply {object} as it was before"), rollback),
        };
        let (class, reason) = (row.class, Text::from(row.reason));
        let command = if &*object.kind == "Pod" && object.group.is_empty() {
            format!("{title} ({path}) in its manifest and create the pod again: its fields do not change while it runs")
        } else {
            patch(object, verb, path, value)
        };
        Written {
            what: format!("{title} ({path})"),
            title,
            command,
            undo,
            class,
            reason,
        }
    }

    /// A binding: what it grants must be narrowed; removing it is the whole way.
    fn grant(object: &ObjectRef) -> Written {
        let at = namespace(object.namespace.as_deref());
        let name = shell(&object.name);
        let resource = resource(object);
        Written {
            title: "narrow the rights that are granted".to_owned(),
            what: format!("narrow its role to what is used, or remove {object}"),
            command: format!(
                "kubectl {at}get {resource} {name} -o yaml > {name}.yaml && kubectl {at}delete {resource} {name}"
            ),
            undo: format!("kubectl {at}apply -f {name}.yaml"),
            class: FixClass::Breaking,
            reason: "what uses these rights stops".into(),
        }
    }
}

/// A JSON patch (RFC 6902) as a command; `add` also replaces.
fn patch(object: &ObjectRef, verb: &str, path: &str, value: Option<&str>) -> String {
    let path = plain(path).replace('\\', "\\\\").replace('"', "\\\"");
    let operation = match value {
        Some(value) => format!(r#"[{{"op":"{verb}","path":"{path}","value":{value}}}]"#),
        None => format!(r#"[{{"op":"{verb}","path":"{path}"}}]"#),
    };
    format!(
        "kubectl {}patch {} {} --type=json -p {}",
        namespace(object.namespace.as_deref()),
        resource(object),
        shell(&object.name),
        shell(&operation)
    )
}

/// The item of the list of volumes, for `/spec/.../volumes/0/hostPath`.
fn parent(pointer: &str) -> &str {
    pointer
        .split_once("/hostPath")
        .map_or(pointer, |(volume, _)| volume)
}
