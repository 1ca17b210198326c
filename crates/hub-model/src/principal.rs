//! Who asks. What they may do is decided in the application layer, not here.

use serde::{Deserialize, Serialize};

use crate::{AgencyId, TokenId};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs the hub: makes agencies and tokens, and may do all that others may.
    Admin,
    /// Writes its agency's datasets, and reads the private ones.
    Publisher,
    /// Reads its agency's private datasets.
    Reader,
}

impl Role {
    /// The word used in tokens' records and in the interface.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Publisher => "publisher",
            Self::Reader => "reader",
        }
    }
}

/// Who a request comes from, once authenticated.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// No token was given.
    Anonymous,
    /// The holder of a token.
    Token {
        /// The token's id, for records; not its secret.
        id: TokenId,
        /// The name it was given when it was made.
        name: String,
        /// What it is for.
        role: Role,
        /// The agency it belongs to; an admin's token may have none.
        agency: Option<AgencyId>,
    },
}

impl Principal {
    /// How records name the principal.
    pub fn label(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Token { name, .. } => name,
        }
    }
}
