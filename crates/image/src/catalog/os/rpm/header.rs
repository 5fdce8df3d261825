//! One header of a package as rpm's databases keep it: a table of tags and the data that they point into.
//! Comes in: a blob. Goes out: values by tag. Never: a copy, a value outside the blob.
//! Source: rpm's docs/manual/hregions.md and format_header.md; lib/header.cc (later entries replace earlier ones of the
//! same tag, as those behind the region do).

use super::read::be32;

/// rpm's include/rpm/rpmtag.h.
pub mod tag {
    pub const NAME: u32 = 1000;
    pub const VERSION: u32 = 1001;
    pub const RELEASE: u32 = 1002;
    pub const EPOCH: u32 = 1003;
    pub const VENDOR: u32 = 1011;
    pub const LICENSE: u32 = 1014;
    pub const ARCH: u32 = 1022;
    pub const FILESTATES: u32 = 1029;
    pub const FILEMODES: u32 = 1030;
    pub const FILEFLAGS: u32 = 1037;
    pub const SOURCERPM: u32 = 1044;
    pub const DIRINDEXES: u32 = 1116;
    pub const BASENAMES: u32 = 1117;
    pub const DIRNAMES: u32 = 1118;
    pub const MODULARITYLABEL: u32 = 5096;
}

/// Types of values (rpmtag.h, `rpmTagType_e`).
mod kind {
    pub(super) const CHAR: u32 = 1;
    pub(super) const INT8: u32 = 2;
    pub(super) const INT16: u32 = 3;
    pub(super) const INT32: u32 = 4;
    pub(super) const STRING: u32 = 6;
    pub(super) const STRING_ARRAY: u32 = 8;
    pub(super) const I18NSTRING: u32 = 9;
}

/// Begins headers in files; databases leave it out.
const MAGIC: &[u8] = b"\x8e\xad\xe8\x01";
const ENTRY: usize = 16;

#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    entries: &'a [u8],
    values: &'a [u8],
}

