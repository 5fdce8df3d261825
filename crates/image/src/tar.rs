//! Tar as layers use it: ustar, GNU long names, PAX. Comes in: a stream. Goes out: headers one by one, and the content
//! of those that are asked for. Never: keeps more of a name than a limit, trusts a size, needs to seek.
//! Sources: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format". Where they leave room,
//! what Go's `archive/tar` does holds, since Docker, containerd, Podman and Kaniko unpack with it.

use std::io::{self, BufRead};

const BLOCK: usize = 512;
/// Longest extended header that is read; longer ones are damage.
const EXTENDED: u64 = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum TarError {
    #[error("cannot read the archive after {at} bytes")]
    Read {
        at: u64,
        #[source]
        source: io::Error,
    },
    #[error("the archive is cut after {at} bytes")]
    Cut { at: u64 },
    #[error("the header at byte {at} is damaged: {what}")]
    Header { at: u64, what: &'static str },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// As written, of any bytes.
    pub path: Vec<u8>,
    pub kind: Kind,
    /// Permission bits with setuid, setgid and sticky.
    pub mode: u32,
    /// Bytes of content that follow.
    pub size: u64,
    /// Numeric owner.
    pub owner: u64,
    /// It has file capabilities (the record `SCHILY.xattr.security.capability`).
    pub capabilities: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    /// With the target as written.
    Symlink(Vec<u8>),
    Hardlink(Vec<u8>),
    /// Devices, pipes, sockets.
    Other,
    /// A file whose holes are left out (GNU and PAX sparse forms): its content is not what stands in the archive.
    Sparse,
}

/// Reads headers and contents in their order.
pub struct Tar<R> {
    inner: R,
    at: u64,
    /// Content and padding of the last header that nobody read.
    left: u64,
    padding: u64,
}

/// What PAX records say of the next header; of several such headers the last one holds.
#[derive(Default)]
struct Pax {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    owner: Option<u64>,
    capabilities: bool,
    sparse: bool,
    /// The name of a sparse file, whose `path` is made up.
    sparse_name: Option<Vec<u8>>,
}

/// What stands before a header and belongs to it.
#[derive(Default)]
struct Extended {
    /// GNU's long name and link win over the PAX ones.
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    pax: Pax,
}

impl<R: BufRead> Tar<R> {
    pub fn new(inner: R) -> Self {
        Tar {
            inner,
            at: 0,
            left: 0,
            padding: 0,
        }
    }

    /// The next header, `None` at the end of the archive.
    #[allow(clippy::should_implement_trait)] // it lends, and fails
    pub fn next(&mut self) -> Result<Option<Header>, TarError> {
        let mut extended = Extended::default();
        loop {
            self.skip()?;
            let Some(block) = self.block()? else {
                return Ok(None);
            };
            let at = self.at - BLOCK as u64;
            if block.iter().all(|byte| *byte == 0) {
                // Two zero blocks end an archive, and some writers leave one. Runtimes refuse entries after a single
                // one, so whatever stands there must not look like nothing.
                return match self.block()? {
                    Some(second) if second.iter().any(|byte| *byte != 0) => Err(TarError::Header {
                        at,
                        what: "one zero block, and more entries after it",
                    }),
                    _ => Ok(None),
                };
            }
            check_sum(&block, at)?;
            let size = number(field(&block, 124, 12)).ok_or(TarError::Header {
                at,
                what: "its size is no number",
            })?;
            let flag = block[156];
            if matches!(flag, b'L' | b'K' | b'x' | b'g') {
                if size > EXTENDED {
                    return Err(TarError::Header {
                        at,
                        what: "a name or extended header of more than a megabyte",
                    });
                }
                self.expect(size);
                let mut content = Vec::new();
                self.content(&mut content, EXTENDED)?;
                match flag {
                    b'L' => extended.path = Some(until_zero(&content).to_vec()),
                    b'K' => extended.link = Some(until_zero(&content).to_vec()),
                    b'x' => extended.pax = pax(&content, at)?,
                    // Global records carry comments (git archive) and nothing that names files.
                    _ => {}
                }
                continue;
            }
            return self.header(&block, extended, size).map(Some);
        }
    }

    fn header(
        &mut self,
        block: &[u8; BLOCK],
        extended: Extended,
        size: u64,
    ) -> Result<Header, TarError> {
        let Extended { path, link, pax } = extended;
        let path = path
            .or(pax.sparse_name.filter(|_| pax.sparse))
            .or(pax.path)
            .unwrap_or_else(|| {
                let name = until_zero(field(block, 0, 100));
                let star = field(block, 508, 4) == b"tar\0";
                let prefix = until_zero(field(block, 345, if star { 131 } else { 155 }));
                if field(block, 257, 6) == b"ustar\0" && !prefix.is_empty() {
                    [prefix, b"/", name].concat()
                } else {
                    name.to_vec()
                }
            });
        let link = link
            .or(pax.link)
            .unwrap_or_else(|| until_zero(field(block, 157, 100)).to_vec());
        let kind = match block[156] {
            b'0' | b'7' if pax.sparse => Kind::Sparse,
            // Before POSIX a folder was a file whose name ends with a slash.
            b'\0' if path.ends_with(b"/") => Kind::Folder,
            b'0' | b'\0' | b'7' => Kind::File,
            b'1' => Kind::Hardlink(link),
            b'2' => Kind::Symlink(link),
            b'5' => Kind::Folder,
            b'S' => Kind::Sparse,
            _ => Kind::Other,
        };
        // What is only a header has no content, whatever its size says.
        let size = match (block[156], &kind) {
            (b'1'..=b'6', _) | (_, Kind::Folder) => 0,
            _ => pax.size.unwrap_or(size),
        };
        if block[156] == b'S' {
            self.more_holes(block[482])?;
        }
        self.expect(size);
        Ok(Header {
            path,
            kind,
            mode: number(field(block, 100, 8)).map_or(0, |mode| (mode & 0o7777) as u32),
            size,
            owner: pax
                .owner
                .or(number(field(block, 108, 8)))
                .unwrap_or(u64::MAX),
            capabilities: pax.capabilities,
        })
    }

    /// The old GNU form lists further holes in blocks between header and content.
    fn more_holes(&mut self, mut more: u8) -> Result<(), TarError> {
        while more != 0 {
            let Some(block) = self.block()? else {
                return Err(TarError::Cut { at: self.at });
            };
            more = block[504];
        }
        Ok(())
    }

    fn expect(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    /// Appends the content of the last header, at most `limit` bytes of it. Says whether that was all.
    pub fn content(&mut self, into: &mut Vec<u8>, limit: u64) -> Result<bool, TarError> {
        let mut room = limit;
        while self.left > 0 && room > 0 {
            let most = self.left.min(room);
            let chunk = self.fill()?;
            let take = at_most(chunk.len(), most);
            into.extend_from_slice(chunk.get(..take).unwrap_or(chunk));
            self.consume(take);
            self.left -= take as u64;
            room -= take as u64;
        }
        Ok(self.left == 0)
    }

    /// Reads on to the next header.
    fn skip(&mut self) -> Result<(), TarError> {
        let mut left =
            std::mem::take(&mut self.left).saturating_add(std::mem::take(&mut self.padding));
        while left > 0 {
            let chunk = self.fill()?.len();
            let take = at_most(chunk, left);
            self.consume(take);
            left -= take as u64;
        }
        Ok(())
    }

    /// The next block, `None` at a clean end.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while let Some(room) = block.get_mut(filled..).filter(|room| !room.is_empty()) {
            let chunk = self.inner.fill_buf().map_err(|source| TarError::Read {
                at: self.at,
                source,
            })?;
            if chunk.is_empty() {
                if filled == 0 {
                    return Ok(None);
                }
                return Err(TarError::Cut { at: self.at });
            }
            let take = chunk.len().min(room.len());
            room[..take].copy_from_slice(&chunk[..take]);
            self.consume(take);
            filled += take;
        }
        Ok(Some(block))
    }

    fn fill(&mut self) -> Result<&[u8], TarError> {
        let at = self.at;
        let chunk = self
            .inner
            .fill_buf()
            .map_err(|source| TarError::Read { at, source })?;
        if chunk.is_empty() {
            return Err(TarError::Cut { at });
        }
        Ok(chunk)
    }

    fn consume(&mut self, count: usize) {
        self.inner.consume(count);
        self.at += count as u64;
    }

    /// Bytes read so far.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Reads to the end of the stream, so that digests cover all of it.
    pub fn drain(&mut self) -> Result<(), TarError> {
        loop {
            let chunk = self
                .inner
                .fill_buf()
                .map_err(|source| TarError::Read {
                    at: self.at,
                    source,
                })?
                .len();
            if chunk == 0 {
                return Ok(());
            }
            self.consume(chunk);
        }
    }
}

