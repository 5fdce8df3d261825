//! Who reaches whom: connections as text, JSON and DOT; one answer with its reasons; what a change opens and closes.
//! Comes in: nouns of `model::reach`. Goes out: bytes. Never: a name that steers the terminal or ends a DOT string.

use crate::escape::{dot_string, visible, write_json};
use model::evidence::{Gap, Truth};
use model::reach::{Answer, Connection, Connectivity, Difference, Direction, Side};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// `src => dst : conn`, a line each.
pub fn text(all: &Connectivity, out: &mut dyn Write) -> io::Result<()> {
    for connection in &all.connections {
        line("", connection, out)?;
    }
    Ok(())
}

/// What each workload is open to, whether such a peer exists or not.
pub fn exposures(all: &Connectivity, out: &mut dyn Write) -> io::Result<()> {
    for (direction, title, arrow) in [
        (Direction::Egress, "Egress Exposure:", "=>"),
        (Direction::Ingress, "Ingress Exposure:", "<="),
    ] {
        writeln!(out, "\n{title}")?;
        for open in all.exposures.iter().filter(|o| o.direction == direction) {
            let (workload, peer) = (visible(&open.workload), visible(&open.peer));
            writeln!(out, "{workload} {arrow} {peer} : {}", open.conn)?;
        }
    }
    let unprotected: BTreeSet<(&str, &str)> = all
        .exposures
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

pub fn json(all: &Connectivity, out: &mut dyn Write) -> io::Result<()> {
    write_json(all, out)
}

/// A digraph; what is only possible is dashed.
pub fn dot(all: &Connectivity, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph reach {{")?;
    let ends = all.connections.iter().flat_map(|c| [&*c.src, &*c.dst]);
    for peer in ends.collect::<BTreeSet<&str>>() {
        let outside = peer.ends_with("[External]");
        let shape = if outside { "diamond" } else { "box" };
        writeln!(out, "\t{} [shape={shape}]", dot_string(peer))?;
    }
    for c in &all.connections {
        let (label, style) = match &c.possible {
            Some(possible) => (
                format!("{} (possible: {possible})", c.conn),
                " style=dashed",
            ),
            None => (c.conn.to_string(), ""),
        };
        let (src, dst) = (dot_string(&c.src), dot_string(&c.dst));
        writeln!(
            out,
            "\t{src} -> {dst} [label={}{style}]",
            dot_string(&label)
        )?;
    }
    writeln!(out, "}}")
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
    writeln!(out, "  open    {}", ports(&answer.connection))?;
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
        writeln!(out, "~ {src} => {dst} : {} -> {}", ports(old), ports(new))?;
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
    writeln!(out, "{sign}{src} => {dst} : {}", ports(connection))
}

fn ports(connection: &Connection) -> String {
    match &connection.possible {
        Some(possible) => format!("{} (possible: {possible})", connection.conn),
        None => connection.conn.to_string(),
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
    if side.isolated != Truth::No && side.said.iter().all(|said| &*said.action != "allows") {
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
