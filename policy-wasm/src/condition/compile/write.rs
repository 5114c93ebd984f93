//! Writes the compiled form.

use super::super::code::{FORM, HEAD, MAX_NODES, NODE, Node, Op};
use super::super::facts::Reads;
use super::super::time::Moment;
use std::collections::BTreeMap;

/// A condition that is being written. It keeps the first overflow and reports it at the end.
#[derive(Default)]
pub(super) struct Writer {
    nodes: Vec<Node>,
    heap: Vec<u8>,
    texts: BTreeMap<Vec<u8>, u16>,
    pub(super) reads: Reads,
    overflow: bool,
}

impl Writer {
    /// Room for a node, before those that it refers to.
    pub(super) fn reserve(&mut self) -> u16 {
        let number = u16::try_from(self.nodes.len()).unwrap_or(u16::MAX);
        if self.nodes.len() < MAX_NODES {
            self.nodes.push(Node { op: Op::Null, x: 0, a: 0, b: 0, c: 0 });
        } else {
            self.overflow = true;
        }
        number
    }

    pub(super) fn set(&mut self, number: u16, node: Node) {
        if let Some(place) = self.nodes.get_mut(usize::from(number)) {
            *place = node;
        }
    }

    /// The place of the bytes on the heap, and their number.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> (u16, u16) {
        let length = u16::try_from(bytes.len());
        if let (Some(at), Ok(length)) = (self.texts.get(bytes), length) {
            return (*at, length);
        }
        let end = self.heap.len().saturating_add(bytes.len());
        match (u16::try_from(self.heap.len()), length) {
            (Ok(at), Ok(length)) if end <= usize::from(u16::MAX) => {
                self.heap.extend_from_slice(bytes);
                self.texts.insert(bytes.to_vec(), at);
                (at, length)
            }
            _ => {
                self.overflow = true;
                (0, 0)
            }
        }
    }

    pub(super) fn moment(&mut self, moment: Moment) -> u16 {
        let mut bytes = moment.seconds.to_le_bytes().to_vec();
        bytes.extend_from_slice(&moment.nanos.to_le_bytes());
        self.bytes(&bytes).0
    }

    /// The bytes; `None` if it was too much.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        let count = u16::try_from(self.nodes.len()).ok().filter(|_| !self.overflow)?;
        let length =
            HEAD.saturating_add(self.nodes.len().saturating_mul(NODE)).saturating_add(self.heap.len());
        let mut out = Vec::with_capacity(length);
        out.extend_from_slice(&[FORM, 0]);
        out.extend_from_slice(&self.reads.0.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        for node in self.nodes {
            out.extend_from_slice(&[node.op as u8, node.x]);
            for field in [node.a, node.b, node.c] {
                out.extend_from_slice(&field.to_le_bytes());
            }
        }
        out.extend_from_slice(&self.heap);
        Some(out)
    }
}
