//! Whose layouts they are: what a dataset made of such a file says of its source unless a person says
//! otherwise.

use hub_model::{DatasetMetadata, Licence, Text, Visibility};

/// Who publishes files of a layout, and under which terms.
#[derive(Debug)]
pub(crate) struct Publisher {
    /// The licence's id.
    pub(crate) licence: &'static str,
    /// The line that users must show.
    pub(crate) attribution: &'static str,
    pub(crate) homepage: &'static str,
}

pub(super) const JMA: Publisher = Publisher {
    licence: "PDL-1.0",
    attribution: "出典：気象庁ホームページを加工して作成",
    homepage: "https://www.jma.go.jp/",
};

pub(super) const HYDROLOGY: Publisher = Publisher {
    licence: "GJSTU-2.0",
    attribution: "出典：国土交通省 水文水質データベース（閲覧日時を添えてください）",
    homepage: "https://www1.river.go.jp/",
};

pub(super) const JARTIC: Publisher = Publisher {
    licence: "JARTIC-API",
    attribution: "出典：国土交通省、公益財団法人日本道路交通情報センター（JARTIC）",
    homepage: "https://www.jartic-open-traffic.org/",
};

pub(super) const HOKKAIDO: Publisher = Publisher {
    licence: "CC-BY-4.0",
    attribution: "出典：北海道",
    homepage: "https://www.pref.hokkaido.lg.jp/",
};

pub(super) const NSTAC: Publisher = Publisher {
    licence: "SSDSE",
    attribution: "出典：独立行政法人統計センター SSDSE（教育用標準データセット）を加工して作成",
    homepage: "https://www.nstac.go.jp/use/literacy/ssdse/",
};

pub(super) const SOUMU: Publisher = Publisher {
    licence: "GJSTU-2.0",
    attribution: "出典：総務省「住民基本台帳に基づく人口、人口動態及び世帯数調査」を加工して作成",
    homepage: "https://www.soumu.go.jp/",
};

pub(super) const KSJ: Publisher = Publisher {
    licence: "CC-BY-4.0",
    attribution: "国土交通省 国土数値情報（行政区域データ）を加工して作成",
    homepage: "https://nlftp.mlit.go.jp/ksj/",
};

/// Layouts that many publish: the file does not say who did.
pub(super) const MUNICIPALITY: Publisher = Publisher {
    licence: "CC-BY-4.0",
    attribution: "出典：データを公開した自治体（名称に直してください）",
    homepage: "https://www.digital.go.jp/resources/open_data/municipal-standard-data-set-test",
};

pub(super) const OPERATOR: Publisher = Publisher {
    licence: "CC-BY-4.0",
    attribution: "出典：フィードの公開者（名称に直してください）",
    homepage: "https://www.gtfs.jp/",
};

impl Publisher {
    /// What is said of a dataset of this title; none where the licence is not among those known.
    pub(crate) fn metadata(&self, title: Text) -> Option<DatasetMetadata> {
        Some(DatasetMetadata {
            title,
            description: Text::default(),
            keywords: Vec::new(),
            licence: Licence::parse(self.licence).ok()?,
            attribution: self.attribution.to_owned(),
            contact: None,
            homepage: Some(self.homepage.to_owned()),
            cadence: None,
            visibility: Visibility::Public,
            synthetic: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::PRESETS;

    #[test]
    fn every_layout_says_what_a_dataset_of_it_must_say() {
        for preset in PRESETS {
            let metadata = preset.publisher.metadata(preset.name().title).unwrap();
            metadata.validate().unwrap_or_else(|error| panic!("{}: {error}", preset.id));
        }
    }
}
