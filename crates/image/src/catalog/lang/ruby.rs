//! Installed gems. Comes in: the specification that RubyGems writes for each gem, default gems among them, or that of a
//! gem which Bundler took from git. Goes out: the gem. Never: runs Ruby; a version that is an expression is not known.
//! Sources: RubyGems, `Gem::StubSpecification`, `Gem::Specification#to_ruby`.

use super::{component, file_name, folder, give, license, text, unreadable};
use crate::extract::{Extractor, Extracts, File, Wants};
use model::inventory::{Component, FoundAs};
use model::purl;

pub const SPECIFICATION: Extractor = Extractor {
    name: "gem-specification",
    wants: Wants::Named(is_specification),
    limit: 4 << 20,
    extract: specification,
};

fn is_specification(path: &str) -> bool {
    let Some(above) = path.strip_suffix(".gemspec").map(folder) else {
        return false;
    };
    match file_name(above) {
        "specifications" => true,
        "default" => file_name(folder(above)) == "specifications",
        // `bundler/gems/NAME-REVISION/NAME.gemspec`
        _ => folder(above).ends_with("bundler/gems"),
    }
}

fn specification(file: &File<'_>, out: &mut Extracts) {
    match gem(&text(file.bytes), file.path) {
        Some(found) => give(out, vec![found]),
        None => out.gaps.push(unreadable(file.path, "it names no gem")),
    }
}

/// The stub line is what RubyGems itself reads; older versions wrote none.
fn gem(text: &str, path: &str) -> Option<Component> {
    let stub = text
        .lines()
        .take(4)
        .find_map(|line| line.strip_prefix("# stub: "));
    let mut words = stub.unwrap_or("").split(' ');
    let (mut name, mut version) = (words.next().filter(|word| !word.is_empty()), words.next());
    let mut platform = words.next();
    let mut licenses = Vec::new();
    for line in text.lines() {
        let Some((field, value)) = assigned(line) else {
            continue;
        };
        match field {
            "name" => name = name.or(quoted(value).next()),
            "version" => version = version.or(quoted(value).next()),
            "platform" => platform = platform.or(quoted(value).next()),
            "license" | "licenses" if licenses.is_empty() => {
                licenses = quoted(value).filter_map(license).collect();
            }
            _ => {}
        }
    }
    let stem = file_name(path).strip_suffix(".gemspec").unwrap_or("");
    let name = name.unwrap_or_else(|| stem.rsplit_once('-').map_or(stem, |(name, _)| name));
    // RubyGems names the file `NAME-VERSION`, and `NAME-VERSION-PLATFORM` of what has been compiled.
    let version = version.or_else(|| {
        let rest = stem.strip_prefix(name)?.strip_prefix('-')?;
        rest.split('-').next()
    });
    let version = version
        .filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or("");
    let mut found = component("gem", None, name, version, FoundAs::Installed)?;
    if let Some(platform) = platform.filter(|platform| *platform != "ruby" && !platform.is_empty())
    {
        found.purl = purl::write("gem", None, name, version, &[("platform", platform)]).into();
    }
    found.licenses = licenses;
    Some(found)
}

/// `s.name = "rack".freeze`: field and value, whatever the variable is called.
fn assigned(line: &str) -> Option<(&str, &str)> {
    let (left, value) = line.split_once('=')?;
    let (variable, field) = left.trim().split_once('.')?;
    let sound = !variable.is_empty()
        && variable
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    sound.then_some((field.trim_end(), value))
}

/// The literals of an expression, of which old versions wrote `%q{...}`. One that is put together (`"#{x}.1"`) is none.
fn quoted(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let at = rest.find(['"', '\'', '%'])?;
        let (open, close) = match rest.get(at..)? {
            literal if literal.starts_with("%q{") => (3, "}"),
            literal if literal.starts_with('"') => (1, "\""),
            literal if literal.starts_with('\'') => (1, "'"),
            _ => return None,
        };
        let (literal, after) = rest.get(at + open..)?.split_once(close)?;
        rest = after;
        Some(literal)
    })
    .filter(|literal| !literal.contains("#{"))
}
