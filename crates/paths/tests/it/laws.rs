//! Laws: a permission more never lowers the blast radius; unknowns stay inside; the same input gives the same answer.

use crate::rights::{RightClass, account, relate, weakness};
use crate::world::{deployment, enforced, policy, service};
use model::evidence::Estimate;
use paths::Relations;
use proptest::prelude::*;
use semantics::view::{Inventory, Mount, PodSpec, Volume, VolumeSource};

const CAPABILITIES: [&str; 6] = [
    "SYS_ADMIN",
    "SYS_PTRACE",
    "BPF",
    "NET_ADMIN",
    "ALL",
    "CHOWN",
];
const PATHS: [&str; 7] = [
    "/",
    "/var/run",
    "/etc/kubernetes/pki",
    "/var/lib/kubelet",
    "/proc",
    "/var/log",
    "/data",
];
const CLASSES: [RightClass; 9] = [
    RightClass::Read,
    RightClass::Write,
    RightClass::Exec,
    RightClass::ReadSecrets,
    RightClass::CreatePods,
    RightClass::MintTokens,
    RightClass::Nodes,
    RightClass::Escalate,
    RightClass::Everything,
];
const PLACES: [Option<&str>; 3] = [None, Some("shop"), Some("kube-system")];

/// One permission more.
#[derive(Clone, Debug)]
enum Permission {
    Privileged,
    Root,
    Escalation,
    HostPid,
    HostNetwork,
    HostIpc,
    HostUsers,
    NoSandbox,
    NoSeccomp,
    NoAppArmor,
    WritableRoot,
    Unmasked,
    ShareProcesses,
    Capability(usize),
    HostPath(usize, bool),
    Secret,
    Token,
    Right(usize, usize),
    PodSecurity,
}

fn permission() -> impl Strategy<Value = Permission> {
    prop_oneof![
        Just(Permission::Privileged),
        Just(Permission::Root),
        Just(Permission::Escalation),
        Just(Permission::HostPid),
        Just(Permission::HostNetwork),
        Just(Permission::HostIpc),
        Just(Permission::HostUsers),
        Just(Permission::NoSandbox),
        Just(Permission::NoSeccomp),
        Just(Permission::NoAppArmor),
        Just(Permission::WritableRoot),
        Just(Permission::Unmasked),
        Just(Permission::ShareProcesses),
        (0..CAPABILITIES.len()).prop_map(Permission::Capability),
        (0..PATHS.len(), any::<bool>()).prop_map(|(path, ro)| Permission::HostPath(path, ro)),
        Just(Permission::Secret),
        Just(Permission::Token),
        (0..CLASSES.len(), 0..PLACES.len())
            .prop_map(|(class, place)| Permission::Right(class, place)),
        Just(Permission::PodSecurity),
    ]
}

fn mount(template: &mut PodSpec, source: VolumeSource, read_only: bool) {
    let name = format!("v{}", template.volumes.len());
    template.volumes.push(Volume {
        name: name.as_str().into(),
        source,
    });
    template.containers[0].mounts.push(Mount {
        volume: name.into(),
        path: "/mnt".into(),
        read_only,
        recursive_read_only: false,
        sub_path: None,
    });
}

fn grant(world: &mut Inventory, permission: &Permission) {
    let template = &mut world.templates[0];
    let security = &mut template.containers[0].security;
    match permission {
        Permission::Privileged => security.privileged = true,
        Permission::Root => security.run_as_user = Some(0),
        Permission::Escalation => security.allow_privilege_escalation = true,
        Permission::HostPid => template.host_pid = true,
        Permission::HostNetwork => template.host_network = true,
        Permission::HostIpc => template.host_ipc = true,
        Permission::HostUsers => template.host_users = None,
        Permission::NoSandbox => template.runtime_class = None,
        Permission::NoSeccomp => security.seccomp = Some("Unconfined".into()),
        Permission::NoAppArmor => security.apparmor = Some("Unconfined".into()),
        Permission::WritableRoot => security.read_only_root = false,
        Permission::Unmasked => security.proc_mount = Some("Unmasked".into()),
        Permission::ShareProcesses => template.share_process_namespace = true,
        Permission::Capability(n) => security.added_capabilities.push(CAPABILITIES[*n].into()),
        Permission::HostPath(n, read_only) => mount(
            template,
            VolumeSource::HostPath {
                path: PATHS[*n].into(),
            },
            *read_only,
        ),
        Permission::Secret => mount(template, VolumeSource::Secret { name: "s".into() }, true),
        Permission::Token => template.automount_token = Some(true),
        Permission::Right(class, place) => {
            let (class, place) = (CLASSES[*class], PLACES[*place]);
            if world.service_accounts.is_empty() {
                account(world, "shop", "default", class, place);
            } else {
                let binding = world.authorizer.bindings.len();
                account(world, "shop", "more", class, place);
                world.service_accounts.pop();
                let own = world.authorizer.bindings[0].subjects.clone();
                world.authorizer.bindings[binding].subjects = own;
            }
        }
        Permission::PodSecurity => crate::rights::enforce(world, Some("privileged")),
    }
}

