//! Berkeley DB hash files, as rpm wrote them until 4.15 (RHEL 8 and before). Comes in: `Packages`. Goes out: the value
//! of each key but 0, which counts the others. Never: a key's order, other access methods.
//! Source: Berkeley DB 5.3, src/dbinc/db_page.h.

use super::DatabaseError;
use super::read::{Once, be16, be32, le16, le32};

const HASH_MAGIC: u32 = 0x0006_1561;
/// What a page begins with: log number, own number, previous, next, entries, high-free offset, level, type.
const HEAD: usize = 26;
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH_META: u8 = 8;
const HASH: u8 = 13;
const KEY_DATA: u8 = 1;
const OFF_PAGE: u8 = 3;

/// Whether the file begins like a hash database of either byte order.
pub fn is_hash(bytes: &[u8]) -> bool {
    le32(bytes, 12) == Some(HASH_MAGIC) || be32(bytes, 12) == Some(HASH_MAGIC)
}

/// Hands out each value; how many cannot be read comes back.
pub fn blobs(bytes: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<u64, DatabaseError> {
    let mut database = Database::open(bytes)?;
    let mut lost = database.missing();
    let mut value = Vec::new();
    for number in 1..database.pages {
        let Some(page) = database.page(number) else {
            continue;
        };
        if !matches!(page.get(25), Some(&(HASH | HASH_UNSORTED))) {
            continue;
        }
        let entries = usize::from(database.u16(page, 20).unwrap_or(0));
        if !entries.is_multiple_of(2) {
            lost += 1;
        }
        // Items never overlap, so those of a page have no more bytes than it.
        let mut left = database.size;
        for key in (0..entries.saturating_sub(1)).step_by(2) {
            let Some((name, item)) = database
                .item(page, key)
                .zip(database.item(page, key + 1))
                .filter(|(name, item)| name.len() + item.len() <= left)
            else {
                lost += 1;
                continue;
            };
            left -= name.len() + item.len();
            if name.get(1..).is_some_and(|name| name == [0; 4]) {
                continue;
            }
            match item.split_first() {
                Some((&KEY_DATA, short)) => each(short),
                Some((&OFF_PAGE, _)) if database.overflow(item, &mut value).is_some() => {
                    each(&value);
                }
                _ => lost += 1,
            }
        }
    }
    Ok(lost)
}

struct Database<'a> {
    bytes: &'a [u8],
    big_endian: bool,
    size: usize,
    pages: usize,
    used: Once,
}

