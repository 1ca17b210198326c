//! A real `mochiyori` server process for end-to-end tests.
