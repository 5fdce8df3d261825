//! Who reaches whom: connections as text, JSON and DOT; one answer with its reasons; what a change opens and closes.
//! Comes in: nouns of `model::reach`. Goes out: bytes. Never: a name that steers the terminal or ends a DOT string.

use crate::escape::{dot_string, visible, write_json, write_json_part};
use model::evidence::{Gap, Truth};
use model::reach::{Answer, Connection, Difference, Direction, OpenTo, Outgoing, Side};
use model::text::Text;
use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};

/// Whoever tells all connections, to a visitor, source by source.
pub type Told<'a> = &'a dyn Fn(&mut Visit<'_>) -> io::Result<()>;
pub type Visit<'a> = dyn FnMut(&Outgoing<'_>) -> io::Result<()> + 'a;

/// `src => dst : conn`, a line each.
pub fn text(told: Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    lines(
        told,
        out,
        &Shape {
            peer: |name, into| into.write_all(visible(name).as_bytes()),
            conn: |conn, into| into.write_all(ports(conn).as_bytes()),
            before: "",
            to: " => ",
            on: " : ",
            after: "\n",
            between: "",
        },
    )
}

/// What each workload is open to, whether such a peer exists or not.
pub fn exposures(all: &[OpenTo], out: &mut dyn Write) -> io::Result<()> {
    for (direction, title, arrow) in [
        (Direction::Egress, "Egress Exposure:", "=>"),
        (Direction::Ingress, "Ingress Exposure:", "<="),
    ] {
        writeln!(out, "\n{title}")?;
        for open in all.iter().filter(|o| o.direction == direction) {
            let (workload, peer) = (visible(&open.workload), visible(&open.peer));
            writeln!(out, "{workload} {arrow} {peer} : {}", open.conn)?;
        }
    }
    let unprotected: BTreeSet<(&str, &str)> = all
        .iter()
        .filter(|open| open.unprotected)
        .map(|open| match open.direction {
            Direction::Egress => (&*open.workload, "Egress"),
            Direction::Ingress => (&*open.workload, "Ingress"),
        })
        .collect();
    if !unprotected.is_empty() {
        writeln!(out, "\nWorkloads not protected by network policies:")?;
    }
    for (workload, direction) in unprotected {
        writeln!(out, "{} is not protected on {direction}", visible(workload))?;
    }
    Ok(())
}

/// What a `Connectivity` is as JSON.
pub fn json(
    told: Told<'_>,
    exposures: &[OpenTo],
    gaps: &[Gap],
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(b"{\"connections\":[")?;
    lines(
        told,
        out,
        &Shape {
            peer: |name, into| write_json_part(name, into),
            conn: |(conn, possible), into| {
                write_json_part(conn, into)?;
                match possible {
                    Some(possible) => {
                        into.extend_from_slice(b",\"possible\":");
                        write_json_part(possible, into)
                    }
                    None => Ok(()),
                }
            },
            before: "{\"src\":",
            to: ",\"dst\":",
            on: ",\"conn\":",
            after: "}",
            between: ",",
        },
    )?;
    out.write_all(b"],\"exposures\":")?;
    let mut out = BufWriter::new(out);
    write_json_part(exposures, &mut out)?;
    out.write_all(b",\"gaps\":")?;
    write_json_part(gaps, &mut out)?;
    out.write_all(b"}\n")?;
    out.flush()
}

