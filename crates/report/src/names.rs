//! `--redact-names`: the same name always becomes the same number, in names and inside sentences.
//! Never lets a known name through because it stands in a longer one (`shop/web:8080`, `web.shop.svc`).

use crate::view::View;
use model::image::ImageReference;
use model::object::{ObjectRef, SourceSpan};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Names that every cluster has: they tell nothing, and `default`, `admin` and the sinks are words of our sentences.
const EVERYWHERE: &[&str] = &[
    "default",
    "kube-system",
    "kube-public",
    "kube-node-lease",
    "cluster-admin",
    "admin",
    "edit",
    "view",
    "system:masters",
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
];

/// What is to be written instead of each name; shows all names where nothing is redacted.
pub(crate) struct Names {
    hidden: Option<Hidden>,
}

#[derive(Default)]
struct Hidden {
    names: FxHashMap<Box<str>, Box<str>>,
    /// Names with characters that no Kubernetes name has; looked for as they are, the longest first.
    odd: Vec<(Box<str>, Box<str>)>,
    next: BTreeMap<String, u32>,
}

impl Names {
    pub(crate) fn of(view: &View) -> Self {
        Names {
            hidden: view.redact_names.then(|| Hidden::of(view)),
        }
    }

    /// Names of nodes of the attack graph.
    pub(crate) fn of_nodes<'n>(redacts: bool, nodes: impl Iterator<Item = &'n str>) -> Self {
        Names {
            hidden: redacts.then(|| {
                let mut hidden = Hidden::default();
                nodes.for_each(|node| hidden.node(node));
                hidden.sorted()
            }),
        }
    }

    pub(crate) fn redacts(&self) -> bool {
        self.hidden.is_some()
    }

    /// A name or a sentence with names.
    pub(crate) fn show<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match &self.hidden {
            None => Cow::Borrowed(text),
            Some(hidden) => Cow::Owned(hidden.replace(text)),
        }
    }

    pub(crate) fn show_owned(&self, text: &str) -> Cow<'static, str> {
        Cow::Owned(self.show(text).into_owned())
    }
}

impl Hidden {
    fn of(view: &View) -> Self {
        let mut hidden = Hidden::default();
        let all = view.assessment;
        if let Some(name) = &all.about.cluster_name {
            hidden.hide("cluster", name);
        }
        for workload in &all.workloads {
            hidden.hide("namespace", &workload.key.namespace);
            if let Some(namespace) = &workload.object.namespace {
                hidden.hide("namespace", namespace);
            }
        }
        for image in &all.images {
            let number = hidden.number("image");
            hidden.image(&image.name, &number);
            for reference in &image.identity.references {
                hidden.image(&reference.to_string(), &number);
            }
        }
        for workload in &all.workloads {
            hidden.hide("workload", &workload.key.name);
            hidden.hide("workload", &workload.object.name);
            for container in &workload.containers {
                hidden.hide("container", &container.name);
                hidden.known_or_new_image(&container.image);
            }
            if let Some(owner) = &workload.owner {
                hidden.hide("owner", &owner.name);
            }
            if let Some(manager) = &workload.managed_by {
                hidden.hide("release", &manager.name);
            }
            hidden.source(workload.source.as_ref());
        }
        for action in &all.actions {
            hidden.object(action.object.as_ref());
            hidden.source(action.source.as_ref());
        }
        for finding in [&all.findings, &all.suppressed, &all.unjoined]
            .into_iter()
            .flatten()
        {
            hidden.object(finding.object.as_ref());
            hidden.source(finding.source.as_ref());
        }
        for evidence in &all.ledger.evidence {
            hidden.object(evidence.object.as_ref());
            hidden.source(evidence.source.as_ref());
        }
        let changes = all.cuts.iter().flat_map(|cut| &cut.changes);
        let edges = all.paths.iter().flat_map(|path| &path.edges);
        for change in changes.chain(edges.flat_map(|edge| &edge.changeable)) {
            hidden.object(Some(&change.object));
        }
        for gap in &all.ledger.gaps {
            if let Some(image) = gap.scope.strip_prefix("image ") {
                hidden.known_or_new_image(image);
            } else if let Some(namespace) = gap.scope.strip_prefix("namespace/") {
                hidden.hide("namespace", namespace);
            }
        }
        for acceptance in &all.ledger.acceptances {
            hidden.hide("owner", &acceptance.owner);
            hidden.scope(&acceptance.scope);
        }
        for inventory in &all.inventories {
            hidden.known_or_new_image(&inventory.artifact.name);
        }
        for set in &all.sets {
            hidden.file(&set.source.file);
            for artifact in &set.artifacts {
                hidden.object(artifact.object.as_ref());
                hidden.known_or_new_image(&artifact.name);
            }
        }
        for path in &all.paths {
            hidden.node(&path.entry);
            for edge in &path.edges {
                hidden.node(&edge.from);
                hidden.node(&edge.to);
            }
        }
        hidden.sorted()
    }

    fn sorted(mut self) -> Self {
        self.odd
            .sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        self
    }

