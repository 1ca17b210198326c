//! Descriptors, codes, contracts, chance and files.

use super::*;

#[test]
fn every_descriptor_is_read_and_says_that_it_is_synthetic() {
    let datasets = datasets().unwrap();
    let agencies: HashSet<_> = agencies().unwrap().into_iter().map(|a| a.id).collect();
    assert_eq!(agencies.len(), 12);
    assert_eq!(datasets.len(), 30);
    let ids: HashSet<_> = datasets.iter().map(|d| d.id.clone()).collect();
    assert_eq!(ids.len(), datasets.len());
    for d in &datasets {
        assert!(agencies.contains(d.id.agency()), "{} has no agency", d.id);
        let m = &d.metadata;
        assert!(m.synthetic, "{}", d.id);
        for ja in [&m.title.ja, &m.description.ja, &m.attribution] {
            assert!(ja.contains("合成データ"), "{}: {ja}", d.id);
        }
        for en in [&m.title.en, &m.description.en, &m.attribution] {
            assert!(en.to_lowercase().contains("synthetic"), "{}: {en}", d.id);
        }
        assert!(!d.contract.primary_key.is_empty(), "{}", d.id);
        for field in &d.contract.fields {
            let title = field.title.as_deref().unwrap_or_default();
            assert!(!title.is_ascii(), "{}.{} has no Japanese title", d.id, field.name);
            if field.role == FieldRole::Value {
                assert!(field.unit.is_some(), "{}.{} has no unit", d.id, field.name);
            }
        }
    }
    let rice = dataset("nosei.rice_yearly").contract;
    assert_eq!(rice.field("yield").unwrap().name, "収量");
}

/// JIS X 0402's check digit.
fn check_digit(code: &str) -> u32 {
    let digits = code.chars().map(|c| c.to_digit(10).unwrap());
    let sum: u32 = digits.zip([6, 5, 4, 3, 2]).map(|(digit, weight)| digit * weight).sum();
    (11 - sum % 11) % 10
}

#[test]
fn every_municipality_code_has_its_check_digit_and_is_known() {
    let world = World::new(&SampleOptions::default()).unwrap();
    let known: HashSet<_> = world.municipalities.iter().map(|m| m.code).collect();
    assert_eq!(known.len(), 20);
    for code in &known {
        assert_eq!(code.len(), 6);
        assert_eq!(check_digit(code), code[5..].parse::<u32>().unwrap(), "{code}");
    }
    let settings = &world.settings;
    let named = settings.inbound.municipalities.keys().map(String::as_str);
    let named = named.chain(settings.rice.municipalities.keys().map(String::as_str));
    let named = named.chain(settings.population.municipalities.keys().map(String::as_str));
    let named = named.chain(settings.workers.keys().map(String::as_str));
    let named = named.chain(settings.roads.iter().flat_map(|r| &r.via).map(String::as_str));
    let named = named.chain(settings.bus_lines.iter().flat_map(|l| &l.via).map(String::as_str));
    let named = named.chain(settings.shipments.crops.iter().map(|c| c.municipality.as_str()));
    let sites = world.stations.iter().map(|s| s.site.municipality);
    let sites = sites.chain(world.gauges.iter().map(|g| g.site.municipality));
    for code in named.chain(sites.chain(world.counters.iter().map(|c| c.site.municipality))) {
        assert!(known.contains(code), "{code}");
    }
    assert_eq!((world.stations.len(), world.gauges.len(), world.counters.len()), (14, 6, 15));
}

#[test]
fn the_same_options_give_the_same_rows_in_any_portions() {
    for id in ["otaru_kaihatsu.river_hourly", "kisho.weather_hourly", "douro.traffic_5min"] {
        let mut world = small_world();
        world.counters.truncate(1);
        let whole = last_year(&world, id, 1 << 20);
        assert_eq!(whole, last_year(&world, id, 1_009), "{id}");
        let other = SampleOptions { seed: 1, ..SampleOptions::default() };
        let mut other = World::new(&other).unwrap();
        other.counters.truncate(1);
        assert_ne!(whole, last_year(&other, id, 1 << 20), "{id} does not heed the seed");
    }
}

