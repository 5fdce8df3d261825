//! Which image a container takes, from where, and what some images are known for.

use super::patterns::{
    DEBUG_IMAGE, DIGEST, DOCKER_DAEMON, DOCKER_IN_DOCKER, FROZEN, LATEST, SKIP_LOGIN, THROWAWAY,
    TILLER,
};
use crate::rule::Mapping::{Attack, Cis, Microsoft, Owasp};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{Test, container, item, this};
use model::action::FixClass::{Equivalent, NeedsTest};
use model::vulnerability::Severity::{High, Low, Medium};

const ALL: Scope = Scope::Containers(Containers::All);

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-070",
        slug: "image-latest",
        severity: Medium,
        title: "image has no version",
        why: "what runs changes with the next restart, nobody can say which version had a vulnerability, and two pods of one \
              workload may differ. In a cluster for development that is meant so",
        advice: "name the version that runs now, best with its digest",
        maps: &[
            Cis("5.5.1"),
            Attack("T1195.002"),
            Microsoft("Compromised images in registry"),
            Owasp("K07"),
        ],
        form: Form::Each {
            scope: ALL,
            violated: Test::Matches(this(&["image"]), &LATEST),
            at: this(&["image"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-071",
        slug: "image-without-digest",
        severity: Low,
        title: "image is not pinned to a digest",
        why: "whoever may push to the repository moves the tag, and the next restart runs it. Most clusters live with tags, \
              so this is asked only on demand",
        advice: "add @sha256: of what runs now; tools that update it exist for every pipeline",
        maps: &[Attack("T1195.002"), Owasp("K07")],
        form: Form::Each {
            scope: ALL,
            violated: Test::All(&[
                Test::Not(&Test::Empty(this(&["image"]))),
                Test::Not(&Test::Matches(this(&["image"]), &DIGEST)),
            ]),
            at: this(&["image"]),
        },
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-072",
        slug: "image-kept-stale",
        severity: Low,
        title: "image without a version is never pulled again",
        why: "a node keeps what it once pulled under that name: fixes do not arrive, nodes run different versions, and a pod \
              may use a private image that it has no credentials for",
        advice: "name a version; then IfNotPresent is right",
        maps: &[Attack("T1525"), Owasp("K07")],
        form: Form::Each {
            scope: Scope::Containers(Containers::Declared),
            violated: Test::All(&[
                Test::In(this(&["imagePullPolicy"]), &["IfNotPresent", "Never"]),
                Test::Matches(this(&["image"]), &LATEST),
            ]),
            at: this(&["imagePullPolicy"]),
        },
        fix: Fix::Set(this(&["imagePullPolicy"]), "\"Always\"", NeedsTest),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-073",
        slug: "image-from-throwaway-registry",
        severity: High,
        title: "image comes from a registry that anybody may push to",
        why: "the name is not protected: after a few hours it is free, and whoever takes it runs code here at the next pull",
        advice: "push the image to a registry of your own",
        maps: &[Attack("T1195.002"), Owasp("K07")],
        form: Form::Each {
            scope: ALL,
            violated: Test::Matches(this(&["image"]), &THROWAWAY),
            at: this(&["image"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-074",
        slug: "image-from-frozen-registry",
        severity: Low,
        title: "image comes from a repository that gets no fixes any more",
        why: "the owner moved on: nothing new is pushed there, security fixes neither, and one day it is switched off",
        advice: "k8s.gcr.io is registry.k8s.io now; for Bitnami's archive take the vendor's or the project's own image",
        maps: &[Attack("T1195.002"), Owasp("K07")],
        form: Form::Each {
            scope: ALL,
            violated: Test::Matches(this(&["image"]), &FROZEN),
            at: this(&["image"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-075",
        slug: "docker-in-docker",
        severity: Medium,
        title: "container runs a container engine",
        why: "what is built or started in it is seen by no admission, no policy and no scan, and the engine mostly runs \
              privileged. Rootless builders are less of a danger",
        advice: "build with a rootless builder in a pod of its own user namespace",
        maps: &[Attack("T1612"), Attack("T1610"), Owasp("K01")],
        form: Form::Each {
            scope: ALL,
            violated: Test::Any(&[
                Test::Matches(this(&["image"]), &DOCKER_IN_DOCKER),
                Test::Some(
                    container(&["command"]),
                    &Test::Matches(item(&[]), &DOCKER_DAEMON),
                ),
            ]),
            at: this(&["image"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-076",
        slug: "tiller",
        severity: High,
        title: "server of Helm 2 runs",
        why: "whoever reaches its port installs what they like with its rights, which mostly are all rights; it gets no fixes \
              since 2020",
        advice: "move the releases to Helm 3 or 4, and delete it",
        maps: &[Attack("T1068"), Owasp("K06"), Owasp("K07")],
        form: Form::Each {
            scope: ALL,
            violated: Test::Matches(this(&["image"]), &TILLER),
            at: this(&["image"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-077",
        slug: "dashboard-without-login",
        severity: High,
        title: "dashboard lets in without login",
        why: "whoever reaches it acts with the rights of its account",
        advice: "remove the flag; users bring their own token",
        maps: &[
            Attack("T1133"),
            Microsoft("Access Kubernetes dashboard"),
            Owasp("K06"),
        ],
        form: Form::Each {
            scope: Scope::ContainerItems(Containers::Lasting, "args"),
            violated: Test::Matches(this(&[]), &SKIP_LOGIN),
            at: this(&[]),
        },
        fix: Fix::RemoveItem(Equivalent),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-078",
        slug: "debug-image",
        severity: Low,
        title: "container runs a tool box for attackers and debuggers",
        why: "scanners, sniffers and clients lie ready for whoever gets in, and such pods are mostly forgotten ones",
        advice: "delete it; kubectl debug brings the tools when they are needed",
        maps: &[Attack("T1046"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::Containers(Containers::Lasting),
            violated: Test::Matches(this(&["image"]), &DEBUG_IMAGE),
            at: this(&["image"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-079",
        slug: "image-volume-latest",
        severity: Low,
        title: "volume is made of an image without a version",
        why: "its files change with the next restart, and nobody can say which were there",
        advice: "name the version, best with its digest",
        maps: &[Attack("T1195.002"), Owasp("K07")],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Matches(this(&["image", "reference"]), &LATEST),
            at: this(&["image", "reference"]),
        },
        minors: (31, u16::MAX),
        ..Rule::ROW
    },
];
