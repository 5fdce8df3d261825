//! What of the node and of the network is mounted. Rules about a mount ask for its volume by name, so that a mount that
//! is read-only is told from one that is not.

use super::patterns::{
    DEVICES, KERNEL, KUBELET, LOGS, NODE_CREDENTIALS, RUNTIME, SAID, SENSITIVE, SYSTEM,
};
use crate::rule::Mapping::{Attack, Cis, Cve, Microsoft, Owasp, Pss};
use crate::rule::{Containers, Fix, Form, Rule, Scope};
use crate::test::{TRUE, Test, Value, item, pod, this};
use model::action::FixClass::{Breaking, NeedsTest};
use model::vulnerability::Severity::{High, Low, Medium};

const MOUNTS: Scope = Scope::ContainerItems(Containers::All, "volumeMounts");
const WRITABLE: Test = Test::Not(&Test::Is(this(&["readOnly"]), TRUE));
const NAMED: Test = Test::Same(item(&["name"]), this(&["name"]));
const READ_ONLY: Fix = Fix::Set(this(&["readOnly"]), "true", NeedsTest);

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "KP-WL-020",
        slug: "host-path-root",
        severity: High,
        title: "root of the node is mounted",
        why: "whoever runs code there reads the Secrets and keys of every pod of the node, and where it can be written is \
              root on the node",
        advice: "mount the one folder that is needed, read-only",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Attack("T1611"),
            Microsoft("Writable hostPath mount"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::In(this(&["hostPath", "path"]), &["/", "//", "/."]),
            at: this(&["hostPath", "path"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-021",
        slug: "host-path-runtime",
        severity: High,
        title: "socket of the container runtime is mounted",
        why: "whoever may talk to it starts a privileged container and owns the node; mounting it read-only changes nothing, \
              a socket is written to all the same",
        advice: "build images with a rootless builder, and read metrics from the kubelet",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Attack("T1610"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Matches(this(&["hostPath", "path"]), &RUNTIME),
            at: this(&["hostPath", "path"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-022",
        slug: "host-path-kubelet",
        severity: High,
        title: "folder of the kubelet is mounted",
        why: "tokens and Secrets of all pods of the node are in it, and the node's own key: read access is enough to be any \
              of them. Storage drivers need the pods folder; read what is registered through the API otherwise",
        advice: "mount the driver's own folder below plugins instead",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Attack("T1552.007"),
            Owasp("K03"),
        ],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Matches(this(&["hostPath", "path"]), &KUBELET),
            at: this(&["hostPath", "path"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-023",
        slug: "host-path-credentials",
        severity: High,
        title: "credentials of the node are mounted",
        why: "the cluster's certificates, static pods, etcd, the keys of administrators or the node's users lie there: on a \
              control plane node reading them is the cluster. Components of the control plane itself need them",
        advice: "mount the one file that is needed, read-only",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Attack("T1552.001"),
            Owasp("K03"),
        ],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Matches(this(&["hostPath", "path"]), &NODE_CREDENTIALS),
            at: this(&["hostPath", "path"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-024",
        slug: "host-path-system-writable",
        severity: High,
        title: "system folder of the node can be written",
        why: "a program, library, unit or cron file that is put there runs as root on the node. Installers of network \
              plugins write /opt/cni and /etc/cni; nothing else should",
        advice: "mount it read-only, or bring the file with the node's image",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Attack("T1611"),
            Microsoft("Writable hostPath mount"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: MOUNTS,
            violated: Test::All(&[
                WRITABLE,
                Test::Some(
                    pod(&["volumes"]),
                    &Test::All(&[
                        NAMED,
                        Test::Matches(item(&["hostPath", "path"]), &SYSTEM),
                        Test::Not(&Test::Matches(
                            item(&["hostPath", "path"]),
                            &NODE_CREDENTIALS,
                        )),
                    ]),
                ),
            ]),
            at: this(&["readOnly"]),
        },
        fix: READ_ONLY,
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-025",
        slug: "host-path-kernel-writable",
        severity: High,
        title: "kernel settings of the node can be written",
        why: "root in the container has the kernel run a program of its choice through /proc/sys/kernel/core_pattern or a \
              uevent helper of /sys. Reading them, as monitoring does, needs no write access",
        advice: "mount it read-only; set what must be set as a sysctl of the pod",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: MOUNTS,
            violated: Test::All(&[
                WRITABLE,
                Test::Some(
                    pod(&["volumes"]),
                    &Test::All(&[NAMED, Test::Matches(item(&["hostPath", "path"]), &KERNEL)]),
                ),
            ]),
            at: this(&["readOnly"]),
        },
        fix: READ_ONLY,
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-026",
        slug: "host-path-devices",
        severity: Medium,
        title: "disks or memory of the node are mounted",
        why: "with the right to open a device the disk is read below every permission of its files. Without privileges the \
              runtime's device rules still say no: then it is one wall of two",
        advice: "let a device plugin or a storage driver hand out the one device",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Attack("T1006"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Matches(this(&["hostPath", "path"]), &DEVICES),
            at: this(&["hostPath", "path"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-027",
        slug: "host-path-logs-writable",
        severity: Medium,
        title: "logs of the node can be written",
        why: "who puts a link there and may read logs through the kubelet reads any file of the node as root; and traces can \
              be removed. Collectors that keep their position beside the logs write there out of habit",
        advice: "mount it read-only, and keep positions in a folder of their own",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Attack("T1070.002"),
            Cve("CVE-2017-1002101"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: MOUNTS,
            violated: Test::All(&[
                WRITABLE,
                Test::Some(
                    pod(&["volumes"]),
                    &Test::All(&[NAMED, Test::Matches(item(&["hostPath", "path"]), &LOGS)]),
                ),
            ]),
            at: this(&["readOnly"]),
        },
        fix: READ_ONLY,
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-028",
        slug: "host-path-writable",
        severity: Medium,
        title: "a folder of the node can be written",
        why: "what is written stays on the node for whoever reads it next: other pods with the same path, its agents, its \
              users. It is no problem where nothing else reads it",
        advice: "use a PersistentVolumeClaim or an emptyDir; or mount it read-only",
        maps: &[
            Cis("5.2.10"),
            Pss("hostpathvolumes"),
            Microsoft("Writable hostPath mount"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: MOUNTS,
            violated: Test::All(&[
                WRITABLE,
                Test::Some(
                    pod(&["volumes"]),
                    &Test::All(&[
                        NAMED,
                        Test::Set(item(&["hostPath", "path"])),
                        Test::Not(&Test::Matches(item(&["hostPath", "path"]), &SAID)),
                    ]),
                ),
            ]),
            at: this(&["readOnly"]),
        },
        fix: READ_ONLY,
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-030",
        slug: "mount-propagation",
        severity: Medium,
        title: "mounts of the container reach the node",
        why: "whatever the container mounts below this path appears on the node and in its other pods, over what was there. \
              Storage drivers need it",
        advice: "HostToContainer is enough to see the node's mounts",
        maps: &[Attack("T1611"), Owasp("K01")],
        form: Form::Each {
            scope: MOUNTS,
            violated: Test::Is(this(&["mountPropagation"]), Value::Text("Bidirectional")),
            at: this(&["mountPropagation"]),
        },
        fix: Fix::Set(this(&["mountPropagation"]), "\"HostToContainer\"", Breaking),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-031",
        slug: "sub-path-mount",
        severity: High,
        title: "volume is mounted by a sub path on an old kubelet",
        why: "whoever may create files in the volume swaps the path for a link and has a folder of the node mounted. Patched \
              in 1.22.2, 1.21.5, 1.20.11 and 1.19.15; later minor versions do not have it",
        advice: "update the kubelets; until then mount the volume as a whole",
        maps: &[Attack("T1611"), Cve("CVE-2021-25741"), Owasp("K07")],
        form: Form::Each {
            scope: MOUNTS,
            violated: Test::Any(&[
                Test::Not(&Test::Empty(this(&["subPath"]))),
                Test::Not(&Test::Empty(this(&["subPathExpr"]))),
            ]),
            at: this(&["mountPath"]),
        },
        minors: (0, 22),
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-032",
        slug: "git-repo-volume",
        severity: High,
        title: "volume clones a git repository as root of the node",
        why: "the kubelet runs git outside of the pod: hooks in the repository run as root on the node. Newer kubelets refuse \
              the volume",
        advice: "clone in an init container into an emptyDir",
        maps: &[
            Pss("restrictedvolumes"),
            Cve("CVE-2024-10220"),
            Attack("T1611"),
            Owasp("K01"),
        ],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Set(this(&["gitRepo"])),
            at: this(&["gitRepo"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-033",
        slug: "flex-volume",
        severity: Low,
        title: "volume is mounted by a FlexVolume driver",
        why: "a program on the node runs as root with options that the pod chooses, and nobody maintains the interface any \
              more",
        advice: "move to the storage's CSI driver",
        maps: &[Pss("restrictedvolumes"), Owasp("K07")],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Set(this(&["flexVolume"])),
            at: this(&["flexVolume"]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-034",
        slug: "network-volume",
        severity: Low,
        title: "pod names a network storage by itself",
        why: "the node mounts whatever export the pod asks for, mostly without credentials: who may create pods reads all \
              that the node may mount",
        advice: "put it into a PersistentVolume, which administrators write, and claim that",
        maps: &[Pss("restrictedvolumes"), Attack("T1213"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::PodItems("volumes"),
            violated: Test::Any(&[
                Test::Set(this(&["nfs"])),
                Test::Set(this(&["iscsi"])),
                Test::Set(this(&["rbd"])),
                Test::Set(this(&["cephfs"])),
                Test::Set(this(&["glusterfs"])),
                Test::Set(this(&["fc"])),
            ]),
            at: this(&[]),
        },
        ..Rule::ROW
    },
    Rule {
        id: "KP-WL-035",
        slug: "persistent-volume-of-node",
        severity: High,
        title: "persistent volume is a sensitive folder of the node",
        why: "whoever claims it gets the node's files in a pod that every Pod Security level admits: the level sees a claim, \
              no hostPath",
        advice: "delete it, or point it at a folder of its own",
        maps: &[Cis("5.2.10"), Attack("T1611"), Owasp("K01")],
        form: Form::Each {
            scope: Scope::Objects(&[("", "PersistentVolume")]),
            violated: Test::Matches(this(&["spec", "hostPath", "path"]), &SENSITIVE),
            at: this(&["spec", "hostPath", "path"]),
        },
        ..Rule::ROW
    },
];