prop_compose! {
    fn world()(
        user in prop_oneof![Just(None), Just(Some(0)), Just(Some(1000))],
        users in prop_oneof![Just(None), Just(Some(false))],
        runtime in prop_oneof![Just(None), Just(Some("gvisor")), Just(Some("mine"))],
        hardened in any::<bool>(),
        automount in prop_oneof![Just(None), Just(Some(true)), Just(Some(false))],
        enforce in prop_oneof![Just(None), Just(Some("restricted")), Just(Some("privileged"))],
        permissions in prop::collection::vec(permission(), 0..5),
        isolated in any::<bool>(),
        public in any::<bool>(),
        minor in prop_oneof![Just(28), Just(36)],
    ) -> Inventory {
        let mut world = Inventory { minor, ..Inventory::default() };
        enforced(&mut world);
        let template = deployment(&mut world, "shop/web", &[80]);
        template.host_users = users;
        template.runtime_class = runtime.map(Into::into);
        template.automount_token = automount;
        template.containers.push(crate::world::container("side"));
        let security = &mut template.containers[0].security;
        security.run_as_user = user;
        if hardened {
            security.allow_privilege_escalation = false;
            security.read_only_root = true;
            security.seccomp = Some("RuntimeDefault".into());
            security.apparmor = Some("RuntimeDefault".into());
        }
        let mut side = world.workloads[0].workload.containers[0].clone();
        side.name = "side".into();
        world.workloads[0].workload.containers.push(side);
        crate::rights::enforce(&mut world, enforce);
        for permission in &permissions { grant(&mut world, permission); }
        deployment(&mut world, "blog/web", &[80]);
        if public { service(&mut world, "shop/web", "LoadBalancer", "web", 80); }
        if isolated { policy(&mut world, "blog/deny", "", vec![]); }
        world
    }
}

fn blast(relations: &Relations, workload: usize, container: usize) -> Estimate {
    relations.situations[relations.of[workload][container] as usize]
        .blast
        .value
}

proptest! {
    #[test]
    fn a_permission_more_never_lowers(world in world(), permission in permission()) {
        // The last word on these two is said by an explicit value; granting them again may lower a better one.
        let before = relate(&world, &[]).0;
        let mut more = world.clone();
        grant(&mut more, &permission);
        let after = relate(&more, &[]).0;
        for container in 0..2 {
            let (a, b) = (blast(&before, 0, container), blast(&after, 0, container));
            prop_assert!(a.low <= b.low + 1e-12 && a.expected <= b.expected + 1e-12 && a.high <= b.high + 1e-12, "{a:?} became {b:?}");
        }
    }

    #[test]
    fn resolving_the_user_stays_inside(world in world(), user in prop_oneof![Just(0), Just(1000)]) {
        let mut open = world.clone();
        open.templates[0].containers[0].security.run_as_user = None;
        let mut known = open.clone();
        known.templates[0].containers[0].security.run_as_user = Some(user);
        let (a, b) = (blast(&relate(&open, &[]).0, 0, 0), blast(&relate(&known, &[]).0, 0, 0));
        prop_assert!(a.low <= b.low + 1e-12 && b.high <= a.high + 1e-12, "{b:?} is outside of {a:?}");
    }

    #[test]
    fn resolving_the_account_stays_inside(world in world(), automount in any::<bool>()) {
        let mut open = world.clone();
        open.templates[0].automount_token = None;
        account(&mut open, "shop", "default", RightClass::Everything, None);
        let last = open.service_accounts.len() - 1;
        open.service_accounts.swap(0, last);
        open.service_accounts.truncate(1);
        open.service_accounts[0].seen = false;
        let mut known = open.clone();
        known.service_accounts[0].seen = true;
        known.service_accounts[0].automount_token = automount;
        let (a, b) = (blast(&relate(&open, &[]).0, 0, 0), blast(&relate(&known, &[]).0, 0, 0));
        prop_assert!(a.low <= b.low + 1e-12 && b.high <= a.high + 1e-12, "{b:?} is outside of {a:?}");
    }

    #[test]
    fn a_stronger_weakness_never_lowers(world in world(), weak in 0.0..1.0_f64, more in 0.0..1.0_f64) {
        let (weak, strong) = (weak.min(more), weak.max(more));
        let before = relate(&world, &[weakness(0, weak)]).0;
        let after = relate(&world, &[weakness(0, strong)]).0;
        let lateral = |r: &Relations| r.situations[r.of[1][0] as usize].lateral;
        prop_assert!(lateral(&before).expected <= lateral(&after).expected);
        // Never more than the entry's own exposure times one hop.
        let direct = after.situations[after.of[0][0] as usize].direct;
        prop_assert!(lateral(&after).high <= direct.high * 0.3 + 1e-12);
        let best = |r: &Relations| r.paths.iter().map(|p| p.probability.expected).fold(0.0, f64::max);
        prop_assert!(best(&before) <= best(&after) + 1e-12);
    }

    #[test]
    fn sound_and_repeatable(world in world()) {
        let weak = [weakness(0, 0.4), weakness(1, 0.2)];
        let (once, ledger) = relate(&world, &weak);
        prop_assert_eq!(&once, &relate(&world, &weak).0);
        for path in &once.paths {
            let p = path.probability;
            prop_assert!(0.0 <= p.low && p.low <= p.expected && p.expected <= p.high && p.high <= 1.0);
            prop_assert!(!path.edges.is_empty());
            for pair in path.edges.windows(2) { prop_assert_eq!(&pair[0].to, &pair[1].from); }
            for edge in &path.edges { prop_assert!(!edge.kind.is_empty() && edge.evidence.iter().all(|e| (e.0 as usize) < ledger.evidence.len())); }
        }
        for cut in &once.cuts {
            let listed = once.paths.iter().filter(|p| p.sink == cut.sink);
            prop_assert!(cut.least as usize <= cut.changes.len() && cut.routes <= cut.of);
            if cut.routes == cut.of {
                for path in listed {
                    prop_assert!(path.edges.iter().any(|e| e.changeable.iter().any(|c| cut.changes.contains(c))), "{path:?}");
                }
            }
        }
        for situation in &once.situations {
            let b = situation.blast.value;
            prop_assert!(0.1 <= b.low && b.low <= b.expected && b.expected <= b.high && b.high <= 1.0);
        }
    }
}
