//! Who is bound: everybody, default accounts, accounts to the cluster's strongest roles.

use super::ask::{Bound, each_subject, list, take_out, unbind, unseen, worst};
use crate::rule::Mapping::{Attack, Cis, Nsa, Owasp};
use crate::rule::{Fix, Form, Mapping, Rule};
use crate::world::{Sink, World};
use model::action::FixClass::{Breaking, NeedsTest};
use model::vulnerability::Severity::{Critical, High, Low, Medium};
use semantics::authorizer::{MASTERS, Subject};
use semantics::stock::{Standing, is_public};

const ADMIN: &[Mapping] = &[Cis("5.1.1"), Owasp("K02"), Attack("T1098.006")];
const EVERYBODY: &[Mapping] = &[Nsa("anonymous access"), Owasp("K09"), Attack("T1078")];

/// Whoever asks, without a name.
fn is_anonymous(subject: &Subject) -> bool {
    match subject {
        Subject::User(name) => &**name == "system:anonymous",
        Subject::Group(name) => &**name == "system:unauthenticated",
        Subject::ServiceAccount { .. } => false,
    }
}

/// Whoever has any name, or any account.
fn is_everybody(subject: &Subject) -> bool {
    matches!(subject, Subject::Group(name) if matches!(&**name, "system:authenticated" | "system:serviceaccounts"))
}

fn is_masters(subject: &Subject) -> bool {
    matches!(subject, Subject::Group(name) if &**name == MASTERS)
}

/// It is the cluster's own, or tells only what clients need to know.
fn is_usual(bound: &Bound<'_>) -> bool {
    bound.view.standing == Standing::Own || is_public(&bound.binding.role)
}

fn told(subject: &Subject, bound: &Bound<'_>) -> String {
    format!("{subject} holds {}", bound.role())
}

fn with_dangers(world: &World<'_>, bound: &Bound<'_>, subject: &Subject) -> Option<String> {
    let dangers = bound.dangers(world);
    (!dangers.is_empty()).then(|| format!("{}, which {}", told(subject, bound), worst(&dangers)))
}

fn harmless(world: &World<'_>, bound: &Bound<'_>, subject: &Subject) -> Option<String> {
    (bound.binding.rules.is_some() && bound.dangers(world).is_empty()).then(|| told(subject, bound))
}

fn anonymous_rights(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let asked = is_anonymous(subject) && !is_usual(bound);
        asked.then(|| with_dangers(world, bound, subject))?
    });
}

fn anonymous_binding(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let asked = is_anonymous(subject) && !is_usual(bound);
        asked.then(|| harmless(world, bound, subject))?
    });
}

fn everybody_rights(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let asked = is_everybody(subject) && !is_usual(bound);
        asked.then(|| with_dangers(world, bound, subject))?
    });
}

fn everybody_binding(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let asked = is_everybody(subject) && !is_usual(bound);
        asked.then(|| harmless(world, bound, subject))?
    });
}

fn masters(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        (is_masters(subject) && !is_usual(bound)).then(|| told(subject, bound))
    });
}

/// Everybody is told of elsewhere, as are the groups that exist for it.
fn cluster_admin<'a>(
    world: &World<'a>,
    sink: &mut Sink<'_>,
    of: impl Fn(&Bound<'a>, &Subject) -> bool,
) {
    each_subject(world, sink, |bound, subject| {
        let told_elsewhere = is_anonymous(subject) || is_everybody(subject) || is_masters(subject);
        let asked = bound.gives("cluster-admin")
            && bound.view.standing != Standing::Own
            && !told_elsewhere
            && of(bound, subject);
        asked.then(|| told(subject, bound))
    });
}

fn admin_account(world: &World<'_>, sink: &mut Sink<'_>) {
    cluster_admin(world, sink, |bound, subject| {
        bound.cluster_wide() && subject.account().is_some()
    });
}

fn admin_group(world: &World<'_>, sink: &mut Sink<'_>) {
    cluster_admin(world, sink, |bound, subject| {
        bound.cluster_wide() && matches!(subject, Subject::Group(_))
    });
}

fn admin_user(world: &World<'_>, sink: &mut Sink<'_>) {
    cluster_admin(world, sink, |bound, subject| {
        bound.cluster_wide() && matches!(subject, Subject::User(_)) && subject.account().is_none()
    });
}

fn admin_in_namespace(world: &World<'_>, sink: &mut Sink<'_>) {
    cluster_admin(world, sink, |bound, _| !bound.cluster_wide());
}

