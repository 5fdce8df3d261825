//! The bytes of one layer. Comes in: a stream as it was stored, gzip, zstd or plain. Goes out: the uncompressed tar, in
//! large pieces, with both digests checked when it has been read to its end. Never: trusts a media type, inflates
//! without end, calls anything checked that was not read whole.

use crate::digest::Hasher;
use crate::limits::Limits;
use flate2::bufread::MultiGzDecoder;
use model::text::Text;
use std::io::{self, BufRead, Read};
use zstd::stream::read::Decoder;

/// Bytes that are hashed and handed on at a time: large enough to forget the cost of a call, small enough for the
/// cache of a core.
const PIECE: usize = 128 << 10;
/// Compressed bytes below which no ratio is judged (the empty archive has a high one).
const SMALL: u64 = 64 << 20;

/// Over a limit of [`Limits`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Over {
    #[error("it has more than {0} uncompressed bytes")]
    Bytes(u64),
    #[error("it has more than {0} uncompressed bytes for each compressed one")]
    Ratio(u64),
}

/// Content that is not what it was said to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its {part} should be {expected} and is {found}")]
pub struct Mismatch {
    /// `blob` as it was stored, or `uncompressed tar`.
    pub part: &'static str,
    pub expected: Text,
    pub found: String,
}

/// What is said of a layer before it is read.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub diff_id: &'a str,
    pub digest: Option<&'a str>,
}

/// The uncompressed stream of a layer.
pub struct Blob<R: Read> {
    body: Body<R>,
}

enum Body<R: Read> {
    Plain(Box<Hashed<R>>),
    Packed(Box<Hashed<Unpacked<Hashed<R>>>>),
}

impl<R: Read> Blob<R> {
    /// Looks at the first bytes to tell how it is compressed.
    pub fn new(inner: R, said: Said<'_>, limits: &Limits) -> io::Result<Self> {
        let mut stored = Hashed::new(inner, said.digest.and_then(Hasher::like));
        let form = Form::of(stored.fill_buf()?);
        // The blob is the tar: one hash serves both where they are said to be the same.
        if form == Form::Plain && said.digest.is_none_or(|digest| digest == said.diff_id) {
            stored.most = limits.layer_bytes;
            stored.rehash(Hasher::like(said.diff_id));
            return Ok(Blob {
                body: Body::Plain(Box::new(stored)),
            });
        }
        let unpacked = Unpacked {
            inner: match form {
                Form::Gzip => Inner::Gzip(Box::new(MultiGzDecoder::new(stored))),
                Form::Zstd => Inner::Zstd(Box::new(Decoder::with_buffer(stored)?)),
                Form::Plain => Inner::Plain(stored),
            },
            ratio: limits.ratio,
            out: 0,
        };
        let mut hashed = Hashed::new(unpacked, Hasher::like(said.diff_id));
        hashed.most = limits.layer_bytes;
        Ok(Blob {
            body: Body::Packed(Box::new(hashed)),
        })
    }

    /// Whether it is compressed.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self.body, Body::Packed(_))
    }

    /// Reads what is left and compares the digests. `Ok(true)`: all of it was read and both are right; `Ok(false)`: it
    /// could not be read to its end, so the tar is not checked.
    pub fn finish(mut self, said: Said<'_>) -> Result<bool, Mismatch> {
        let whole = drain(&mut self).is_ok();
        let (tar, stored) = match self.body {
            Body::Plain(tar) => (tar.found(), None),
            Body::Packed(tar) => {
                let Hashed { inner, hash, .. } = *tar;
                let mut stored = inner.inner.stored();
                // What follows the compressed stream belongs to the blob; a broken stream is read on, so that a damaged
                // image is told from a damaged transfer.
                let all = drain(&mut stored).is_ok();
                let stored = all.then(|| stored.found()).flatten();
                (hash.map(Hasher::finish), stored)
            }
        };
        if let (Some(expected), Some(found)) = (said.digest, stored) {
            same("blob", expected, found)?;
        }
        match (whole, tar) {
            (true, Some(found)) => same("uncompressed tar", said.diff_id, found).map(|()| true),
            _ => Ok(false),
        }
    }
}

fn same(part: &'static str, expected: &str, found: String) -> Result<(), Mismatch> {
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(Mismatch {
        part,
        expected: expected.into(),
        found,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Gzip,
    Zstd,
    Plain,
}

impl Form {
    /// By magic numbers: RFC 1952, 2.3.1; RFC 8878, 3.1.1 and 3.1.2 (skippable frames may come first).
    fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Form::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Form::Zstd,
            _ => Form::Plain,
        }
    }
}

