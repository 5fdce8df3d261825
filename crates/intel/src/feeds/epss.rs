//! EPSS: `epss_scores-DATE.csv[.gz]` of FIRST. Comes in: the file. Goes out: model, date and every row with
//! exactly the decimals that it was published with.

use super::folder::FeedFile;
use super::{FeedError, day, ends};
use crate::format::keys::cve_key;
use jiff::civil::Date;
use sha2::{Digest as _, Sha256};
use std::io::Read;

/// Largest unpacked file: 30 times today's.
const MAX_BYTES: u64 = 512 << 20;
/// Scores are kept as integers of this many decimals; the files have five.
const MAX_DECIMALS: u32 = 9;

/// One published set of scores.
#[derive(Clone, Debug, PartialEq)]
pub struct EpssTable {
    /// `v2026.06.15`.
    pub model: String,
    pub date: Date,
    /// Decimals of the integers in `rows`.
    pub decimals: u32,
    /// CVE key (see [`cve_key`]), score and percentile in units of `10^-decimals`; ascending, each key once.
    pub rows: Vec<(u64, u32, u32)>,
    /// Rows that could not be read.
    pub unread: u64,
    pub digest: String,
}

/// The date and model of the header line alone, to choose the newest file.
pub fn header(file: &FeedFile<'_>) -> Result<(Date, String), FeedError> {
    let mut start = Vec::new();
    // One KiB is plenty for a header; a damaged tail is found when the file is read as a whole.
    let _ = unpacked(file)?.take(1024).read_to_end(&mut start);
    let line = start.split(|b| *b == b'\n').next().unwrap_or(&[]);
    parse_header(&String::from_utf8_lossy(line)).ok_or_else(|| {
        file.damaged("the first line does not name an EPSS model and date (#model_version:...)")
    })
}

/// Reads the whole file.
pub fn read(file: &FeedFile<'_>) -> Result<EpssTable, FeedError> {
    let mut packed = Vec::new();
    file.open()?
        .take(MAX_BYTES)
        .read_to_end(&mut packed)
        .map_err(|e| file.io(e))?;
    let digest = model::keys::hex(&Sha256::digest(&packed));
    let mut text = Vec::new();
    if ends(&file.name, &[".gz"]) {
        flate2::read::MultiGzDecoder::new(&packed[..])
            .take(MAX_BYTES + 1)
            .read_to_end(&mut text)
            .map_err(|e| file.damaged(e))?;
        drop(packed);
    } else {
        text = packed;
    }
    if text.len() as u64 > MAX_BYTES {
        return Err(FeedError::TooLarge {
            path: file.path(),
            limit: MAX_BYTES,
        });
    }
    parse(&text, digest).map_err(|what| file.damaged(what))
}

fn unpacked<'f>(file: &'f FeedFile<'_>) -> Result<Box<dyn Read + 'f>, FeedError> {
    let source = file.open()?;
    Ok(if ends(&file.name, &[".gz"]) {
        Box::new(flate2::read::MultiGzDecoder::new(source))
    } else {
        Box::new(source)
    })
}

/// `#model_version:v2026.06.15,score_date:2026-08-16T00:00:00Z`; the zone was `+0000` before 2025.
fn parse_header(line: &str) -> Option<(Date, String)> {
    let mut model = None;
    let mut date = None;
    for field in line.trim().strip_prefix('#')?.split(',') {
        match field.split_once(':')? {
            ("model_version", value) => model = Some(value.trim().to_owned()),
            ("score_date", value) => date = day(value),
            _ => {}
        }
    }
    let model = model.filter(|model| !model.is_empty() && model.len() <= 64)?;
    Some((date?, model))
}