#[test]
fn more_years_and_a_larger_scale_leave_the_rows_that_were_there() {
    let more = SampleOptions { years: 3, scale: 2, seed: 0 };
    let world = World::new(&more).unwrap();
    assert_eq!(world.years().iter().map(|y| y.number).collect::<Vec<_>>(), [2022, 2023, 2024]);
    assert_eq!((world.stations.len(), world.counters.len()), (28, 30));
    assert!(world.stations.iter().filter(|s| s.site.fictional).count() >= 14);
    let usual = Table::of("otaru_kaihatsu.river_hourly");
    let grown = Table(last_year(&world, "otaru_kaihatsu.river_hourly", 8_192));
    assert_eq!(grown.0.num_rows(), 2 * usual.0.num_rows());
    let id = "301041281103050";
    assert_eq!(grown.series("gauge_id", id, "flow"), usual.series("gauge_id", id, "flow"));
}

#[test]
fn impossible_options_are_refused() {
    for (years, scale) in [(0, 1), (51, 1), (1, 0), (1, 501)] {
        let error = World::new(&SampleOptions { years, scale, seed: 0 }).unwrap_err();
        assert!(matches!(error, DemoError::Option { .. }), "{error}");
    }
}

#[test]
fn observations_keep_their_contracts() {
    let world = small_world();
    for (id, rows) in [
        ("otaru_kaihatsu.river_hourly", 6 * 8_760),
        ("kisho.weather_hourly", 14 * 8_760),
        ("douro.traffic_5min", 3 * 105_120),
    ] {
        let batch = last_year(&world, id, 8_192);
        assert_eq!(batch.num_rows(), rows, "{id}");
        let contract = dataset(id).contract;
        for (field, column) in contract.fields.iter().zip(batch.columns()) {
            let limits = &field.constraints;
            if field.field_type == FieldType::String {
                let allowed = limits
                    .allowed
                    .as_ref()
                    .map(|a| a.iter().map(|v| v.as_str().unwrap()).collect::<HashSet<_>>());
                for text in column.as_string::<i32>().iter().flatten() {
                    assert!(allowed.as_ref().is_none_or(|a| a.contains(text)), "{id} {text}");
                }
            } else if field.role == FieldRole::Value {
                let least = limits.minimum.as_ref().unwrap().as_f64().unwrap();
                let most = limits.maximum.as_ref().unwrap().as_f64().unwrap();
                for value in Table(batch.clone()).numbers(&field.name).into_iter().flatten() {
                    assert!((least..=most).contains(&value), "{id}.{}: {value}", field.name);
                }
            }
        }
        let table = Table(batch);
        let keys: Vec<_> = table.text(&contract.primary_key[0]).zip(table.times()).collect();
        assert!(keys.windows(2).all(|w| w[0] < w[1]), "{id} is not in the order of its key");
    }
}

#[test]
fn an_absent_value_and_its_quality_agree() {
    let absent = [Quality::Missing, Quality::NotObserved, Quality::Closed].map(Quality::as_str);
    for id in ["otaru_kaihatsu.river_hourly", "kisho.weather_hourly", "douro.traffic_5min"] {
        let table = Table::of(id);
        for field in dataset(id).contract.fields {
            let Some(of) = &field.quality_of else { continue };
            for (quality, value) in table.text(&field.name).zip(table.numbers(of)) {
                assert_eq!(value.is_none(), absent.contains(&quality), "{id}.{of}: {quality}");
            }
        }
    }
}

/// Reads a file of the generator's own as text, checking each cell against the contract.
fn lines(contract: &Contract, text: &str) -> Vec<HashMap<String, String>> {
    let mut lines = text.split_terminator("\r\n");
    let names: Vec<_> = lines.next().unwrap().split(',').map(str::to_owned).collect();
    assert!(names.iter().eq(contract.fields.iter().map(|f| &f.name)));
    lines
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            assert_eq!(cells.len(), names.len(), "{line}");
            for (field, cell) in contract.fields.iter().zip(&cells) {
                let limits = &field.constraints;
                if cell.is_empty() {
                    assert!(!contract.is_required(field), "{} in {line}", field.name);
                    continue;
                }
                match field.field_type {
                    FieldType::Integer | FieldType::Year => {
                        cell.parse::<i64>().unwrap();
                    }
                    FieldType::Boolean => {
                        cell.parse::<bool>().unwrap();
                    }
                    FieldType::Yearmonth => {
                        NaiveDate::parse_from_str(&format!("{cell}-01"), "%Y-%m-%d").unwrap();
                    }
                    FieldType::Number => {
                        cell.parse::<f64>().unwrap();
                    }
                    _ => {}
                }
                let within = |bound: &Option<serde_json::Value>, order: fn(f64, f64) -> bool| {
                    bound.as_ref().is_none_or(|b| order(cell.parse().unwrap(), b.as_f64().unwrap()))
                };
                assert!(within(&limits.minimum, |c, b| c >= b), "{} in {line}", field.name);
                assert!(within(&limits.maximum, |c, b| c <= b), "{} in {line}", field.name);
                if let Some(allowed) = &limits.allowed {
                    assert!(allowed.iter().any(|a| a == cell), "{} in {line}", field.name);
                }
            }
            names.iter().cloned().zip(cells.into_iter().map(str::to_owned)).collect()
        })
        .collect()
}

