//! Header compression of HTTP/2 (RFC 7541) without a dynamic table: the client announces a table of size 0, and so a
//! peer may use none. Values that are Huffman-coded are decoded.

use crate::scenario::Fields;
use anyhow::{Context as _, bail};

/// RFC 7541 appendix A.
const STATIC_TABLE: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

/// RFC 7541 appendix B: the length in bits of each byte's code. The code is canonical, so the lengths are all there is
/// to it: codes of one length count up in the order of the bytes. The end of string (30 bits) comes last.
#[rustfmt::skip]
const CODE_LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28,
    30, 28, 28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11,
    8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6,
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20,
    22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
    22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23,
    22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26,
    28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27,
    26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/// Writes one field as a literal that is never indexed.
pub(super) fn encode(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.push(0x10);
    for text in [name, value] {
        integer(out, text.len());
        out.extend_from_slice(text);
    }
}

/// An integer with a prefix of seven bits (section 5.1), the eighth being zero.
fn integer(out: &mut Vec<u8>, value: usize) {
    let Some(mut rest) = value.checked_sub(127) else {
        out.push(value as u8);
        return;
    };
    out.push(127);
    while rest >= 128 {
        out.push((rest & 127) as u8 | 128);
        rest = rest.wrapping_shr(7);
    }
    out.push(rest as u8);
}

/// Reads a header block.
///
/// # Errors
/// If it refers to the dynamic table, or is not a header block.
pub(super) fn decode(mut block: &[u8]) -> anyhow::Result<Fields> {
    let mut fields = Fields::new();
    let input = &mut block;
    while let Some(&first) = input.first() {
        let (name, value) = match first {
            0x80.. => {
                let (name, value) = entry(read_integer(input, 7)?)?;
                (name.as_bytes().to_vec(), value.as_bytes().to_vec())
            }
            0x20..=0x3f => {
                read_integer(input, 5)?;
                continue;
            }
            _ => {
                let index = read_integer(input, if first & 0xc0 == 0x40 { 6 } else { 4 })?;
                let name = match index {
                    0 => read_text(input)?,
                    index => entry(index)?.0.as_bytes().to_vec(),
                };
                (name, read_text(input)?)
            }
        };
        fields.push((String::from_utf8_lossy(&name).into_owned(), value));
    }
    Ok(fields)
}

fn entry(index: usize) -> anyhow::Result<(&'static str, &'static str)> {
    index.checked_sub(1).and_then(|index| STATIC_TABLE.get(index)).copied().context("not in the static table")
}

fn byte(input: &mut &[u8]) -> anyhow::Result<u8> {
    let (&first, rest) = input.split_first().context("the header block ends early")?;
    *input = rest;
    Ok(first)
}

fn read_integer(input: &mut &[u8], prefix: u32) -> anyhow::Result<usize> {
    let mask = 0xff_usize.wrapping_shr(8_u32.saturating_sub(prefix));
    let mut value = usize::from(byte(input)?) & mask;
    if value < mask {
        return Ok(value);
    }
    for shift in [0_u32, 7, 14, 21] {
        let next = usize::from(byte(input)?);
        value = value.saturating_add((next & 127).wrapping_shl(shift));
        if next < 128 {
            return Ok(value);
        }
    }
    bail!("an integer of the header block is too long")
}

fn read_text(input: &mut &[u8]) -> anyhow::Result<Vec<u8>> {
    let huffman = input.first().is_some_and(|first| first & 0x80 != 0);
    let length = read_integer(input, 7)?;
    let (text, rest) = input.split_at_checked(length).context("the header block ends early")?;
    *input = rest;
    if huffman { huffman_decode(text) } else { Ok(text.to_vec()) }
}

fn huffman_decode(text: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut order: Vec<(u8, usize)> =
        CODE_LENGTHS.iter().enumerate().map(|(byte, length)| (*length, byte)).collect();
    order.sort_unstable();
    let mut out = Vec::new();
    let (mut code, mut bits) = (0_u32, 0_u8);
    for byte in text {
        for bit in (0..8_u32).rev() {
            code = code.wrapping_shl(1) | (u32::from(*byte).wrapping_shr(bit) & 1);
            bits = bits.saturating_add(1);
            if let Some(symbol) = symbol(&order, code, bits) {
                out.push(u8::try_from(symbol).context("an end of string inside a text")?);
                (code, bits) = (0, 0);
            }
            anyhow::ensure!(bits < 31, "not a Huffman code");
        }
    }
    // The rest is padding: the first bits of the end-of-string symbol, all ones.
    anyhow::ensure!(bits < 8 && code.count_ones() == u32::from(bits), "bad padding after a Huffman code");
    Ok(out)
}

/// The byte of a code of so many bits, if there is one.
fn symbol(order: &[(u8, usize)], code: u32, bits: u8) -> Option<usize> {
    // Counts up through the canonical code; slow, and a response has a few hundred bytes.
    let (mut next, mut length) = (0_u32, 0_u8);
    for &(this, byte) in order {
        next = next.wrapping_shl(u32::from(this.saturating_sub(length)));
        length = this;
        if this == bits && next == code {
            return Some(byte);
        }
        if this > bits {
            return None;
        }
        next = next.saturating_add(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_examples_of_rfc_7541_without_a_dynamic_table() {
        // C.4.1, but for the request's first three fields being literals that are not indexed.
        let block = [
            0x82, 0x86, 0x84, 0x01, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4,
            0xff,
        ];
        let fields = decode(&block).unwrap();
        let expected =
            [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")];
        let expected: Fields = expected.map(|(name, value)| (name.to_owned(), value.into())).into();
        assert_eq!(fields, expected);
    }

    #[test]
    fn reads_what_it_writes() {
        let long = "x".repeat(70_000);
        let mut block = Vec::new();
        encode(&mut block, b"a", b"\xff");
        encode(&mut block, b"b", long.as_bytes());
        assert_eq!(
            decode(&block).unwrap(),
            [("a".to_owned(), vec![0xff]), ("b".to_owned(), long.into_bytes())]
        );
    }

    #[test]
    fn refuses_the_dynamic_table() {
        assert!(decode(&[0xbe]).is_err());
    }
}
