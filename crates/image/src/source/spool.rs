//! A stream that is needed in another order than it comes in. Comes in: the stream. Goes out: a file without a name that
//! holds it. Never: outlives its handle, takes more room than a limit, writes zeroes that the file has anyway.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes of the largest archive: more than any image has that can be pushed to a registry.
pub(crate) const MOST: u64 = 64 << 30;
const PIECE: usize = 256 << 10;
/// What file systems keep together.
const BLOCK: usize = 4 << 10;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    #[error("it was cut after {at} bytes")]
    Read {
        at: u64,
        #[source]
        source: io::Error,
    },
    #[error("a file in the folder for temporary files cannot be written")]
    Write {
        #[source]
        source: io::Error,
    },
    #[error("it has more than {MOST} bytes")]
    Over,
}

/// Copies `stream` to a file in `folder` and gives its length.
pub(crate) fn spool(mut stream: impl Read, folder: &Path) -> Result<(File, u64), SpoolError> {
    let write = |source| SpoolError::Write { source };
    let mut file = tempfile::tempfile_in(folder).map_err(write)?;
    let mut piece = vec![0; PIECE];
    let mut at = 0;
    loop {
        let filled =
            fill(&mut stream, &mut piece).map_err(|source| SpoolError::Read { at, source })?;
        let piece = piece.get(..filled).unwrap_or(&piece);
        write_piece(&file, piece, at).map_err(write)?;
        at += filled as u64;
        if at > MOST {
            return Err(SpoolError::Over);
        }
        if filled < PIECE {
            break;
        }
    }
    file.set_len(at).map_err(write)?;
    file.flush().map_err(write)?;
    Ok((file, at))
}

/// A bomb of zeroes takes no room.
fn write_piece(file: &File, piece: &[u8], at: u64) -> io::Result<()> {
    let says = |block: &[u8]| block.iter().any(|byte| *byte != 0);
    if piece.chunks(BLOCK).all(says) {
        return file.write_all_at(piece, at);
    }
    let blocks = piece.chunks(BLOCK).zip((at..).step_by(BLOCK));
    blocks
        .filter(|(block, _)| says(block))
        .try_for_each(|(block, at)| file.write_all_at(block, at))
}

/// As much as the stream still has and the piece holds.
fn fill(stream: &mut impl Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(room) = piece.get_mut(filled..).filter(|room| !room.is_empty()) {
        match stream.read(room) {
            Ok(0) => break,
            Ok(read) => filled += read.min(room.len()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn what_went_in_comes_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut content = vec![7; 3 * BLOCK + 5];
        content.extend(vec![0; 3 << 20]);
        content.extend(b"end\0\0");
        for content in [&content[..], &content[..PIECE], b"", b"\0"] {
            let (file, length) = spool(content, folder.path()).unwrap();
            let mut found = vec![1; content.len()];
            file.read_exact_at(&mut found, 0).unwrap();
            assert!(found == content);
            assert_eq!(length, content.len() as u64);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn zeroes_take_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let (file, length) = spool(io::repeat(0).take(1 << 30), folder.path()).unwrap();
        assert_eq!(length, 1 << 30);
        assert!(file.metadata().unwrap().blocks() * 512 < 1 << 20);
    }
}
