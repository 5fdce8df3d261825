//! Nodes as folders: made from captured argument lists and files, and made by somebody who means harm.

use cluster::host::{Options, load, read};
use model::evidence::GapWeight;
use model::host::{FileState, FileStatus, Host};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Tree(TempDir);

impl Tree {
    fn new() -> Tree {
        Tree(tempfile::tempdir().unwrap())
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path.trim_start_matches('/'))
    }

    fn file(&self, path: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
        self
    }

    fn link(&self, path: &str, to: &str) -> &Self {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        symlink(to, self.at(path)).unwrap();
        self
    }

    fn mode(&self, path: &str, mode: u32) -> &Self {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn process(&self, pid: u32, arguments: &[&str], environment: &[&str]) -> &Self {
        let zero = |words: &[&str]| {
            words
                .iter()
                .flat_map(|word| [word, "\0"])
                .collect::<String>()
        };
        self.file(&format!("proc/{pid}/cmdline"), zero(arguments))
            .file(&format!("proc/{pid}/environ"), zero(environment))
            .file(
                &format!("proc/{pid}/status"),
                "Name:\tx\nUid:\t0\t0\t0\t0\n",
            )
            .link(&format!("proc/{pid}/exe"), arguments.first().unwrap())
            .link(&format!("proc/{pid}/cwd"), "/srv/kube")
    }

    /// A small node with a kubelet.
    fn node(&self, arguments: &[&str]) -> &Self {
        self.process(1, &["/sbin/init"], &[])
            .process(7, &[&["/usr/bin/kubelet"], arguments].concat(), &[])
            .file("etc/hostname", "node1\n")
    }

    fn read(&self) -> Host {
        read_root(self.0.path())
    }
}

fn read_root(path: &Path) -> Host {
    let options = Options {
        redaction_key: [42; 32],
    };
    read(path, &options).unwrap()
}

fn document(host: &Host, path: &str) -> Option<Value> {
    let found = host.documents.iter().find(|one| &*one.path == path)?;
    Some(serde_json::from_str(&found.json).unwrap())
}

fn state<'h>(host: &'h Host, path: &str) -> Option<&'h FileState> {
    Some(&host.files.iter().find(|one| &*one.path == path)?.state)
}

#[track_caller]
fn status<'h>(host: &'h Host, path: &str) -> &'h FileStatus {
    match state(host, path) {
        Some(FileState::Is(status)) => status,
        other => panic!("{path}: {other:?}"),
    }
}

fn gap(host: &Host, class: &str, scope: &str) -> Option<GapWeight> {
    let fits = |gap: &&model::evidence::Gap| &*gap.class == class && gap.scope.ends_with(scope);
    host.gaps.iter().find(fits).map(|gap| gap.weight)
}

fn captures(folder: &str) -> Option<PathBuf> {
    testkit::shared("captures").map(|captures| captures.join(folder))
}

