//! The hub itself: whether there is one, and who is asked.

use super::*;

#[tokio::test]
async fn a_hub_that_cannot_be_reached_is_named_with_what_to_do() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let seen = mochiyori_at(&server, TERMINAL, &["dataset", "list"]).await;
    assert_eq!(seen.code, error::UNREACHABLE);
    insta::assert_snapshot!(seen.err, @r"
    error: no hub answers at [server] (Connection refused (os error 111))
      Is it running? `mochiyori demo` starts one on this machine.
      Another hub: --server URL, or the environment variable MOCHIYORI_URL
    ");
}

#[tokio::test]
async fn something_that_is_no_hub_is_told_from_one() {
    let page = playback::Answer {
        status: StatusCode::OK,
        headers: vec![("content-type", "text/html".into())],
        body: "<html>".into(),
        cut: false,
    };
    let hub = Playback::start([("GET", "/v1/agencies", page)]).await;
    let seen = on_terminal(&hub, &["agency", "list"]).await;
    assert_eq!(seen.code, error::FAILURE);
    assert!(seen.err.contains("Is it a Mochiyori hub"), "{}", seen.err);
    let seen = on_terminal(&hub, &["agency", "show", "other"]).await;
    assert!(seen.err.contains("404"), "{}", seen.err);
}

#[tokio::test]
async fn the_token_goes_to_no_other_server() {
    let other = Playback::start([("GET", "/v1/me", answer(StatusCode::OK, &json!({})))]).await;
    let away = playback::Answer {
        status: StatusCode::TEMPORARY_REDIRECT,
        headers: vec![("location", format!("{}/v1/agencies", other.address()))],
        body: "".into(),
        cut: false,
    };
    let hub = Playback::start([("GET", "/v1/agencies", away)]).await;
    let seen = on_terminal(&hub, &["agency", "list", "--token", "t0ken"]).await;
    assert_eq!(seen.code, error::FAILURE);
    assert!(seen.err.contains(&format!("--server {}", other.address())), "{}", seen.err);
    assert!(other.requests("GET").is_empty());
}