fn at_most(count: usize, most: u64) -> usize {
    usize::try_from(most).map_or(count, |most| count.min(most))
}

fn field(block: &[u8; BLOCK], from: usize, len: usize) -> &[u8] {
    block.get(from..from + len).unwrap_or(&[])
}

fn until_zero(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or(bytes)
}

/// Octal, or GNU base 256 for what does not fit; empty is 0.
fn number(bytes: &[u8]) -> Option<u64> {
    let (first, rest) = bytes.split_first()?;
    if first & 0x80 != 0 {
        return rest.iter().try_fold(u64::from(first & 0x7f), |all, byte| {
            all.checked_mul(256)?.checked_add(u64::from(*byte))
        });
    }
    let Some(start) = bytes.iter().position(|byte| !matches!(byte, b' ' | 0)) else {
        return Some(0);
    };
    let digits = until_zero(bytes.get(start..)?).trim_ascii();
    digits.iter().try_fold(0u64, |all, digit| match digit {
        b'0'..=b'7' => all.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// The sum of all bytes with the checksum field as blanks; old writers summed signed bytes.
fn check_sum(block: &[u8; BLOCK], at: u64) -> Result<(), TarError> {
    let written = field(block, 148, 8);
    let unsigned = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let signed = |bytes: &[u8]| {
        let signed = bytes.iter().map(|byte| i32::from(byte.cast_signed()));
        signed.sum::<i32>()
    };
    let blanks = 8 * u32::from(b' ');
    let sum = number(written);
    if sum == Some(u64::from(unsigned(block) - unsigned(written) + blanks))
        || sum.and_then(|sum| i64::try_from(sum).ok())
            == Some(i64::from(signed(block) - signed(written)) + i64::from(blanks))
    {
        return Ok(());
    }
    Err(TarError::Header {
        at,
        what: "its checksum is wrong",
    })
}

/// `length key=value\n` records; an empty value takes back what an earlier record said.
fn pax(mut records: &[u8], at: u64) -> Result<Pax, TarError> {
    let damaged = |what| TarError::Header { at, what };
    let mut into = Pax::default();
    while !records.is_empty() {
        let (key, value, rest) =
            record(records).ok_or_else(|| damaged("its extended records are damaged"))?;
        records = rest;
        if key.starts_with(b"GNU.sparse.") {
            into.sparse = true;
        }
        let name = match key {
            b"path" => &mut into.path,
            b"linkpath" => &mut into.link,
            b"GNU.sparse.name" => &mut into.sparse_name,
            b"SCHILY.xattr.security.capability" => {
                into.capabilities = !value.is_empty();
                continue;
            }
            b"uid" => {
                into.owner = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                continue;
            }
            b"size" => {
                let number = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                into.size = match number {
                    None if !value.is_empty() => return Err(damaged("its size is no number")),
                    number => number,
                };
                continue;
            }
            _ => continue,
        };
        if value.contains(&0) {
            return Err(damaged("a name with a zero byte"));
        }
        *name = (!value.is_empty()).then(|| value.to_vec());
    }
    Ok(into)
}

fn record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = records.iter().position(|byte| *byte == b' ')?;
    let length = std::str::from_utf8(records.get(..blank)?).ok()?;
    let (record, rest) = records.split_at_checked(length.parse().ok()?)?;
    let pair = record.get(blank + 1..)?.strip_suffix(b"\n")?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    Some((pair.get(..equals)?, pair.get(equals + 1..)?, rest))
}