/// Whether owners could be set as well.
fn captured_node(tree: &Tree, captures: &Path) -> bool {
    let copy = |from: &str, to: &str| {
        tree.file(to, fs::read(captures.join(from)).unwrap());
    };
    let components = [
        "containerd",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
    ];
    tree.process(1, &["/sbin/init"], &[]);
    for (pid, component) in (100..).zip(components) {
        let text = fs::read_to_string(captures.join(format!("{component}.args.txt"))).unwrap();
        let words: Vec<&str> = text.lines().collect();
        tree.process(pid, &words, &["PATH=/bin", "HOME=/root"]);
    }
    for (from, to) in [
        ("kubelet.yaml", "srv/kube/node/kubelet.yaml"),
        ("containerd.toml", "srv/kube/node/containerd.toml"),
        (
            "10-bridge.conflist",
            "srv/kube/node/cni-conf/10-bridge.conflist",
        ),
        ("../audit/policy.yaml", "srv/kube/cfg/audit.yaml"),
    ] {
        copy(from, to);
    }
    let list = fs::read_to_string(captures.join("pki-permissions.txt")).unwrap();
    let mut owned = true;
    for line in list.lines().filter(|line| line.starts_with('-')) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let path = format!("srv/kube/pki/{}", fields[8]);
        if path.ends_with("kubeconfig") {
            tree.file(&path, "apiVersion: v1\nkind: Config\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:6443', certificate-authority-data: Y2VydA==}}]\nusers: [{name: u, user: {client-certificate-data: Y2VydA==, client-key-data: cAnArYcAnArY}}]\n");
        } else {
            tree.file(&path, "x");
        }
        let mode = fields[0]
            .bytes()
            .skip(1)
            .fold(0, |mode, letter| mode << 1 | u32::from(letter != b'-'));
        tree.mode(&path, mode);
        let ids = (fields[2].parse().ok(), fields[3].parse().ok());
        owned &= chown(tree.at(&path), ids.0, ids.1).is_ok();
    }
    tree.file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        .file("etc/group", "root:x:0:\n")
        .file("usr/lib/os-release", "ID=debian\nVERSION_ID=\"12\"\n")
        .link("etc/os-release", "../usr/lib/os-release")
        .file("proc/sys/kernel/osrelease", "6.1.0-13-amd64\n")
        .file(
            "proc/1/mountinfo",
            "30 23 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
        );
    owned
}

#[test]
fn the_captured_control_plane() {
    let Some(captures) = captures("controlplane") else {
        return;
    };
    let tree = Tree::new();
    let owned = captured_node(&tree, &captures);
    let host = tree.read();

    assert_eq!(host.node.as_deref(), Some("node1"));
    assert_eq!(host.kernel.as_deref(), Some("6.1.0-13-amd64"));
    assert_eq!(host.cgroup, Some(1));
    let os = host.os.clone().unwrap();
    assert_eq!((&*os.id, &*os.version), ("debian", "12"));

    let processes = host.processes.as_ref().unwrap();
    let names: Vec<&str> = processes.iter().map(|one| &*one.name).collect();
    assert_eq!(
        names,
        [
            "containerd",
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kubelet"
        ]
    );
    // Not one captured argument is a secret, so all stay but those that no list knows.
    for process in processes {
        let file = captures.join(format!("{}.args.txt", process.name));
        let given = fs::read_to_string(file).unwrap();
        let given: Vec<&str> = given.lines().skip(1).collect();
        let told: Vec<&str> = process.arguments.iter().map(|word| &**word).collect();
        assert_eq!(told, given, "{}", process.name);
    }

    let check = |path: &str, mode: u32| {
        let status = status(&host, path);
        assert_eq!((status.mode, status.folder), (mode, false), "{path}");
        if owned {
            assert_eq!(
                (status.owner.as_deref(), status.group.as_deref()),
                (Some("root"), Some("root"))
            );
        } else {
            println!("skipped: owners of {path} (not root)");
        }
    };
    check("/srv/kube/pki/apiserver.key", 0o600);
    check("/srv/kube/pki/apiserver.crt", 0o644);
    check("/srv/kube/pki/kcm.kubeconfig", 0o644);
    check("/srv/kube/pki/kubelet.kubeconfig", 0o644);
    check("/srv/kube/pki/ca.crt", 0o644);
    check("/srv/kube/pki/sa.key", 0o600);
    check("/srv/kube/node/kubelet.yaml", 0o644);
    assert_eq!(
        state(&host, "/srv/kube/etcd-data"),
        Some(&FileState::Missing)
    );
    assert_eq!(
        state(&host, "/srv/kube/node/manifests"),
        Some(&FileState::Missing)
    );
    assert_eq!(
        state(&host, "/etc/kubernetes/admin.conf"),
        Some(&FileState::Missing)
    );

    let kubelet = document(&host, "/srv/kube/node/kubelet.yaml").unwrap();
    assert_eq!(
        kubelet["authentication"]["anonymous"]["enabled"],
        json!(false)
    );
    assert_eq!(kubelet["readOnlyPort"], json!(0));
    assert_eq!(kubelet["evictionHard"]["nodefs.available"], json!("1%"));
    let containerd = document(&host, "/srv/kube/node/containerd.toml").unwrap();
    let cri = &containerd["plugins"]["io.containerd.grpc.v1.cri"];
    assert_eq!(cri["disable_apparmor"], json!(true));
    let network = document(&host, "/srv/kube/node/cni-conf/10-bridge.conflist").unwrap();
    assert_eq!(network["plugins"][0]["type"], json!("bridge"));
    let audit = document(&host, "/srv/kube/cfg/audit.yaml").unwrap();
    assert_eq!(audit["kind"], json!("Policy"));
    let kubeconfig = document(&host, "/srv/kube/pki/kcm.kubeconfig").unwrap();
    assert_eq!(
        kubeconfig["clusters"][0]["cluster"]["server"],
        json!("https://127.0.0.1:6443")
    );
    let user = kubeconfig["users"][0]["user"].to_string();
    assert!(user.contains("client-key-data\":\"redacted:v1:"), "{user}");
    assert!(!format!("{host:?}").contains("cAnArY"));
    assert_eq!(host.gaps, [], "a node that was seen as a whole has no gap");
    let again = tree.read();
    assert_eq!(host, again);
}