fn parse(text: &[u8], digest: String) -> Result<EpssTable, &'static str> {
    const HEADER: &str = "the first line does not name an EPSS model and date (#model_version:...)";
    let end = text.iter().position(|b| *b == b'\n').ok_or(HEADER)?;
    let (first, rest) = text.split_at(end);
    let (date, model) =
        parse_header(std::str::from_utf8(first).map_err(|_| HEADER)?).ok_or(HEADER)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(rest);
    let columns = reader
        .byte_headers()
        .map_err(|_| "it has no column line")?
        .clone();
    let column = |name: &[u8]| {
        columns
            .iter()
            .position(|column| column == name)
            .ok_or("a column of cve, epss, percentile is missing")
    };
    let (id, score, percentile) = (column(b"cve")?, column(b"epss")?, column(b"percentile")?);
    let mut rows: Vec<(u64, Decimal, Decimal)> = Vec::with_capacity(text.len() / 30);
    let mut unread = 0;
    let mut line = csv::ByteRecord::new();
    loop {
        match reader.read_byte_record(&mut line) {
            Ok(false) => break,
            Ok(true) => {}
            Err(_) => return Err("a line is no CSV"),
        }
        let row = (|| {
            Some((
                cve_key(std::str::from_utf8(line.get(id)?).ok()?)?,
                Decimal::parse(line.get(score)?)?,
                Decimal::parse(line.get(percentile)?)?,
            ))
        })();
        match row {
            Some(row) => rows.push(row),
            None => unread += 1,
        }
    }
    if rows.is_empty() {
        return Err("it has no scores");
    }
    let decimals = rows
        .iter()
        .map(|(_, score, percentile)| score.decimals.max(percentile.decimals))
        .max()
        .unwrap_or(0);
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|(key, score, percentile)| (key, score.at(decimals), percentile.at(decimals)))
        .collect();
    // A CVE that stands twice keeps its higher score.
    rows.sort_unstable_by_key(|(key, score, percentile)| {
        (
            *key,
            std::cmp::Reverse(*score),
            std::cmp::Reverse(*percentile),
        )
    });
    rows.dedup_by_key(|(key, _, _)| *key);
    Ok(EpssTable {
        model,
        date,
        decimals,
        rows,
        unread,
        digest,
    })
}

/// A number of 0 to 1 as written: `0.00383`, `1.0`, `3e-05`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: u32,
    decimals: u32,
}

impl Decimal {
    fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.trim();
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        if whole.len() > 1 || fraction.len() > 16 || exponent > 0 || whole.is_empty() {
            return None;
        }
        let all: u64 = format!("{whole}{fraction}")
            .bytes()
            .try_fold(0u64, |sum, b| {
                b.is_ascii_digit().then(|| sum * 10 + u64::from(b - b'0'))
            })?;
        let mut digits = all;
        let mut decimals = u32::try_from(fraction.len()).ok()? + exponent.unsigned_abs();
        // More decimals than are kept: round half up, which no published file needs.
        while decimals > MAX_DECIMALS {
            digits = if decimals == MAX_DECIMALS + 1 {
                (digits + 5) / 10
            } else {
                digits / 10
            };
            decimals -= 1;
        }
        let digits = u32::try_from(digits).ok()?;
        (u64::from(digits) <= 10u64.pow(decimals)).then_some(Decimal { digits, decimals })
    }

    fn at(self, decimals: u32) -> u32 {
        self.digits * 10u32.pow(decimals.saturating_sub(self.decimals))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        for (text, expected) in [
            ("0.00383", Some((383, 5))),
            ("0.5", Some((5, 1))),
            ("0.50000", Some((5, 1))),
            ("1.0", Some((1, 0))),
            ("1", Some((1, 0))),
            ("0", Some((0, 0))),
            ("3e-05", Some((3, 5))),
            ("1.5e-3", Some((15, 4))),
            ("0.0123456789012", Some((12_345_679, 9))),
            ("1.1", None),
            ("-0.1", None),
            ("nan", None),
            ("", None),
            ("1e5", None),
            ("1e-999999999999", None),
        ] {
            let found = Decimal::parse(text.as_bytes()).map(|d| (d.digits, d.decimals));
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn files() {
        let file = "#model_version:v1,score_date:2024-06-30T00:00:00+0000\ncve,epss,percentile\r\nCVE-2024-0002,0.1,0.5\nCVE-2024-0001,0.00001,0.25\nnonsense,0.1,0.1\nCVE-2024-0001,0.2,0.3\n";
        let table = parse(file.as_bytes(), String::new()).unwrap();
        assert_eq!(table.unread, 1);
        assert_eq!(table.decimals, 5);
        assert_eq!(
            table.rows,
            [
                (cve_key("CVE-2024-0001").unwrap(), 20_000, 30_000),
                (cve_key("CVE-2024-0002").unwrap(), 10_000, 50_000)
            ]
        );
        for bad in [
            "",
            "cve,epss,percentile\nCVE-2024-0001,0.1,0.1\n",
            "#model_version:v1,score_date:2024-06-30\ncve,epss\nCVE-2024-0001,0.1\n",
            "#model_version:v1,score_date:2024-06-30\ncve,epss,percentile\n",
        ] {
            assert!(parse(bad.as_bytes(), String::new()).is_err(), "{bad}");
        }
    }
}
