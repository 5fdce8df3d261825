//! A tar writer that writes whatever it is told, also what is wrong.

/// Bytes of an archive.
#[derive(Clone, Default)]
pub(crate) struct Tarball(pub(crate) Vec<u8>);

impl Tarball {
    pub(crate) fn new() -> Self {
        Tarball::default()
    }

    /// Header, content and padding; `size` is what the header says.
    pub(crate) fn raw(
        mut self,
        flag: u8,
        name: &[u8],
        link: &[u8],
        size: u64,
        content: &[u8],
    ) -> Self {
        self.0.extend(header(flag, name, link, 0o755, size));
        self.0.extend(content);
        let padding = (512 - content.len() % 512) % 512;
        self.0.extend(std::iter::repeat_n(0, padding));
        self
    }

    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.raw(b'0', name.as_bytes(), b"", content.len() as u64, content)
    }

    pub(crate) fn mode(mut self, name: &str, mode: u32, content: &[u8]) -> Self {
        let header = header(b'0', name.as_bytes(), b"", mode, content.len() as u64);
        self.0.extend(header);
        self.0.extend(content);
        self.0
            .extend(std::iter::repeat_n(0, (512 - content.len() % 512) % 512));
        self
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.raw(b'5', name.as_bytes(), b"", 0, b"")
    }

    pub(crate) fn symlink(self, name: &str, to: &str) -> Self {
        self.raw(b'2', name.as_bytes(), to.as_bytes(), 0, b"")
    }

    pub(crate) fn hardlink(self, name: &str, to: &str) -> Self {
        self.raw(b'1', name.as_bytes(), to.as_bytes(), 0, b"")
    }

    pub(crate) fn whiteout(self, name: &str) -> Self {
        let (folder, name) = name.rsplit_once('/').unwrap_or(("", name));
        self.file(&format!("{folder}/.wh.{name}"), "")
    }

    pub(crate) fn opaque(self, folder: &str) -> Self {
        self.file(&format!("{folder}/.wh..wh..opq"), "")
    }

    pub(crate) fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut content = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            content.extend(format!("{length} {key}=").bytes());
            content.extend(*value);
            content.push(b'\n');
        }
        self.raw(b'x', b"PaxHeaders/x", b"", content.len() as u64, &content)
    }

    /// GNU's long name (`L`) or link (`K`) of the next header.
    pub(crate) fn long(self, flag: u8, text: &str) -> Self {
        let content = [text.as_bytes(), b"\0"].concat();
        self.raw(flag, b"././@LongLink", b"", content.len() as u64, &content)
    }

    pub(crate) fn zeroes(mut self, blocks: usize) -> Self {
        self.0.extend(std::iter::repeat_n(0, 512 * blocks));
        self
    }

    pub(crate) fn end(self) -> Vec<u8> {
        self.zeroes(2).0
    }
}

pub(crate) fn header(flag: u8, name: &[u8], link: &[u8], mode: u32, size: u64) -> [u8; 512] {
    let mut block = [0; 512];
    let mut put = |at: usize, room: usize, bytes: &[u8]| {
        let length = bytes.len().min(room);
        block[at..at + length].copy_from_slice(&bytes[..length]);
    };
    put(0, 100, name);
    put(100, 8, format!("{mode:07o}\0").as_bytes());
    put(108, 8, b"0000000\0");
    put(116, 8, b"0000000\0");
    if size < 1 << 33 {
        put(124, 12, format!("{size:011o}\0").as_bytes());
    } else {
        let mut wide = [0; 12];
        wide[4..].copy_from_slice(&size.to_be_bytes());
        wide[0] = 0x80;
        put(124, 12, &wide);
    }
    put(136, 12, b"00000000000\0");
    put(156, 1, &[flag]);
    put(157, 100, link);
    put(257, 8, b"ustar\x0000");
    sealed(block)
}

/// With its checksum.
pub(crate) fn sealed(mut block: [u8; 512]) -> [u8; 512] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}