#[derive(Clone, Copy)]
struct Entry<'a> {
    kind: u32,
    count: usize,
    /// From its value to the end of all values.
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    /// `None` where the blob is shorter than it says.
    pub fn read(blob: &'a [u8]) -> Option<Self> {
        let blob = match blob.strip_prefix(MAGIC) {
            Some(rest) => rest.get(4..)?,
            None => blob,
        };
        let entries = usize::try_from(be32(blob, 0)?).ok()?;
        let values = usize::try_from(be32(blob, 4)?).ok()?;
        let (entries, rest) = blob
            .get(8..)?
            .split_at_checked(entries.checked_mul(ENTRY)?)?;
        Some(Header {
            entries,
            values: rest.get(..values)?,
        })
    }

    fn entry(&self, tag: u32) -> Option<Entry<'a>> {
        let entry = self
            .entries
            .rchunks_exact(ENTRY)
            .find(|entry| be32(entry, 0) == Some(tag))?;
        let at = usize::try_from(be32(entry, 8)?).ok()?;
        Some(Entry {
            kind: be32(entry, 4)?,
            count: usize::try_from(be32(entry, 12)?).ok()?,
            bytes: self.values.get(at..)?,
        })
    }

    /// The first string of a tag.
    pub fn text(&self, tag: u32) -> Option<&'a [u8]> {
        self.texts(tag).next()
    }

    /// All strings of a tag.
    pub fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let entry = self.entry(tag).filter(|entry| {
            matches!(
                entry.kind,
                kind::STRING | kind::STRING_ARRAY | kind::I18NSTRING
            )
        });
        let (mut rest, count) = entry.map_or((&[][..], 0), |entry| (entry.bytes, entry.count));
        (0..count).map_while(move |_| {
            let end = rest.iter().position(|byte| *byte == 0)?;
            let (text, after) = rest.split_at(end);
            rest = after.get(1..)?;
            Some(text)
        })
    }

    /// The first number of a tag.
    pub fn number(&self, tag: u32) -> Option<u32> {
        self.numbers(tag).next()
    }

    /// All numbers of a tag, of up to 32 bits.
    pub fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> + use<'a> {
        let entry = self.entry(tag);
        let width = match entry.map(|entry| entry.kind) {
            Some(kind::CHAR | kind::INT8) => 1,
            Some(kind::INT16) => 2,
            Some(kind::INT32) => 4,
            _ => usize::MAX,
        };
        let (bytes, count) = entry.map_or((&[][..], 0), |entry| (entry.bytes, entry.count));
        bytes.chunks_exact(width).take(count).map(|number| {
            number
                .iter()
                .fold(0, |all, byte| all << 8 | u32::from(*byte))
        })
    }

    /// Folder (with its slash) and name of what the package put there: files and links, not folders.
    pub fn files(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        /// rpmfiles.h, `RPMFILE_GHOST`: owned, but written by something else, or never.
        const GHOST: u32 = 1 << 6;
        /// rpmfiles.h, `RPMFILE_STATE_NORMAL` and `_NETSHARED`. The others are on the disk as another package's, or not.
        const THERE: [u32; 2] = [0, 3];
        /// inode(7), `S_IFMT` and `S_IFDIR`.
        const FORMAT: u32 = 0o170_000;
        const FOLDER: u32 = 0o040_000;

        let folders: Vec<&[u8]> = self.texts(tag::DIRNAMES).collect();
        let mut flags = self.numbers(tag::FILEFLAGS);
        let mut modes = self.numbers(tag::FILEMODES);
        let mut states = self.numbers(tag::FILESTATES);
        self.texts(tag::BASENAMES)
            .zip(self.numbers(tag::DIRINDEXES))
            .filter_map(move |(name, folder)| {
                let flag = flags.next().unwrap_or(0);
                let mode = modes.next().unwrap_or(0);
                let state = states.next().unwrap_or(0);
                let there = flag & GHOST == 0 && THERE.contains(&state) && mode & FORMAT != FOLDER;
                let folder = folders.get(usize::try_from(folder).ok()?)?;
                there.then_some((*folder, name))
            })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) enum Value<'a> {
        Text(&'a str),
        Texts(&'a [&'a str]),
        Numbers(&'a [u32]),
        Modes(&'a [u16]),
        States(&'a [u8]),
    }

    /// A header as a database has it.
    pub(crate) fn blob(tags: &[(u32, Value<'_>)]) -> Vec<u8> {
        let number = |count: usize| u32::try_from(count).unwrap();
        let (mut entries, mut values) = (Vec::new(), Vec::new());
        for (tag, value) in tags {
            let (kind, count, bytes) = match value {
                Value::Text(text) => (kind::STRING, 1, [text.as_bytes(), b"\0"].concat()),
                Value::Texts(texts) => (
                    kind::STRING_ARRAY,
                    texts.len(),
                    texts
                        .iter()
                        .flat_map(|text| [text.as_bytes(), b"\0"].concat())
                        .collect(),
                ),
                Value::Numbers(all) => (
                    kind::INT32,
                    all.len(),
                    all.iter().flat_map(|n| n.to_be_bytes()).collect(),
                ),
                Value::Modes(all) => (
                    kind::INT16,
                    all.len(),
                    all.iter().flat_map(|n| n.to_be_bytes()).collect(),
                ),
                Value::States(all) => (kind::CHAR, all.len(), all.to_vec()),
            };
            for field in [*tag, kind, number(values.len()), number(count)] {
                entries.extend(field.to_be_bytes());
            }
            values.extend(bytes);
        }
        let counts = [number(entries.len() / ENTRY), number(values.len())];
        let counts = counts.iter().flat_map(|n| n.to_be_bytes());
        counts.chain(entries).chain(values).collect()
    }

    #[test]
    fn values_by_tag() {
        let blob = blob(&[
            (tag::NAME, Value::Text("first")),
            (tag::EPOCH, Value::Numbers(&[2])),
            (tag::DIRNAMES, Value::Texts(&["/usr/", "/etc/"])),
            (tag::DIRINDEXES, Value::Numbers(&[0, 1, 1, 0, 9, 0])),
            (
                tag::BASENAMES,
                Value::Texts(&["a", "ghost", "b", "lib", "x", "gone"]),
            ),
            (tag::FILEFLAGS, Value::Numbers(&[0, 64, 1, 0, 0, 0])),
            (
                tag::FILEMODES,
                Value::Modes(&[0o100_644, 0o100_644, 0o120_777, 0o040_755]),
            ),
            (tag::FILESTATES, Value::States(&[0, 0, 3, 0, 0, 2])),
            (tag::NAME, Value::Text("last")),
        ]);
        let header = Header::read(&blob).unwrap();
        assert_eq!(header.text(tag::NAME), Some(&b"last"[..]));
        assert_eq!(header.text(tag::EPOCH), None);
        assert_eq!(header.number(tag::EPOCH), Some(2));
        assert_eq!(header.number(tag::NAME), None);
        assert_eq!(header.number(tag::VENDOR), None);
        let files: Vec<_> = header.files().collect();
        assert_eq!(files, [(&b"/usr/"[..], &b"a"[..]), (b"/etc/", b"b")]);

        let in_file = [MAGIC, &[0; 4], &blob].concat();
        assert_eq!(Header::read(&in_file).unwrap().number(tag::EPOCH), Some(2));
        for end in 0..blob.len() {
            assert!(Header::read(&blob[..end]).is_none(), "{end}");
        }
    }
}
