//! Modes and owners of the control plane's files.

use crate::component::{Component, Files, Probe, Want};
use crate::rule::Mapping::{Attack, Cis, Owasp};
use crate::rule::{Form, Rule};
use model::vulnerability::Severity::{High, Low, Medium};

pub(crate) static RULES: &[Rule] = &[
    Rule {
        id: "KP-CP-090",
        slug: "control-plane-manifest-mode",
        severity: Low,
        title: "static pods of the control plane can be read or written by others",
        why: "who writes them runs a privileged pod on the control-plane node; who reads them knows its flags",
        advice: "chmod 600 on the file",
        maps: &[Cis("1.1.1"), Cis("1.1.3"), Cis("1.1.5"), Cis("1.1.7")],
        form: Form::Probe(Probe::Files(
            &[
                Files::Manifest(Component::ApiServer),
                Files::Manifest(Component::ControllerManager),
                Files::Manifest(Component::Scheduler),
                Files::Manifest(Component::Etcd),
            ],
            Want::Mode(0o600),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-091",
        slug: "control-plane-manifest-owner",
        severity: Medium,
        title: "static pods of the control plane belong to somebody but root",
        why: "that account runs a privileged pod on the control-plane node",
        advice: "chown root:root on the file",
        maps: &[
            Cis("1.1.2"),
            Cis("1.1.4"),
            Cis("1.1.6"),
            Cis("1.1.8"),
            Attack("T1543"),
        ],
        form: Form::Probe(Probe::Files(
            &[
                Files::Manifest(Component::ApiServer),
                Files::Manifest(Component::ControllerManager),
                Files::Manifest(Component::Scheduler),
                Files::Manifest(Component::Etcd),
            ],
            Want::Owner("root"),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-092",
        slug: "control-plane-kubeconfig-mode",
        severity: High,
        title: "credentials of the control plane can be read by others",
        why: "any account on the node, and any pod that mounts the folder, is administrator or a component of the cluster",
        advice: "chmod 600 on the file, and move administrators' kubeconfigs off the node",
        maps: &[
            Cis("1.1.13"),
            Cis("1.1.15"),
            Cis("1.1.17"),
            Attack("T1552.001"),
            Owasp("K03"),
        ],
        form: Form::Probe(Probe::Files(
            &[
                Files::Admin,
                Files::Kubeconfig(Component::Scheduler),
                Files::Kubeconfig(Component::ControllerManager),
            ],
            Want::Mode(0o600),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-093",
        slug: "control-plane-kubeconfig-owner",
        severity: Medium,
        title: "credentials of the control plane belong to somebody but root",
        why: "that account is administrator or a component of the cluster",
        advice: "chown root:root on the file",
        maps: &[Cis("1.1.14"), Cis("1.1.16"), Cis("1.1.18")],
        form: Form::Probe(Probe::Files(
            &[
                Files::Admin,
                Files::Kubeconfig(Component::Scheduler),
                Files::Kubeconfig(Component::ControllerManager),
            ],
            Want::Owner("root"),
        )),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-094",
        slug: "pki-key-mode",
        severity: High,
        title: "private keys of the cluster can be read by others",
        why: "with the CA's key somebody makes himself any certificate, system:masters among them, and it cannot be taken back",
        advice: "chmod 600 on the file, and give the cluster a new CA if the node had other users",
        maps: &[Cis("1.1.21"), Attack("T1552.004"), Owasp("K03")],
        form: Form::Probe(Probe::Files(&[Files::Keys], Want::Mode(0o600))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-095",
        slug: "pki-owner",
        severity: Medium,
        title: "certificates and keys of the cluster belong to somebody but root",
        why: "that account exchanges the CA that everything trusts",
        advice: "chown -R root:root on the folder",
        maps: &[Cis("1.1.19")],
        form: Form::Probe(Probe::Files(&[Files::Pki], Want::Owner("root"))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-096",
        slug: "pki-certificate-mode",
        severity: Medium,
        title: "certificates of the cluster can be written by others",
        why: "who writes a CA file adds his own and signs himself any user",
        advice: "chmod 644 on the file",
        maps: &[Cis("1.1.20")],
        form: Form::Probe(Probe::Files(&[Files::Certificates], Want::Mode(0o644))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-097",
        slug: "etcd-data-mode",
        severity: High,
        title: "etcd's data can be read by others",
        why: "any account on the node copies all objects, and all Secrets that are not encrypted",
        advice: "chmod 700 on the folder",
        maps: &[Cis("1.1.11"), Attack("T1005"), Owasp("K03")],
        form: Form::Probe(Probe::Files(&[Files::EtcdData], Want::Mode(0o700))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-098",
        slug: "etcd-data-owner",
        severity: Low,
        title: "etcd's data does not belong to an account of its own",
        why: "etcd runs as root: a fault in it is root on the node. kubeadm has it so",
        advice: "run etcd as user etcd and chown its data folder",
        maps: &[Cis("1.1.12")],
        form: Form::Probe(Probe::Files(&[Files::EtcdData], Want::Owner("etcd"))),
        on: false,
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-099",
        slug: "cni-config-mode",
        severity: Medium,
        title: "configuration of the pod network can be changed by others",
        why: "who writes it has a program of his run as root for each pod that starts",
        advice: "chmod 600 on the file",
        maps: &[Cis("1.1.9"), Attack("T1543")],
        form: Form::Probe(Probe::Files(&[Files::Cni], Want::Mode(0o600))),
        ..Rule::ROW
    },
    Rule {
        id: "KP-CP-100",
        slug: "cni-config-owner",
        severity: Medium,
        title: "configuration of the pod network belongs to somebody but root",
        why: "that account has a program of its own run as root for each pod that starts",
        advice: "chown root:root on the file",
        maps: &[Cis("1.1.10")],
        form: Form::Probe(Probe::Files(&[Files::Cni], Want::Owner("root"))),
        ..Rule::ROW
    },
];