fn drain(stream: &mut impl BufRead) -> io::Result<()> {
    loop {
        let read = stream.fill_buf()?.len();
        if read == 0 {
            return Ok(());
        }
        stream.consume(read);
    }
}

impl<R: Read> Read for Blob<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.body {
            Body::Plain(body) => body.read(into),
            Body::Packed(body) => body.read(into),
        }
    }
}

impl<R: Read> BufRead for Blob<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match &mut self.body {
            Body::Plain(body) => body.fill_buf(),
            Body::Packed(body) => body.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        match &mut self.body {
            Body::Plain(body) => body.consume(count),
            Body::Packed(body) => body.consume(count),
        }
    }
}

/// A buffer whose bytes are hashed once, when they come in.
struct Hashed<R> {
    inner: R,
    piece: Box<[u8]>,
    from: usize,
    to: usize,
    hash: Option<Hasher>,
    count: u64,
    most: u64,
    /// An error ends the stream: decoders may say anything after their first one.
    failed: Option<io::Error>,
    ended: bool,
}

impl<R: Read> Hashed<R> {
    fn new(inner: R, hash: Option<Hasher>) -> Self {
        Hashed {
            inner,
            piece: vec![0; PIECE].into_boxed_slice(),
            from: 0,
            to: 0,
            hash,
            count: 0,
            most: u64::MAX,
            failed: None,
            ended: false,
        }
    }

    /// Another hash for all bytes, while nothing has been consumed.
    fn rehash(&mut self, hash: Option<Hasher>) {
        self.hash = hash;
        if let (Some(hash), Some(read)) = (&mut self.hash, self.piece.get(self.from..self.to)) {
            hash.update(read);
        }
    }
}

impl<R> Hashed<R> {
    fn found(self) -> Option<String> {
        self.hash.map(Hasher::finish)
    }
}

impl<R: Read> BufRead for Hashed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.from == self.to {
            if self.count > self.most {
                return Err(io::Error::other(Over::Bytes(self.most)));
            }
            self.from = 0;
            self.to = 0;
            // Full pieces: decoders hand out what they have, and small pieces cost calls.
            while let Some(room) = self
                .piece
                .get_mut(self.to..)
                .filter(|room| !room.is_empty())
            {
                if self.ended {
                    break;
                }
                match self.inner.read(room) {
                    Ok(0) => self.ended = true,
                    Ok(read) => self.to += read.min(room.len()),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        self.failed = Some(error);
                        self.ended = true;
                    }
                }
            }
            // What came before the damage is handed on first.
            if self.to == 0
                && let Some(error) = &self.failed
            {
                return Err(again(error));
            }
            let read = self.piece.get(..self.to).unwrap_or(&[]);
            if let Some(hash) = &mut self.hash {
                hash.update(read);
            }
            self.count += read.len() as u64;
        }
        Ok(self.piece.get(self.from..self.to).unwrap_or(&[]))
    }

    fn consume(&mut self, count: usize) {
        self.from = (self.from + count).min(self.to);
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(into.len());
        into[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Over>())
    {
        Some(over) => io::Error::other(over.clone()),
        None => io::Error::new(error.kind(), error.to_string()),
    }
}

/// A decoder that stops when it makes too much of too little.
struct Unpacked<R: BufRead> {
    inner: Inner<R>,
    ratio: u64,
    out: u64,
}

