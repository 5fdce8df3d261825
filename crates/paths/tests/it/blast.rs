//! Blast radius, one line a case.

use crate::rights::{RightClass, account, relate};
use crate::world::{deployment, enforced};
use model::situation::Blast;
use semantics::view::{Inventory, Mount, PodSpec, Volume, VolumeSource};

/// `shop/web` runs as root with the account `web`; `build` changes its pod.
fn blast(build: impl FnOnce(&mut PodSpec, &mut Inventory)) -> Blast {
    let mut world = Inventory::default();
    enforced(&mut world);
    deployment(&mut world, "shop/web", &[80]);
    let mut template = world.templates.pop().unwrap();
    build(&mut template, &mut world);
    world.templates.push(template);
    let (relations, ledger) = relate(&world, &[]);
    let blast = relations.situations[relations.of[0][0] as usize]
        .blast
        .clone();
    for step in &blast.steps {
        assert!(
            step.because
                .iter()
                .all(|e| (e.0 as usize) < ledger.evidence.len())
        );
    }
    blast
}

fn check(case: &str, build: impl FnOnce(&mut PodSpec, &mut Inventory), (least, most): (f64, f64)) {
    let value = blast(build).value;
    assert!(
        least <= value.expected && value.expected <= most,
        "{case}: {value:?} is not in {least}..{most}"
    );
}

fn mount(template: &mut PodSpec, source: VolumeSource, read_only: bool) {
    template.volumes.push(Volume {
        name: "v".into(),
        source,
    });
    template.containers[0].mounts.push(Mount {
        volume: "v".into(),
        path: "/mnt".into(),
        read_only,
        recursive_read_only: false,
        sub_path: None,
    });
}

fn host(path: &str) -> VolumeSource {
    VolumeSource::HostPath { path: path.into() }
}

