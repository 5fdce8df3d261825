//! The few messages of containerd's API that are needed, in protobuf's wire form. Comes in: bytes. Goes out: the fields
//! that are used, and requests. Never: recurses, copies what is not asked for, trusts a length.
//! Sources: protobuf.dev, "Encoding"; containerd `api/services/{images,content}/v1/*.proto`, `api/types/descriptor.proto`
//! (v1, whose field numbers are frozen).

use crate::manifest::Descriptor;
use std::collections::BTreeMap;

/// Bytes that are no message, or not the one that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its message is damaged")]
pub struct Damaged;

/// What stands behind a field's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a fixed length; none of our messages has one.
    Other,
}

/// `GetImageRequest { name = 1 }`; also `InfoRequest { digest = 1 }`.
pub fn text_request(text: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(text.len() + 4);
    message.push((1 << 3) | 2);
    number(&mut message, text.len() as u64);
    message.extend_from_slice(text.as_bytes());
    message
}

/// `ReadContentRequest { digest = 1, offset = 2 }`.
pub fn read_request(digest: &str, offset: u64) -> Vec<u8> {
    let mut message = text_request(digest);
    if offset > 0 {
        message.push(2 << 3);
        number(&mut message, offset);
    }
    message
}

/// `GetImageResponse { image = 1 { target = 3 } }`.
///
/// # Errors
/// [`Damaged`], also where it names no target.
pub fn image_target(message: &[u8]) -> Result<Descriptor, Damaged> {
    descriptor(bytes_at(bytes_at(message, 1)?, 3)?)
}

/// `InfoResponse { info = 1 { size = 2 } }`.
///
/// # Errors
/// [`Damaged`].
pub fn content_size(message: &[u8]) -> Result<u64, Damaged> {
    let info = bytes_at(message, 1)?;
    let mut size = 0;
    for field in Fields(info) {
        if let (2, Value::Number(number)) = field? {
            size = number;
        }
    }
    Ok(size)
}

/// `ReadContentResponse { offset = 1, data = 2 }`.
///
/// # Errors
/// [`Damaged`].
pub fn content_piece(message: &[u8]) -> Result<(u64, &[u8]), Damaged> {
    let mut piece = (0, &[][..]);
    for field in Fields(message) {
        match field? {
            (1, Value::Number(offset)) => piece.0 = offset,
            (2, Value::Bytes(data)) => piece.1 = data,
            _ => {}
        }
    }
    Ok(piece)
}

/// `Descriptor { media_type = 1, digest = 2, size = 3 }`.
fn descriptor(message: &[u8]) -> Result<Descriptor, Damaged> {
    let text = |bytes: &[u8]| {
        std::str::from_utf8(bytes)
            .map(Into::into)
            .map_err(|_| Damaged)
    };
    let (mut media_type, mut digest, mut size) = (None, None, None);
    for field in Fields(message) {
        match field? {
            (1, Value::Bytes(bytes)) => media_type = Some(text(bytes)?),
            (2, Value::Bytes(bytes)) => digest = Some(text(bytes)?),
            (3, Value::Number(number)) => size = Some(number),
            _ => {}
        }
    }
    Ok(Descriptor {
        media_type,
        digest: digest.ok_or(Damaged)?,
        size,
        platform: None,
        annotations: BTreeMap::new(),
        artifact_type: None,
    })
}

/// The last field of that number counts (protobuf, "Last One Wins").
fn bytes_at(message: &[u8], wanted: u32) -> Result<&[u8], Damaged> {
    let mut found = Err(Damaged);
    for field in Fields(message) {
        if let (number, Value::Bytes(bytes)) = field?
            && number == wanted
        {
            found = Ok(bytes);
        }
    }
    found
}

/// The fields of a message in their order.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Damaged))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| *number > 0)?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Other)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(usize::try_from(length).ok()?)?)
            }
            5 => self.take(4).map(|_| Value::Other)?,
            // Groups are of protobuf's first days.
            _ => return None,
        };
        Some((number, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let part = u64::from(byte & 0x7f);
            value |= part.checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
}

fn number(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A field of bytes.
    fn wrap(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut message = vec![(number << 3) | 2];
        super::number(&mut message, bytes.len() as u64);
        message.extend(bytes);
        message
    }

    #[test]
    fn an_image_and_its_target() {
        let target = [
            wrap(1, b"application/vnd.oci.image.index.v1+json"),
            wrap(2, b"sha256:0"),
            vec![3 << 3, 0x96, 0x01],
            wrap(5, &wrap(1, b"annotation")),
        ];
        let image = [
            wrap(1, b"docker.io/library/m:1"),
            wrap(3, &target.concat()),
            wrap(7, b""),
        ];
        let found = image_target(&wrap(1, &image.concat())).unwrap();
        assert_eq!((&*found.digest, found.size), ("sha256:0", Some(150)));
        assert_eq!(image_target(&[]).unwrap_err(), Damaged);
        assert_eq!(image_target(&wrap(1, &image[0])).unwrap_err(), Damaged);
    }

    #[test]
    fn pieces_of_content() {
        let piece = [
            vec![1 << 3, 5],
            vec![(7 << 3) | 1, 0, 0, 0, 0, 0, 0, 0, 0],
            wrap(2, b"data"),
        ];
        assert_eq!(content_piece(&piece.concat()), Ok((5, &b"data"[..])));
        assert_eq!(content_piece(b""), Ok((0, &b""[..])));
        assert_eq!(content_piece(&[(2 << 3) | 2, 5, 1]), Err(Damaged));
        assert_eq!(content_piece(&[(3 << 3) | 3]), Err(Damaged), "a group");
        assert_eq!(content_piece(&[0xff; 20]), Err(Damaged));
        assert_eq!(content_size(&wrap(1, &[2 << 3, 9])), Ok(9));
    }

    proptest! {
        #[test]
        fn requests_are_messages(text in ".{0,300}", offset: u64) {
            let message = read_request(&text, offset);
            prop_assert_eq!(bytes_at(&message, 1), Ok(text.as_bytes()));
            let numbers: Vec<_> = Fields(&message).filter_map(Result::ok).collect();
            let said = numbers.iter().find_map(|(field, value)| match value {
                Value::Number(number) if *field == 2 => Some(*number),
                _ => None,
            });
            prop_assert_eq!(said.unwrap_or(0), offset);
        }

        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = (image_target(&bytes).is_ok(), content_size(&bytes), content_piece(&bytes));
        }
    }
}