/// The rows of a small dataset as its upload file has them.
pub(super) fn table(id: &str) -> Vec<HashMap<String, String>> {
    let folder = tempfile::tempdir().unwrap();
    let dataset = dataset(id);
    let files = write_files(&dataset, &SampleOptions::default(), folder.path()).unwrap();
    assert_eq!(files.len(), 1, "{id}");
    lines(&dataset.contract, &std::fs::read_to_string(&files[0]).unwrap())
}

#[test]
fn small_tables_keep_their_contracts_and_keys() {
    for (id, rows) in [
        ("shicho.municipalities", 20),
        ("kisho.stations", 14),
        ("otaru_kaihatsu.river_gauges", 6),
        ("douro.counters", 15),
        ("hokkaido.inbound_monthly", 20 * 12 * 19),
        ("nosei.rice_yearly", 20 * 20),
        ("shicho.population_yearly", 20 * 10),
        ("otaru_kaihatsu.flow_normals", 6 * 36),
        ("toukei.workers_by_industry", 20 * 2),
        ("daigaku.plate_counts_daily", 3 * 365 * 10),
        ("kanko.visits_daily", 3 * 365),
    ] {
        assert_eq!(table(id).len(), rows, "{id}");
    }
    for d in datasets().unwrap() {
        let other_form =
            |f: &hub_model::Field| f.field_type == FieldType::Datetime || f.name == "geometry";
        if d.contract.fields.iter().any(other_form) && d.id.to_string() != "kowan.port_calls" {
            continue;
        }
        let rows = table(&d.id.to_string());
        let keys: HashSet<Vec<_>> = rows
            .iter()
            .map(|row| d.contract.primary_key.iter().map(|k| row[k].clone()).collect())
            .collect();
        assert_eq!(keys.len(), rows.len(), "{} repeats a key", d.id);
    }
}

#[test]
fn upload_files_are_named_by_year_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = SampleOptions { years: 2, ..SampleOptions::default() };
    let river = dataset("otaru_kaihatsu.river_hourly");
    let files = write_files(&river, &options, folder.path()).unwrap();
    let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(
        names,
        ["otaru_kaihatsu.river_hourly.2023.parquet", "otaru_kaihatsu.river_hourly.2024.parquet"]
    );
    let file = std::fs::File::open(&files[1]).unwrap();
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    assert_eq!(reader.schema().field(4).metadata()["unit"], "m3/s");
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 6 * 8_760);

    let weather = dataset("kisho.weather_hourly");
    let files = write_files(&weather, &SampleOptions::default(), folder.path()).unwrap();
    let file = std::fs::File::open(&files[0]).unwrap();
    let reader = arrow::ipc::reader::FileReader::try_new(file, None).unwrap();
    let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
    assert_eq!(rows, 14 * 8_760);

    let gone = folder.path().join("gone");
    let error = write_files(&river, &options, &gone).unwrap_err();
    assert!(matches!(error, DemoError::Write { .. }), "{error}");
}

#[test]
fn reference_tables_hold_plain_cells() {
    for (name, text) in [
        catalog::MUNICIPALITIES,
        catalog::STATIONS,
        catalog::GAUGES,
        catalog::COUNTERS,
        catalog::AREAS,
        catalog::NORMALS,
        catalog::STAGES,
        catalog::HOLIDAYS,
        catalog::CAMERAS,
        catalog::DESKS,
        catalog::INDICATORS,
        catalog::ACTUALS,
    ] {
        let header = text.lines().next().unwrap();
        let columns = header.split(',').count();
        assert!(catalog::reference_rows((name, text), columns).all(|row| row.is_ok()), "{name}");
    }
    let stations = dataset("kisho.stations").contract;
    let names: Vec<_> = stations.fields.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(catalog::STATIONS.1.lines().next().unwrap(), names.join(","));
}
