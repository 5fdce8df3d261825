//! A Snapshot on disk: `collect -o FILE` writes it, `scan snapshot FILE` reads it.
//! Layout of format 1: `PLIMSOLL-SNAPSHOT\n`, the format as a little-endian u32, then one zstd frame of JSON lines:
//! a header, one line an object in the order of [`Snapshot::sort`], and `{"end":COUNT}`.
//! A file is untrusted: every size is bounded, and no error quotes what it holds.

use crate::tree::{self, TreeErrorKind};
use model::evidence::{Fact, Gap};
use model::keys::ClusterId;
use model::object::Gvk;
use model::snapshot::{KubernetesVersion, Listed, Object, Origin, Place, Snapshot};
use model::text::{Interner, Text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};

/// The newest format that is written and read.
pub const FORMAT: u32 = 1;
const MAGIC: &[u8] = b"PLIMSOLL-SNAPSHOT\n";
const LEVEL: i32 = 3;
/// 128 MB: what a reader of the zstd command line accepts with `--long`.
const WINDOW_LOG: u32 = 27;
/// Limits for reading: bytes unpacked, bytes of one line, objects.
const MAX_BYTES: u64 = 1 << 30;
const MAX_LINE: u64 = 64 << 20;
const MAX_OBJECTS: u64 = 2_000_000;

#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    #[error("not a plimsoll snapshot")]
    NotASnapshot,
    #[error("written by a newer plimsoll (format {found}; this one reads up to {FORMAT})")]
    Newer { found: u32 },
    #[error("snapshot ends early: it was cut off")]
    Truncated,
    #[error("snapshot is damaged")]
    Damaged(#[source] io::Error),
    #[error("snapshot unpacks to more than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("line {line} of the snapshot is longer than {MAX_LINE} bytes")]
    LongLine { line: u64 },
    #[error("snapshot holds more than {MAX_OBJECTS} objects")]
    TooManyObjects,
    #[error("line {line} of the snapshot is not what format {FORMAT} says")]
    Malformed { line: u64 },
    #[error("object on line {line} of the snapshot: {kind}")]
    Object { line: u64, kind: TreeErrorKind },
    #[error("object on line {line} of the snapshot is out of order")]
    Order { line: u64 },
    #[error("object on line {line} of the snapshot is there twice")]
    Duplicate { line: u64 },
    #[error("object on line {line} of the snapshot points to a file that is not listed")]
    Place { line: u64 },
    #[error("snapshot goes on after its end")]
    Trailing,
    #[error("cannot write the snapshot")]
    Write(#[source] io::Error),
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    origin: Origin,
    cluster: Fact<ClusterId>,
    cluster_name: Option<Text>,
    version: KubernetesVersion,
    /// Absent from files of before it was kept.
    #[serde(default)]
    server_version: Option<Text>,
    taken_at: Option<jiff::Timestamp>,
    files: Cow<'a, [Text]>,
    listed: Cow<'a, [Listed]>,
    other_kinds: Cow<'a, BTreeMap<Text, u64>>,
    gaps: Cow<'a, [Gap]>,
    objects: u64,
}

#[derive(Serialize)]
struct ObjectLine<'a> {
    gvk: &'a Gvk,
    namespace: Option<&'a Text>,
    name: &'a Text,
    uid: Option<&'a Text>,
    labels: &'a [(Text, Text)],
    place: Place,
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct SavedLine<'a> {
    #[serde(borrow)]
    gvk: SavedGvk<'a>,
    #[serde(borrow)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    uid: Option<Text>,
    labels: Vec<(String, String)>,
    place: Place,
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Deserialize)]
struct SavedGvk<'a> {
    #[serde(borrow)]
    group: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct End {
    end: u64,
}

/// Writes `snapshot`, whose objects must be in order. The same snapshot gives the same bytes.
pub fn write(snapshot: &Snapshot, to: &mut impl Write) -> Result<(), SavedError> {
    to.write_all(MAGIC).map_err(SavedError::Write)?;
    to.write_all(&FORMAT.to_le_bytes())
        .map_err(SavedError::Write)?;
    let mut packed = zstd::stream::write::Encoder::new(to, LEVEL).map_err(SavedError::Write)?;
    packed.include_checksum(true).map_err(SavedError::Write)?;
    write_lines(snapshot, &mut packed)?;
    packed.finish().map_err(SavedError::Write)?;
    Ok(())
}

fn write_lines(snapshot: &Snapshot, to: &mut impl Write) -> Result<(), SavedError> {
    let count = snapshot.objects.len() as u64;
    line(
        to,
        &Header {
            origin: snapshot.origin,
            cluster: snapshot.cluster.clone(),
            cluster_name: snapshot.cluster_name.clone(),
            version: snapshot.version,
            server_version: snapshot.server_version.clone(),
            taken_at: snapshot.taken_at,
            files: Cow::Borrowed(&snapshot.files),
            listed: Cow::Borrowed(&snapshot.listed),
            other_kinds: Cow::Borrowed(&snapshot.other_kinds),
            gaps: Cow::Borrowed(&snapshot.gaps),
            objects: count,
        },
    )?;
    for object in &snapshot.objects {
        let json: &RawValue = serde_json::from_slice(&object.json)
            .map_err(|_| SavedError::Write(io::ErrorKind::InvalidData.into()))?;
        line(
            to,
            &ObjectLine {
                gvk: &object.gvk,
                namespace: object.namespace.as_ref(),
                name: &object.name,
                uid: object.uid.as_ref(),
                labels: &object.labels,
                place: object.place,
                object: json,
            },
        )?;
    }
    line(to, &End { end: count })
}

