//! A real S3 protocol server in a process of its own.
