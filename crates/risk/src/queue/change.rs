//! Actions that change a field of an object so that less falls with a container: privileges, host access,
//! rights of service accounts. In: the steps of the blast radius and their evidence; out: candidates.
//! Control-plane objects and what cannot be named by object and field give none.

use super::imported::Imported;
use super::value::{Board, Effect};
use super::words::{in_writing, namespace, plain, resource, rollback, shell};
use super::{Candidate, HIDDEN};
use model::action::{ActionKind, FixClass};
use model::assessment::Assessment;
use model::evidence::{Evidence, EvidenceId};
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
    /// Remove the item of the list that the evidence speaks of; which one, its statement says.
    RemoveItem,
}

/// The fields of Pod Security (policies `baseline` and `restricted`) and the token of the service account.
const ROWS: [Row; 12] = [
    row(
        "/privileged",
        Change::Set("false", "true"),
        FixClass::NeedsTest,
        "device and kernel access ends; test what the container does with it",
    ),
    row(
        "/hostPID",
        Change::Set("false", "true"),
        FixClass::NeedsTest,
        "the container no longer sees the node's processes",
    ),
    row(
        "/hostIPC",
        Change::Set("false", "true"),
        FixClass::NeedsTest,
        "the container no longer shares the node's memory segments",
    ),
    row(
        "/hostNetwork",
        Change::Set("false", "true"),
        FixClass::Breaking,
        "the pod leaves the node's network: addresses and ports change",
    ),
    row(
        "/allowPrivilegeEscalation",
        Change::Set("false", "true"),
        FixClass::NeedsTest,
        "setuid programs in the container stop gaining rights",
    ),
    row(
        "/automountServiceAccountToken",
        Change::Set("false", "true"),
        FixClass::NeedsTest,
        "whatever calls the Kubernetes API from the pod stops",
    ),
    row(
        "/runAsNonRoot",
        Change::Set("true", "false"),
        FixClass::NeedsTest,
        "an image that starts as root is refused",
    ),
    row(
        "/runAsUser",
        Change::Set("65532", "0"),
        FixClass::NeedsTest,
        "files and ports that only root may use fail",
    ),
    row(
        "/windowsOptions/hostProcess",
        Change::Set("false", "true"),
        FixClass::Breaking,
        "the container leaves the node",
    ),
    row(
        "/procMount",
        Change::Remove,
        FixClass::NeedsTest,
        "the usual masks of /proc come back",
    ),
    row(
        "/capabilities/add",
        Change::Remove,
        FixClass::NeedsTest,
        "the added capabilities end; test what uses them",
    ),
    row(
        "/volumeMounts",
        Change::RemoveItem,
        FixClass::Breaking,
        "the node's files are no longer there for the container",
    ),
];

const fn row(end: &'static str, change: Change, class: FixClass, reason: &'static str) -> Row {
    Row {
        end,
        change,
        class,
        reason,
    }
}

/// What one change takes away.
#[derive(Default)]
struct Steps {
    reason: Option<Text>,
    of: Vec<(u32, Vec<EvidenceId>)>,
    workload: Option<u32>,
    evidence: Option<usize>,
}

/// Object, field, and the statement where the field is a list with several dangers in it.
type Place = (ObjectRef, Text, Text);

pub(crate) fn candidates(assessment: &Assessment, board: &Board) -> Vec<Candidate> {
    let mut found: BTreeMap<Place, Steps> = BTreeMap::new();
    for (target, id) in board.targets.iter().zip(0u32..) {
        // What makes the cluster's network is not the user's to weaken; its bindings and neighbours are.
        let provided = board.workload(target).map(Workload::is_provided);
        if provided == Some(true) {
            continue;
        }
        for step in board.steps(target) {
            for evidence in &step.because {
                let Some(place) = assessment
                    .ledger
                    .evidence
                    .get(evidence.0 as usize)
                    .and_then(changeable)
                else {
                    continue;
                };
                let steps = found.entry(place).or_default();
                steps
                    .reason
                    .get_or_insert_with(|| Text::clone(&step.reason));
                steps.workload = steps.workload.or(target.runs_in.map(|at| at.workload));
                steps.evidence.get_or_insert(evidence.0 as usize);
                match steps.of.last_mut() {
                    Some((last, all)) if *last == id => {
                        if !all.contains(evidence) {
                            all.push(*evidence);
                        }
                    }
                    _ => steps.of.push((id, vec![*evidence])),
                }
            }
        }
    }
    let mut of_object: BTreeMap<ObjectRef, Vec<Candidate>> = BTreeMap::new();
    let imported = Imported::of(assessment);
    for (place, steps) in found {
        of_object
            .entry(place.0.clone())
            .or_default()
            .push(candidate(assessment, &imported, place, steps));
    }
    of_object
        .into_values()
        .flat_map(|changes| join_hidden(changes, board))
        .collect()
}