enum Inner<R: BufRead> {
    Gzip(Box<MultiGzDecoder<R>>),
    Zstd(Box<Decoder<'static, R>>),
    /// A plain tar whose blob is said to have another digest.
    Plain(R),
}

impl<R: BufRead> Inner<R> {
    fn stored(self) -> R {
        match self {
            Inner::Gzip(decoder) => decoder.into_inner(),
            Inner::Zstd(decoder) => decoder.finish(),
            Inner::Plain(stored) => stored,
        }
    }
}

impl<R: Read> Read for Unpacked<Hashed<R>> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let (read, stored) = match &mut self.inner {
            Inner::Gzip(decoder) => (decoder.read(into)?, decoder.get_ref().count),
            Inner::Zstd(decoder) => (decoder.read(into)?, decoder.get_ref().count),
            Inner::Plain(stored) => (stored.read(into)?, stored.count),
        };
        self.out += read as u64;
        if self.out > SMALL.saturating_add(stored.saturating_mul(self.ratio)) {
            return Err(io::Error::other(Over::Ratio(self.ratio)));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::sha256;
    use std::io::Write as _;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn content() -> Vec<u8> {
        (0u32..200_000)
            .flat_map(|n| (n * 7).to_le_bytes())
            .collect()
    }

    /// What is read of `stored`, and what the check says.
    fn read(
        stored: &[u8],
        diff_id: &str,
        digest: Option<&str>,
        limits: &Limits,
    ) -> (Vec<u8>, Option<String>, Result<bool, Mismatch>) {
        let said = Said { diff_id, digest };
        let mut blob = match Blob::new(stored, said, limits) {
            Ok(blob) => blob,
            Err(error) => return (Vec::new(), Some(error.to_string()), Ok(false)),
        };
        let mut content = Vec::new();
        let error = blob.read_to_end(&mut content).err().map(|e| e.to_string());
        (content, error, blob.finish(said))
    }

    #[test]
    fn every_form_gives_the_same_bytes() {
        let content = content();
        let diff_id = sha256(&content);
        let members = [gzip(&content[..1000]), gzip(&content[1000..])].concat();
        let frames = [
            &[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..],
            &zstd::encode_all(&content[..5000], 1).unwrap(),
            &zstd::encode_all(&content[5000..], 3).unwrap(),
        ]
        .concat();
        for stored in [content.clone(), gzip(&content), members, frames] {
            let digest = sha256(&stored);
            for digest in [None, Some(&*digest)] {
                let (read, error, check) = read(&stored, &diff_id, digest, &Limits::default());
                assert!(read == content, "{error:?}");
                assert_eq!((error, check), (None, Ok(true)));
            }
        }
    }

    #[test]
    fn digests_are_compared() {
        let content = content();
        let (right, wrong) = (sha256(&content), sha256(b"another"));
        let packed = gzip(&content);
        let digest = sha256(&packed);
        let check = |stored: &[u8], diff_id: &str, digest: Option<&str>| {
            let (_, _, check) = read(stored, diff_id, digest, &Limits::default());
            check.map_err(|mismatch| mismatch.part)
        };
        assert_eq!(check(&packed, &right, Some(&digest)), Ok(true));
        assert_eq!(
            check(&packed, &wrong, Some(&digest)),
            Err("uncompressed tar")
        );
        assert_eq!(check(&packed, &right, Some(&wrong)), Err("blob"));
        assert_eq!(check(&content, &wrong, None), Err("uncompressed tar"));
        assert_eq!(check(&content, &right, Some(&wrong)), Err("blob"));
        assert_eq!(check(&content, "md5:0", None), Ok(false));
        let long = format!("sha512:{}", "0".repeat(128));
        assert_eq!(check(&content, &long, None), Err("uncompressed tar"));
    }

    #[test]
    fn what_is_cut_is_not_checked() {
        let content = content();
        let right = sha256(&content);
        let packed = gzip(&content);
        let cut = &packed[..packed.len() / 2];
        let (got, error, check) = read(cut, &right, None, &Limits::default());
        assert!(!got.is_empty() && content.starts_with(&got));
        assert!(error.is_some());
        assert_eq!(check, Ok(false));
        // The blob is what it should be: the image is damaged, not the transfer.
        assert_eq!(
            read(cut, &right, Some(&sha256(cut)), &Limits::default()).2,
            Ok(false)
        );
        assert!(
            read(cut, &right, Some(&sha256(&packed)), &Limits::default())
                .2
                .is_err()
        );
        let garbage = [&packed[..], b"garbage"].concat();
        let (got, error, _) = read(&garbage, &right, None, &Limits::default());
        assert_eq!((got.len(), error.is_some()), (content.len(), true));
    }

    #[test]
    fn bombs_end_at_the_limit() {
        let zeroes = vec![0; 96 << 20];
        let small = Limits {
            layer_bytes: 1 << 20,
            ..Limits::default()
        };
        let tight = Limits {
            ratio: 10,
            ..Limits::default()
        };
        for stored in [gzip(&zeroes), zstd::encode_all(&*zeroes, 3).unwrap()] {
            for (limits, most) in [(&small, 2 << 20), (&tight, 80 << 20)] {
                let (got, error, check) = read(&stored, &sha256(&zeroes), None, limits);
                assert!(got.len() < most, "{}", got.len());
                assert!(error.unwrap().contains("more than"));
                assert_eq!(check, Ok(false));
            }
        }
        assert_eq!(read(&zeroes, &sha256(&zeroes), None, &small).2, Ok(false));
    }
}
