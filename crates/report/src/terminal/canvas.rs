//! Lines that fit the width. Prose is broken at spaces; a command is broken only where the shell
//! still reads the same command, and left long where there is no such place.

use super::TerminalOptions;
use crate::escape::visible;
use crate::names::Names;
use std::io::{self, Write};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Programs (and Dockerfile's RUN) whose lines are shell commands; other lines are text or parts of files.
const PROGRAMS: &[&str] = &[
    "RUN",
    "apk",
    "apt-get",
    "argocd",
    "aws",
    "az",
    "buildah",
    "cargo",
    "crane",
    "curl",
    "docker",
    "dnf",
    "eksctl",
    "flux",
    "gcloud",
    "git",
    "go",
    "grype",
    "helm",
    "kubectl",
    "kubeadm",
    "kustomize",
    "mvn",
    "npm",
    "oc",
    "pip",
    "plimsoll",
    "podman",
    "sed",
    "skopeo",
    "sudo",
    "syft",
    "trivy",
    "yarn",
    "yq",
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    Plain,
    Strong,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Paint {
    /// SGR parameters of the 16 colours that every terminal theme defines.
    const fn code(self) -> &'static str {
        match self {
            Paint::Plain => "",
            Paint::Strong => "1",
            Paint::Dim => "2",
            Paint::Good => "32",
            Paint::Warn => "33",
            Paint::Bad => "1;31",
        }
    }
}

pub(super) struct Canvas<'o> {
    out: &'o mut dyn Write,
    width: usize,
    colour: bool,
    names: &'o Names,
}

