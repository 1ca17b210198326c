//! The eras of the Japanese calendar.

/// A Japanese era.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Era {
    pub(crate) name: &'static str,
    /// Ways of writing it, the longest first.
    pub(crate) spellings: &'static [&'static str],
    /// Its first day.
    pub(crate) first: (i32, u32, u32),
    /// What its years are less than those of the common era.
    pub(crate) offset: i32,
}

/// The eras since 1868, the latest first. Meiji's days before 1873 were of another calendar.
pub(crate) const ERAS: [Era; 5] = [
    Era {
        name: "令和",
        spellings: &["令和", "㋿", "令", "R", "r"],
        first: (2019, 5, 1),
        offset: 2018,
    },
    Era {
        name: "平成",
        spellings: &["平成", "㍻", "平", "H", "h"],
        first: (1989, 1, 8),
        offset: 1988,
    },
    Era {
        name: "昭和",
        spellings: &["昭和", "㍼", "昭", "S", "s"],
        first: (1926, 12, 25),
        offset: 1925,
    },
    Era {
        name: "大正",
        spellings: &["大正", "㍽", "大", "T", "t"],
        first: (1912, 7, 30),
        offset: 1911,
    },
    Era {
        name: "明治",
        spellings: &["明治", "㍾", "明", "M", "m"],
        first: (1868, 1, 25),
        offset: 1867,
    },
];
