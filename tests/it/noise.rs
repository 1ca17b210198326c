//! Noise at the doors that take files: whatever comes, and in whatever order, is refused as documented,
//! and the hub works on. What is sent is drawn from a fixed seed, a bounded number of times.

use std::io::Write;

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{RIVER_PATH, Site, river_csv};

/// Numbers from a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number under this one.
    fn under(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.under(of.len())]
    }
}

fn tus(site: &Site, method: Method, path: &str) -> RequestBuilder {
    let request = site.hub.client().request(method, site.hub.url(path));
    request.bearer_auth(&site.publisher).header("tus-resumable", "1.0.0")
}

#[tokio::test]
async fn pieces_in_any_order_come_to_the_file_or_to_nothing() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let site = Site::start().await;
    let mut published = 0;
    for seed in 0..12 {
        let mut draw = Draw(seed);
        let station = format!("s{seed}");
        let csv =
            river_csv(&[&station], 0, 1 + u32::try_from(draw.under(40)).unwrap()).into_bytes();
        let begin = tus(&site, Method::POST, &format!("{RIVER_PATH}/uploads/tus"));
        let answer = site.ask(begin.header("upload-length", csv.len())).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let location = answer.header("location").to_owned();
        let mut here = 0;
        let mut is_dropped = false;
        for step in 0..60 {
            let left = csv.len() - here;
            // The last steps only go on, so that it comes to an end.
            let chosen = if step < 30 { draw.under(10) } else { 0 };
            let length = if step == 59 { left } else { draw.under(left + 1) };
            let piece = csv[here..here + length].to_vec();
            let patch = |offset: usize, body: Vec<u8>| {
                tus(&site, Method::PATCH, &location)
                    .header("upload-offset", offset)
                    .header("content-type", "application/offset+octet-stream")
                    .body(body)
            };
            let sum = format!("sha256 {}", STANDARD.encode(Sha256::digest(&piece)));
            let (request, expected, comes) = match chosen {
                0..=2 => (patch(here, piece), 204, length),
                3 => (patch(here, piece).header("upload-checksum", sum), 204, length),
                4 if length > 0 => {
                    let other = format!("sha256 {}", STANDARD.encode([seed as u8; 32]));
                    (patch(here, piece).header("upload-checksum", other), 460, 0)
                }
                5 => (patch(here + 1 + draw.under(1_000), piece), 409, 0),
                6 => (patch(here, csv.repeat(2)), 400, 0),
                7 => {
                    let noise = draw.one(&["", "-1", "1e3", "99999999999999999999999", "ten"]);
                    let request =
                        tus(&site, Method::PATCH, &location).header("upload-offset", *noise);
                    (
                        request
                            .header("content-type", "application/offset+octet-stream")
                            .body(piece),
                        400,
                        0,
                    )
                }
                8 => (
                    tus(&site, Method::PATCH, &location).header("upload-offset", here).body(piece),
                    415,
                    0,
                ),
                9 if step > 25 && seed % 4 == 3 => {
                    is_dropped = true;
                    (tus(&site, Method::DELETE, &location), 204, 0)
                }
                _ => {
                    let request = site.hub.client().head(site.hub.url(&location));
                    (request.bearer_auth(&site.publisher).header("tus-resumable", "0.2.2"), 412, 0)
                }
            };
            let answer = site.ask(request).await;
            assert_eq!(answer.status, expected, "seed {seed}, step {step}, {chosen}: {answer:?}");
            if is_dropped {
                let gone = site.ask(tus(&site, Method::HEAD, &location)).await;
                assert_eq!(gone.status, 404, "{gone:?}");
                break;
            }
            here += comes;
            let head = site.ask(tus(&site, Method::HEAD, &location)).await;
            assert_eq!(head.header("upload-offset"), here.to_string(), "seed {seed}, step {step}");
            if here == csv.len() {
                break;
            }
        }
        if is_dropped {
            continue;
        }
        assert_eq!(here, csv.len(), "seed {seed}");
        published += 1;
        let id = location.rsplit('/').next().unwrap();
        let path = format!("{RIVER_PATH}/uploads/{id}");
        let upload = loop {
            let upload = site.ask(site.get(&path).bearer_auth(&site.publisher)).await.ok().json();
            if upload["finished_at"].is_string() {
                break upload;
            }
        };
        assert_eq!(upload["state"], "committed", "seed {seed}: {upload}");
        let kept = site.get(&format!("{path}/file")).bearer_auth(&site.publisher);
        assert_eq!(site.ask(kept).await.ok().body, csv, "seed {seed}");
    }
    let stations = site.rows("SELECT count(DISTINCT station) AS n FROM otaru.river").await;
    assert_eq!(stations, json!([{"n": published}]));
}

#[tokio::test]
async fn noise_at_every_door_for_files_is_refused_and_harms_nothing() {
    let site = Site::start().await;
    let beginnings: [&[u8]; 10] = [
        b"",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PAR1",
        b"ARROW1\0\0",
        b"\x1f\x8b\x08",
        b"\xff\xff\xff\xff",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"[{\"a\":",
        b"\xff\xfea\0,\0",
    ];
    let doors = [
        format!("{RIVER_PATH}/uploads"),
        format!("{RIVER_PATH}/uploads?on_error=quarantine&mode=upsert"),
        "/v1/previews".to_owned(),
        "/v1/previews?dataset=otaru.river".to_owned(),
        "/v1/proposals".to_owned(),
        "/v1/sets/otaru/bus/uploads".to_owned(),
    ];
    let hints = [
        "",
        "format=csv",
        "format=xlsx",
        "encoding=cp932",
        "encoding=utf-16",
        "header_rows=3-1",
        "delimiter=tab",
        "preset=jma_obsdl_daily",
        "preset=none",
        "sheet=2",
        "table=stops",
        "file_name=a.zip",
    ];
    for seed in 0..90 {
        let mut draw = Draw(seed);
        let mut body = draw.one(&beginnings).to_vec();
        for _ in 0..draw.under(400) {
            let byte = *draw.one(b"\0\n\r,\"'0123456789.-aPK\x03\x04\xff\x82\xa0");
            body.write_all(&[byte]).unwrap();
        }
        let door = draw.one(&doors);
        let hint = draw.one(&hints);
        let joint = if door.contains('?') { '&' } else { '?' };
        let request = site.post(&format!("{door}{joint}{hint}")).bearer_auth(&site.publisher);
        let request = match draw.under(4) {
            0 => request.header("content-digest", "sha-256=:AAAA:"),
            1 => request.header("content-type", "multipart/form-data; boundary=x"),
            2 => request.header("idempotency-key", "k".repeat(300)),
            _ => request,
        };
        let answer = site.ask(request.body(body)).await;
        // Some noise is a table of text; the rest is refused. Nothing is a fault of the hub.
        assert!(answer.status < 500, "seed {seed} at {door} with {hint:?}: {answer:?}");
        if answer.status >= 400 {
            let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
            assert!(detail.len() > 10, "seed {seed}: {answer:?}");
        }
    }
    let answer = site.ask(site.upload("append", river_csv(&["after"], 0, 3))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}
