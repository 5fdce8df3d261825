//! A scan in one file: the Snapshot, if there was one, and the Assessment. Written by `--save`, read by `--from`.
//! Form: the line `plimsoll-bundle N`, then zstd of: length of the snapshot (8 bytes, little-endian), the saved
//! snapshot, the Assessment as JSON. Everything in it is already free of secret values.

use model::assessment::Assessment;
use model::snapshot::Snapshot;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

/// The version that this program writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;
const MAGIC: &str = "plimsoll-bundle ";
/// Refuses bombs: 1,000,000 findings stay under a third of it.
const MAX_BYTES: u64 = 4 << 30;
/// A bundle unpacks to this much, and beyond it to so many times its own size; real ones stay below 60 times.
const FREE_BYTES: u64 = 256 << 20;
const MAX_RATIO: u64 = 500;

#[derive(Debug)]
pub struct Bundle {
    pub snapshot: Option<Snapshot>,
    pub assessment: Assessment,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("not a plimsoll bundle")]
    Foreign,
    #[error(
        "written by a newer plimsoll (bundle format {found}; this one reads up to {FORMAT_VERSION})"
    )]
    Newer { found: u32 },
    #[error("the bundle is damaged: {0}")]
    Damaged(&'static str),
    #[error("cannot read the snapshot in the bundle")]
    Snapshot(#[source] cluster::saved::SavedError),
    #[error("cannot read or write the bundle")]
    Io(#[from] io::Error),
}

/// Writes a bundle; the caller takes care of rename and mode.
pub fn write(
    snapshot: Option<&Snapshot>,
    assessment: &Assessment,
    mut out: impl Write,
) -> Result<(), BundleError> {
    writeln!(out, "{MAGIC}{FORMAT_VERSION}")?;
    let mut saved = Vec::new();
    if let Some(snapshot) = snapshot {
        cluster::saved::write(snapshot, &mut saved).map_err(BundleError::Snapshot)?;
    }
    // JSON comes in small pieces, and each call of the encoder costs.
    let mut packed = BufWriter::with_capacity(1 << 18, zstd::Encoder::new(out, 1)?);
    packed.write_all(&(saved.len() as u64).to_le_bytes())?;
    packed.write_all(&saved)?;
    serde_json::to_writer(&mut packed, assessment).map_err(io::Error::from)?;
    packed
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .finish()?
        .flush()?;
    Ok(())
}

/// Reads a bundle of this or an older version.
pub fn read(input: impl Read) -> Result<Bundle, BundleError> {
    let mut input = BufReader::new(Counted { input, bytes: 0 });
    let mut header = Vec::new();
    input.by_ref().take(64).read_until(b'\n', &mut header)?;
    let version = std::str::from_utf8(&header)
        .ok()
        .and_then(|line| {
            line.strip_prefix(MAGIC)?
                .strip_suffix('\n')?
                .parse::<u32>()
                .ok()
        })
        .ok_or(BundleError::Foreign)?;
    if version > FORMAT_VERSION {
        return Err(BundleError::Newer { found: version });
    }
    let unpacked = Unpacked {
        packed: zstd::Decoder::with_buffer(input)?,
        bytes: 0,
    };
    let mut packed = unpacked.take(MAX_BYTES);
    let mut length = [0; 8];
    packed
        .read_exact(&mut length)
        .map_err(|_| BundleError::Damaged("it ends early"))?;
    let length = u64::from_le_bytes(length);
    let mut section = packed.by_ref().take(length);
    let snapshot = match length {
        0 => None,
        _ => Some(cluster::saved::read(&mut section).map_err(BundleError::Snapshot)?),
    };
    io::copy(&mut section, &mut io::sink()).map_err(|_| BundleError::Damaged("it ends early"))?;
    if section.limit() > 0 {
        return Err(BundleError::Damaged("it ends early"));
    }
    let assessment = serde_json::from_reader(BufReader::new(packed))
        .map_err(|_| BundleError::Damaged("its assessment is no valid JSON"))?;
    check(&assessment)?;
    Ok(Bundle {
        snapshot,
        assessment,
    })
}

/// Counts what was read of the file.
struct Counted<R> {
    input: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Unpacks, and stops where a few bytes become gigabytes.
struct Unpacked<R: Read> {
    packed: zstd::Decoder<'static, BufReader<Counted<R>>>,
    bytes: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.packed.read(buffer)?;
        self.bytes += count as u64;
        let file = self.packed.get_ref().get_ref().bytes;
        if self.bytes > FREE_BYTES + MAX_RATIO * file {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "it unpacks to far more than a scan is",
            ));
        }
        Ok(count)
    }
}

/// Indices of a foreign file are not trusted.
fn check(assessment: &Assessment) -> Result<(), BundleError> {
    let within =
        |index: Option<u32>, length: usize| index.is_none_or(|index| (index as usize) < length);
    let a = assessment;
    let findings = a
        .findings
        .iter()
        .chain(&a.suppressed)
        .chain(&a.unjoined)
        .all(|f| {
            within(f.vulnerability, a.vulnerabilities.len())
                && within(f.image, a.images.len())
                && within(f.package, a.packages.len())
                && f.scores
                    .iter()
                    .all(|&score| within(Some(score), a.scores.len()))
        });
    let placements = a.placements.iter().all(|p| {
        within(Some(p.image), a.images.len())
            && within(Some(p.situation), a.situations.len())
            && p.runs_in.is_none_or(|at| {
                a.workloads
                    .get(at.workload as usize)
                    .is_some_and(|w| w.is_host() || within(Some(at.container), w.containers.len()))
            })
    });
    let actions = a.actions.iter().all(|action| {
        within(action.image, a.images.len())
            && action
                .closes
                .iter()
                .all(|&n| within(Some(n), a.findings.len()))
            && action
                .workloads
                .iter()
                .all(|&n| within(Some(n), a.workloads.len()))
    });
    let images = a.images.iter().all(|image| {
        image
            .placements
            .iter()
            .all(|&n| within(Some(n), a.placements.len()))
    });
    if findings && placements && actions && images {
        return Ok(());
    }
    Err(BundleError::Damaged("an index points nowhere"))
}