impl<'o> Canvas<'o> {
    pub(super) fn new(out: &'o mut dyn Write, options: &TerminalOptions, names: &'o Names) -> Self {
        Canvas {
            out,
            width: options.width.max(40),
            colour: options.colour,
            names,
        }
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// `label`, which is ours, and text, which is redacted and escaped here; further lines stand under the text.
    pub(super) fn prose(&mut self, paint: Paint, label: &str, text: &str) -> io::Result<()> {
        self.hanging(paint, label, label.width(), text)
    }

    /// Like `prose`, further lines indented by `hang`.
    pub(super) fn hanging(
        &mut self,
        paint: Paint,
        label: &str,
        hang: usize,
        text: &str,
    ) -> io::Result<()> {
        let text = self.names.show(text);
        let text = visible(&text);
        let first = self.width.saturating_sub(label.width()).max(20);
        let rest = self.width.saturating_sub(hang).max(20);
        for (i, line) in broken(&text, first, rest).into_iter().enumerate() {
            if i == 0 {
                self.out.write_all(label.as_bytes())?;
            } else {
                write!(self.out, "{:hang$}", "")?;
            }
            self.painted(paint, line)?;
        }
        Ok(())
    }

    /// A line to type or to put into a file, exactly.
    pub(super) fn command(&mut self, label: &str, text: &str) -> io::Result<()> {
        let program = text.split(' ').next().unwrap_or("");
        // A line of a Dockerfile is pasted as it stands.
        if program == "FROM" {
            let text = self.names.show(text);
            self.out.write_all(label.as_bytes())?;
            return self.painted(Paint::Plain, &visible(&text));
        }
        if !PROGRAMS.contains(&program) {
            return self.prose(Paint::Plain, label, text);
        }
        let text = self.names.show(text);
        let text = visible(&text);
        let room = self.width.saturating_sub(label.width()).max(20);
        let indent = label.width();
        for (i, line) in continued(&text, room).iter().enumerate() {
            if i == 0 {
                self.out.write_all(label.as_bytes())?;
            } else {
                write!(self.out, "{:indent$}", "")?;
            }
            self.painted(Paint::Plain, line)?;
        }
        Ok(())
    }

    fn painted(&mut self, paint: Paint, text: &str) -> io::Result<()> {
        if self.colour && paint != Paint::Plain {
            writeln!(self.out, "\x1b[{}m{text}\x1b[0m", paint.code())
        } else {
            writeln!(self.out, "{text}")
        }
    }
}

/// Breaks at spaces, and inside a word only where it is longer than a line.
fn broken(text: &str, first: usize, rest: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut left = text;
    loop {
        let room = if lines.is_empty() { first } else { rest };
        if left.width() <= room {
            lines.push(left);
            return lines;
        }
        let fits = fitting(left, room);
        let (line, after) = match left.get(..=fits).and_then(|head| head.rfind(' ')) {
            Some(space) if space > 0 => (
                left.get(..space).unwrap_or(left),
                left.get(space + 1..).unwrap_or(""),
            ),
            _ => left.split_at(fits),
        };
        lines.push(line.trim_end());
        left = after.trim_start();
    }
}

/// Bytes of the longest beginning that is at most `room` columns wide; one character at least.
fn fitting(text: &str, room: usize) -> usize {
    let mut columns = 0;
    for (at, c) in text.char_indices() {
        columns += c.width().unwrap_or(0);
        if columns > room && at > 0 {
            return at;
        }
    }
    text.len()
}

/// Where a command may be broken: after a space outside of quotes with a backslash, and inside a
/// single-quoted JSON text after a comma, where a line end is only white space.
#[derive(Clone, Copy)]
struct Break {
    at: usize,
    backslash: bool,
}

fn continued(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut start = 0;
    let breaks = breaks(text);
    loop {
        let left = text.get(start..).unwrap_or("");
        if left.width() <= room {
            lines.push(left.to_owned());
            return lines;
        }
        let width = |b: &Break| {
            let line = text.get(start..b.at).unwrap_or("").trim_end();
            line.width() + if b.backslash { 2 } else { 0 }
        };
        let ahead = || breaks.iter().filter(|b| b.at > start);
        let chosen = ahead()
            .take_while(|b| width(b) <= room)
            .last()
            .or(ahead().next());
        let Some(chosen) = chosen else {
            lines.push(left.to_owned());
            return lines;
        };
        let line = text.get(start..chosen.at).unwrap_or("").trim_end();
        lines.push(if chosen.backslash {
            format!("{line} \\")
        } else {
            line.to_owned()
        });
        start = chosen.at;
    }
}

fn breaks(text: &str) -> Vec<Break> {
    let (mut single, mut double, mut escaped) = (false, false, false);
    let mut breaks = Vec::new();
    for (at, c) in text.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match c {
            '\\' if !single || double => escaped = true,
            '\'' if single || !double => {
                single = !single;
                double = false;
            }
            // Inside single quotes this tells a JSON text from the structure around it.
            '"' => double = !double,
            ' ' if !single && !double => breaks.push(Break {
                at: at + 1,
                backslash: true,
            }),
            ',' if single && !double => breaks.push(Break {
                at: at + 1,
                backslash: false,
            }),
            _ => {}
        }
    }
    breaks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_at_spaces() {
        for (text, expected) in [
            ("short", vec!["short"]),
            ("one two three", vec!["one two", "three"]),
            ("abcdefghijkl", vec!["abcdefgh", "ijkl"]),
            ("漢字漢字漢字", vec!["漢字漢字", "漢字"]),
            ("eight888 x", vec!["eight888", "x"]),
            ("", vec![""]),
        ] {
            assert_eq!(broken(text, 8, 8), expected, "{text}");
        }
    }

    #[test]
    fn commands_stay_commands() {
        for (text, expected) in [
            ("kubectl get pods", vec!["kubectl get pods"]),
            (
                "kubectl -n shop rollout restart deployment/web",
                vec!["kubectl -n shop \\", "rollout restart \\", "deployment/web"],
            ),
            (
                r#"kubectl patch x -p '{"aaaa":1,"b":"c, d"}'"#,
                vec!["kubectl patch x \\", r#"-p '{"aaaa":1,"#, r#""b":"c, d"}'"#],
            ),
            (
                "docker pull registry.example/very/long/name:tag",
                vec!["docker pull \\", "registry.example/very/long/name:tag"],
            ),
        ] {
            assert_eq!(continued(text, 19), expected, "{text}");
        }
    }
}
