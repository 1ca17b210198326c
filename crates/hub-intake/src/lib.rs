//! hub-intake
