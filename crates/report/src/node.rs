//! A node's evidence file. Comes in: a `Host`. Goes out: JSON that Plimsoll reads again, and its schema.
//! Never: a byte that steers the terminal.

use crate::escape::write_json;
use model::evidence::{Gap, GapWeight, Stage};
use model::host as noun;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use std::io::{self, Write};

/// Version of the format; a change that breaks a reader raises it.
const FORMAT_VERSION: u32 = 1;

/// One document and a line end.
pub fn json(host: &noun::Host, out: &mut dyn Write) -> io::Result<()> {
    write_json(&Evidence::of(host), out)
}

/// The JSON Schema (draft 2020-12) of [`json`].
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Evidence<'static>>()
        .into()
}

/// What was seen of a node from inside, without secret values.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "plimsoll scan node")]
#[serde(rename_all = "camelCase")]
struct Evidence<'a> {
    format_version: u32,
    /// Name of its Node object; null: not known.
    node: Option<&'a str>,
    /// RFC 3339.
    taken_at: Option<String>,
    /// `root`: a mounted root file system; `configz`: the kubelet's own answer and nothing else.
    #[schemars(extend("enum" = ["root", "configz"]))]
    source: &'static str,
    os: Option<Os<'a>>,
    /// `uname -r`.
    kernel: Option<&'a str>,
    /// Version of the control groups, 1 or 2; hybrid counts as 1.
    cgroup: Option<u8>,
    /// Components that run, by name and process id; null: nobody looked at processes.
    processes: Option<Vec<Process<'a>>>,
    /// Every path that was looked for, ordered.
    files: Vec<File<'a>>,
    /// Configuration files that were read, ordered by path.
    documents: Vec<Document<'a>>,
    gaps: Vec<NotSeen<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Os<'a> {
    /// `debian`, `ubuntu`, `bottlerocket` ...
    id: &'a str,
    version: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Process<'a> {
    /// Name of the executable without its folder: `kubelet`, `etcd`.
    name: &'a str,
    pid: u32,
    /// Real user id.
    uid: u32,
    /// Behind the executable; values that may be secrets are `redacted:v1:CLASS:LENGTH:FINGERPRINT`.
    arguments: Vec<&'a str>,
    /// Name and value of variables that configure the component.
    environment: Vec<(&'a str, &'a str)>,
}

#[derive(Serialize, JsonSchema)]
struct File<'a> {
    /// As the component that uses it names it.
    path: &'a str,
    state: State<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum State<'a> {
    /// It was looked for and is not there.
    Missing,
    /// It may be there; a gap says why it was not seen.
    Unreadable,
    Is(Status<'a>),
}

#[derive(Serialize, JsonSchema)]
struct Status<'a> {
    folder: bool,
    /// Permission bits as a number (384 is 0600), with set-uid, set-gid and sticky.
    mode: u32,
    uid: u32,
    gid: u32,
    /// By the node's own passwd; null: it does not know the id.
    owner: Option<&'a str>,
    /// By the node's own group file; null: it does not know the id.
    group: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Document<'a> {
    path: &'a str,
    /// The file (YAML, JSON or TOML) as compact JSON, in a text; drop-ins of the kubelet are merged. Secret values are
    /// `redacted:v1:CLASS:LENGTH:FINGERPRINT`; the length of an encryption key is that of its bytes.
    json: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct NotSeen<'a> {
    class: &'a str,
    what: &'a str,
    #[schemars(extend("enum" = ["collect", "import", "catalog", "match", "relate", "rank"]))]
    stage: &'static str,
    scope: &'a str,
    #[schemars(extend("enum" = ["notice", "widens", "hides"]))]
    weight: &'static str,
    /// What closes it; empty if nothing does.
    close: &'a str,
}

impl<'a> Evidence<'a> {
    fn of(host: &'a noun::Host) -> Self {
        Evidence {
            format_version: FORMAT_VERSION,
            node: host.node.as_deref(),
            taken_at: host.taken_at.map(|time| time.to_string()),
            source: match host.source {
                noun::HostSource::Root => "root",
                noun::HostSource::Configz => "configz",
            },
            os: host.os.as_ref().map(|os| Os {
                id: &os.id,
                version: &os.version,
            }),
            kernel: host.kernel.as_deref(),
            cgroup: host.cgroup,
            processes: host
                .processes
                .as_ref()
                .map(|all| all.iter().map(Process::of).collect()),
            files: host.files.iter().map(File::of).collect(),
            documents: host
                .documents
                .iter()
                .map(|document| Document {
                    path: &document.path,
                    json: &document.json,
                })
                .collect(),
            gaps: host.gaps.iter().map(NotSeen::of).collect(),
        }
    }
}

impl<'a> Process<'a> {
    fn of(process: &'a noun::Process) -> Self {
        let environment = process.environment.iter();
        Process {
            name: &process.name,
            pid: process.pid,
            uid: process.uid,
            arguments: process.arguments.iter().map(|word| &**word).collect(),
            environment: environment
                .map(|(name, value)| (&**name, &**value))
                .collect(),
        }
    }
}

impl<'a> File<'a> {
    fn of(file: &'a noun::HostFile) -> Self {
        File {
            path: &file.path,
            state: match &file.state {
                noun::FileState::Missing => State::Missing,
                noun::FileState::Unreadable => State::Unreadable,
                noun::FileState::Is(status) => State::Is(Status {
                    folder: status.folder,
                    mode: status.mode,
                    uid: status.uid,
                    gid: status.gid,
                    owner: status.owner.as_deref(),
                    group: status.group.as_deref(),
                }),
            },
        }
    }
}

impl<'a> NotSeen<'a> {
    fn of(gap: &'a Gap) -> Self {
        NotSeen {
            class: &gap.class,
            what: &gap.what,
            stage: match gap.stage {
                Stage::Collect => "collect",
                Stage::Import => "import",
                Stage::Catalog => "catalog",
                Stage::Match => "match",
                Stage::Relate => "relate",
                Stage::Rank => "rank",
            },
            scope: &gap.scope,
            weight: match gap.weight {
                GapWeight::Notice => "notice",
                GapWeight::Widens => "widens",
                GapWeight::Hides => "hides",
            },
            close: &gap.close,
        }
    }
}