#[test]
fn the_captured_containers() {
    let Some(captures) = captures("node") else {
        return;
    };
    let tree = Tree::new();
    tree.process(1, &["/sbin/init"], &[]);
    let mut count = 0;
    for entry in fs::read_dir(captures).unwrap() {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let to = format!("proc/{}", text("pid").trim());
        for name in ["cmdline", "status", "mountinfo", "cgroup"] {
            let text = match name {
                "cmdline" => text(name).replace(' ', "\0"),
                _ => text(name),
            };
            tree.file(&format!("{to}/{name}"), text);
        }
        count += 1;
    }
    assert!(count >= 10);
    let host = tree.read();
    // Containers of users, and no component among them.
    assert_eq!(host.processes, Some(Vec::new()));
    assert_eq!(
        gap(&host, "node-no-component", "/proc"),
        Some(GapWeight::Widens)
    );
}

#[test]
fn nothing_is_there() {
    let host = Tree::new().read();
    assert_eq!(
        (&host.processes, &host.node, &host.os),
        (&None, &None, &None)
    );
    assert_eq!(
        gap(&host, "node-processes-unseen", "/proc"),
        Some(GapWeight::Hides)
    );
    assert_eq!(
        gap(&host, "node-file-unread", "/etc/os-release"),
        Some(GapWeight::Widens)
    );
    assert!(
        host.files.len() > 100
            && host
                .files
                .iter()
                .all(|file| file.state == FileState::Missing)
    );
    assert!(host.files.is_sorted());
    assert!(
        read(
            Path::new("/nothing/here"),
            &Options {
                redaction_key: [0; 32]
            }
        )
        .is_err()
    );
}

#[test]
fn drop_ins_of_the_kubelet() {
    let kind = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
    let tree = Tree::new();
    tree.node(&["--config=/etc/k.yaml", "--config-dir", "/etc/k.d"])
        .file("etc/k.yaml", format!("{kind}readOnlyPort: 10255\nclusterDNS: [a, b]\nauthentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: true}}}}\n"))
        .file("etc/k.d/20-b.conf", format!("{kind}readOnlyPort: 0\n"))
        .file("etc/k.d/10-a.conf", format!("{kind}readOnlyPort: 1\nclusterDNS: [c]\n"))
        .file("etc/k.d/30-c/1.conf", format!("{kind}authentication: {{anonymous: {{enabled: false}}}}\n"))
        .file("etc/k.d/40.yaml", "readOnlyPort: 9\n")
        .file("etc/k.d/50.conf.bak", "readOnlyPort: 9\n");
    let host = tree.read();
    let config = document(&host, "/etc/k.yaml").unwrap();
    assert_eq!(config["readOnlyPort"], json!(0));
    assert_eq!(config["clusterDNS"], json!(["c"]));
    assert_eq!(
        config["authentication"],
        json!({"anonymous": {"enabled": false}, "webhook": {"enabled": true}})
    );
    assert!(state(&host, "/etc/k.d/10-a.conf").is_some());
    assert_eq!(
        host.gaps
            .iter()
            .filter(|gap| gap.scope.contains("/etc/k"))
            .count(),
        0
    );

    // One that cannot be read: what counts is not known.
    tree.file("etc/k.d/15.conf", "a: [");
    let host = tree.read();
    assert_eq!(document(&host, "/etc/k.yaml"), None);
    assert_eq!(
        gap(&host, "node-document-broken", "/etc/k.d/15.conf"),
        Some(GapWeight::Hides)
    );

    // Without a process, whether there are others is not known.
    let tree = Tree::new();
    tree.file(
        "var/lib/kubelet/config.yaml",
        format!("{kind}readOnlyPort: 0\n"),
    );
    let host = tree.read();
    assert_eq!(
        document(&host, "/var/lib/kubelet/config.yaml").unwrap()["readOnlyPort"],
        json!(0)
    );
    assert_eq!(
        gap(&host, "node-kubelet-unseen", "/config.yaml"),
        Some(GapWeight::Widens)
    );
}

