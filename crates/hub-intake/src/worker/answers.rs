//! What a parent makes of a worker's answer: every length is bounded, every batch is decoded with full
//! validation against the parent's own schema. A worker may have been taken over by the file it read.

use std::io::{self, Read};

use arrow::{
    buffer::Buffer,
    ipc::{MessageHeader, reader::StreamDecoder, root_as_message, writer::StreamEncoder},
    record_batch::RecordBatch,
};
use arrow_schema::SchemaRef;
use hub_model::UploadReport;

use super::{
    confine::Confinement,
    frame::{Head, Kind, broken, read_bytes, read_json},
    request::Failure,
};
use crate::{ArchiveTables, ConformedBatch, KeptBack, Proposal, Trial, decode::guarded};

/// One piece of an answer, checked.
#[derive(Debug)]
pub(crate) enum Answer {
    Fences(Confinement),
    Batch(ConformedBatch),
    KeptBack(KeptBack),
    Part(Vec<u8>),
    Written,
    Report(Box<UploadReport>),
    Proposal(Box<Proposal>),
    Trial(Box<Trial>),
    Tables(Option<ArchiveTables>),
    Failure(Failure),
}

/// Reads the pieces of one answer.
pub(crate) struct Answers<R> {
    from: R,
    schema: SchemaRef,
    decoder: StreamDecoder,
    /// Bytes of rows, or of a file, that may still come.
    left: u64,
}

impl<R: Read> Answers<R> {
    /// Batches are of this schema and have so many bytes at most, taken together.
    pub(crate) fn new(from: R, schema: SchemaRef, max_bytes: u64) -> io::Result<Self> {
        let mut decoder = StreamDecoder::new();
        let mut encoder = StreamEncoder::try_new(&schema).map_err(io::Error::other)?;
        // An empty batch makes the encoder say the schema; the decoder gives the batch back, and is ready.
        let empty = RecordBatch::new_empty(SchemaRef::clone(&schema));
        for mut buffer in encoder.encode(&empty).map_err(io::Error::other)? {
            while !buffer.is_empty() {
                decoder.decode(&mut buffer).map_err(io::Error::other)?;
            }
        }
        Ok(Self { from, schema, decoder, left: max_bytes })
    }

    /// The reader below.
    pub(crate) fn get_mut(&mut self) -> &mut R {
        &mut self.from
    }

    /// The next piece; an error where the answer breaks off.
    pub(crate) fn next(&mut self) -> io::Result<Answer> {
        let head = Head::read(&mut self.from)?;
        Ok(match head.kind {
            Kind::Fences => Answer::Fences(read_json(&mut self.from, head)?),
            Kind::Report => Answer::Report(Box::new(read_json(&mut self.from, head)?)),
            Kind::Proposal => Answer::Proposal(Box::new(read_json(&mut self.from, head)?)),
            Kind::Trial => Answer::Trial(Box::new(read_json(&mut self.from, head)?)),
            Kind::Tables => Answer::Tables(read_json(&mut self.from, head)?),
            Kind::Failure => Answer::Failure(read_json(&mut self.from, head)?),
            Kind::Batch => {
                Answer::Batch(ConformedBatch { batch: self.batch(head)?, first_row: head.number })
            }
            Kind::KeptBack => {
                self.count(head)?;
                Answer::KeptBack(read_json(&mut self.from, head)?)
            }
            Kind::Part => {
                self.count(head)?;
                Answer::Part(read_bytes(&mut self.from, head.bytes)?)
            }
            Kind::Written => Answer::Written,
            Kind::Request => return Err(broken("a request in the place of an answer")),
        })
    }

    fn count(&mut self, head: Head) -> io::Result<()> {
        self.left = self.left.checked_sub(head.bytes).ok_or_else(|| broken("too much"))?;
        Ok(())
    }

    fn batch(&mut self, head: Head) -> io::Result<RecordBatch> {
        self.count(head)?;
        let prefix = read_bytes(&mut self.from, 8.min(head.bytes))?;
        let stated = prefix.get(4..).and_then(|length| length.first_chunk::<4>());
        let stated = stated.map_or(0, |length| u64::from(u32::from_le_bytes(*length)));
        let body_bytes = (head.bytes - prefix.len() as u64)
            .checked_sub(stated)
            .ok_or_else(|| broken("rows that are cut short"))?;
        let header = read_bytes(&mut self.from, stated)?;
        // Apart from the header, so that the arrays lie in memory as they must.
        let body = read_bytes(&mut self.from, body_bytes)?;
        check_header(&prefix, &header, body_bytes, self.schema.fields().len())?;
        let decoder = &mut self.decoder;
        let batch = guarded(|| {
            let mut found = None;
            for bytes in [prefix, header, body] {
                let mut buffer = Buffer::from_vec(bytes);
                while !buffer.is_empty() {
                    let decoded = decoder.decode(&mut buffer);
                    found = decoded.map_err(|e| crate::decode::damaged(&e.to_string()))?.or(found);
                }
            }
            Ok(found)
        });
        batch
            .ok()
            .flatten()
            // Once more against the parent's schema: a value that is required must be there.
            .and_then(|b| RecordBatch::try_new(self.schema.clone(), b.columns().to_vec()).ok())
            .ok_or_else(|| broken("rows that can't be decoded"))
    }
}

