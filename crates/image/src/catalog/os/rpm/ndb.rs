//! rpm's own database (SUSE's default). Comes in: `Packages.db`. Goes out: each package's blob.
//! Source: rpm, lib/backend/ndb/rpmpkg.c (32 bytes of header, slots of 16 bytes in the first pages, blobs in blocks of
//! 16 bytes; all little-endian).

use super::DatabaseError;
use super::read::le32;

pub const MAGIC: &[u8] = b"RpmP";
const SLOT: &[u8] = b"Slot";
const BLOB: &[u8] = b"BlbS";
const BLOB_END: &[u8] = b"BlbE";
const PAGE: usize = 4_096;
const BLOCK: usize = 16;
/// Checksum, length, magic.
const TAIL: usize = 12;

/// Hands out each package's blob; how many slots point at none comes back.
pub fn blobs(bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<u64, DatabaseError> {
    if !bytes.starts_with(MAGIC) {
        return Err(DatabaseError::Unknown);
    }
    let damaged = DatabaseError::Damaged("header");
    if le32(bytes, 4) != Some(0) {
        return Err(damaged);
    }
    let pages = le32(bytes, 12).and_then(|pages| usize::try_from(pages).ok());
    let slots = pages
        .and_then(|pages| pages.checked_mul(PAGE))
        .and_then(|end| bytes.get(32..end));
    let Some(slots) = slots else {
        return Err(damaged);
    };
    let mut lost = 0;
    // Blobs never overlap, so all of them have no more bytes than the file.
    let mut left = bytes.len();
    for slot in slots.chunks_exact(BLOCK) {
        let package = le32(slot, 4);
        if slot.starts_with(SLOT) && package == Some(0) {
            continue;
        }
        let blob = blob(bytes, slot).filter(|blob| blob.len() <= left);
        match blob {
            Some(blob) => {
                left -= blob.len();
                each(blob);
            }
            None => lost += 1,
        }
    }
    Ok(lost)
}

/// The blob of a slot: magic, package, offset and count of blocks.
fn blob<'a>(bytes: &'a [u8], slot: &[u8]) -> Option<&'a [u8]> {
    let field = |at| usize::try_from(le32(slot, at)?).ok();
    let start = field(8)?.checked_mul(BLOCK)?;
    let whole = bytes.get(start..)?.get(..field(12)?.checked_mul(BLOCK)?)?;
    let same = le32(whole, 4) == le32(slot, 4);
    if !slot.starts_with(SLOT) || !whole.starts_with(BLOB) || !same {
        return None;
    }
    let length = usize::try_from(le32(whole, 12)?).ok()?;
    let end = whole.len().checked_sub(TAIL)?;
    if !whole.ends_with(BLOB_END) || le32(whole, end + 4)? != le32(whole, 12)? {
        return None;
    }
    whole.get(16..end)?.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_and_blobs() {
        let u32s = |all: &[u32]| -> Vec<u8> { all.iter().flat_map(|n| n.to_le_bytes()).collect() };
        let mut file = [MAGIC, &u32s(&[0, 5, 1, 9]), &[0; 12]].concat();
        let slot = |package: u32, block: u32, blocks: u32| {
            [SLOT, &u32s(&[package, block, blocks])].concat()
        };
        // The second is free, the third points nowhere, the fourth at the first one's blob.
        file.extend(
            [
                slot(1, 256, 3),
                slot(0, 0, 0),
                slot(2, 900, 3),
                slot(3, 256, 3),
            ]
            .concat(),
        );
        while file.len() < PAGE {
            file.extend(slot(0, 0, 0));
        }
        file.extend([BLOB, &u32s(&[1, 5, 5]), b"hello", &[0; 15]].concat());
        file.extend([&u32s(&[0, 5]), BLOB_END].concat());
        let mut seen = Vec::new();
        let lost = blobs(&file, &mut |blob| seen.push(blob.to_vec()));
        assert_eq!(lost, Ok(2));
        assert_eq!(seen, [b"hello"]);
        assert_eq!(
            blobs(&file[..4_000], &mut |_| ()),
            Err(DatabaseError::Damaged("header"))
        );
    }
}