#[test]
fn static_pods_name_paths_of_the_node() {
    let tree = Tree::new();
    tree.file("etc/kubernetes/manifests/kube-apiserver.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: kube-apiserver, namespace: kube-system}\nspec:\n  containers:\n  - name: a\n    image: registry.k8s.io/kube-apiserver:v1.36.0\n    command: [kube-apiserver, --encryption-provider-config=/enc/e.yaml, --client-ca-file=/inside/ca.crt, --token-auth-file=/enc/t.csv, --secret=cAnArYcAnArY]\n    env: [{name: X, value: cAnArYcAnArY}]\n    volumeMounts: [{name: e, mountPath: /enc}]\n  volumes: [{name: e, hostPath: {path: /srv/enc}}]\n")
        .file("srv/enc/e.yaml", "kind: EncryptionConfiguration\nresources: [{resources: [secrets], providers: [{aescbc: {keys: [{name: k, secret: MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=}]}}]}]\n")
        .mode("srv/enc/e.yaml", 0o640)
        .file("etc/kubernetes/manifests/.hidden.yaml", "x")
        .file("etc/kubernetes/manifests/broken.yaml", "x: [cAnArYcAnArY");
    let host = tree.read();
    assert_eq!(status(&host, "/enc/e.yaml").mode, 0o640);
    assert_eq!(state(&host, "/enc/t.csv"), Some(&FileState::Missing));
    assert_eq!(state(&host, "/inside/ca.crt"), None);
    let encryption = document(&host, "/enc/e.yaml").unwrap();
    let secret = &encryption["resources"][0]["providers"][0]["aescbc"]["keys"][0]["secret"];
    assert_eq!(secret.as_str().unwrap().split(':').nth(3), Some("32"));
    let pod = document(&host, "/etc/kubernetes/manifests/kube-apiserver.yaml").unwrap();
    assert_eq!(
        pod["spec"]["containers"][0]["command"][1],
        json!("--encryption-provider-config=/enc/e.yaml")
    );
    assert_eq!(
        gap(&host, "node-document-broken", "broken.yaml"),
        Some(GapWeight::Widens)
    );
    assert!(!format!("{host:?}").contains("cAnArY"));
}