fn line(to: &mut impl Write, value: &impl Serialize) -> Result<(), SavedError> {
    serde_json::to_writer(&mut *to, value)
        .map_err(|error| SavedError::Write(error.into()))
        .and_then(|()| to.write_all(b"\n").map_err(SavedError::Write))
}

/// Reads what [`write`] wrote, of this or an older format.
pub fn read(from: &mut impl Read) -> Result<Snapshot, SavedError> {
    let mut head = [0; MAGIC.len() + 4];
    from.read_exact(&mut head)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => SavedError::NotASnapshot,
            _ => SavedError::Damaged(error),
        })?;
    let found = match head.split_at(MAGIC.len()) {
        (magic, [a, b, c, d]) if magic == MAGIC => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => return Err(SavedError::NotASnapshot),
    };
    match found {
        FORMAT => {}
        0 => return Err(SavedError::NotASnapshot),
        _ => return Err(SavedError::Newer { found }),
    }
    let mut packed = zstd::stream::read::Decoder::new(from).map_err(damaged)?;
    packed.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let mut lines = Lines {
        from: BufReader::new(packed).take(MAX_BYTES),
        buffer: Vec::new(),
        number: 0,
    };
    read_lines(&mut lines)
}

fn read_lines(lines: &mut Lines<impl BufRead>) -> Result<Snapshot, SavedError> {
    let header: Header<'static> = parse(lines.next()?, 1)?;
    if header.objects > MAX_OBJECTS {
        return Err(SavedError::TooManyObjects);
    }
    let mut texts = Interner::default();
    let mut objects: Vec<Object> = Vec::new();
    for _ in 0..header.objects {
        let number = lines.number + 1;
        let object = object(lines.next()?, number, header.files.len(), &mut texts)?;
        if let Some(last) = objects.last() {
            match order(last).cmp(&order(&object)) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Err(SavedError::Duplicate { line: number }),
                std::cmp::Ordering::Greater => return Err(SavedError::Order { line: number }),
            }
        }
        objects.push(object);
    }
    let number = lines.number + 1;
    let End { end } = parse(lines.next()?, number)?;
    if end != header.objects {
        return Err(SavedError::Malformed { line: number });
    }
    lines.expect_end()?;
    Ok(Snapshot {
        origin: header.origin,
        cluster: header.cluster,
        cluster_name: header.cluster_name,
        version: header.version,
        server_version: header.server_version,
        taken_at: header.taken_at,
        objects,
        files: header.files.into_owned(),
        listed: header.listed.into_owned(),
        other_kinds: header.other_kinds.into_owned(),
        gaps: header.gaps.into_owned(),
    })
}

fn object(
    bytes: &[u8],
    line: u64,
    files: usize,
    texts: &mut Interner,
) -> Result<Object, SavedError> {
    let saved: SavedLine<'_> = parse(bytes, line)?;
    let json = saved.object.get();
    // Readers rely on bounded depth and single keys.
    tree::json::document(json).map_err(|error| SavedError::Object {
        line,
        kind: error.kind,
    })?;
    if let Place::File { file, .. } = saved.place
        && file as usize >= files
    {
        return Err(SavedError::Place { line });
    }
    let mut labels: Vec<(Text, Text)> = saved
        .labels
        .iter()
        .map(|(key, value)| (texts.text(key), texts.text(value)))
        .collect();
    labels.sort();
    Ok(Object {
        gvk: Gvk {
            group: texts.text(&saved.gvk.group),
            kind: texts.text(&saved.gvk.kind),
            version: texts.text(&saved.gvk.version),
        },
        namespace: texts.option(saved.namespace.as_deref()),
        name: texts.text(&saved.name),
        uid: saved.uid,
        labels,
        place: saved.place,
        json: json.as_bytes().into(),
    })
}

/// The order of [`Snapshot::sort`].
fn order(object: &Object) -> (&Text, &Text, &Option<Text>, &Text, Place) {
    (
        &object.gvk.group,
        &object.gvk.kind,
        &object.namespace,
        &object.name,
        object.place,
    )
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], line: u64) -> Result<T, SavedError> {
    // serde_json's own message may quote values.
    serde_json::from_slice(bytes).map_err(|_| SavedError::Malformed { line })
}

struct Lines<R> {
    from: io::Take<R>,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<&[u8], SavedError> {
        self.buffer.clear();
        self.number += 1;
        let read = (&mut self.from)
            .take(MAX_LINE)
            .read_until(b'\n', &mut self.buffer)
            .map_err(damaged)?;
        if self.buffer.pop() == Some(b'\n') {
            return Ok(&self.buffer);
        }
        Err(match (self.from.limit(), read as u64) {
            (0, _) => SavedError::TooLarge,
            (_, MAX_LINE) => SavedError::LongLine { line: self.number },
            _ => SavedError::Truncated,
        })
    }

    fn expect_end(&mut self) -> Result<(), SavedError> {
        match self.from.fill_buf().map_err(damaged)? {
            [] => Ok(()),
            _ => Err(SavedError::Trailing),
        }
    }
}

fn damaged(error: io::Error) -> SavedError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => SavedError::Truncated,
        _ => SavedError::Damaged(error),
    }
}
