//! Secrets, and rights over pods.

use super::ask::primitive;
use crate::rule::Mapping::{Attack, Cis, Cve, Microsoft, Owasp};
use crate::rule::{Mapping, Rule};

const SECRETS: &[Mapping] = &[
    Cis("5.1.2"),
    Owasp("K02"),
    Attack("T1552.007"),
    Microsoft("List Kubernetes secrets"),
];
const PODS: &[Mapping] = &[Cis("5.1.4"), Owasp("K02"), Attack("T1610")];
const EXEC: &[Mapping] = &[
    Owasp("K02"),
    Attack("T1609"),
    Microsoft("Exec into container"),
];

/// Hidden names: `list` answers with the whole objects, too.
const LISTS: &[&str] = &["list", "watch"];

pub(super) const RULES: &[Rule] = &[
    primitive!(
        "KP-RBAC-020", "list-secrets", High, "role reads all Secrets of the cluster",
        why: "`list` and `watch` answer with the contents: tokens of accounts, keys of certificates, passwords of every \
              namespace. Controllers of certificates and of ingress ask for it and mostly do with less",
        advice: "give `get` with resourceNames in the namespaces where it is needed, by Roles",
        maps: SECRETS,
        hits: |ask| ask.global() && !ask.named() && ask.may(LISTS, "", &["secrets"]),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-021", "list-secrets-in-namespace", Medium, "role reads all Secrets of its namespace",
        why: "`list` and `watch` answer with the contents, of tokens of other accounts too",
        advice: "give `get` with resourceNames",
        maps: SECRETS,
        hits: |ask| !ask.global() && !ask.named() && ask.may(LISTS, "", &["secrets"]),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-022", "get-secrets", Medium, "role reads any Secret whose name is known or guessed",
        why: "names of Secrets stand in the pods that use them; those of old tokens end in five characters that can be tried. \
              With resourceNames it is what least privilege looks like",
        advice: "name the Secrets in resourceNames",
        maps: SECRETS,
        hits: |ask| !ask.named() && ask.may(&["get"], "", &["secrets"]) && !ask.may(LISTS, "", &["secrets"]),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-023", "write-secrets", Medium, "role writes Secrets",
        why: "a Secret of type service-account-token gets a token of any account of the namespace; certificates, keys and Helm \
              releases that others trust can be replaced",
        advice: "name the Secrets that it updates in resourceNames",
        maps: &[Cis("5.1.2"), Owasp("K02"), Attack("T1098")],
        hits: |ask| !ask.named() && ask.does("writes-secrets"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-030", "create-pods", High, "role runs pods in every namespace",
        why: "a pod runs as any account of its namespace and mounts any Secret of it; where Pod Security does not forbid it, a \
              privileged one takes the node. In kube-system it is the whole cluster",
        advice: "bind it in the namespaces that it deploys to",
        maps: PODS,
        hits: |ask| ask.global() && ask.does("creates-pods"),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-031", "create-pods-in-namespace", Low, "role runs pods in its namespace",
        why: "a pod runs as any account of the namespace and mounts any Secret of it: that is what deploying means, and what \
              the account of an application does not need",
        advice: "keep accounts with more rights out of the namespace, and enforce a Pod Security level there",
        maps: PODS,
        hits: |ask| !ask.global() && ask.does("creates-pods"),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-032", "exec", High, "role runs commands in pods of every namespace",
        why: "a shell in a pod has its token, its Secrets and its place in the network; before 1.35 `get` is enough",
        advice: "bind it in the namespaces that are debugged, for as long as it takes",
        maps: EXEC,
        hits: |ask| ask.global() && ask.does("exec"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-033", "exec-in-namespace", Medium, "role runs commands in pods of its namespace",
        why: "a shell in a pod has its token and its Secrets; before 1.35 `get` is enough",
        advice: "give it to people for as long as they debug, not to accounts",
        maps: EXEC,
        hits: |ask| !ask.global() && ask.does("exec"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-034", "change-pods", Medium, "role changes running pods",
        why: "an ephemeral container shares the pod's processes and volumes, another image runs with its token",
        advice: "change what owns the pods; labels and annotations of pods alone need no such role",
        maps: &[Owasp("K02"), Attack("T1609")],
        hits: |ask| ask.does("changes-pods") && !ask.does("creates-pods"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-035", "reach-pods", Low, "role reaches ports of pods through the API server",
        why: "port-forward and proxy come from the node or the API server, where network policies do not stand in between",
        advice: "give it to people for as long as they debug",
        maps: &[Owasp("K05"), Attack("T1090")],
        hits: |ask| ask.does("reaches-pods"),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-036", "place-pods", Medium, "role places pods on nodes past the scheduler",
        why: "a binding asks for no taint and no affinity: a pod comes to stand beside the control plane",
        advice: "only schedulers need it",
        maps: &[Owasp("K02"), Attack("T1610")],
        hits: |ask| ask.does("places-pods"),
        class: Breaking
    ),
    primitive!(
        "KP-RBAC-037", "write-endpoints", Medium, "role sends traffic of Services elsewhere",
        why: "whoever writes Endpoints or EndpointSlices decides where traffic of a Service goes, to other namespaces past \
              their policies too (CVE-2021-25740)",
        advice: "only controllers that publish addresses need it",
        maps: &[Owasp("K05"), Attack("T1557"), Cve("CVE-2021-25740")],
        hits: |ask| ask.may(CHANGE, "", &["endpoints"]) || ask.may(CHANGE, "discovery.k8s.io", &["endpointslices"]),
        class: NeedsTest
    ),
    primitive!(
        "KP-RBAC-038", "write-status", Medium, "role writes the status of Services or pods",
        why: "an address in the status of a LoadBalancer takes the traffic that pods send there (CVE-2020-8554); an address in \
              the status of a pod takes that of its Services",
        advice: "only controllers of load balancers and kubelets need it",
        maps: &[Owasp("K05"), Attack("T1557"), Cve("CVE-2020-8554")],
        hits: |ask| ask.may(&["update", "patch"], "", &["services/status", "pods/status"]),
        class: NeedsTest
    ),
];

const CHANGE: &[&str] = &["create", "update", "patch"];