#[test]
fn containers_see_other_mounts() {
    let tree = Tree::new();
    tree.process(1, &["/sbin/init"], &[])
        .link("proc/1/ns/mnt", "mnt:[1]")
        .file(
            "proc/1/mountinfo",
            "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:9 / /sys/fs/cgroup rw - cgroup2 c rw\n",
        )
        .process(
            9,
            &[
                "/usr/local/bin/etcd",
                "--data-dir=/data",
                "--cert-file=/image/c.crt",
            ],
            &[],
        )
        .link("proc/9/ns/mnt", "mnt:[2]")
        .file(
            "proc/9/mountinfo",
            "5 0 0:50 / / rw - overlay o rw\n6 5 8:1 /var/lib/etcd /data rw - ext4 /dev/sda rw\n",
        )
        .file("var/lib/etcd/member/snap/db", "x")
        .mode("var/lib/etcd", 0o700)
        .file("data/wrong", "x")
        .file("image/c.crt", "x");
    let host = tree.read();
    assert_eq!(host.cgroup, Some(2));
    assert_eq!(status(&host, "/data").mode, 0o700);
    assert!(state(&host, "/data/member").is_some() && state(&host, "/data/wrong").is_none());
    assert_eq!(state(&host, "/image/c.crt"), Some(&FileState::Unreadable));
    assert!(gap(&host, "node-file-unread", "/image/c.crt").is_some());
}

#[test]
fn owners_are_those_of_the_node() {
    let tree = Tree::new();
    tree.node(&[])
        .file("etc/passwd", "etcd:x:4711:4712::/:/bin/false\n")
        .file("etc/group", "members:x:4712:\n")
        .file("var/lib/etcd/member/wal/0.wal", "x");
    if chown(tree.at("var/lib/etcd"), Some(4711), Some(4712)).is_err()
        || chown(tree.at("var/lib/etcd/member"), Some(4713), Some(4714)).is_err()
    {
        println!("skipped: only root can give files away");
        return;
    }
    let host = tree.read();
    let names = |path: &str| {
        let status = status(&host, path);
        (status.owner.as_deref(), status.group.as_deref(), status.uid)
    };
    assert_eq!(
        names("/var/lib/etcd"),
        (Some("etcd"), Some("members"), 4711)
    );
    // Whatever this machine calls them.
    assert_eq!(names("/var/lib/etcd/member"), (None, None, 4713));
}

#[test]
fn distributions() {
    let tree = Tree::new();
    tree.process(1, &["/sbin/init"], &[])
        .process(5, &["/usr/local/bin/k3s server"], &["K3S_TOKEN=cAnArYcAnArY", "K3S_NODE_NAME=Edge-1"])
        .process(6, &["/snap/microk8s/1/kubelite", "--kubelet-args-file=/var/snap/microk8s/current/args/kubelet"], &[])
        .file("etc/rancher/k3s/config.yaml", "token: cAnArYcAnArY\ndatastore-endpoint: 'mysql://u:cAnArY@tcp(h)/k'\nkube-apiserver-arg: ['audit-log-path=/var/log/audit.log', 'audit-policy-file=/etc/rancher/audit.yaml', token=cAnArY]\nsecrets-encryption: true\n")
        .file("etc/rancher/audit.yaml", "kind: Policy\nrules: [{level: None}]\n")
        .file("var/snap/microk8s/current/args/kubelet", "--kubeconfig=${SNAP_DATA}/credentials/kubelet.config\n# --token=cAnArY\n--read-only-port=0\n--bootstrap-token cAnArYcAnArY\n")
        .file("var/snap/microk8s/current/credentials/kubelet.config", "kind: Config\nusers: [{name: k, user: {token: cAnArYcAnArY}}]\n")
        .file("etc/containerd/config.toml", "imports = ['/etc/extra/*.toml']\n[plugins.'x'.registry.configs.'r'.auth]\nusername = 'u'\npassword = 'cAnArYcAnArY'\nauth = 'cAnArYcAnArY'\n")
        .file("etc/extra/a.toml", "a = 1\n");
    let host = tree.read();
    assert_eq!(host.node.as_deref(), Some("edge-1"));
    assert!(!format!("{host:?}").contains("cAnArY"), "{host:#?}");
    let processes = host.processes.as_ref().unwrap();
    assert_eq!(
        processes.iter().map(|one| &*one.name).collect::<Vec<_>>(),
        ["k3s", "kubelite"]
    );
    assert_eq!(&*processes[0].arguments[0], "server");
    assert_eq!(
        gap(&host, "node-arguments-hidden", "/proc/5"),
        Some(GapWeight::Widens)
    );
    let k3s = document(&host, "/etc/rancher/k3s/config.yaml").unwrap();
    assert_eq!(
        k3s["kube-apiserver-arg"][0],
        json!("audit-log-path=/var/log/audit.log")
    );
    assert_eq!(k3s["secrets-encryption"], json!(true));
    assert!(document(&host, "/etc/rancher/audit.yaml").is_some());
    assert_eq!(
        state(&host, "/var/log/audit.log"),
        Some(&FileState::Missing)
    );
    let kubelet = document(&host, "/var/snap/microk8s/current/args/kubelet").unwrap();
    assert_eq!(
        kubelet[0],
        json!("--kubeconfig=/var/snap/microk8s/current/credentials/kubelet.config")
    );
    assert_eq!(kubelet[1], json!("--read-only-port=0"));
    let user = document(
        &host,
        "/var/snap/microk8s/current/credentials/kubelet.config",
    )
    .unwrap();
    assert!(
        user["users"][0]["user"]["token"]
            .as_str()
            .unwrap()
            .starts_with("redacted:v1:")
    );
    assert_eq!(document(&host, "/etc/extra/a.toml"), Some(json!({"a": 1})));
}

