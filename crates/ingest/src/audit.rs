//! Audit logs of the API server (`audit.k8s.io/v1`, one JSON event a line; gzip and zstd too), event by event.
//! Comes in: a stream. Goes out: each event to a callback, then counts. Never: more than one line in memory, a body of a
//! request, an error because one line is damaged.

use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

/// Longer lines are damaged; the API server refuses bodies of more than 3 MiB.
const LONGEST_LINE: usize = 16 << 20;
/// After decompression.
const MOST_BYTES: u64 = 1 << 40;

/// One event, as far as rights are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent<'a> {
    pub stage: AuditStage,
    pub verb: Cow<'a, str>,
    /// Who logged in.
    pub user: AuditUser<'a>,
    /// Whom he acted as.
    pub impersonated: Option<AuditUser<'a>>,
    /// Verbs of constrained impersonation were asked instead of `impersonate`.
    pub constrained: bool,
    /// `None`: a path that is no resource.
    pub object: Option<AuditObject<'a>>,
    /// Path and query.
    pub uri: Cow<'a, str>,
    /// HTTP status.
    pub code: Option<u16>,
    /// When it came in.
    pub received: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditStage {
    RequestReceived,
    /// Long ones only: watches, exec.
    ResponseStarted,
    ResponseComplete,
    Panic,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AuditUser<'a> {
    #[serde(borrow, default, rename = "username")]
    pub name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub groups: Vec<Cow<'a, str>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AuditObject<'a> {
    #[serde(borrow, default, rename = "apiGroup")]
    pub group: Cow<'a, str>,
    #[serde(borrow, default)]
    pub resource: Cow<'a, str>,
    #[serde(borrow, default)]
    pub subresource: Cow<'a, str>,
    #[serde(borrow, default)]
    pub namespace: Cow<'a, str>,
    /// Of a `create` it comes from the body: the authorizer did not see it.
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
}

/// What a log held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditRead {
    pub events: u64,
    /// Lines that are no audit event.
    pub damaged: u64,
    /// It ends in the middle of a line, as one does that is being written.
    pub cut_short: bool,
}

/// Reads a log to its end.
pub fn read_audit(input: impl Read, each: &mut dyn FnMut(AuditEvent<'_>)) -> io::Result<AuditRead> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let head = input.fill_buf()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return lines(flate2::bufread::MultiGzDecoder::new(input), each);
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return lines(zstd::Decoder::with_buffer(input)?, each);
    }
    lines(input, each)
}

fn lines(input: impl Read, each: &mut dyn FnMut(AuditEvent<'_>)) -> io::Result<AuditRead> {
    let mut input = BufReader::with_capacity(1 << 16, input.take(MOST_BYTES));
    let mut read = AuditRead::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let (next, torn) = next_line(&mut input, &mut line)?;
        read.cut_short |= torn;
        let Some(Line { whole, ended }) = next else {
            break;
        };
        if line.iter().all(u8::is_ascii_whitespace) && whole {
            continue;
        }
        let events = if whole { of_line(&line, each) } else { None };
        match events {
            Some(events) => read.events += events,
            None if !ended && whole => read.cut_short = true,
            None => read.damaged += 1,
        }
    }
    if input.get_ref().limit() == 0 {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "it holds more than 1 TiB",
        ));
    }
    Ok(read)
}

struct Line {
    /// All of it was kept.
    whole: bool,
    /// By a line end.
    ended: bool,
}

/// The next line without its end, and whether a compressed file ended before its trailer; of a line that is too long only
/// the start is kept.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<(Option<Line>, bool)> {
    let mut whole = true;
    let mut any = false;
    let mut torn = false;
    loop {
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                torn = true;
                &[]
            }
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            let last = Line {
                whole,
                ended: false,
            };
            return Ok((any.then_some(last), torn));
        }
        any = true;
        let end = piece.iter().position(|byte| *byte == b'\n');
        let text = piece.get(..end.unwrap_or(piece.len())).unwrap_or(piece);
        if line.len() + text.len() > LONGEST_LINE {
            whole = false;
        } else if whole {
            line.extend_from_slice(text);
        }
        let used = end.map_or(piece.len(), |end| end + 1);
        input.consume(used);
        if end.is_some() {
            return Ok((Some(Line { whole, ended: true }), false));
        }
    }
}

