//! A file's bytes as UTF-8, transcoded while they are read.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};

use super::UNDECODABLE;

/// How much of the file is read at once.
const READ: usize = 128 << 10;

/// The least room in which a decoder is sure to write a character.
const ROOM: usize = 16;

/// Reads bytes of one encoding and gives out UTF-8, in which [`UNDECODABLE`] stands for each sequence
/// that means nothing.
pub(super) struct Transcoder<R> {
    source: R,
    decoder: Decoder,
    input: Vec<u8>,
    /// The part of `input` that is not decoded yet.
    pending: std::ops::Range<usize>,
    at_end: bool,
    finished: bool,
    /// What did not fit where a reader has little room.
    spare: [u8; ROOM],
    spare_left: std::ops::Range<usize>,
}

impl<R: Read> Transcoder<R> {
    pub(super) fn new(source: R, encoding: &'static Encoding) -> Self {
        Self {
            source,
            decoder: encoding.new_decoder_with_bom_removal(),
            input: vec![0; READ],
            pending: 0..0,
            at_end: false,
            finished: false,
            spare: [0; ROOM],
            spare_left: 0..0,
        }
    }

    /// Decodes into `out`, which has room for a character; 0 only at the end.
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while !self.finished {
            if self.pending.is_empty() && !self.at_end {
                let read = loop {
                    match self.source.read(&mut self.input) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        result => break result?,
                    }
                };
                self.pending = 0..read;
                self.at_end = read == 0;
            }
            // A byte is kept back for what the decoder may stumble over.
            let room = out.len() - 1;
            let (result, read, wrote) = self.decoder.decode_to_utf8_without_replacement(
                &self.input[self.pending.clone()],
                &mut out[written..room],
                self.at_end,
            );
            self.pending.start += read;
            written += wrote;
            match result {
                DecoderResult::InputEmpty if self.at_end => self.finished = true,
                // What there is goes out before more is read.
                DecoderResult::InputEmpty if written > 0 => break,
                DecoderResult::InputEmpty => {}
                DecoderResult::OutputFull => break,
                DecoderResult::Malformed(_, _) => {
                    out[written] = UNDECODABLE;
                    written += 1;
                    if out.len() - written < ROOM {
                        break;
                    }
                }
            }
        }
        Ok(written)
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.spare_left.is_empty() && out.len() > 2 * ROOM {
            return self.decode(out);
        }
        if self.spare_left.is_empty() {
            let mut spare = [0; ROOM];
            let wrote = self.decode(&mut spare)?;
            self.spare = spare;
            self.spare_left = 0..wrote;
        }
        let given = self.spare_left.len().min(out.len());
        let start = self.spare_left.start;
        out[..given].copy_from_slice(&self.spare[start..start + given]);
        self.spare_left.start += given;
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_in_which_it_is_read_make_no_difference() {
        let text = "観測所,水位\r\n余市川～①㈱髙﨑,1.5\r\n".repeat(50);
        let (mut bytes, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
        bytes.to_mut().extend_from_slice(b"\x90,\xFFa\n\x81");
        let mut whole = Vec::new();
        Transcoder::new(&bytes[..], encoding_rs::SHIFT_JIS).read_to_end(&mut whole).unwrap();
        let expected = [text.as_bytes(), b"\xFF,\xFFa\n\xFF"].concat();
        assert_eq!(whole, expected);
        for size in [1, 2, 3, 15, 16, 17, 33, 100] {
            let mut reader = Transcoder::new(&bytes[..], encoding_rs::SHIFT_JIS);
            let (mut found, mut part) = (Vec::new(), vec![0; size]);
            loop {
                match reader.read(&mut part).unwrap() {
                    0 => break,
                    read => found.extend_from_slice(&part[..read]),
                }
            }
            assert_eq!(found, expected, "{size}");
        }
    }
}
