//! Configuration findings of other tools that the change of a field closes. They have no likelihood and no value
//! of their own; the action that ends them cites them.
//! In: open findings of objects; out: their indices. Never: a finding whose field is not the very one.

use model::assessment::Assessment;
use model::finding::Finding;
use model::matches::Category;
use model::object::ObjectRef;
use model::workload::Workload;
use std::collections::BTreeMap;

/// The end of a field's pointer, and the checks that fail because of its value. Sources: Trivy
/// (`checks/kubernetes`), kubeaudit (`auditors`). Kubescape gives the field itself.
const CHECKS: [(&str, &[&str]); 10] = [
    ("/privileged", &["KSV017", "PrivilegedTrue"]),
    ("/hostPID", &["KSV010", "NamespaceHostPIDTrue"]),
    ("/hostIPC", &["KSV008", "NamespaceHostIPCTrue"]),
    ("/hostNetwork", &["KSV009", "NamespaceHostNetworkTrue"]),
    (
        "/allowPrivilegeEscalation",
        &["KSV001", "AllowPrivilegeEscalationTrue"],
    ),
    ("/runAsNonRoot", &["KSV012", "RunAsNonRootCSCFalse"]),
    ("/runAsUser", &["KSV105", "RunAsUserCSCRoot"]),
    ("/procMount", &["KSV027"]),
    ("/capabilities/add", &["KSV022", "KSV005"]),
    ("/windowsOptions/hostProcess", &["KSV103"]),
];

/// Rules about roles and bindings.
const GRANTS: &str = "KP-RBAC-";

/// Fields that a pod has once, so that naming the object names the field.
const OF_THE_POD: [&str; 3] = ["/hostPID", "/hostIPC", "/hostNetwork"];

/// Configuration findings by object.
pub(crate) struct Imported<'a> {
    assessment: &'a Assessment,
    of: BTreeMap<&'a ObjectRef, Vec<u32>>,
}

impl<'a> Imported<'a> {
    pub(crate) fn of(assessment: &'a Assessment) -> Self {
        let mut of: BTreeMap<&ObjectRef, Vec<u32>> = BTreeMap::new();
        for (finding, index) in assessment.findings.iter().zip(0u32..) {
            if let (Category::Misconfiguration, Some(object)) = (finding.category, &finding.object)
            {
                of.entry(object).or_default().push(index);
            }
        }
        Imported { assessment, of }
    }

    /// Findings that are about this field of the object; `own` is the object as a workload.
    pub(crate) fn closed_by(
        &self,
        object: &ObjectRef,
        pointer: &str,
        own: Option<&Workload>,
    ) -> Vec<u32> {
        let of_object = self.of.get(object).map_or(&[][..], Vec::as_slice);
        let closes = |index: &&u32| {
            let finding = self.assessment.findings.get(**index as usize);
            finding.is_some_and(|finding| is_about(finding, pointer, own))
        };
        of_object.iter().filter(closes).copied().collect()
    }
}

fn is_about(finding: &Finding, pointer: &str, own: Option<&Workload>) -> bool {
    if pointer.is_empty() {
        // A grant goes as a whole, and what the rule table says of it.
        return finding.id.starts_with(GRANTS);
    }
    let field = finding.field.as_deref().unwrap_or("");
    if field.starts_with('/') {
        // A part of a list that goes as a whole counts as well.
        let rest = field.strip_prefix(pointer);
        return rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    }
    let Some((end, _)) = CHECKS.iter().find(|(end, checks)| {
        pointer.ends_with(end) && checks.iter().any(|check| is_check(&finding.id, check))
    }) else {
        return false;
    };
    match field.strip_prefix("container ") {
        Some(name) => own
            .iter()
            .flat_map(|workload| &workload.containers)
            .any(|container| {
                let rest = pointer.strip_prefix(&*container.pointer);
                &*container.name == name
                    && !container.pointer.is_empty()
                    && rest.is_some_and(|rest| rest.starts_with('/'))
            }),
        None => OF_THE_POD.contains(end),
    }
}

/// Trivy writes `KSV017`, `KSV-0017` and `AVD-KSV-0017` for one check.
fn is_check(id: &str, check: &str) -> bool {
    let number = |id: &str| {
        let id = id.strip_prefix("AVD-").unwrap_or(id).strip_prefix("KSV")?;
        id.trim_start_matches('-').parse::<u32>().ok()
    };
    id == check || number(id).is_some_and(|found| number(check) == Some(found))
}

#[cfg(test)]
mod tests {
    use super::is_check;

    #[test]
    fn one_check_under_several_names() {
        for (id, check, expected) in [
            ("KSV017", "KSV017", true),
            ("KSV-0017", "KSV017", true),
            ("AVD-KSV-0017", "KSV017", true),
            ("AVD-KSV-0018", "KSV017", false),
            ("KSV", "KSV017", false),
            ("PrivilegedTrue", "PrivilegedTrue", true),
            ("PrivilegedTrue", "KSV017", false),
        ] {
            assert_eq!(is_check(id, check), expected, "{id} {check}");
        }
    }
}
