//! Parquet and Arrow files that were cut, forged or are none.

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, DictionaryArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
    },
    datatypes::Int32Type,
};
use hub_model::Contract;
use proptest::prelude::*;

use super::{
    contract, file_of, run,
    typed::{TYPED, batch, written},
};
use crate::{Format, IntakeOptions, Recognised};

#[test]
fn a_batch_that_says_it_is_huge_is_refused_before_memory_is_taken() {
    let contract = contract(r#"{"name":"a","type":"integer"}"#);
    let data = batch(vec![("a", Arc::new(Int64Array::from_iter_values(0..10_000)) as ArrayRef)]);
    let options = IntakeOptions { max_piece_bytes: 10_000, ..IntakeOptions::default() };
    for format in TYPED {
        for compressed in [false, true] {
            let bytes = written(std::slice::from_ref(&data), format, compressed);
            let error = run(&bytes, format, &contract, &options).unwrap_err();
            assert_eq!(error.kind(), hub_model::ErrorKind::UploadTooLarge, "{format} {error}");
        }
    }
}

/// A file of several types and batches, for damage.
fn sample(format: Format, compressed: bool) -> Vec<u8> {
    let dictionary: DictionaryArray<Int32Type> = ["p", "q", "p"].into_iter().collect();
    let data = batch(vec![
        ("a", Arc::new(StringArray::from(vec![Some("x"), None, Some("水位")])) as ArrayRef),
        ("b", Arc::new(Float64Array::from(vec![Some(1.5), None, Some(2.5)])) as ArrayRef),
        ("c", Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3])) as ArrayRef),
        ("d", Arc::new(dictionary) as ArrayRef),
    ]);
    written(&[data.clone(), data], format, compressed)
}

fn sample_contract() -> Contract {
    contract(
        r#"{"name":"a","type":"string"},{"name":"b","type":"number"},
           {"name":"c","type":"datetime"},{"name":"d","type":"string"}"#,
    )
}

/// Whatever the bytes, reading ends in a report or an error, and no more rows come than are reported.
fn survives(bytes: &[u8], format: Format) {
    let options = IntakeOptions {
        max_piece_bytes: 64 << 20,
        max_decoded_bytes: 64 << 20,
        max_record_bytes: 1 << 20,
        ..IntakeOptions::default()
    };
    if let Ok((report, batches)) = run(bytes, format, &sample_contract(), &options) {
        let given: u64 = batches.iter().map(|b| b.batch.num_rows() as u64).sum();
        assert!(if report.is_clean() { given == report.rows } else { given <= report.rows });
    }
    if let Ok(proposal) = crate::propose(&Recognised::plain(file_of(bytes), format), &options) {
        assert!(proposal.contract.validated().is_ok());
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_or_a_shorter_stream() {
    for format in TYPED {
        let bytes = sample(format, true);
        for length in (0..bytes.len()).step_by(7) {
            let result =
                run(&bytes[..length], format, &sample_contract(), &IntakeOptions::default());
            if format != Format::ArrowStream {
                assert!(result.is_err(), "{format} cut to {length} bytes");
            }
        }
    }
}

#[test]
fn every_length_forged_to_the_greatest_is_survived() {
    for format in TYPED {
        for compressed in [false, true] {
            let sound = sample(format, compressed);
            for at in (0..sound.len().saturating_sub(8)).step_by(12) {
                for forged in [i64::MAX, -1, 1 << 40] {
                    let mut bytes = sound.clone();
                    bytes[at..at + 8].copy_from_slice(&forged.to_le_bytes());
                    survives(&bytes, format);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for (format, start) in [
            (Format::Csv, &b""[..]),
            (Format::Csv, b"a,b,c,d\n"),
            (Format::Parquet, b"PAR1"),
            (Format::ArrowFile, b"ARROW1\0\0"),
            (Format::ArrowStream, &[255; 4]),
        ] {
            survives(&[start, &bytes].concat(), format);
        }
    }

    #[test]
    fn any_damage_to_a_sound_file_is_survived(
        format in 0usize..3,
        compressed in any::<bool>(),
        damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = sample(TYPED[format], compressed);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(&bytes, TYPED[format]);
    }
}
