//! One table of an SQLite database. Comes in: the file. Goes out: the first blob of each row. Never: writes, follows a
//! page twice, reads a log beside the file.
//! Source: sqlite.org/fileformat2.html, sections 1.3, 1.5, 1.6, 2.1 and 2.6.

use super::DatabaseError;
use super::read::{Once, be16, be32};

pub const MAGIC: &[u8] = b"SQLite format 3\0";
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// Hands out the first blob of each row of `table`; how many rows cannot be read comes back.
pub fn blobs(bytes: &[u8], table: &str, each: &mut dyn FnMut(&[u8])) -> Result<u64, DatabaseError> {
    let mut database = Database::open(bytes)?;
    let mut root = None;
    database.rows(1, &mut |row| {
        // type, name, tbl_name, rootpage, sql
        let mut columns = columns(row);
        let is_table = columns
            .next()
            .is_some_and(|column| column.bytes == b"table");
        let named = columns
            .next()
            .is_some_and(|column| column.bytes == table.as_bytes());
        if is_table && named {
            root = columns.nth(1).and_then(|column| column.number());
        }
    });
    let root = root.ok_or(DatabaseError::NoPackages)?;
    let mut empty = 0;
    let lost = database.rows(root, &mut |row| match columns(row).find(Column::is_blob) {
        Some(column) => each(column.bytes),
        None => empty += 1,
    });
    Ok(lost + empty)
}

struct Database<'a> {
    bytes: &'a [u8],
    page: usize,
    /// Bytes of a page without those reserved for extensions.
    usable: usize,
    used: Once,
}

impl<'a> Database<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, DatabaseError> {
        let damaged = DatabaseError::Damaged("header");
        if !bytes.starts_with(MAGIC) {
            return Err(DatabaseError::Unknown);
        }
        let page = match be16(bytes, 16) {
            Some(1) => 65_536,
            Some(size) if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err(damaged),
        };
        let reserved = bytes.get(20).copied().map(usize::from);
        let usable = reserved.and_then(|reserved| page.checked_sub(reserved));
        match usable {
            // The least that the format allows.
            Some(usable) if usable >= 480 => Ok(Database {
                bytes,
                page,
                usable,
                used: Once::new(bytes.len() / page),
            }),
            _ => Err(damaged),
        }
    }

    /// The whole page of a number from 1; each is given once.
    fn take(&mut self, number: u32) -> Option<&'a [u8]> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        if !self.used.take(index) {
            return None;
        }
        self.bytes.get(index * self.page..)?.get(..self.page)
    }

    /// Hands out the record of each row below `root`; how many pages and rows cannot be read comes back.
    fn rows(&mut self, root: u32, each: &mut dyn FnMut(&[u8])) -> u64 {
        let mut lost = 0;
        let mut record = Vec::new();
        let mut todo: Vec<(u32, &'a [u8])> = Vec::new();
        match self.take(root) {
            Some(page) => todo.push((root, page)),
            None => return 1,
        }
        while let Some((number, page)) = todo.pop() {
            // The first page begins with the header of the file.
            let start = if number == 1 { 100 } else { 0 };
            let kind = page.get(start).copied();
            let cells = usize::from(be16(page, start + 3).unwrap_or(0));
            let table = match kind {
                Some(INTERIOR) => start + 12,
                Some(LEAF) => start + 8,
                _ => {
                    lost += 1;
                    continue;
                }
            };
            // Cells never overlap, so those of a page have no more bytes than it.
            let mut left = self.page;
            for cell in 0..cells {
                let at = be16(page, table + cell * 2).map(usize::from);
                let sound = at.is_some_and(|at| {
                    if kind == Some(LEAF) {
                        return self.row(page, at, &mut left, &mut record, each).is_some();
                    }
                    let child = be32(page, at);
                    self.push(child, &mut todo)
                });
                lost += u64::from(!sound);
            }
            if kind == Some(INTERIOR) {
                let right = be32(page, start + 8);
                lost += u64::from(!self.push(right, &mut todo));
            }
        }
        lost
    }

    fn push(&mut self, child: Option<u32>, todo: &mut Vec<(u32, &'a [u8])>) -> bool {
        let Some((number, page)) = child.and_then(|number| Some((number, self.take(number)?)))
        else {
            return false;
        };
        todo.push((number, page));
        true
    }

    /// Table b-tree leaf cell: length of the record, row id, what fits of the record, the first overflow page.
    fn row(
        &mut self,
        page: &'a [u8],
        at: usize,
        left: &mut usize,
        record: &mut Vec<u8>,
        each: &mut dyn FnMut(&[u8]),
    ) -> Option<()> {
        let cell = page.get(..self.usable)?.get(at..)?;
        let (length, cell) = varint(cell)?;
        let (_, cell) = varint(cell)?;
        let length = usize::try_from(length).ok()?;
        let here = self.local(length);
        *left = left.checked_sub(here)?;
        if here == length {
            each(cell.get(..length)?);
            return Some(());
        }
        if length > self.bytes.len() {
            return None;
        }
        record.clear();
        record.extend_from_slice(cell.get(..here)?);
        let mut next = be32(cell, here)?;
        while record.len() < length {
            let page = self.take(next)?.get(..self.usable)?;
            next = be32(page, 0)?;
            let most = (length - record.len()).min(self.usable - 4);
            record.extend_from_slice(page.get(4..4 + most)?);
        }
        each(record);
        Some(())
    }

    /// Bytes of a record that stand in the cell (section 1.6).
    fn local(&self, length: usize) -> usize {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (self.usable - 4);
        if fitting <= most { fitting } else { least }
    }
}

struct Column<'a> {
    kind: u64,
    bytes: &'a [u8],
}

