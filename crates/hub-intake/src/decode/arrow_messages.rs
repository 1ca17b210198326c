//! The messages that both Arrow formats consist of. Every length that a message states is checked
//! against the file and the limits before anything is allocated for it; the arrays are then decoded with
//! full validation.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
};

use arrow::{
    buffer::Buffer,
    ipc::{
        Message, MessageHeader, RecordBatch as BatchHeader, convert::fb_to_schema,
        reader::StreamDecoder, root_as_message,
    },
    record_batch::RecordBatch,
};

use super::{Block, Decode, SourceColumn, damaged, show_size};
use crate::{IntakeError, IntakeOptions};

const CONTINUATION: [u8; 4] = [0xFF; 4];

/// The longest header of a message.
const MAX_HEADER: u64 = 64 << 20;

/// Marks a buffer of a compressed batch that is not compressed.
const NOT_COMPRESSED: i64 = -1;

pub(crate) struct ArrowDecoder {
    reader: BufReader<File>,
    /// Bytes up to the end of the messages.
    left: u64,
    decoder: StreamDecoder,
    columns: Vec<SourceColumn>,
    wanted: Vec<usize>,
    ready: VecDeque<RecordBatch>,
    at_end: bool,
    max_piece_bytes: u64,
    next_row: u64,
}

impl ArrowDecoder {
    /// Begins with the messages from `start` up to `end`, the first of which is the schema.
    pub(crate) fn open(
        mut file: File,
        start: u64,
        end: u64,
        options: &IntakeOptions,
    ) -> Result<Self, IntakeError> {
        file.seek(SeekFrom::Start(start))?;
        let mut decoder = Self {
            reader: BufReader::with_capacity(256 << 10, file),
            left: end.saturating_sub(start),
            decoder: StreamDecoder::new(),
            columns: Vec::new(),
            wanted: Vec::new(),
            ready: VecDeque::new(),
            at_end: false,
            max_piece_bytes: options.max_piece_bytes,
            next_row: 1,
        };
        let header = decoder.read_header()?.ok_or_else(|| damaged("it has no schema"))?;
        let message = parse(&header)?;
        let schema =
            message.header_as_schema().ok_or_else(|| damaged("it does not begin with a schema"))?;
        let schema = std::sync::Arc::new(fb_to_schema(schema));
        decoder.columns = super::source_columns(&schema)?;
        let body = decoder.read_body(&header)?;
        decoder.feed(header, body)?;
        Ok(decoder)
    }