/// `admin` and `edit` are made for one namespace.
fn namespace_role(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(world, sink, &["ClusterRoleBinding"]);
    for bound in super::ask::bound(world) {
        sink.looked(1);
        let given = bound.gives("admin") || bound.gives("edit");
        if given && bound.cluster_wide() && !bound.binding.subjects.is_empty() {
            let says = format!(
                "{} hold {} in every namespace",
                subjects(&bound),
                bound.role()
            );
            bound.found(sink, "/roleRef".into(), says);
        }
    }
}

fn subjects(bound: &Bound<'_>) -> String {
    let all: Vec<String> = bound
        .binding
        .subjects
        .iter()
        .map(ToString::to_string)
        .collect();
    list(&all)
}

/// Roles that Kubernetes made for a component of its own.
fn component_role(world: &World<'_>, sink: &mut Sink<'_>) {
    unseen(world, sink, &["ClusterRoleBinding", "RoleBinding"]);
    for bound in super::ask::bound(world) {
        sink.looked(1);
        let role = &bound.binding.role;
        let component = role.name.starts_with("system:") && !is_public(role);
        if !component || bound.view.standing != Standing::Other || bound.binding.subjects.is_empty()
        {
            continue;
        }
        let dangers = bound.dangers(world);
        if !dangers.is_empty() {
            let says = format!(
                "{} hold {}, which {}",
                subjects(&bound),
                bound.role(),
                worst(&dangers)
            );
            bound.found(sink, "/roleRef".into(), says);
        }
    }
}

fn default_account(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let (_, name) = subject.account()?;
        let asked = name == "default" && bound.view.standing != Standing::Own;
        asked.then(|| told(subject, bound))
    });
}

/// `system:serviceaccounts:NAMESPACE`.
fn namespace_accounts(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let Subject::Group(name) = subject else {
            return None;
        };
        name.strip_prefix("system:serviceaccounts:")?;
        with_dangers(world, bound, subject)
    });
}

fn nodes(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let Subject::Group(name) = subject else {
            return None;
        };
        let nodes = matches!(&**name, "system:nodes" | "system:bootstrappers")
            || name.starts_with("system:bootstrappers:");
        let asked = nodes && bound.view.standing != Standing::Own;
        asked.then(|| with_dangers(world, bound, subject))?
    });
}

/// An account of another namespace than the binding's.
fn foreign(bound: &Bound<'_>, subject: &Subject) -> bool {
    let (own, of) = (bound.binding.namespace.as_deref(), subject.account());
    own.zip(of).is_some_and(|(own, (of, _))| own != of)
}

fn cross_namespace(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let asked = foreign(bound, subject)
            && bound.binding.namespace.as_deref() != Some("kube-system")
            && bound.view.standing != Standing::Own;
        asked.then(|| with_dangers(world, bound, subject))?
    });
}

fn in_kube_system(world: &World<'_>, sink: &mut Sink<'_>) {
    each_subject(world, sink, |bound, subject| {
        let own = subject
            .account()
            .is_some_and(|(namespace, _)| namespace == "kube-system");
        let asked = bound.binding.namespace.as_deref() == Some("kube-system")
            && !own
            && bound.view.standing != Standing::Own
            && !bound.gives("cluster-admin");
        asked.then(|| with_dangers(world, bound, subject))?
    });
}