/// Where a secret may stand, and what is made of it.
#[test]
fn no_canary_leaves_a_node() {
    const CANARY: &str = "cAnArYs3cr3tV4luE";
    let encoded = "Y0FuQXJZczNjcjN0VjRsdUU=";
    let arguments = [
        "--token=@",
        "--password",
        "@",
        "@",
        "-p@",
        "--config=/k.yaml",
        "--kubeconfig=/k.conf",
        "--kube-apiserver-arg=token=@",
        "--pod-manifest-path=/pods",
        "--node-labels=a=@",
        "--register-with-taints=https://u:@~h/x",
    ]
    .map(|word| word.replace('@', CANARY).replace('~', "@"));
    let documents = [
        (
            "/k.yaml",
            "kind: KubeletConfiguration\nstaticPodURLHeader: {Authorization: ['Bearer @']}\ntoken: @\n",
        ),
        (
            "/k.conf",
            "kind: Config\nclusters: [{name: c, cluster: {server: 'https://u:@~h', proxy-url: 'http://u:@~p/?@'}}]\nusers:\n- {name: a, user: {token: @, password: '@', username: u}}\n- {name: b, user: {client-key-data: %, client-certificate-data: %}}\n- {name: c, user: {exec: {command: aws, args: [--token, '@', '--key=@'], env: [{name: A, value: '@'}]}}}\n- {name: d, user: {auth-provider: {name: oidc, config: {client-secret: '@', refresh-token: '@', id-token: '@'}}}}\n",
        ),
        (
            "/etc/rancher/k3s/registries.yaml",
            "configs: {r: {auth: {username: u, password: '@', token: '@', auth: %}}}\n",
        ),
        (
            "/etc/rancher/k3s/config.yaml",
            "token: '@'\nagent-token: '@'\netcd-s3-secret-key: '@'\netcd-s3-access-key: '@'\nvpn-auth: 'name=x,joinKey=@'\nkubelet-arg: ['x=@', '@']\ndatastore-endpoint: 'postgres://u:@~h/d'\n",
        ),
        (
            "/etc/docker/daemon.json",
            "{\"proxies\": {\"http-proxy\": \"http://u:@~p:1\"}}",
        ),
        (
            "/etc/cni/net.d/1.conf",
            "{\"type\": \"x\", \"policy\": {\"k8s_auth_token\": \"@\"}, \"etcd_password\": \"@\"}",
        ),
        (
            "/etc/kubernetes/admin.conf",
            "kind: Config\nusers: [{name: a, user: {token: '@', extra: 'https://u:@~h'}}] # @\n",
        ),
        (
            "/pods/p.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {kubectl.kubernetes.io/last-applied-configuration: '@'}}\nspec: {containers: [{name: c, image: i, args: ['--x=@', '@'], env: [{name: A, value: '@'}]}]}\n",
        ),
        ("/pods/broken.yaml", "a: {@: [@"),
        (
            "/etc/containerd/config.toml",
            "[plugins.x]\nauth = '@'\npassword = '@'\n[plugins.x.header]\nX = ['@']\n",
        ),
        ("/etc/containerd/conf.d/b.toml", "@ = '@\n"),
        (
            "/var/lib/rancher/k3s/server/cred/encryption-config.json",
            "{\"resources\":[{\"providers\":[{\"aescbc\":{\"keys\":[{\"name\":\"k\",\"secret\":\"%\"},{\"name\":\"k\",\"secret\":\"@\"}]}}]}]}",
        ),
        (
            "/var/snap/microk8s/current/args/kube-apiserver",
            "--token-auth-file=/x\n--token=@\n@\n",
        ),
        ("/etc/kubernetes/azure.json", "{\"aadClientSecret\": \"@\"}"),
        ("/etc/srv/kubernetes/pki/ca-certificates.crt", "@"),
        ("/etc/hostname", "host-@.\n"),
    ];
    let tree = Tree::new();
    tree.node(&arguments.each_ref().map(String::as_str));
    tree.file("proc/7/environ", format!("KUBELET_TOKEN={CANARY}\0KUBELET_EXTRA_ARGS=--token={CANARY}\0K3S_TOKEN={CANARY}\0RKE2_X={CANARY}\0A={CANARY}\0ETCD_INITIAL_CLUSTER_TOKEN={CANARY}\0K3S_URL=https://u:{CANARY}@h\0"));
    for (path, text) in documents {
        tree.file(
            path,
            text.replace('@', CANARY)
                .replace('~', "@")
                .replace('%', encoded),
        );
    }
    let host = tree.read();
    assert_eq!(host.documents.len(), 11);
    for bytes in [format!("{host:?}"), serde_json::to_string(&host).unwrap()] {
        for needle in [CANARY, encoded, &CANARY.to_lowercase()] {
            let at = bytes.find(needle);
            let around = at.map(|at| &bytes[at.saturating_sub(200)..at + 20]);
            assert_eq!(around, None, "{needle}");
        }
    }
}

