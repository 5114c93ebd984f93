//! The header of a bundle, read and written.

use super::error::{BundleError, ErrorKind};
use super::layout::{DIGEST, FORMAT, HEADER, MAGIC, NOT_AFTER, SERIAL};
use super::le::{u16_at, u32_at, u64_at};

/// The fields of the header. Do not rely on them before [`super::Unverified::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The format that it was written in: 1 or later.
    pub format: u16,
    /// The lowest format whose readers may read it.
    pub lowest_reader: u16,
    /// Length of header, section table and sections in bytes. A signature block may follow.
    pub length: u32,
    /// Number of sections.
    pub sections: u32,
    /// The serial number, which rises with every release of a policy; 0 without one.
    pub serial: u64,
    /// The Unix second from which on the bundle permits nothing; `None` if it stays valid.
    pub not_after: Option<u64>,
    /// SHA-256 of the bytes before and after it, up to `length`.
    pub digest: [u8; 32],
}

impl Header {
    /// Reads the header, and compares its length with that of the file.
    pub(super) fn read(bytes: &[u8]) -> Result<Header, BundleError> {
        if bytes.get(..MAGIC.len()) != Some(MAGIC.as_slice()) {
            return Err(ErrorKind::NotABundle.into());
        }
        let found = bytes.len() as u64;
        let cut = || ErrorKind::Length { said: HEADER as u64, found };
        let format = u16_at(bytes, 16).ok_or_else(cut)?;
        let lowest_reader = u16_at(bytes, 18).ok_or_else(cut)?;
        if format == 0 || lowest_reader > FORMAT {
            return Err(ErrorKind::Version { needed: lowest_reader }.into());
        }
        let length = u32_at(bytes, 20).ok_or_else(cut)?;
        let sections = u32_at(bytes, 24).ok_or_else(cut)?;
        let serial = u64_at(bytes, SERIAL).ok_or_else(cut)?;
        let not_after = u64_at(bytes, NOT_AFTER).ok_or_else(cut)?;
        let reserved = u32_at(bytes, 44).ok_or_else(cut)?;
        let digest = bytes.get(DIGEST..HEADER).and_then(|digest| digest.try_into().ok()).ok_or_else(cut)?;
        let said = u64::from(length);
        // Format 1 has no signatures: bytes after the bundle are not part of it.
        if said < HEADER as u64 || found < said || (format == 1 && found != said) {
            return Err(ErrorKind::Length { said, found }.into());
        }
        // A reader that ignored unknown fields could permit too much.
        if reserved != 0 || (format == 1 && (serial != 0 || not_after != 0)) {
            return Err(ErrorKind::Reserved.into());
        }
        let not_after = Some(not_after).filter(|end| *end != 0);
        Ok(Header { format, lowest_reader, length, sections, serial, not_after, digest })
    }

    /// The 80 bytes.
    pub fn to_bytes(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let fields: [&[u8]; 8] = [
            MAGIC,
            &self.format.to_le_bytes(),
            &self.lowest_reader.to_le_bytes(),
            &self.length.to_le_bytes(),
            &self.sections.to_le_bytes(),
            &self.serial.to_le_bytes(),
            &self.not_after.unwrap_or(0).to_le_bytes(),
            &[0; 4],
        ];
        let written = fields.into_iter().flatten().chain(&self.digest);
        for (place, byte) in bytes.iter_mut().zip(written) {
            *place = *byte;
        }
        bytes
    }
}