    /// A node of the attack graph: `Kind/name`, `Kind/namespace/name[container]`, `... namespace NAME`.
    fn node(&mut self, node: &str) {
        let mut node = node;
        for (word, kind) in [(" namespace ", "namespace"), (" identity ", "identity")] {
            if let Some((before, name)) = node.split_once(word) {
                self.hide(kind, name);
                node = before.trim_end_matches(" in");
            }
        }
        let Some((before, rest)) = node.split_once('/') else {
            return;
        };
        let kind = before.rsplit(' ').next().unwrap_or(before);
        if !kind.starts_with(|c: char| c.is_ascii_uppercase()) {
            return;
        }
        let (object, container) = match rest.strip_suffix(']').and_then(|r| r.rsplit_once('[')) {
            Some((object, container)) => (object, container),
            None => (rest, ""),
        };
        self.hide("container", container);
        // Names of users and groups are of any form.
        match object
            .split_once('/')
            .filter(|_| !matches!(kind, "User" | "Group"))
        {
            Some((namespace, name)) => {
                self.hide("namespace", namespace);
                self.hide(&kind.to_ascii_lowercase(), name);
            }
            None => self.hide(&kind.to_ascii_lowercase(), object),
        }
    }

    /// The object of an acceptance: one that this scan did not meet is a name all the same.
    fn scope(&mut self, scope: &str) {
        let Some((_, name)) = scope.split_once(['/', ' ']) else {
            return;
        };
        let tells = name.chars().filter(|c| c.is_alphanumeric()).count() > 1;
        if tells && self.replace(name) == name {
            let shown = self.number("scope");
            self.put(name, &shown);
        }
    }

    fn number(&mut self, kind: &str) -> String {
        let next = self.next.entry(kind.to_owned()).or_insert(0);
        *next += 1;
        format!("{kind}-{next}")
    }

    fn hide(&mut self, kind: &str, name: &str) {
        if name.is_empty() || EVERYWHERE.contains(&name) || self.names.contains_key(name) {
            return;
        }
        let shown = self.number(kind);
        self.put(name, &shown);
    }

    fn put(&mut self, name: &str, shown: &str) {
        if !name.chars().all(stands_in_names) {
            self.odd.push((name.into(), shown.into()));
        }
        self.names
            .entry(name.into())
            .or_insert_with(|| shown.into());
    }

    fn object(&mut self, object: Option<&ObjectRef>) {
        let Some(object) = object else { return };
        if let Some(namespace) = &object.namespace {
            self.hide("namespace", namespace);
        }
        let kind = match &*object.kind {
            "Namespace" => "namespace".to_owned(),
            kind => kind.to_ascii_lowercase(),
        };
        self.hide(&kind, &object.name);
    }

    fn source(&mut self, source: Option<&SourceSpan>) {
        if let Some(source) = source {
            self.file(&source.file);
            if let Some(template) = &source.rendered_from {
                self.file(template);
            }
            for other in &source.alternatives {
                // `file:line:column from template`.
                let (place, template) = other.split_once(" from ").unwrap_or((other, ""));
                let file = place.rsplitn(3, ':').last();
                self.file(file.unwrap_or(place));
                self.file(template);
            }
        }
    }

    /// Files keep their ending, which says what they are.
    fn file(&mut self, path: &str) {
        if path == "-" || path.is_empty() || self.names.contains_key(path) {
            return;
        }
        let number = self.number("file");
        let shown = match path.rsplit_once('.') {
            Some((_, ending))
                if ending.len() <= 5 && ending.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                format!("{number}.{ending}")
            }
            _ => number,
        };
        self.put(path, &shown);
    }

    /// An image under every way of writing its repository; the tag stays, it says what to move to.
    fn image(&mut self, text: &str, shown: &str) {
        let Some(reference) = ImageReference::parse(text) else {
            return self.put(text, shown);
        };
        let name = reference.name();
        let short = name.strip_prefix("docker.io/").unwrap_or(&name);
        let bare = short.strip_prefix("library/").unwrap_or(short);
        for spelling in [&*name, short, bare] {
            self.put(spelling, shown);
        }
    }

    fn known_or_new_image(&mut self, text: &str) {
        let name = ImageReference::parse(text).map_or_else(|| text.to_owned(), |r| r.name());
        if name.is_empty() || self.names.contains_key(&*name) {
            return;
        }
        let number = self.number("image");
        self.image(text, &number);
    }

    fn replace(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for (name, shown) in &self.odd {
            if text.contains(&**name) {
                text = Cow::Owned(text.replace(&**name, shown));
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = &*text;
        while !rest.is_empty() {
            let end = rest.find(|c| !stands_in_names(c)).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            self.run(run, &mut out);
            let end = after.find(stands_in_names).unwrap_or(after.len());
            let (between, after) = after.split_at(end);
            out.push_str(between);
            rest = after;
        }
        out
    }

    /// A run of name characters: known as a whole, known before a tag, a port or a digest, or known in parts.
    fn run(&self, run: &str, out: &mut String) {
        let name = run.trim_end_matches(['.', ':', '-']);
        let mut known = name;
        loop {
            if let Some(shown) = self.names.get(known) {
                let rest = run.get(known.len()..).unwrap_or("");
                out.push_str(shown);
                // A digest names the image as well as its name does.
                match rest.split_once('@') {
                    Some((tag, _)) => out.push_str(tag),
                    None => out.push_str(rest),
                }
                return;
            }
            match known.rfind([':', '@']) {
                Some(at) => known = known.get(..at).unwrap_or(""),
                None => break,
            }
        }
        for separator in ['/', '@', ':', '.'] {
            if run.contains(separator) {
                for (i, part) in run.split(separator).enumerate() {
                    if i > 0 {
                        out.push(separator);
                    }
                    self.run(part, out);
                }
                return;
            }
        }
        out.push_str(run);
    }
}

fn stands_in_names(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@')
}