#[derive(Deserialize)]
struct Raw<'a> {
    /// Neither stands in the events of a list.
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default, rename = "apiVersion")]
    version: Cow<'a, str>,
    #[serde(borrow)]
    stage: Cow<'a, str>,
    #[serde(borrow)]
    verb: Cow<'a, str>,
    #[serde(borrow)]
    user: AuditUser<'a>,
    #[serde(borrow, default, rename = "impersonatedUser")]
    impersonated: Option<AuditUser<'a>>,
    #[serde(borrow, default, rename = "authenticationMetadata")]
    authentication: Option<Authentication<'a>>,
    #[serde(borrow, default, rename = "objectRef")]
    object: Option<AuditObject<'a>>,
    #[serde(borrow, default, rename = "requestURI")]
    uri: Cow<'a, str>,
    #[serde(default, rename = "responseStatus")]
    status: Option<Status>,
    #[serde(borrow, default, rename = "requestReceivedTimestamp")]
    received: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Authentication<'a> {
    #[serde(borrow, default, rename = "impersonationConstraint")]
    constraint: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    code: Option<u16>,
}

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, rename = "apiVersion")]
    version: Cow<'a, str>,
    #[serde(borrow)]
    items: Vec<Raw<'a>>,
}

const VERSIONS: &str = "audit.k8s.io/";

/// How many events the line holds: one, or those of an EventList; `None`: it is neither.
fn of_line(line: &[u8], each: &mut dyn FnMut(AuditEvent<'_>)) -> Option<u64> {
    if let Ok(raw) = serde_json::from_slice::<Raw<'_>>(line) {
        if &*raw.kind != "Event" || !raw.version.starts_with(VERSIONS) {
            return None;
        }
        each(event(raw)?);
        return Some(1);
    }
    let list: List<'_> = serde_json::from_slice(line).ok()?;
    if &*list.kind != "EventList" || !list.version.starts_with(VERSIONS) {
        return None;
    }
    let events: Option<Vec<AuditEvent<'_>>> = list.items.into_iter().map(event).collect();
    let events = events?;
    let count = events.len() as u64;
    events.into_iter().for_each(each);
    Some(count)
}

fn event(raw: Raw<'_>) -> Option<AuditEvent<'_>> {
    let stage = match &*raw.stage {
        "RequestReceived" => AuditStage::RequestReceived,
        "ResponseStarted" => AuditStage::ResponseStarted,
        "ResponseComplete" => AuditStage::ResponseComplete,
        "Panic" => AuditStage::Panic,
        _ => return None,
    };
    let constraint = raw.authentication.and_then(|a| a.constraint);
    Some(AuditEvent {
        stage,
        verb: raw.verb,
        user: raw.user,
        impersonated: raw.impersonated,
        constrained: constraint.is_some_and(|constraint| !constraint.is_empty()),
        object: raw.object,
        uri: raw.uri,
        code: raw.status.and_then(|status| status.code),
        received: raw.received.and_then(|text| text.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    const EVENT: &str = r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete","requestURI":"/api/v1/namespaces/shop/pods/web/exec?command=sh","verb":"create","user":{"username":"alice","groups":["devs"]},"objectRef":{"resource":"pods","namespace":"shop","name":"web","apiVersion":"v1","subresource":"exec"},"responseStatus":{"metadata":{},"code":101},"requestReceivedTimestamp":"2026-11-23T04:17:14.464027Z","requestObject":{"token":"secret"}}"#;

    /// `events/damaged/cut`, then `user verb resource/subresource code` of each.
    fn check(bytes: &[u8], expected: &str) {
        let mut told = Vec::new();
        let read = read_audit(bytes, &mut |event| {
            let object = event.object.unwrap_or_default();
            told.push(format!(
                "{} {} {}/{} {:?}",
                event.user.name, event.verb, object.resource, object.subresource, event.code
            ));
        })
        .unwrap();
        let counts = format!("{}/{}/{}", read.events, read.damaged, read.cut_short);
        told.insert(0, counts);
        assert_eq!(told.join("; "), expected);
    }

    #[test]
    fn lines_of_a_log() {
        let one = "alice create pods/exec Some(101)";
        check(b"", "0/0/false");
        check(EVENT.as_bytes(), &format!("1/0/false; {one}"));
        check(
            format!("{EVENT}\n\n{EVENT}\n").as_bytes(),
            &format!("2/0/false; {one}; {one}"),
        );
        check(
            format!("{EVENT}\nnot json\n[]\n{{\"kind\":\"Event\"}}\n").as_bytes(),
            &format!("1/3/false; {one}"),
        );
        check(
            format!("{EVENT}\n{}", &EVENT[..200]).as_bytes(),
            &format!("1/0/true; {one}"),
        );
        let list =
            format!(r#"{{"kind":"EventList","apiVersion":"audit.k8s.io/v1","items":[{EVENT}]}}"#);
        check(list.as_bytes(), &format!("1/0/false; {one}"));
    }

    #[test]
    fn compressed_logs() {
        let one = "1/0/false; alice create pods/exec Some(101)";
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(EVENT.as_bytes()).unwrap();
        check(&gz.finish().unwrap(), one);
        check(&zstd::encode_all(EVENT.as_bytes(), 1).unwrap(), one);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let long = format!("{}\n{EVENT}\n", "x".repeat(LONGEST_LINE + 10));
        check(
            long.as_bytes(),
            "1/1/false; alice create pods/exec Some(101)",
        );
    }
}
