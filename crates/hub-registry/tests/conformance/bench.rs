//! A database, a clock that stands still until it is told to go on, and things to record.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use hub_model::{
    Agency, AgencyId, Contract, DatasetId, DatasetMetadata, Licence, Text, UploadId, UploadMode,
    VersionRecord, Visibility,
};
use hub_registry::{Clock, DatasetRecord, Registry, UploadRecord, UploadState};
use sqlx::{AssertSqlSafe, Connection, Row};

pub(crate) struct Bench {
    pub(crate) url: String,
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl Bench {
    pub(crate) fn new(url: String) -> Self {
        Self { url, now: Arc::new(Mutex::new(at("2024-02-01T00:00:00Z"))) }
    }

    /// A registry with connections of its own, as another process has.
    pub(crate) async fn registry(&self) -> Registry {
        Registry::connect(&self.url, self.clock()).await.unwrap()
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Clock::new(move || *now.lock().unwrap())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    pub(crate) fn pass(&self, seconds: i64) {
        *self.now.lock().unwrap() += TimeDelta::seconds(seconds);
    }

    /// Every value of a table's text columns, as it is stored.
    pub(crate) async fn stored(&self, columns: &[&str], table: &str) -> Vec<String> {
        let sql = format!("SELECT {} FROM {table}", columns.join(", "));
        let width = columns.len();
        if self.url.starts_with("sqlite") {
            let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            rows.iter().flat_map(|row| (0..width).map(|i| row.get(i))).collect()
        } else {
            let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            rows.iter().flat_map(|row| (0..width).map(|i| row.get(i))).collect()
        }
    }

    pub(crate) fn upload(&self, dataset: &DatasetId) -> UploadRecord {
        UploadRecord {
            id: UploadId::generate(),
            dataset: dataset.clone(),
            mode: UploadMode::Append,
            state: UploadState::Receiving,
            file_name: None,
            format: None,
            bytes: 0,
            sha256: None,
            by: "river desk".to_owned(),
            idempotency_key: None,
            created_at: self.now(),
            finished_at: None,
            version: None,
            report: None,
            problem: None,
        }
    }

    pub(crate) fn version(&self, number: u64) -> VersionRecord {
        VersionRecord {
            number,
            log_version: number + 3,
            committed_at: self.now(),
            committed_by: "river desk".to_owned(),
            upload_id: UploadId::generate(),
            mode: UploadMode::Replace,
            rows_added: 24,
            rows_total: 24 * number,
            bytes_added: 1_000,
            bytes_total: 1_000 * number,
            rows_changed: Some(3),
            rows_removed: Some(number),
            rows_unchanged: None,
            withdrawal: None,
        }
    }
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

pub(crate) fn agency_id(id: &str) -> AgencyId {
    AgencyId::parse(id).unwrap()
}

pub(crate) fn dataset_id(id: &str) -> DatasetId {
    DatasetId::parse(id).unwrap()
}

pub(crate) fn agency(id: &str, ja: &str, en: &str) -> Agency {
    Agency { id: agency_id(id), name: Text::new(ja, en), contact: None }
}

pub(crate) fn metadata(ja: &str, en: &str) -> DatasetMetadata {
    DatasetMetadata {
        title: Text::new(ja, en),
        description: Text::default(),
        keywords: Vec::new(),
        licence: Licence::parse("CC-BY-4.0").unwrap(),
        attribution: "小樽開発建設部".to_owned(),
        contact: None,
        homepage: None,
        cadence: None,
        visibility: Visibility::Public,
        synthetic: false,
    }
}

pub(crate) fn contract() -> Contract {
    Contract::parse(
        r#"{"fields":[{"name":"観測所","type":"string","role":"key","alias":"station"},
            {"name":"時刻","type":"datetime","role":"time","interval":"PT1H","label":"end","alias":"time"},
            {"name":"flow","type":"number","unit":"m3/s","title":"流量"}],
            "primaryKey":["観測所","時刻"]}"#
            .as_bytes(),
    )
    .unwrap()
}

/// Records an agency `otaru` with the dataset `otaru.river`.
pub(crate) async fn river(registry: &Registry) -> DatasetRecord {
    registry.create_agency(&agency("otaru", "小樽開発建設部", "Otaru")).await.unwrap();
    let metadata = metadata("河川流量", "River flow");
    registry.create_dataset(&dataset_id("otaru.river"), &metadata, &contract()).await.unwrap()
}
