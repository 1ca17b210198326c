//! A part unpacked in a thread of its own, ahead of whoever takes it apart: unpacking is a good share of
//! the work on a large sheet, and neither needs anything of the other.

use std::{
    io::{self, Read},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use super::archive::Part;

/// How much is unpacked at once, and how many such blocks there are.
const BLOCK: usize = 512 << 10;
const BLOCKS: usize = 4;

/// A part as it is unpacked elsewhere. Dropping it ends that.
pub(crate) struct Unpacked {
    blocks: Receiver<io::Result<Vec<u8>>>,
    /// Where blocks go that were read.
    spent: SyncSender<Vec<u8>>,
    block: Vec<u8>,
    at: usize,
}

impl Unpacked {
    pub(crate) fn new(mut part: Part) -> io::Result<Self> {
        let (full, blocks) = sync_channel(BLOCKS);
        let (spent, empty) = sync_channel::<Vec<u8>>(BLOCKS);
        for _ in 1..BLOCKS {
            // There is room for all of them.
            let _ = spent.try_send(Vec::with_capacity(BLOCK));
        }
        thread::Builder::new().name("intake-unpack".to_owned()).spawn(move || {
            for mut block in empty {
                block.clear();
                let read = part.by_ref().take(BLOCK as u64).read_to_end(&mut block);
                let is_last = !matches!(read, Ok(read) if read > 0);
                if full.send(read.map(|_| block)).is_err() || is_last {
                    return;
                }
            }
        })?;
        Ok(Self { blocks, spent, block: Vec::with_capacity(BLOCK), at: 0 })
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() {
            // An empty block is the end, and nothing comes after it.
            let Ok(next) = self.blocks.recv() else { return Ok(0) };
            let spent = std::mem::replace(&mut self.block, next?);
            self.at = 0;
            let _ = self.spent.try_send(spent);
        }
        let read = Read::read(&mut &self.block[self.at..], buffer)?;
        self.at += read;
        Ok(read)
    }
}
