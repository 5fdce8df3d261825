//! Reads what was recorded: an INDEX.json of exchanges, or a folder of full lists.

use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

/// One recorded answer.
#[derive(Clone, Debug)]
pub struct Exchange {
    pub status: u16,
    pub content_type: String,
    pub body: Vec<u8>,
}

/// A list that can be served in pages.
#[derive(Clone, Debug)]
pub struct List {
    pub kind: String,
    pub api_version: String,
    pub resource_version: String,
    pub items: Vec<Box<RawValue>>,
}

/// Everything that the replay serves.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// By path and the `as=` of the Accept header (empty for plain JSON).
    pub exact: BTreeMap<(String, String), Exchange>,
    /// By path.
    pub lists: BTreeMap<String, List>,
}

#[derive(Deserialize)]
struct Row {
    file: String,
    method: String,
    path: String,
    #[serde(default)]
    request_headers: BTreeMap<String, String>,
    status: u16,
    #[serde(default)]
    response_headers: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RecordedList {
    kind: String,
    #[serde(rename = "apiVersion")]
    api_version: String,
    #[serde(default)]
    metadata: ListMetadata,
    #[serde(default)]
    items: Option<Vec<Box<RawValue>>>,
}

#[derive(Default, Deserialize)]
struct ListMetadata {
    #[serde(default, rename = "resourceVersion")]
    resource_version: String,
}

impl Recorded {
    /// Adds the exchanges of a folder with an INDEX.json; full lists are served in pages.
    pub fn add_index(&mut self, folder: &Path) -> io::Result<()> {
        let rows: Vec<Row> = serde_json::from_slice(&read(&folder.join("INDEX.json"))?)?;
        for row in rows.into_iter().filter(|row| row.method == "GET") {
            // The proxied and the kubelet's own answers are not the API server's.
            if row.file.starts_with("kubelet-")
                || row.file.starts_with("err-")
                || row.file.starts_with("watch-")
            {
                continue;
            }
            // Protobuf is another form of what is recorded as JSON.
            if row.file.contains(".pb") {
                continue;
            }
            let body = read(&folder.join(&row.file))?;
            let accept = row
                .request_headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("accept"))
                .map_or("", |(_, value)| value);
            let form = form(accept);
            if row.status == 200
                && form.is_empty()
                && !row.path.contains('?')
                && let Ok(list) = serde_json::from_slice::<RecordedList>(&body)
                && list.kind.ends_with("List")
                && list.items.is_some()
            {
                self.lists.insert(row.path, List::from(list));
                continue;
            }
            let content_type = row
                .response_headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
                .map_or("application/json", |(_, value)| value);
            self.exact.entry((row.path, form)).or_insert(Exchange {
                status: row.status,
                content_type: content_type.to_owned(),
                body,
            });
        }
        Ok(())
    }

    /// Adds a folder of full lists named `GROUP_VERSION_RESOURCE.json.zst` (`v1_pods` for the core group), replacing those of the same path.
    pub fn add_lists(&mut self, folder: &Path) -> io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let Some(name) = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(|name| name.strip_suffix(".json.zst"))
            else {
                continue;
            };
            let parts: Vec<&str> = name.split('_').collect();
            let place = match parts.as_slice() {
                [version, resource] => format!("/api/{version}/{resource}"),
                [group, version, resource] => format!("/apis/{group}/{version}/{resource}"),
                _ => continue,
            };
            let list: RecordedList = serde_json::from_slice(&read(&path)?)?;
            self.lists.insert(place, List::from(list));
        }
        Ok(())
    }
}

impl From<RecordedList> for List {
    fn from(list: RecordedList) -> Self {
        List {
            kind: list.kind,
            api_version: list.api_version,
            resource_version: list.metadata.resource_version,
            items: list.items.unwrap_or_default(),
        }
    }
}

/// The `as=` parameter of an Accept header, the form in which an answer is wanted.
pub(super) fn form(accept: &str) -> String {
    let first = accept.split(',').next().unwrap_or("");
    first
        .split(';')
        .find_map(|part| part.trim().strip_prefix("as="))
        .unwrap_or("")
        .to_owned()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::read(path)?;
    let mut bytes = Vec::new();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => flate2::read::GzDecoder::new(file.as_slice())
            .read_to_end(&mut bytes)
            .map(drop)?,
        Some("zst") => zstd::stream::copy_decode(file.as_slice(), &mut bytes)?,
        _ => bytes = file,
    }
    Ok(bytes)
}