/// A worker sends rows as they are: not compressed, and without dictionaries.
fn check_header(prefix: &[u8], header: &[u8], body_bytes: u64, columns: usize) -> io::Result<()> {
    let refuse = || broken("rows of another form");
    if prefix.get(..4) != Some(&[0xFF; 4]) {
        return Err(refuse());
    }
    let message = root_as_message(header).map_err(|_| refuse())?;
    let is_batch = message.header_type() == MessageHeader::RecordBatch;
    let batch = message.header_as_record_batch().filter(|_| is_batch).ok_or_else(refuse)?;
    let nodes = batch.nodes().map_or(0, |nodes| nodes.len());
    if nodes != columns
        || batch.compression().is_some()
        || u64::try_from(message.bodyLength()).ok() != Some(body_bytes)
    {
        return Err(refuse());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray, Float64Array, StringArray};
    use arrow_schema::{DataType, Field, Schema};
    use proptest::prelude::*;

    use super::*;
    use crate::worker::{encode::BatchWriter, frame::write_json};

    fn schema(level_is_required: bool) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("station", DataType::Utf8, false),
            Field::new("level", DataType::Float64, !level_is_required),
        ]))
    }

    fn batch(rows: usize) -> RecordBatch {
        let stations = StringArray::from_iter_values((0..rows).map(|row| format!("駅{row}")));
        let levels: Float64Array = (0..rows).map(|row| (row % 3 > 0).then_some(1.5)).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(stations), Arc::new(levels)];
        RecordBatch::try_new(schema(false), columns).unwrap()
    }

    /// What a good worker would send: three batches and its fences.
    fn sent() -> Vec<u8> {
        let mut bytes = Vec::new();
        write_json(&mut bytes, Kind::Fences, &Confinement::default()).unwrap();
        let mut writer = BatchWriter::new(&schema(false), &mut bytes).unwrap();
        for (first_row, rows) in [(2, 3), (5, 1), (6, 100)] {
            writer.write(&batch(rows), first_row).unwrap();
        }
        bytes
    }

    fn read(bytes: &[u8], schema: SchemaRef, max_bytes: u64) -> (Vec<ConformedBatch>, String) {
        let mut answers = Answers::new(bytes, schema, max_bytes).unwrap();
        let mut batches = Vec::new();
        loop {
            match answers.next() {
                Ok(Answer::Batch(batch)) => batches.push(batch),
                Ok(_) => {}
                Err(error) => return (batches, error.to_string()),
            }
        }
    }

    #[test]
    fn batches_arrive_as_they_were_sent() {
        let (batches, end) = read(&sent(), schema(false), u64::MAX);
        let rows: Vec<_> = batches.iter().map(|b| (b.first_row, b.batch.num_rows())).collect();
        assert_eq!(rows, [(2, 3), (5, 1), (6, 100)], "{end}");
        assert_eq!(batches[2].batch, batch(100));
    }

    #[test]
    fn a_worker_that_sends_what_was_not_agreed_is_not_believed() {
        let refused = |schema, max_bytes| read(&sent(), schema, max_bytes).0.len();
        assert_eq!(refused(schema(true), u64::MAX), 0, "a required value is missing");
        assert_eq!(refused(schema(false), 100), 0, "more than may come in all");
        let other = Arc::new(Schema::new(vec![Field::new("station", DataType::Int64, true)]));
        assert_eq!(refused(other, u64::MAX), 0, "another schema");
        let mut long = Vec::new();
        Head { kind: Kind::Report, number: 0, bytes: 1 << 40 }.write(&mut long).unwrap();
        assert!(read(&long, schema(false), u64::MAX).1.contains("too long"));
    }

    proptest! {
        #[test]
        fn whatever_a_worker_sends_is_rows_of_the_schema_or_an_error(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = sent();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(cut.index(bytes.len()) + 1);
            for found in read(&bytes, schema(false), 1 << 20).0 {
                prop_assert_eq!(found.batch.schema(), schema(false));
                // Reading every value would panic where an offset leads astray.
                let stations = found.batch.column(0).as_string::<i32>();
                let letters: usize = stations.iter().flatten().map(|s| s.chars().count()).sum();
                prop_assert!(letters <= bytes.len());
            }
        }

        #[test]
        fn noise_is_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let (batches, end) = read(&bytes, schema(false), 1 << 20);
            prop_assert!(batches.is_empty() && !end.is_empty());
        }
    }
}
