//! Calico's version.
//! Never knows what a version can do.

/// Calico's version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// As 3.
    pub major: u16,
    /// As 18.
    pub minor: u16,
    /// As 1.
    pub patch: u16,
}

impl Version {
    /// Reads `v3.18.1`, `3.18`, `v3.30.0-0.dev`.
    pub fn parse(text: &str) -> Option<Version> {
        let text = text.trim().trim_start_matches('v');
        let mut parts = text.split(['.', '-', '+']).map(str::parse);
        let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
        Some(Version { major, minor, patch: parts.next().and_then(Result::ok).unwrap_or(0) })
    }

    /// Whether it is this release or a later one.
    pub fn at_least(self, major: u16, minor: u16) -> bool {
        (self.major, self.minor) >= (major, minor)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
