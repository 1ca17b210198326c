//! A real PostgreSQL cluster in a temporary folder.