impl Column<'_> {
    fn is_blob(&self) -> bool {
        self.kind >= 12 && self.kind.is_multiple_of(2)
    }

    fn number(&self) -> Option<u32> {
        match self.kind {
            1..=6 => u32::try_from(
                self.bytes
                    .iter()
                    .fold(0u64, |all, byte| all << 8 | u64::from(*byte)),
            )
            .ok(),
            9 => Some(1),
            _ => None,
        }
    }
}

/// The columns of a record (section 2.1), as far as they are there.
fn columns(record: &[u8]) -> impl Iterator<Item = Column<'_>> {
    let head = varint(record)
        .and_then(|(length, _)| usize::try_from(length).ok())
        .and_then(|length| record.split_at_checked(length));
    let (mut kinds, mut body) = match head {
        Some((head, body)) => (varint(head).map_or(&[][..], |(_, kinds)| kinds), body),
        None => (&[][..], &[][..]),
    };
    std::iter::from_fn(move || {
        let (kind, rest) = varint(kinds)?;
        kinds = rest;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        let (bytes, rest) = body.split_at_checked(usize::try_from(length).ok()?)?;
        body = rest;
        Some(Column { kind, bytes })
    })
}

/// Big-endian groups of 7 bits, the ninth byte whole.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(9) {
        if index == 8 {
            return Some((value << 8 | u64::from(*byte), bytes.get(9..)?));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints() {
        let check = |bytes: &[u8], expected: Option<(u64, usize)>| {
            let found = varint(bytes).map(|(value, rest)| (value, bytes.len() - rest.len()));
            assert_eq!(found, expected, "{bytes:?}");
        };
        check(&[0], Some((0, 1)));
        check(&[0x7f, 1], Some((127, 1)));
        check(&[0x81, 0], Some((128, 2)));
        check(&[0xff; 9], Some((u64::MAX, 9)));
        check(&[0xff; 8], None);
        check(&[], None);
    }

    #[test]
    fn columns_of_a_record() {
        // null, 1 byte, 1, text of 2, blob of 1
        let record = [6, 0, 1, 9, 17, 14, 7, b'h', b'i', 0xff];
        let all: Vec<_> = columns(&record).collect();
        assert_eq!(all.len(), 5);
        assert_eq!(
            (all[1].number(), all[2].number(), all[0].number()),
            (Some(7), Some(1), None)
        );
        assert_eq!((all[3].bytes, all[3].is_blob()), (&b"hi"[..], false));
        assert_eq!((all[4].bytes, all[4].is_blob()), (&b"\xff"[..], true));
        assert_eq!(columns(&record[..8]).count(), 3);
        assert_eq!(columns(&[200]).count(), 0);
    }
}
