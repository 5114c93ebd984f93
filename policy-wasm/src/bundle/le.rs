//! Little-endian integers at an offset.

/// The `u16` at this offset; `None` if the bytes end before it does.
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    let end = offset.checked_add(2)?;
    bytes.get(offset..end)?.try_into().ok().map(u16::from_le_bytes)
}

/// The `u32` at this offset; `None` if the bytes end before it does.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let end = offset.checked_add(4)?;
    bytes.get(offset..end)?.try_into().ok().map(u32::from_le_bytes)
}

/// The `u64` at this offset; `None` if the bytes end before it does.
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    let end = offset.checked_add(8)?;
    bytes.get(offset..end)?.try_into().ok().map(u64::from_le_bytes)
}