const TAKE_OUT: Fix = Fix::Make(take_out, Breaking);

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "KP-RBAC-060",
        slug: "cluster-admin-account",
        severity: Critical,
        title: "service account is cluster-admin",
        why: "whoever takes over one pod that runs as it, or may start one in its namespace, owns the cluster",
        advice: "give the account a role with what its program asks for",
        maps: ADMIN,
        form: Form::World(admin_account),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-061",
        slug: "cluster-admin-group",
        severity: Medium,
        title: "group is cluster-admin",
        why: "whoever puts people into the group, mostly somebody outside the cluster, makes administrators; a claim of a token \
              with another prefix can be taken for it",
        advice: "keep one group for emergencies, with members that are reviewed; give the others what they do",
        maps: ADMIN,
        form: Form::World(admin_group),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-062",
        slug: "cluster-admin-user",
        severity: Medium,
        title: "single user is cluster-admin",
        why: "a certificate or token of one person owns the cluster until the binding is found and removed, after the person \
              has left too",
        advice: "bind groups of the identity provider, and everyday work to less",
        maps: ADMIN,
        form: Form::World(admin_user),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-063",
        slug: "masters-binding",
        severity: Medium,
        title: "system:masters is bound to a role",
        why: "members of that group are never asked: a binding changes nothing, and somebody thinks that it does. Its members \
              cannot be locked out but by another certificate authority",
        advice: "use another group, as kubeadm:cluster-admins, and give out no certificates of system:masters",
        maps: &[Cis("5.1.7"), Owasp("K02")],
        form: Form::World(masters),
        fix: Fix::Make(take_out, NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-064",
        slug: "anonymous-rights",
        severity: Critical,
        title: "anybody without a login may change or read what is protected",
        why: "system:anonymous and system:unauthenticated are everybody who reaches the API server, from the Internet too where \
              it can be reached from there",
        advice: "remove the subject; give the program that needs it an account",
        maps: EVERYBODY,
        form: Form::World(anonymous_rights),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-065",
        slug: "anonymous-binding",
        severity: Medium,
        title: "anybody without a login holds a role",
        why: "what the role gives is open to everybody who reaches the API server, and so is all that is added to it later",
        advice: "remove the subject; health and version are open without it",
        maps: EVERYBODY,
        form: Form::World(anonymous_binding),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-066",
        slug: "everybody-rights",
        severity: Critical,
        title: "every user or account may change or read what is protected",
        why: "system:authenticated holds every person and pod, on some providers everybody with a login of theirs; \
              system:serviceaccounts holds every pod with a token",
        advice: "bind the group that is meant",
        maps: EVERYBODY,
        form: Form::World(everybody_rights),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-067",
        slug: "everybody-binding",
        severity: Low,
        title: "every user or account holds a role",
        why: "harmless now; what is added to the role later is given to every pod",
        advice: "bind the group that is meant",
        maps: EVERYBODY,
        form: Form::World(everybody_binding),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-068",
        slug: "default-account-binding",
        severity: Medium,
        title: "default account of a namespace holds a role",
        why: "every pod that names no account runs as `default`: each of them may what one of them needs",
        advice: "make an account for the program that needs it, and bind that",
        maps: &[
            Cis("5.1.5"),
            Nsa("service accounts"),
            Owasp("K02"),
            Attack("T1078"),
        ],
        form: Form::World(default_account),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-069",
        slug: "namespace-accounts-rights",
        severity: Medium,
        title: "all accounts of a namespace hold a dangerous role",
        why: "every pod of the namespace with a token may it, the least trusted one too",
        advice: "bind the one account that needs it",
        maps: &[Cis("5.1.5"), Owasp("K02")],
        form: Form::World(namespace_accounts),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-070",
        slug: "namespace-role-everywhere",
        severity: High,
        title: "admin or edit of every namespace",
        why: "both are made for one namespace: bound in the cluster they read all Secrets and run pods in kube-system, which is \
              cluster-admin by one step",
        advice: "bind it by RoleBindings in the namespaces that are meant",
        maps: ADMIN,
        form: Form::World(namespace_role),
        fix: Fix::Make(unbind, Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-071",
        slug: "component-role-lent",
        severity: High,
        title: "role of a control-plane component is bound to somebody else",
        why: "roles of controllers, scheduler and nodes are as wide as their work and grow with each version",
        advice: "make a role with what is needed of it",
        maps: ADMIN,
        form: Form::World(component_role),
        fix: Fix::Make(unbind, Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-072",
        slug: "cluster-admin-in-namespace",
        severity: Medium,
        title: "cluster-admin is bound in a namespace",
        why: "in its namespace the holder may everything, quotas, roles and kinds of other programs included; in kube-system it \
              is the cluster",
        advice: "bind `admin` instead",
        maps: ADMIN,
        form: Form::World(admin_in_namespace),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-073",
        slug: "rights-in-kube-system",
        severity: High,
        title: "somebody outside kube-system holds a dangerous role in it",
        why: "Secrets, accounts and pods of kube-system belong to the control plane: who reads or starts them is one step from \
              cluster-admin",
        advice: "move what it manages to a namespace of its own, or narrow the role to names",
        maps: ADMIN,
        form: Form::World(in_kube_system),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-074",
        slug: "rights-across-namespaces",
        severity: Low,
        title: "account of another namespace holds a dangerous role",
        why: "whoever may start pods in the account's namespace may it here as well: the wall between the two has a door. Usual \
              for controllers that serve several namespaces",
        advice: "look whether both namespaces are trusted alike",
        maps: &[Owasp("K02"), Attack("T1078")],
        form: Form::World(cross_namespace),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
    Rule {
        id: "KP-RBAC-075",
        slug: "rights-of-nodes",
        severity: High,
        title: "all nodes, or whoever may join, hold a dangerous role",
        why: "the node authorizer gives a kubelet what belongs to its own pods; a role for the group gives every node all of it",
        advice: "remove the binding; nodes need none but those of the cluster",
        maps: &[Owasp("K02"), Attack("T1098.006")],
        form: Form::World(nodes),
        fix: TAKE_OUT,
        ..Rule::ROW
    },
];
