//! One vocabulary for the quality of an observation; a publisher's own mark is kept beside it.

use serde::{Deserialize, Serialize};

/// How far a value can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Observed as intended.
    Normal,
    /// At least four fifths of the samples were there.
    QuasiNormal,
    /// Too few samples for the statistic.
    Insufficient,
    /// The publisher doubts the value.
    Doubtful,
    /// Observed in principle, absent here.
    Missing,
    /// Not an observed item of this station.
    NotObserved,
    /// The instrument is closed, as in winter.
    Closed,
    /// Published before the publisher's check; a final value will follow.
    Provisional,
    /// Filled in by computation.
    Estimated,
    /// The phenomenon did not occur: a true zero.
    AbsentPhenomenon,
}

impl Quality {
    /// Every quality, in the vocabulary's order.
    pub const ALL: [Self; 10] = [
        Self::Normal,
        Self::QuasiNormal,
        Self::Insufficient,
        Self::Doubtful,
        Self::Missing,
        Self::NotObserved,
        Self::Closed,
        Self::Provisional,
        Self::Estimated,
        Self::AbsentPhenomenon,
    ];

    /// Whether SQL leaves a value of this quality out unless it is asked for everything: it is not what
    /// was to be observed, or its publisher doubts it. What its publisher stands by stays: an incomplete
    /// sum, a provisional or estimated value, a true zero.
    pub fn is_left_out(self) -> bool {
        match self {
            Self::Doubtful | Self::Missing | Self::NotObserved | Self::Closed => true,
            Self::Normal
            | Self::QuasiNormal
            | Self::Insufficient
            | Self::Provisional
            | Self::Estimated
            | Self::AbsentPhenomenon => false,
        }
    }

    /// Whether something was to be observed: not where the station does not observe the item, nor where its
    /// instrument is closed. Of that, what is left out is lacking.
    pub fn was_due(self) -> bool {
        !matches!(self, Self::NotObserved | Self::Closed)
    }

    /// The word used in data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::QuasiNormal => "quasi_normal",
            Self::Insufficient => "insufficient",
            Self::Doubtful => "doubtful",
            Self::Missing => "missing",
            Self::NotObserved => "not_observed",
            Self::Closed => "closed",
            Self::Provisional => "provisional",
            Self::Estimated => "estimated",
            Self::AbsentPhenomenon => "absent_phenomenon",
        }
    }
}
