//! `db build`, `update`, `status`, `show` against a server on loopback that fails in every way a real one does.
#![allow(
    clippy::panic,
    clippy::float_cmp,
    clippy::format_push_string,
    reason = "a test fails by panicking; scores are exact"
)]

use intel::{ADVISORIES_FILE, Intelligence, SCORES_FILE};
use model::evidence::Fact;
use scan::database::{
    DatabaseError, FeedSource, Outcome, Times, UpdateOptions, Updated, build, show, source, status,
    update,
};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const KEV: &str = r#"{"catalogVersion":"1","dateReleased":"2024-06-30T10:00:00Z","vulnerabilities":[{"cveID":"CVE-2024-0001","dateAdded":"2024-03-01","knownRansomwareCampaignUse":"Known","vulnerabilityName":"A Name"}]}"#;

fn epss(score: &str) -> Vec<u8> {
    let mut text =
        "#model_version:v9,score_date:2024-06-30T00:00:00Z\ncve,epss,percentile\n".to_owned();
    text.push_str(&format!("CVE-2024-0001,{score},0.5\n"));
    // Noise that does not compress, so that a cut falls inside.
    for n in 2..4000u32 {
        text.push_str(&format!(
            "CVE-2024-{n:04},0.{:05},0.5\n",
            n.wrapping_mul(2_654_435_761) % 100_000
        ));
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    packed.finish().unwrap()
}

/// What the server does with one path.
#[derive(Clone, Default)]
struct Page {
    body: Vec<u8>,
    etag: Option<&'static str>,
    status: Option<u16>,
    headers: Vec<(&'static str, String)>,
    /// The first answers stop after so many bytes of the body.
    cuts: Vec<usize>,
}

#[derive(Default)]
struct Site {
    pages: BTreeMap<String, Page>,
    /// Requests as `PATH range=.. if-range=.. if-none-match=..`.
    seen: Vec<String>,
}

struct Server {
    address: String,
    site: Arc<Mutex<Site>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let site = Arc::new(Mutex::new(Site::default()));
        let shared = Arc::clone(&site);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || answer(&stream.unwrap(), &shared));
            }
        });
        Server { address, site }
    }

    fn page(&self, path: &str, page: Page) {
        self.site
            .lock()
            .unwrap()
            .pages
            .insert(path.to_owned(), page);
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.site.lock().unwrap().seen)
    }

    fn feed(&self, feed: &str, path: &str) -> FeedSource {
        FeedSource {
            url: format!("{}{path}", self.address),
            ..source(feed).unwrap()
        }
    }
}

fn answer(stream: &TcpStream, site: &Mutex<Site>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let path = lines
        .next()
        .unwrap_or_default()
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let headers: BTreeMap<String, String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            line.split_once(": ")
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        })
        .collect();
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    let mut site = site.lock().unwrap();
    site.seen.push(format!(
        "{path} range={} if-range={} if-none-match={}",
        header("range"),
        header("if-range"),
        header("if-none-match")
    ));
    let page = site.pages.get_mut(&path);
    let (status, extra, body, cut) = page.map_or((404, Vec::new(), Vec::new(), None), |page| {
        let cut = (!page.cuts.is_empty()).then(|| page.cuts.remove(0));
        let mut extra = page.headers.clone();
        extra.extend(page.etag.map(|tag| ("ETag", tag.to_owned())));
        let same = |value: String| page.etag.is_some_and(|tag| tag == value);
        let from = header("range")
            .strip_prefix("bytes=")
            .and_then(|range| range.trim_end_matches('-').parse::<usize>().ok());
        match (page.status, from) {
            (Some(status), _) => (status, extra, b"an error page".to_vec(), None),
            (None, Some(from)) if same(header("if-range")) => {
                extra.push((
                    "Content-Range",
                    format!("bytes {from}-{}/{}", page.body.len() - 1, page.body.len()),
                ));
                (206, extra, page.body[from..].to_vec(), cut)
            }
            _ if same(header("if-none-match")) => (304, extra, Vec::new(), None),
            _ => (200, extra, page.body.clone(), cut),
        }
    });
    drop(site);
    let mut head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in extra {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = stream;
    let _ = stream.write_all(format!("{head}\r\n").as_bytes());
    let _ = stream.write_all(&body[..cut.unwrap_or(body.len())]);
    let _ = stream.flush();
}