#[test]
fn hostile_trees() {
    let tree = Tree::new();
    tree.node(&["--config=/loop", "--kubeconfig=/fifo", "--pod-manifest-path=/many", "--root-dir=/out/../../../etc"])
        .link("loop", "loop")
        .link("etc/kubernetes/admin.conf", "/proc/7/root/etc/shadow")
        .link("proc/7/root", "/")
        .link("etc/kubernetes/scheduler.conf", "../../../../../../../../etc/shadow")
        .link("etc/kubernetes/pki", "/etc/kubernetes")
        .link("etc/passwd", "/dev/zero")
        .link("out", "/..")
        .link("dev/zero", "zero")
        .file("etc/cni/net.d/huge.conf", vec![b'{'; 5 << 20])
        .file("etc/cni/net.d/deep.conf", "[".repeat(1 << 20))
        .file("etc/cni/net.d/wide.conf", format!("{{\"a\": [{}]}}", "1,".repeat(500_000) + "1"))
        .file("etc/cni/net.d/bomb.conf", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n")
        .file("etc/cni/net.d/\u{1b}[31m.conf", "{}")
        .file("etc/crio/crio.conf", "a = ".to_owned() + &"[".repeat(100_000))
        .file("proc/8/cmdline", [&b"kube-proxy\0"[..], &vec![b'a'; 1 << 20]].concat())
        .file("proc/8/status", "Uid:")
        .file("proc/8/environ", vec![b'='; 3 << 20])
        .file("proc/9/cmdline", "etcd\0".to_owned() + &"--data-dir=/x\0".repeat(50_000))
        .file("proc/99999999999999999999/cmdline", "kubelet\0");
    for at in 0..1_500 {
        tree.file(&format!("many/.{at}"), "");
    }
    let fifo = rustix_fifo(&tree.at("fifo"));
    let host = tree.read();
    assert!(state(&host, "/loop") == Some(&FileState::Unreadable));
    if fifo {
        assert!(gap(&host, "node-file-unread", "/fifo").is_some());
    }
    assert_eq!(
        state(&host, "/etc/kubernetes/admin.conf"),
        Some(&FileState::Missing)
    );
    assert_eq!(
        state(&host, "/etc/kubernetes/scheduler.conf"),
        Some(&FileState::Missing)
    );
    assert!(gap(&host, "node-file-unread", "huge.conf").is_some());
    assert!(gap(&host, "node-document-broken", "deep.conf").is_some());
    assert!(gap(&host, "node-document-broken", "bomb.conf").is_some());
    assert!(document(&host, "/etc/cni/net.d/wide.conf").is_some());
    assert!(gap(&host, "node-document-broken", "crio.conf").is_some());
    assert!(gap(&host, "node-limit", "/many").is_some());
    assert!(gap(&host, "node-limit", "/proc/8").is_some());
    assert!(gap(&host, "node-limit", "/proc/9").is_some());
    assert!(host.gaps.len() < 400);
    let bytes = serde_json::to_vec(&host).unwrap();
    assert!(bytes.len() < 20 << 20, "{}", bytes.len());
}

/// One kind of fault does not hide the others.
#[test]
fn a_flood_of_faults() {
    let tree = Tree::new();
    tree.file("etc/kubernetes/admin.conf", "x: [")
        .link("etc/kubernetes/pki", "pki");
    for at in 0..900 {
        tree.file(&format!("etc/kubernetes/manifests/{at}.yaml"), "x: [");
    }
    let host = tree.read();
    assert!(gap(&host, "node-limit", " /").is_some());
    assert!(gap(&host, "node-file-unread", "/etc/kubernetes/pki").is_some());
    assert!(host.gaps.len() < 200, "{}", host.gaps.len());
}

fn rustix_fifo(path: &Path) -> bool {
    // The one program of this test; its absence only leaves a case out.
    let made = std::process::Command::new("mkfifo").arg(path).status();
    made.is_ok_and(|status| status.success())
}

#[test]
fn what_may_not_be_read() {
    let tree = Tree::new();
    tree.node(&["--config=/etc/k.yaml"])
        .file("etc/k.yaml", "kind: KubeletConfiguration\n")
        .mode("etc/k.yaml", 0)
        .file("etc/kubernetes/pki/ca.key", "x")
        .mode("etc/kubernetes", 0);
    let may = fs::read(tree.at("etc/k.yaml")).is_ok();
    let host = tree.read();
    tree.mode("etc/kubernetes", 0o755);
    if may {
        println!("skipped: root may read everything");
        assert!(document(&host, "/etc/k.yaml").is_some());
        return;
    }
    assert_eq!(document(&host, "/etc/k.yaml"), None);
    assert_eq!(status(&host, "/etc/k.yaml").mode, 0);
    assert_eq!(
        gap(&host, "node-file-unread", "/etc/k.yaml"),
        Some(GapWeight::Hides)
    );
    assert_eq!(
        state(&host, "/etc/kubernetes/pki/ca.crt"),
        Some(&FileState::Unreadable)
    );
    assert!(gap(&host, "node-file-unread", "/etc/kubernetes/pki/ca.crt").is_some());
}

/// Whatever machine this is: it ends, and in order.
#[test]
fn the_machine_itself() {
    let host = read_root(Path::new("/"));
    assert!(host.kernel.is_some() && host.files.len() > 100);
    assert!(host.files.is_sorted() && host.documents.is_sorted() && host.gaps.is_sorted());
}

#[test]
fn evidence_is_read_again() {
    let tree = Tree::new();
    tree.node(&["--config=/k.yaml", "--token=x"])
        .file("k.yaml", "a: 1\n");
    let host = tree.read();
    let mut value = serde_json::to_value(&host).unwrap();
    value["formatVersion"] = json!(1);
    assert_eq!(load(value.to_string().as_bytes()).unwrap(), host);
    let bytes = value.to_string().into_bytes();
    for cut in (0..bytes.len()).step_by(97) {
        assert!(load(&bytes[..cut]).is_err());
    }
}
