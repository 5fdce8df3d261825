//! CycloneDX in XML, 1.2 to 1.7, as the JSON of the same document. Comes in: XML as text. Goes out: JSON
//! that [`crate::cyclonedx`] reads, written in one pass. Never: a DTD, an entity of the document's own, a tree.
//! Sources: CycloneDX `schema/bom-1.*.xsd` beside `bom-1.*.schema.json`; the vulnerability extension 1.0 of 1.2 and 1.3.

use crate::document::too_large;
use crate::{IngestError, Limits};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

/// Of the namespace that every version has.
const NAMESPACE: &str = "cyclonedx.org/schema/bom/";

/// How far into the text the namespace must stand, in bytes.
const HEAD: usize = 8192;

/// How deep elements may stand in each other; the JSON reader takes no more either.
const DEPTH: usize = 100;

/// Elements that are lists, with their items.
const LISTS: [(&str, &str); 15] = [
    ("components", "component"),
    ("vulnerabilities", "vulnerability"),
    ("ratings", "rating"),
    ("affects", "target"),
    ("versions", "version"),
    ("cwes", "cwe"),
    ("properties", "property"),
    ("dependencies", "dependency"),
    ("references", "reference"),
    ("tools", "tool"),
    ("services", "service"),
    ("responses", "response"),
    ("licenses", "license"),
    ("licenses", "expression"),
    ("occurrences", "occurrence"),
];

/// Items whose value is their text.
const WORDS: [&str; 2] = ["cwe", "response"];

/// Whether the text is XML, and a CycloneDX document by its namespace.
pub(crate) fn is_document(text: &str) -> bool {
    crate::build::cut(text, HEAD).contains(NAMESPACE)
}

/// The document as JSON.
pub(crate) fn json(file: &str, text: &str, limits: &Limits) -> Result<String, IngestError> {
    let mut writer = Writer {
        out: String::with_capacity(text.len()),
        open: Vec::new(),
    };
    let mut reader = Reader::from_str(text);
    let mut done = false;
    loop {
        let event = reader.read_event().map_err(|error| error.to_string());
        let step = event.and_then(|event| match event {
            Event::Start(start) => writer.start(&start),
            Event::Empty(start) => writer.start(&start).map(|()| writer.end()),
            Event::End(_) => {
                writer.end();
                Ok(())
            }
            Event::Text(part) => {
                writer.text(&part.xml10_content());
                Ok(())
            }
            Event::CData(part) => {
                writer.text(&part.xml10_content());
                Ok(())
            }
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(char)) => {
                    writer.text(char.encode_utf8(&mut [0; 4]));
                    Ok(())
                }
                Ok(None) => escape::resolve_predefined_entity(&reference)
                    .map(|text| writer.text(text))
                    .ok_or_else(|| "an entity that XML does not know".to_owned()),
                Err(error) => Err(error.to_string()),
            },
            Event::DocType(_) => Err("a document type definition, which is not read".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(()),
            Event::Eof => {
                done = true;
                match writer.open.last() {
                    Some(_) => Err("the document ends too early".to_owned()),
                    None => Ok(()),
                }
            }
        });
        step.map_err(|what| writer.damaged(file, text, reader.buffer_position(), &what))?;
        if writer.out.len() > limits.document {
            return Err(too_large(file, limits));
        }
        if done {
            return Ok(writer.out);
        }
    }
}

struct Writer {
    out: String,
    open: Vec<Element>,
}

/// An element that has begun.
struct Element {
    name: String,
    shape: Shape,
    /// Its text, until it turns out to hold elements.
    text: String,
    /// Something stands in it, so that a comma must follow.
    filled: bool,
    /// Its `dependsOn` is open.
    depends: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nothing is written yet: a text, or what its first child makes of it.
    Unknown,
    Object,
    List,
    /// Written when it ends, as a text: the reference of a nested dependency.
    Reference,
    /// Not written; its text may be its parent's (`score` of the extension).
    Silent,
}