fn options(root: &Path, sources: Vec<FeedSource>) -> UpdateOptions {
    UpdateOptions {
        feeds: root.join("feeds"),
        database: root.join("db"),
        sources,
        times: Times {
            connect: Duration::from_secs(5),
            idle: Duration::from_secs(5),
            pause: Duration::from_millis(1),
        },
    }
}

fn run(root: &Path, sources: &[FeedSource]) -> Result<Updated, DatabaseError> {
    update(&options(root, sources.to_vec()), &mut |_| {})
}

fn outcomes(updated: &Updated) -> Vec<&Outcome> {
    updated.feeds.iter().map(|feed| &feed.outcome).collect()
}

fn failed(updated: &Updated, at: usize) -> (&str, bool) {
    match &updated.feeds[at].outcome {
        Outcome::Failed { error, kept } => (error, *kept),
        other => panic!("{other:?}"),
    }
}

fn score(root: &Path) -> f64 {
    let intel = Intelligence::open(&root.join("db")).unwrap();
    intel.lookup("CVE-2024-0001").unwrap().epss[0].1.score
}

const EPSS: &str = "/epss_scores-current.csv.gz";

/// A server with both feeds, and a root that holds them.
fn updated_once() -> (Server, tempfile::TempDir, Vec<FeedSource>) {
    let server = Server::start();
    server.page(
        EPSS,
        Page {
            body: epss("0.25"),
            etag: Some("\"1\""),
            ..Page::default()
        },
    );
    server.page(
        "/kev.json",
        Page {
            body: KEV.into(),
            etag: Some("\"k\""),
            ..Page::default()
        },
    );
    let sources = vec![server.feed("epss", EPSS), server.feed("kev", "/kev.json")];
    let root = tempfile::tempdir().unwrap();
    let updated = run(root.path(), &sources).unwrap();
    assert!(
        outcomes(&updated)
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Updated { .. })),
        "{updated:?}"
    );
    assert!(updated.rebuilt);
    assert_eq!(score(root.path()), 0.25);
    server.seen();
    (server, root, sources)
}

#[test]
fn what_did_not_change_is_not_fetched_again() {
    let (server, root, sources) = updated_once();
    let again = run(root.path(), &sources).unwrap();
    assert_eq!(outcomes(&again), [&Outcome::Unchanged, &Outcome::Unchanged]);
    assert!(!again.rebuilt);
    assert_eq!(
        server.seen()[0],
        format!("{EPSS} range= if-range= if-none-match=\"1\"")
    );
    // A file that went away is fetched whole.
    fs::remove_file(root.path().join("feeds/epss/epss_scores-current.csv.gz")).unwrap();
    assert!(matches!(
        outcomes(&run(root.path(), &sources).unwrap())[0],
        Outcome::Updated { .. }
    ));
    assert_eq!(
        server.seen()[0],
        format!("{EPSS} range= if-range= if-none-match=")
    );
}

#[test]
fn a_cut_download_goes_on_where_it_stopped() {
    let (server, root, sources) = updated_once();
    let body = epss("0.5");
    let cuts = vec![1000, 500];
    server.page(
        EPSS,
        Page {
            body: body.clone(),
            etag: Some("\"2\""),
            cuts,
            ..Page::default()
        },
    );
    let updated = run(root.path(), &sources).unwrap();
    assert_eq!(
        outcomes(&updated)[0],
        &Outcome::Updated {
            bytes: body.len() as u64
        }
    );
    let seen: Vec<String> = server
        .seen()
        .into_iter()
        .filter(|seen| seen.starts_with(EPSS))
        .collect();
    assert_eq!(
        seen,
        [
            format!("{EPSS} range= if-range= if-none-match=\"1\""),
            format!("{EPSS} range=bytes=1000- if-range=\"2\" if-none-match="),
            format!("{EPSS} range=bytes=1500- if-range=\"2\" if-none-match="),
        ]
    );
    assert_eq!(score(root.path()), 0.5);
    assert_eq!(
        fs::read(root.path().join("feeds/epss/epss_scores-current.csv.gz")).unwrap(),
        body
    );
}