    /// The next message's header with the eight bytes before it, or `None` at the end.
    fn read_header(&mut self) -> Result<Option<Vec<u8>>, IntakeError> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut prefix = [0; 8];
        if self.left < 8 {
            return Err(damaged("it ends within a message"));
        }
        self.reader.read_exact(&mut prefix)?;
        self.left -= 8;
        if prefix[..4] != CONTINUATION {
            return Err(damaged("its messages are not those of Arrow 0.15 or later"));
        }
        let length = u64::from(u32::from_le_bytes([prefix[4], prefix[5], prefix[6], prefix[7]]));
        if length == 0 {
            return Ok(None);
        }
        if length > self.left || length > MAX_HEADER {
            return Err(damaged("it ends within a message"));
        }
        let mut header = prefix.to_vec();
        self.read_into(&mut header, length)?;
        Ok(Some(header))
    }

    fn read_body(&mut self, header: &[u8]) -> Result<Vec<u8>, IntakeError> {
        let message = parse(header)?;
        let length = u64::try_from(message.bodyLength())
            .ok()
            .filter(|length| *length <= self.left)
            .ok_or_else(|| damaged("it ends within a batch"))?;
        if length > self.max_piece_bytes {
            return Err(self.too_large());
        }
        let mut body = Vec::new();
        self.read_into(&mut body, length)?;
        self.check_unpacked(&message, &body)?;
        Ok(body)
    }

    fn read_into(&mut self, bytes: &mut Vec<u8>, length: u64) -> Result<(), IntakeError> {
        let had = bytes.len();
        bytes.reserve_exact(length as usize);
        Read::by_ref(&mut self.reader).take(length).read_to_end(bytes)?;
        if (bytes.len() - had) as u64 != length {
            return Err(damaged("it ends within a message"));
        }
        self.left -= length;
        Ok(())
    }

    /// Adds up what the buffers of a compressed batch say they unpack to.
    fn check_unpacked(&self, message: &Message<'_>, body: &[u8]) -> Result<(), IntakeError> {
        let batch: Option<BatchHeader<'_>> = match message.header_type() {
            MessageHeader::Schema => return Ok(()),
            MessageHeader::RecordBatch => message.header_as_record_batch(),
            MessageHeader::DictionaryBatch => {
                message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data())
            }
            _ => None,
        };
        let batch = batch.ok_or_else(|| damaged("a message is of an unknown kind"))?;
        if batch.compression().is_none() {
            return Ok(());
        }
        let mut unpacked = 0u64;
        for buffer in batch.buffers().iter().flatten().filter(|buffer| buffer.length() > 0) {
            let start = usize::try_from(buffer.offset()).ok();
            let prefix = start.and_then(|start| body.get(start..)?.first_chunk::<8>());
            let size = prefix
                .map(|prefix| i64::from_le_bytes(*prefix))
                .ok_or_else(|| damaged("a buffer lies outside its batch"))?;
            let size = if size == NOT_COMPRESSED { buffer.length() } else { size };
            let size = u64::try_from(size)
                .map_err(|_| damaged("a buffer is said to be smaller than nothing"))?;
            unpacked = unpacked.saturating_add(size);
            if unpacked > self.max_piece_bytes {
                return Err(self.too_large());
            }
        }
        Ok(())
    }

    fn too_large(&self) -> IntakeError {
        let limit = show_size(self.max_piece_bytes);
        IntakeError::too_large(
            format!(
                "Arrowの1つのバッチが{limit}を超えています。行数の少ないバッチ（例えば65,536行ずつ）に分けて書き出してください"
            ),
            format!(
                "a record batch of the Arrow file is larger than {limit}; write it in batches of fewer rows, such as 65,536"
            ),
        )
    }

    fn feed(&mut self, header: Vec<u8>, body: Vec<u8>) -> Result<(), IntakeError> {
        for bytes in [header, body] {
            let mut buffer = Buffer::from_vec(bytes);
            while !buffer.is_empty() {
                let decoded =
                    self.decoder.decode(&mut buffer).map_err(|e| damaged(&e.to_string()))?;
                self.ready.extend(decoded);
            }
        }
        Ok(())
    }
}

fn parse(header: &[u8]) -> Result<Message<'_>, IntakeError> {
    root_as_message(&header[8..]).map_err(|e| damaged(&e.to_string()))
}

impl Decode for ArrowDecoder {
    fn columns(&self) -> &[SourceColumn] {
        &self.columns
    }

    fn select(&mut self, wanted: &[usize]) -> Result<(), IntakeError> {
        self.wanted = wanted.to_vec();
        Ok(())
    }

    fn next_block(&mut self) -> Result<Option<Block>, IntakeError> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                let first_row = self.next_row;
                self.next_row = self.next_row.saturating_add(batch.num_rows() as u64);
                let batch = batch.project(&self.wanted).map_err(|e| damaged(&e.to_string()))?;
                return Ok(Some(Block::Typed { batch, first_row }));
            }
            if self.at_end {
                return Ok(None);
            }
            match self.read_header()? {
                Some(header) => {
                    let body = self.read_body(&header)?;
                    self.feed(header, body)?;
                }
                None => {
                    // A batch without bytes of its own is given out only with what follows it.
                    self.at_end = true;
                    self.feed([CONTINUATION, [0; 4]].concat(), Vec::new())?;
                }
            }
        }
    }
}