#[test]
fn cases() {
    check("a plain pod", |_, _| {}, (0.1, 0.1));
    check(
        "privileged",
        |t, _| t.containers[0].security.privileged = true,
        (0.5, 0.6),
    );
    check(
        "privileged, not root",
        |t, _| {
            t.containers[0].security.privileged = true;
            t.containers[0].security.run_as_user = Some(1000);
        },
        (0.2, 0.4),
    );
    check(
        "privileged in a user namespace",
        |t, _| {
            t.containers[0].security.privileged = true;
            t.host_users = Some(false);
        },
        (0.1, 0.12),
    );
    check(
        "privileged in a sandbox",
        |t, _| {
            t.containers[0].security.privileged = true;
            t.runtime_class = Some("kata-qemu".into());
        },
        (0.1, 0.12),
    );
    check("hostPID", |t, _| t.host_pid = true, (0.2, 0.3));
    check(
        "hostPID and SYS_PTRACE, where no AppArmor profile was the default",
        |t, w| {
            w.minor = 30;
            t.host_pid = true;
            t.containers[0].security.added_capabilities = vec!["SYS_PTRACE".into()];
        },
        (0.5, 0.6),
    );
    check(
        "hostPID and SYS_PTRACE: whether AppArmor stands in the way is open",
        |t, _| {
            t.host_pid = true;
            t.containers[0].security.added_capabilities = vec!["SYS_PTRACE".into()];
        },
        (0.3, 0.35),
    );
    check("hostNetwork", |t, _| t.host_network = true, (0.1, 0.12));
    check(
        "SYS_ADMIN",
        |t, _| t.containers[0].security.added_capabilities = vec!["SYS_ADMIN".into()],
        (0.4, 0.5),
    );
    check(
        "ALL",
        |t, _| t.containers[0].security.added_capabilities = vec!["ALL".into()],
        (0.55, 0.6),
    );
    check(
        "NET_BIND_SERVICE",
        |t, _| t.containers[0].security.added_capabilities = vec!["NET_BIND_SERVICE".into()],
        (0.1, 0.1),
    );
    check(
        "the node's root, writable",
        |t, _| mount(t, host("/"), false),
        (0.55, 0.6),
    );
    check(
        "a runtime socket, read-only",
        |t, _| mount(t, host("/run/containerd/containerd.sock"), true),
        (0.55, 0.6),
    );
    check(
        "logs, read-only",
        |t, _| mount(t, host("/var/log"), true),
        (0.1, 0.1),
    );
    check(
        "a claim that is a path of the node",
        |t, _| {
            mount(
                t,
                VolumeSource::Claim {
                    name: "c".into(),
                    host_path: Some("/".into()),
                },
                false,
            );
        },
        (0.55, 0.6),
    );
    check(
        "a volume that no container mounts",
        |t, _| {
            mount(t, host("/"), false);
            t.containers[0].mounts.clear();
        },
        (0.1, 0.1),
    );
    check(
        "a Secret",
        |t, _| mount(t, VolumeSource::Secret { name: "s".into() }, true),
        (0.09, 0.11),
    );
    check(
        "a Windows HostProcess container",
        |t, _| t.containers[0].security.windows_host_process = true,
        (0.5, 0.6),
    );
    check(
        "cluster-admin",
        |_, w| account(w, "shop", "default", RightClass::Everything, None),
        (0.9, 1.0),
    );
    check(
        "cluster-admin without a token",
        |t, w| {
            account(w, "shop", "default", RightClass::Everything, None);
            t.automount_token = Some(false);
        },
        (0.1, 0.1),
    );
    check(
        "an account that does not mount",
        |_, w| {
            account(w, "shop", "default", RightClass::Everything, None);
            w.service_accounts[0].automount_token = false;
        },
        (0.1, 0.1),
    );
    check(
        "a token projected by hand",
        |t, w| {
            account(w, "shop", "default", RightClass::Everything, None);
            t.automount_token = Some(false);
            mount(t, VolumeSource::Token { expiration: None }, true);
        },
        (0.7, 0.9),
    );
    check(
        "reads Secrets of its namespace",
        |_, w| account(w, "shop", "default", RightClass::ReadSecrets, Some("shop")),
        (0.2, 0.25),
    );
    check(
        "creates pods, Pod Security restricted",
        |_, w| {
            account(w, "shop", "default", RightClass::CreatePods, Some("shop"));
            crate::rights::enforce(w, Some("restricted"));
        },
        (0.2, 0.27),
    );
    check(
        "creates pods, Pod Security privileged",
        |_, w| {
            account(w, "shop", "default", RightClass::CreatePods, Some("shop"));
            crate::rights::enforce(w, Some("privileged"));
        },
        (0.45, 0.6),
    );
    check(
        "creates pods in kube-system",
        |_, w| {
            account(
                w,
                "shop",
                "default",
                RightClass::CreatePods,
                Some("kube-system"),
            );
        },
        (0.8, 1.0),
    );
    check(
        "reads",
        |_, w| account(w, "shop", "default", RightClass::Read, None),
        (0.1, 0.1),
    );
    check(
        "another container with the node's root, shared processes",
        |t, _| {
            let mut other = t.containers[0].clone();
            other.name = "other".into();
            other.security.privileged = true;
            t.containers.push(other);
            t.share_process_namespace = true;
        },
        (0.3, 0.4),
    );
}

#[test]
fn what_is_unknown_spans_both_answers() {
    let of = |user| {
        blast(move |t, _| {
            t.containers[0].security.privileged = true;
            t.containers[0].security.run_as_user = user;
        })
    };
    let (unknown, root, other) = (of(None), of(Some(0)), of(Some(1000)));
    assert_eq!(
        (unknown.value.low, unknown.value.high),
        (other.value.low, root.value.high)
    );
    assert!(
        other.value.expected < unknown.value.expected
            && unknown.value.expected < root.value.expected
    );
    assert!(!unknown.steps[0].missing.is_empty() && root.steps[0].missing.is_empty());
    let unseen = blast(|_, w| {
        account(w, "shop", "default", RightClass::Everything, None);
        w.service_accounts[0].seen = false;
    });
    assert!(unseen.value.low <= 0.1);
    assert!(unseen.value.expected > 0.8);
}