#[test]
fn a_download_goes_on_in_the_next_run_unless_the_file_changed_meanwhile() {
    let (server, root, sources) = updated_once();
    let page = Page {
        body: epss("0.5"),
        etag: Some("\"2\""),
        cuts: vec![100, 0, 0, 0],
        ..Page::default()
    };
    server.page(EPSS, page);
    let (error, kept) = {
        let u = run(root.path(), &sources).unwrap();
        let (e, k) = failed(&u, 0);
        (e.to_owned(), k)
    };
    assert!(kept, "{error}");
    assert_eq!(score(root.path()), 0.25);
    server.page(
        EPSS,
        Page {
            body: epss("0.75"),
            etag: Some("\"3\""),
            ..Page::default()
        },
    );
    server.seen();
    run(root.path(), &sources).unwrap();
    assert_eq!(
        server.seen()[0],
        format!("{EPSS} range=bytes=100- if-range=\"2\" if-none-match=")
    );
    assert_eq!(score(root.path()), 0.75);
}

#[test]
fn whatever_a_server_sends_the_old_file_stays() {
    let (server, root, sources) = updated_once();
    let sound = epss("0.9");
    let cases: [(&str, Page); 6] = [
        (
            "500",
            Page {
                status: Some(500),
                ..Page::default()
            },
        ),
        (
            "403",
            Page {
                status: Some(403),
                ..Page::default()
            },
        ),
        (
            "no such feed",
            Page {
                body: sound[..sound.len() - 20].to_vec(),
                ..Page::default()
            },
        ),
        (
            "no such feed",
            Page {
                body: b"<html>sign in</html>".to_vec(),
                ..Page::default()
            },
        ),
        (
            "checksum",
            Page {
                body: sound.clone(),
                headers: vec![("Repr-Digest", "sha-256=:AAAA:".into())],
                ..Page::default()
            },
        ),
        (
            "checksum",
            Page {
                body: sound.clone(),
                headers: vec![("x-goog-hash", "md5=AAAA,crc32c=AAAAAA==".into())],
                ..Page::default()
            },
        ),
    ];
    for (expected, page) in cases {
        server.page(EPSS, page);
        let updated = run(root.path(), &sources).unwrap();
        let (error, kept) = failed(&updated, 0);
        assert!(error.contains(expected) && kept, "{expected}: {error}");
        assert_eq!(outcomes(&updated)[1], &Outcome::Unchanged);
        assert!(
            updated
                .gaps
                .iter()
                .any(|gap| &*gap.class == "feed-not-updated"),
            "{expected}"
        );
        assert_eq!(score(root.path()), 0.25, "{expected}");
    }
    let mut small = sources.clone();
    small[0].limit = 100;
    server.page(
        EPSS,
        Page {
            body: sound,
            ..Page::default()
        },
    );
    let updated = run(root.path(), &small).unwrap();
    assert!(failed(&updated, 0).0.contains("larger than 100 bytes"));
    assert_eq!(score(root.path()), 0.25);
    let left: Vec<_> = fs::read_dir(root.path().join("feeds/epss"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["epss_scores-current.csv.gz"]);
}

#[test]
fn right_checksums_pass() {
    let (server, root, sources) = updated_once();
    // SHA-256 and CRC-32C of KEV with a space appended.
    let body = format!("{KEV} ").into_bytes();
    let digest = {
        use base64::Engine as _;
        use sha2::Digest as _;
        base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&body))
    };
    let headers = vec![("Repr-Digest", format!("sha-256=:{digest}:"))];
    server.page(
        "/kev.json",
        Page {
            body,
            headers,
            ..Page::default()
        },
    );
    assert!(matches!(
        outcomes(&run(root.path(), &sources).unwrap())[1],
        Outcome::Updated { .. }
    ));
}