/// Fields of one object that hide each other's worth (each alone leaves another way to the node) are one action.
fn join_hidden(changes: Vec<Candidate>, board: &Board) -> Vec<Candidate> {
    let worth = |effect: &Effect| board.removes(effect).expected;
    let all = Effect::Blast(joined(&changes));
    let single: f64 = changes.iter().map(|change| worth(&change.effect)).sum();
    if changes.len() < 2 || single >= HIDDEN * worth(&all) {
        return changes;
    }
    let mut changes = changes.into_iter();
    let Some(mut whole) = changes.next() else {
        return Vec::new();
    };
    let object = whole.object.clone();
    for change in changes {
        let short = object
            .as_ref()
            .and_then(|object| whole.title.strip_suffix(&format!(" in {object}")));
        whole.title = format!("{} and {}", short.unwrap_or(&whole.title), change.title);
        whole.key.push('\0');
        whole.key.push_str(&change.key);
        whole.closes.extend(change.closes);
        whole.targets.extend(change.targets);
        if change.class > whole.class {
            whole.class = change.class;
            whole.class_reason = change.class_reason;
        }
        whole.because.extend(change.because);
        whole.exact.extend(change.exact);
        if whole.undo != change.undo {
            whole.undo = format!("{}; {}", whole.undo, change.undo).into();
        }
    }
    whole.closes.sort_unstable();
    whole.closes.dedup();
    whole.targets.sort_unstable();
    whole.targets.dedup();
    whole.effect = all;
    vec![whole]
}

/// The evidence of all changes, by target.
fn joined(changes: &[Candidate]) -> Vec<(u32, Vec<EvidenceId>)> {
    let mut all: BTreeMap<u32, Vec<EvidenceId>> = BTreeMap::new();
    for change in changes {
        if let Effect::Blast(of) = &change.effect {
            for (target, evidence) in of {
                all.entry(*target).or_default().extend(evidence);
            }
        }
    }
    all.into_iter().collect()
}

/// Object and field of evidence that a change can take away; the field is empty for a grant of rights.
fn changeable(evidence: &Evidence) -> Option<Place> {
    let object = evidence.object.as_ref()?;
    if is_grant(object) {
        return Some((object.clone(), Text::from(""), Text::from("")));
    }
    let pointer = evidence.pointer.as_ref()?;
    let row = row_of(pointer)?;
    let which = match row.change {
        Change::RemoveItem => Text::clone(&evidence.statement),
        Change::Set(..) | Change::Remove => Text::from(""),
    };
    Some((object.clone(), Text::clone(pointer), which))
}

fn is_grant(object: &ObjectRef) -> bool {
    &*object.group == "rbac.authorization.k8s.io"
        && matches!(&*object.kind, "ClusterRoleBinding" | "RoleBinding")
}

fn row_of(pointer: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| pointer.ends_with(row.end))
}

fn candidate(
    assessment: &Assessment,
    imported: &Imported,
    (object, pointer, which): Place,
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
    let written = Written::of(&object, &pointer, &which, own);
    let managed = own.and_then(|workload| workload.managed_by.as_ref());
    let in_writing = in_writing(assessment, managed, span.as_ref(), &object, &written.what);
    let (exact, undo) = match in_writing {
        Some(line) => (line, format!("apply {object} as it was before")),
        None => (written.command, written.undo),
    };
    let mut because = Vec::new();
    because.extend(steps.reason);
    Candidate {
        looked_at: false,
        kind: ActionKind::ChangeField,
        title: format!("{} in {object}", written.title),
        key: format!("change\0{object}\0{}\0{pointer}\0{which}", object.group),
        image: None,
        source: span,
        closes: imported.closed_by(&object, &pointer, own),
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
    fn of(object: &ObjectRef, pointer: &str, which: &str, own: Option<&Workload>) -> Written {
        let Some(row) = row_of(pointer) else {
            return Written::grant(object);
        };
        let (verb, value, before) = match row.change {
            Change::Set(value, before) => ("add", Some(value), Some(before)),
            Change::Remove => ("remove", None, None),
            Change::RemoveItem => return Written::mount(object, pointer, which, row, own),
        };
        let path = pointer;
        let name = match row.end {
            "/capabilities/add" => "added capabilities",
            end => end.rsplit('/').next().unwrap_or(end),
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
        let fixed_template = matches!(
            (&*object.group, &*object.kind),
            ("", "Pod") | ("batch", "Job")
        );
        // The API server refuses to change a running pod's fields and a Job's template.
        let command = if fixed_template {
            let kind = object.kind.to_lowercase();
            format!(
                "{title} ({path}) in its manifest and create the {kind} again: its fields do not change while it runs"
            )
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

    /// A path of the node in a container: the statement names container and path.
    fn mount(
        object: &ObjectRef,
        pointer: &str,
        which: &str,
        row: &Row,
        own: Option<&Workload>,
    ) -> Written {
        let path = which.split(' ').find(|word| word.starts_with('/'));
        let path = path.unwrap_or("the node's path");
        let title = format!("unmount {path} of the node");
        Written {
            what: format!("{title} ({pointer}; {which})"),
            command: format!(
                "kubectl {}edit {} {}  # {title}: {pointer}",
                namespace(object.namespace.as_deref()),
                resource(object),
                shell(&object.name)
            ),
            title,
            undo: own.map_or_else(|| format!("apply {object} as it was before"), rollback),
            class: row.class,
            reason: row.reason.into(),
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
