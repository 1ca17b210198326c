//! The tests of the whole hub live in `it/`; this library is empty.