#[test]
fn local_files_and_other_endings() {
    let root = tempfile::tempdir().unwrap();
    let mirror = root.path().join("a mirror");
    fs::create_dir(&mirror).unwrap();
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&epss("0.125")[..])
        .read_to_end(&mut plain)
        .unwrap();
    fs::write(mirror.join("scores.csv"), plain).unwrap();
    fs::write(mirror.join("scores.csv.gz"), epss("0.5")).unwrap();
    let local = |name: &str| FeedSource {
        url: format!("file://{}/a%20mirror/{name}", root.path().display()),
        ..source("epss").unwrap()
    };
    run(root.path(), &[local("scores.csv.gz")]).unwrap();
    assert_eq!(score(root.path()), 0.5);
    let again = run(root.path(), &[local("scores.csv.gz")]).unwrap();
    assert_eq!(outcomes(&again), [&Outcome::Unchanged]);
    run(root.path(), &[local("scores.csv")]).unwrap();
    assert_eq!(score(root.path()), 0.125);
    assert!(
        !root
            .path()
            .join("feeds/epss/epss_scores-current.csv.gz")
            .exists()
    );
    let gone = run(root.path(), &[local("gone.csv")]).unwrap();
    assert!(failed(&gone, 0).1);
}

#[test]
fn nothing_at_all_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start();
    let error = run(root.path(), &[server.feed("epss", "/none")]).unwrap_err();
    assert!(
        matches!(&error, DatabaseError::NoFeed { first, .. } if first.contains("404")),
        "{error}"
    );
    let ftp = FeedSource {
        url: "ftp://localhost/x".into(),
        ..source("epss").unwrap()
    };
    assert!(matches!(
        run(root.path(), &[ftp]),
        Err(DatabaseError::NoFeed { .. })
    ));
    assert!(!root.path().join("db").exists());
}

#[test]
fn a_failed_build_keeps_the_old_database() {
    let (_server, root, _) = updated_once();
    let bad = root.path().join("bad");
    fs::create_dir_all(bad.join("epss")).unwrap();
    fs::write(bad.join("epss/epss_scores-x.csv.gz"), b"no gzip").unwrap();
    assert!(matches!(
        build(&bad, &root.path().join("db")),
        Err(DatabaseError::Build(_))
    ));
    assert_eq!(score(root.path()), 0.25);
}

#[test]
fn an_open_reader_survives_an_update() {
    let (server, root, sources) = updated_once();
    let before = Intelligence::open(&root.path().join("db")).unwrap();
    server.page(
        EPSS,
        Page {
            body: epss("0.5"),
            ..Page::default()
        },
    );
    run(root.path(), &sources).unwrap();
    assert_eq!(
        before.lookup("CVE-2024-0001").unwrap().epss[0].1.score,
        0.25
    );
    assert_eq!(score(root.path()), 0.5);
}

#[test]
fn status_and_show() {
    let (_server, root, _) = updated_once();
    let db = root.path().join("db");
    let told = status(&db, true).unwrap();
    assert_eq!(told.epss_model.as_deref(), Some("v9"));
    assert_eq!(told.date, Some(jiff::civil::date(2024, 6, 30)));
    assert!(told.verified && told.scores_bytes > 0);
    let intel = Intelligence::open(&db).unwrap();
    let shown = show(&intel, "cve-2024-0001").unwrap().unwrap();
    assert!(matches!(shown.vulnerability.kev, Fact::Is(_)));
    let Fact::Unknown(gap) = shown.vulnerability.ssvc else {
        panic!("{:?}", shown.vulnerability.ssvc)
    };
    assert!(shown.gaps[gap.0 as usize].what.contains("vulnrichment"));
    assert_eq!(shown.epss[0].1.score, 0.25);
    assert_eq!(show(&intel, "CVE-1999-0001").unwrap(), None);
    serde_json::to_string(&shown).unwrap();

    let file = db.join(SCORES_FILE);
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();
    assert!(matches!(
        status(&db, true),
        Err(DatabaseError::Damaged { .. })
    ));
    fs::write(db.join(ADVISORIES_FILE), b"foreign").unwrap();
    assert!(matches!(status(&db, false), Err(DatabaseError::Open(_))));
}