impl<'a> Database<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, DatabaseError> {
        if !is_hash(bytes) {
            return Err(DatabaseError::Unknown);
        }
        let mut database = Database {
            bytes,
            big_endian: be32(bytes, 12) == Some(HASH_MAGIC),
            size: 0,
            pages: 0,
            used: Once::new(0),
        };
        let size = database
            .u32(bytes, 20)
            .and_then(|size| usize::try_from(size).ok());
        // The format's own bounds; offsets in a page have 16 bits.
        let sized = size.filter(|size| (512..=65_536).contains(size) && size.is_power_of_two());
        let (Some(size), Some(&HASH_META)) = (sized, bytes.get(25)) else {
            return Err(DatabaseError::Damaged("header"));
        };
        if bytes.get(24) != Some(&0) {
            return Err(DatabaseError::Encrypted);
        }
        database.size = size;
        database.pages = bytes.len() / size;
        database.used = Once::new(database.pages);
        Ok(database)
    }

    /// Pages behind the end of the file.
    fn missing(&self) -> u64 {
        let last = self.u32(self.bytes, 32).map_or(0, u64::from);
        (last + 1).saturating_sub(self.pages as u64)
    }

    fn u16(&self, bytes: &[u8], at: usize) -> Option<u16> {
        if self.big_endian {
            be16(bytes, at)
        } else {
            le16(bytes, at)
        }
    }

    fn u32(&self, bytes: &[u8], at: usize) -> Option<u32> {
        if self.big_endian {
            be32(bytes, at)
        } else {
            le32(bytes, at)
        }
    }

    fn page(&self, number: usize) -> Option<&'a [u8]> {
        self.bytes
            .get(number.checked_mul(self.size)?..)?
            .get(..self.size)
    }

    /// Items grow from the end of the page: each ends where the one before it begins.
    fn item(&self, page: &'a [u8], index: usize) -> Option<&'a [u8]> {
        let start = |index: usize| self.u16(page, HEAD + index * 2).map(usize::from);
        let end = match index.checked_sub(1) {
            Some(before) => start(before)?,
            None => page.len(),
        };
        page.get(start(index)?..end)
    }

    /// A value on pages of its own: type, 3 unused bytes, first page, length.
    fn overflow(&mut self, item: &[u8], value: &mut Vec<u8>) -> Option<()> {
        let mut next = self.u32(item, 4)?;
        let length = usize::try_from(self.u32(item, 8)?).ok()?;
        value.clear();
        while value.len() < length {
            let number = usize::try_from(next).ok()?;
            let page = self.page(number)?;
            if page.get(25) != Some(&OVERFLOW) || !self.used.take(number) {
                return None;
            }
            let here = usize::from(self.u16(page, 22)?);
            value.extend_from_slice(page.get(HEAD..)?.get(..here)?);
            next = self.u32(page, 16)?;
        }
        (value.len() == length).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of either byte order with one short value and one on two pages.
    fn file(big: bool) -> Vec<u8> {
        const SIZE: usize = 512;
        let mut file = vec![0; SIZE * 4];
        let mut put = |at: usize, value: usize, width: usize| {
            let bytes = value.to_le_bytes();
            let field = &mut file[at..at + width];
            field.copy_from_slice(&bytes[..width]);
            if big {
                field.reverse();
            }
        };
        put(12, HASH_MAGIC as usize, 4);
        put(20, SIZE, 4);
        // Keys 0, 1 and 2 from the end of the page: 5 bytes each with its type.
        let page = SIZE;
        put(page + 20, 6, 2);
        let mut at = SIZE;
        for (index, length) in [5, 5, 5, 4, 5, 12].into_iter().enumerate() {
            at -= length;
            put(page + HEAD + index * 2, at, 2);
        }
        let long = page + at;
        put(long + 4, 2, 4);
        put(long + 8, 480 + 6, 4);
        put(2 * SIZE + 16, 3, 4);
        put(2 * SIZE + 22, 480, 2);
        put(3 * SIZE + 22, 6, 2);
        file[25] = HASH_META;
        file[page + 25] = HASH;
        file[2 * SIZE + 25] = OVERFLOW;
        file[3 * SIZE + 25] = OVERFLOW;
        file[long] = OFF_PAGE;
        file[page + SIZE - 5] = KEY_DATA;
        let one = page + SIZE - 15;
        file[one..one + 5].copy_from_slice(&[KEY_DATA, 0, 0, 0, 1]);
        file[one - 4..one].copy_from_slice(&[KEY_DATA, b'a', b'b', b'c']);
        file[one - 9..one - 4].copy_from_slice(&[KEY_DATA, 0, 0, 0, 2]);
        file[2 * SIZE + HEAD..2 * SIZE + HEAD + 480].fill(b'x');
        file[3 * SIZE + HEAD..3 * SIZE + HEAD + 6].fill(b'y');
        file
    }

    #[test]
    fn short_and_long_values_of_both_byte_orders() {
        for big in [false, true] {
            let mut seen = Vec::new();
            let lost = blobs(&file(big), &mut |value| seen.push(value.to_vec()));
            assert_eq!(lost, Ok(0), "{big}");
            let long = ["x".repeat(480), "y".repeat(6)].concat();
            assert_eq!(seen, [b"abc".to_vec(), long.into_bytes()], "{big}");
        }
    }

    #[test]
    fn pages_in_a_circle_end() {
        let mut circle = file(false);
        circle[2 * 512 + 16] = 2;
        assert_eq!(blobs(&circle, &mut |_| ()), Ok(1));
    }

    #[test]
    fn encrypted() {
        let mut locked = file(false);
        locked[24] = 1;
        assert_eq!(blobs(&locked, &mut |_| ()), Err(DatabaseError::Encrypted));
    }
}
