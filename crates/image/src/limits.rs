//! What reading one artifact may cost. Over a limit is a gap that names it, never silence.

/// Counts and bytes; the defaults hold for the largest images in use several times over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub layers: usize,
    /// Entries of all layers.
    pub entries: u64,
    /// Bytes of the paths and link targets of all layers.
    pub names: u64,
    /// Components, paths and functions that the files of all layers state.
    pub statements: u64,
    /// Uncompressed bytes of one layer.
    pub layer_bytes: u64,
    /// Uncompressed bytes for one compressed byte, after the first 64 MiB.
    pub ratio: u64,
    /// Bytes of one file that is read whole, whatever its extractor allows.
    pub file_bytes: u64,
    /// Bytes of one path or link target.
    pub path_bytes: usize,
    /// Archives inside archives.
    pub nesting: u8,
    /// Gaps that one artifact may give before they are summed up.
    pub gaps: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            layers: 2_000,
            entries: 2_000_000,
            names: 256 << 20,
            statements: 4_000_000,
            layer_bytes: 64 << 30,
            ratio: 1_000,
            file_bytes: 512 << 20,
            path_bytes: 4_096,
            nesting: 5,
            gaps: 1_000,
        }
    }
}
