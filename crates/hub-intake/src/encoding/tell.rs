//! Which encoding a file is in, told from all of it: every candidate decodes the same bytes, and what
//! comes out is weighed. Only where one has proved itself and no other can catch up is the rest left to
//! the decoder, which reports what it can't read.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
};

use encoding_rs::{Decoder, DecoderResult};

use super::TextEncoding;
use crate::IntakeError;

/// How much is looked at in one go.
const CHUNK: usize = 256 << 10;

/// So many characters beyond ASCII prove an encoding that makes no error in them.
const PROOF: u64 = 4_096;

/// A candidate and how it fared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guess {
    pub(crate) encoding: TextEncoding,
    /// Characters beyond ASCII that it found.
    pub(crate) characters: u64,
    /// Sequences that mean nothing in it.
    pub(crate) undecodable: u64,
    /// What is weighed: ordinary characters for it, odd ones and errors against.
    weight: i64,
}

/// The encodings that a file may be in, the likeliest first; none where the file is no text.
///
/// Text of ASCII alone is UTF-8. In UTF-16 without a mark the zero bytes tell; otherwise UTF-8, CP932 and
/// EUC-JP are tried side by side, and escape sequences tell ISO-2022-JP.
pub(crate) fn tell(file: &mut File) -> Result<Vec<Guess>, IntakeError> {
    file.seek(SeekFrom::Start(0))?;
    let mut chunk = vec![0; CHUNK];
    let mut read = fill(file, &mut chunk)?;
    let head = &chunk[..read];
    if let Some(marked) = by_mark(head) {
        return Ok(vec![Guess::certain(marked)]);
    }
    if let Some(found) = utf16(head) {
        return Ok(vec![Guess::certain(found)]);
    }
    let mut trials: Option<[Trial; 3]> = None;
    let mut escapes = false;
    let mut looked_at = 0u64;
    while read > 0 {
        let bytes = &chunk[..read];
        looked_at += read as u64;
        if trials.is_none() && bytes.is_ascii() {
            escapes |= has_escapes(bytes);
        } else {
            let trials = trials.get_or_insert_with(Trial::all);
            trials.iter_mut().for_each(|trial| trial.feed(bytes, false));
            if is_settled(trials) {
                break;
            }
        }
        read = fill(file, &mut chunk)?;
    }
    let Some(mut trials) = trials else {
        let encoding = if escapes { TextEncoding::Iso2022Jp } else { TextEncoding::Utf8 };
        return Ok(vec![Guess::certain(encoding)]);
    };
    if read == 0 {
        trials.iter_mut().for_each(|trial| trial.feed(&[], true));
    }
    let mut guesses = trials.map(|trial| trial.guess);
    guesses.sort_by_key(|guess| std::cmp::Reverse(guess.weight));
    let best = &guesses[0];
    // What is mostly nonsense in every encoding is no text; one stray byte is a cell to report.
    let is_text = best.undecodable * 20 <= looked_at + 40;
    let kept = guesses
        .into_iter()
        .filter(|guess| guess.weight == best.weight || guess.undecodable <= guess.characters / 4);
    Ok(if is_text { kept.collect() } else { Vec::new() })
}

fn fill(file: &mut File, chunk: &mut [u8]) -> Result<usize, IntakeError> {
    let mut filled = 0;
    while filled < chunk.len() {
        match file.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(filled)
}

fn by_mark(head: &[u8]) -> Option<TextEncoding> {
    match head {
        [0xEF, 0xBB, 0xBF, ..] => Some(TextEncoding::Utf8Bom),
        [0xFF, 0xFE, ..] => Some(TextEncoding::Utf16Le),
        [0xFE, 0xFF, ..] => Some(TextEncoding::Utf16Be),
        _ => None,
    }
}

/// UTF-16 without a mark: digits, delimiters and line ends carry a zero byte, all on the same side, and
/// what comes out is text.
fn utf16(head: &[u8]) -> Option<TextEncoding> {
    let head = &head[..head.len().min(64 << 10) & !1];
    let nuls = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    let encoding = if even > odd { TextEncoding::Utf16Be } else { TextEncoding::Utf16Le };
    let (more, fewer) = (even.max(odd), even.min(odd));
    if more < 2 || more * 32 < head.len() || fewer * 20 > more {
        return None;
    }
    let (text, had_errors) = encoding.decoded_by().decode_without_bom_handling(head);
    let odd_ones = text.chars().filter(|c| is_control(*c) || *c == '\u{FFFD}').count();
    // The cut may split a pair of surrogates.
    (odd_ones <= usize::from(had_errors)).then_some(encoding)
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{C}')
}

fn has_escapes(bytes: &[u8]) -> bool {
    bytes.contains(&0x1B)
        && bytes
            .windows(3)
            .any(|three| matches!(three, b"\x1B$B" | b"\x1B$@" | b"\x1B(J" | b"\x1B(I"))
}

/// Whether one candidate is proved and the others are out of reach.
fn is_settled(trials: &[Trial; 3]) -> bool {
    let mut weights: Vec<&Guess> = trials.iter().map(|trial| &trial.guess).collect();
    weights.sort_by_key(|guess| std::cmp::Reverse(guess.weight));
    let (best, next) = (weights[0], weights[1]);
    // UTF-8 may make some sense in CP932, and never the other way round.
    let leads = best.encoding == TextEncoding::Utf8 || next.weight < best.weight / 4;
    best.characters >= PROOF && best.undecodable * 1_000 <= best.characters && leads
}

impl Guess {
    fn certain(encoding: TextEncoding) -> Self {
        Self { encoding, characters: 0, undecodable: 0, weight: 0 }
    }
}

/// One candidate at work.
struct Trial {
    guess: Guess,
    decoder: Decoder,
    text: Vec<u8>,
}

impl Trial {
    fn all() -> [Self; 3] {
        [TextEncoding::Utf8, TextEncoding::Cp932, TextEncoding::EucJp].map(|encoding| Self {
            guess: Guess::certain(encoding),
            decoder: encoding.decoded_by().new_decoder_without_bom_handling(),
            text: vec![0; 64 << 10],
        })
    }

    fn feed(&mut self, mut bytes: &[u8], last: bool) {
        loop {
            let (result, read, wrote) =
                self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.text, last);
            bytes = &bytes[read..];
            if !self.text[..wrote].is_ascii()
                && let Ok(text) = std::str::from_utf8(&self.text[..wrote])
            {
                text.chars().filter(|c| !c.is_ascii()).for_each(|c| self.guess.weigh(c));
            }
            match result {
                DecoderResult::InputEmpty => return,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(_, _) => {
                    self.guess.undecodable += 1;
                    self.guess.weight -= 20;
                }
            }
        }
    }
}

impl Guess {
    fn weigh(&mut self, c: char) {
        self.characters += 1;
        // A character of UTF-8 needs bytes that fit each other, which no other encoding has by chance.
        let ordinary = if self.encoding == TextEncoding::Utf8 { 6 } else { 2 };
        self.weight += match c {
            '\u{3000}'..='\u{30FF}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF01}'..='\u{FF5E}' => ordinary,
            // Half-width kana: every byte of EUC-JP looks like one in CP932.
            '\u{FF61}'..='\u{FF9F}' => -1,
            // Nothing that writes text writes these.
            '\u{80}'..='\u{9F}' | '\u{E000}'..='\u{F8FF}' => -8,
            _ if self.encoding == TextEncoding::Utf8 => ordinary,
            _ => 1,
        };
    }
}