/// A digraph; what is only possible is dashed.
pub fn dot(told: Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph reach {{")?;
    let mut used: BTreeSet<u32> = BTreeSet::new();
    told(&mut |from| {
        if !from.to.is_empty() {
            used.insert(from.src);
        }
        used.extend(from.to.iter().map(|(dst, _)| dst));
        Ok(())
    })?;
    told(&mut |from| {
        // Peers are the same for all sources.
        for n in std::mem::take(&mut used) {
            let peer = from.peers.get(n as usize).map_or("", |peer| &**peer);
            let outside = peer.ends_with("[External]");
            let shape = if outside { "diamond" } else { "box" };
            writeln!(out, "\t{} [shape={shape}]", dot_string(peer))?;
        }
        Ok(())
    })?;
    lines(
        told,
        out,
        &Shape {
            peer: |name, into| into.write_all(dot_string(name).as_bytes()),
            conn: |conn, into| {
                let style = conn.1.as_ref().map_or("", |_| " style=dashed");
                write!(into, "{}{style}", dot_string(&ports(conn)))
            },
            before: "\t",
            to: " -> ",
            on: " [label=",
            after: "]\n",
            between: "",
        },
    )?;
    writeln!(out, "}}")
}

/// Ports, and what is possible where that is more.
type Conn = (Text, Option<Text>);

/// How a connection is written: texts of peers and ports once each, and what stands around them.
struct Shape {
    peer: fn(&Text, &mut Vec<u8>) -> io::Result<()>,
    conn: fn(&Conn, &mut Vec<u8>) -> io::Result<()>,
    before: &'static str,
    to: &'static str,
    on: &'static str,
    after: &'static str,
    between: &'static str,
}

/// Bytes that are gathered before they are written.
const CHUNK: usize = 1 << 20;

/// Per connection three texts are appended that were made before.
fn lines(told: Told<'_>, out: &mut dyn Write, shape: &Shape) -> io::Result<()> {
    let mut targets: Vec<Vec<u8>> = Vec::new();
    let mut conns: Vec<Vec<u8>> = Vec::new();
    let mut head: Vec<u8> = Vec::new();
    let mut chunk: Vec<u8> = Vec::with_capacity(CHUNK + CHUNK / 4);
    let mut between = "";
    told(&mut |from| {
        if targets.is_empty() {
            for peer in from.peers {
                let mut text = Vec::new();
                (shape.peer)(peer, &mut text)?;
                text.extend_from_slice(shape.on.as_bytes());
                targets.push(text);
            }
        }
        for conn in from.conns.iter().skip(conns.len()) {
            let mut text = Vec::new();
            (shape.conn)(conn, &mut text)?;
            text.extend_from_slice(shape.after.as_bytes());
            conns.push(text);
        }
        let Some(src) = from.peers.get(from.src as usize) else {
            return Ok(());
        };
        head.clear();
        head.extend_from_slice(shape.between.as_bytes());
        head.extend_from_slice(shape.before.as_bytes());
        (shape.peer)(src, &mut head)?;
        head.extend_from_slice(shape.to.as_bytes());
        for (dst, conn) in from.to {
            let (Some(dst), Some(conn)) = (targets.get(*dst as usize), conns.get(*conn as usize))
            else {
                continue;
            };
            // Nothing stands between the first and what is before it.
            let skip = shape.between.len() - between.len();
            between = shape.between;
            chunk.extend_from_slice(head.get(skip..).unwrap_or(&[]));
            chunk.extend_from_slice(dst);
            chunk.extend_from_slice(conn);
            if chunk.len() >= CHUNK {
                out.write_all(&chunk)?;
                chunk.clear();
            }
        }
        Ok(())
    })?;
    out.write_all(&chunk)
}

/// Why and why not.
pub fn answer(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let (from, to) = (visible(&answer.from), visible(&answer.to));
    let on = answer
        .port
        .as_ref()
        .map_or_else(String::new, |port| format!(" on {port}"));
    match answer.verdict {
        Truth::Yes => writeln!(out, "yes: {from} reaches {to}{on}")?,
        Truth::No => writeln!(out, "no: {from} does not reach {to}{on}")?,
        Truth::Unknown => writeln!(out, "unknown: whether {from} reaches {to}{on}")?,
    }
    writeln!(out, "  open    {}", ports_of(&answer.connection))?;
    for side in &answer.sides {
        write_side(side, answer, out)?;
    }
    gaps(&answer.gaps, out)
}

pub fn answer_json(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    write_json(answer, out)
}

pub fn difference(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let Difference {
        opened,
        closed,
        changed,
        gaps: open,
    } = difference;
    for connection in opened {
        line("+ ", connection, out)?;
    }
    for connection in closed {
        line("- ", connection, out)?;
    }
    for (old, new) in changed {
        let (src, dst) = (visible(&new.src), visible(&new.dst));
        writeln!(
            out,
            "~ {src} => {dst} : {} -> {}",
            ports_of(old),
            ports_of(new)
        )?;
    }
    writeln!(
        out,
        "{} opened, {} closed, {} on other ports",
        opened.len(),
        closed.len(),
        changed.len()
    )?;
    gaps(open, out)
}

pub fn difference_json(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    write_json(difference, out)
}

fn line(sign: &str, connection: &Connection, out: &mut dyn Write) -> io::Result<()> {
    let (src, dst) = (visible(&connection.src), visible(&connection.dst));
    writeln!(out, "{sign}{src} => {dst} : {}", ports_of(connection))
}

fn ports_of(connection: &Connection) -> String {
    ports(&(Text::clone(&connection.conn), connection.possible.clone()))
}

fn ports((conn, possible): &Conn) -> String {
    match possible {
        Some(possible) => format!("{conn} (possible: {possible})"),
        None => conn.to_string(),
    }
}

fn write_side(side: &Side, answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    let of = visible(&side.of);
    let (word, direction, other) = match side.direction {
        Direction::Egress => ("leaves", "egress", &answer.to),
        Direction::Ingress => ("enters", "ingress", &answer.from),
    };
    writeln!(out, "  {word}  {of}: {}", side.conn)?;
    if side.selected_by.is_empty() {
        return writeln!(
            out,
            "          no policy selects it for {direction}: the default is open"
        );
    }
    for (policy, truth) in &side.selected_by {
        let certain = match truth {
            Truth::Yes => "selects it",
            _ => "may select it",
        };
        let policy = policy.to_string();
        writeln!(out, "          {} {certain}", visible(&policy))?;
    }
    for said in &side.said {
        let (rule, policy) = (visible(&said.rule), said.policy.to_string());
        let sure = if said.truth == Truth::Yes {
            ""
        } else {
            " (whether it means this peer is not known)"
        };
        writeln!(
            out,
            "          {rule} of {} {} {}{sure}",
            visible(&policy),
            said.action,
            said.conn
        )?;
    }
    let open = side.said.iter().any(|said| &*said.action == "allows") || side.by_default.is_some();
    if side.isolated != Truth::No && !open {
        let other = visible(other);
        writeln!(
            out,
            "          no rule allows {other}: a policy that isolates denies what none allows"
        )?;
    }
    if let Some(conn) = &side.by_default {
        writeln!(out, "          no rule decides {conn}: the default is open")?;
    }
    Ok(())
}

fn gaps(gaps: &[Gap], out: &mut dyn Write) -> io::Result<()> {
    for gap in gaps {
        writeln!(out, "  ~ {}", visible(&gap.what))?;
        if !gap.close.is_empty() {
            writeln!(out, "    {}", visible(&gap.close))?;
        }
    }
    Ok(())
}