impl Writer {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.open.len() == DEPTH {
            return Err(format!(
                "elements stand more than {DEPTH} deep in each other"
            ));
        }
        let name = start.local_name().into_inner().to_owned();
        let mut attributes = Vec::new();
        let mut version = None;
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| error.to_string())?;
            if attribute.key.into_inner().starts_with("xmlns") {
                let known = value.split_once(NAMESPACE).map(|(_, version)| version);
                version = version.or(known.map(str::to_owned));
            } else {
                attributes.push((attribute.key.local_name().into_inner().to_owned(), value));
            }
        }
        let shape = self.begin(&name)?;
        let mut element = Element {
            name,
            shape,
            text: String::new(),
            filled: false,
            depends: false,
        };
        let is_root = self.open.is_empty();
        match shape {
            Shape::Reference => {
                let reference = attributes.into_iter().find(|(key, _)| key == "ref");
                element.text = reference.map_or_else(String::new, |(_, value)| value.into_owned());
            }
            Shape::Unknown if is_root || !attributes.is_empty() => {
                element.shape = Shape::Object;
                self.out.push('{');
                self.open.push(element);
                if is_root {
                    self.field("bomFormat", "CycloneDX");
                    self.field("specVersion", version.as_deref().unwrap_or_default());
                }
                for (key, value) in &attributes {
                    // `version` of the root counts revisions of the document.
                    if !is_root {
                        self.field(key, value);
                    }
                }
                return Ok(());
            }
            _ => {}
        }
        self.open.push(element);
        Ok(())
    }

    /// Writes what stands between the parent and a child of that name; tells what the child is.
    fn begin(&mut self, name: &str) -> Result<Shape, String> {
        let Some(parent) = self.open.last_mut() else {
            return if self.out.is_empty() && name == "bom" {
                Ok(Shape::Unknown)
            } else {
                Err(format!("an element `{name}` where one `bom` is expected"))
            };
        };
        let child = match parent.shape {
            Shape::Reference | Shape::Silent => return Ok(Shape::Silent),
            Shape::Unknown if parent.name == "score" => return Ok(Shape::Silent),
            Shape::Unknown if LISTS.contains(&(&parent.name, name)) => {
                parent.shape = Shape::List;
                self.out.push('[');
                Shape::Unknown
            }
            Shape::Unknown => {
                parent.shape = Shape::Object;
                self.out.push('{');
                Shape::Unknown
            }
            Shape::Object | Shape::List => Shape::Unknown,
        };
        if parent.shape == Shape::List && !LISTS.contains(&(&parent.name, name)) {
            return Err(format!("an element `{name}` in a list of others"));
        }
        let nested = name == "dependency" && parent.name == "dependency";
        if parent.filled && (!parent.depends || nested) {
            self.out.push(',');
        }
        parent.filled = true;
        if nested {
            if !parent.depends {
                parent.depends = true;
                self.out.push_str("\"dependsOn\":[");
            }
            return Ok(Shape::Reference);
        }
        if parent.depends {
            parent.depends = false;
            self.out.push_str("],");
        }
        if parent.shape == Shape::Object {
            let key = match name {
                "responses" => "response",
                name => name,
            };
            quote(&mut self.out, key);
            self.out.push(':');
        }
        Ok(child)
    }

    fn field(&mut self, key: &str, value: &str) {
        let Some(element) = self.open.last_mut() else {
            return;
        };
        if element.filled {
            self.out.push(',');
        }
        element.filled = true;
        quote(&mut self.out, key);
        self.out.push(':');
        quote(&mut self.out, value);
    }

    fn text(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut()
            && element.shape != Shape::List
            && element.shape != Shape::Reference
        {
            element.text.push_str(text);
        }
    }

    fn end(&mut self) {
        let Some(element) = self.open.pop() else {
            return;
        };
        let text = element.text.trim();
        match element.shape {
            Shape::Silent => {
                if element.name == "base"
                    && let Some(score) = self.open.last_mut()
                {
                    text.clone_into(&mut score.text);
                }
            }
            Shape::Reference => quote(&mut self.out, text),
            Shape::List => self.out.push(']'),
            Shape::Object => {
                if element.depends {
                    self.out.push(']');
                }
                // `<property name="x">value</property>`, `<expression bom-ref="x">MIT OR X11</expression>`.
                if matches!(&*element.name, "property" | "expression") && !text.is_empty() {
                    self.out.push_str(",\"value\":");
                    quote(&mut self.out, text);
                }
                self.out.push('}');
            }
            Shape::Unknown if !text.is_empty() => quote(&mut self.out, text),
            Shape::Unknown => {
                let parent = self.open.last().map(|parent| parent.shape);
                let is_item = parent == Some(Shape::List) && !WORDS.contains(&&*element.name);
                self.out.push_str(if is_item { "{}" } else { "null" });
            }
        }
    }

    fn damaged(&self, file: &str, text: &str, position: u64, what: &str) -> IngestError {
        let position = usize::try_from(position).unwrap_or(text.len());
        let before = crate::build::cut(text, position);
        let path: Vec<&str> = self.open.iter().map(|element| &*element.name).collect();
        IngestError::Shape {
            file: file.to_owned(),
            path: format!("<{}>", path.join("/")),
            what: format!("damaged XML in line {}: {what}", before.split('\n').count()),
        }
    }
}

/// Text as JSON writes it.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            char if char.is_ascii_control() => {
                let code = u32::from(char);
                out.push_str("\\u00");
                out.extend([code >> 4, code & 15].map(|n| char::from_digit(n, 16).unwrap_or('0')));
            }
            char => out.push(char),
        }
    }
    out.push('"');
}
