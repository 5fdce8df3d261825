//! Rights against audit logs: which granted rules were never used, which partly, and what of a log no rule explains.
//! Comes in: logs, a subject. Goes out: a `Can` with its `Usage`. Never: "never used" of what no log shows, more memory
//! than [`MOST_USES`] distinct requests take.

use super::can::via;
use super::subject::{parse, user};
use super::{Rights, RightsError, least, written};
use ingest::{AuditEvent, AuditStage, read_audit};
use jiff::Timestamp;
use model::rights::{Can, Given, GivenRule, Named, RuleText, Usage, UseState, Used};
use model::text::Text;
use semantics::authorizer::{AUTHENTICATED, MASTERS, Request, User, account_of};
use semantics::gates;
use semantics::rbac::Rule;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// Distinct requests that are kept; a log that holds more is told, and gives no role.
const MOST_USES: usize = 200_000;
/// Names that are told apart for one verb, resource and namespace.
const MOST_NAMES: usize = 1_000;
const MOST_GROUPS: usize = 1_000;
/// Memory for the texts of all that is kept, and about what each costs beside its bytes.
const MOST_BYTES: usize = 256 << 20;
const EACH: usize = 64;
/// Longer names of groups are left out.
const LONGEST_GROUP: usize = 1_024;
const MOST_UNEXPLAINED: usize = 20;
/// A shorter log is partial (rule 16).
const WHOLE: i64 = 30 * 24 * 3600;

#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    #[error(transparent)]
    Rights(#[from] RightsError),
    #[error("cannot read the audit log {path}")]
    Read {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("{path} is no audit log: none of its {lines} lines is an event of audit.k8s.io")]
    Foreign { path: String, lines: u64 },
}

/// What the authorizer was asked, once for each distinct request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    Resource {
        namespace: Option<Text>,
        group: Text,
        resource: Text,
        verb: Text,
    },
    Url {
        verb: Text,
        path: Text,
    },
}

/// Uses, with the names of objects; `None`: too many to tell apart.
pub(super) type Uses = BTreeMap<Use, Option<BTreeSet<Text>>>;

#[derive(Default)]
struct Seen {
    uses: Uses,
    groups: BTreeSet<Text>,
    window: Option<(Timestamp, Timestamp)>,
    events: u64,
    requests: u64,
    denied: u64,
    overflown: bool,
    /// Bytes of `uses`.
    kept: usize,
    /// The subject acted or was refused.
    met: bool,
}

impl Rights {
    /// Like [`Rights::can`], with what the logs show. A user that no binding names is known by the log.
    pub fn used(
        &self,
        asked: &str,
        namespace: Option<&str>,
        logs: &[PathBuf],
    ) -> Result<Can, UsageError> {
        let subject = parse(asked)?;
        let mut seen = Seen::default();
        let mut usage = Usage {
            files: Vec::new(),
            window: None,
            partial: true,
            events: 0,
            requests: 0,
            denied: 0,
            damaged: 0,
            cut_short: 0,
            overflown: false,
            unexplained: Vec::new(),
            unexplained_more: 0,
            roles: Vec::new(),
        };
        for path in logs {
            self.read(path, &subject, &mut seen, &mut usage)?;
        }
        if !self.knows(&subject) && !seen.met {
            return Err(self.unknown(&subject).into());
        }
        let learned = if subject.kind == "User" {
            std::mem::take(&mut seen.groups)
        } else {
            BTreeSet::new()
        };
        Ok(self.judged(subject, namespace, &learned, seen, usage))
    }

    fn read(
        &self,
        path: &Path,
        subject: &Named,
        seen: &mut Seen,
        usage: &mut Usage,
    ) -> Result<(), UsageError> {
        let name = path.display().to_string();
        let read = std::fs::File::open(path)
            .and_then(|file| read_audit(file, &mut |event| seen.take(&event, subject, self.minor)))
            .map_err(|source| UsageError::Read {
                path: name.clone(),
                source,
            })?;
        if read.events == 0 && read.damaged + u64::from(read.cut_short) > 0 {
            return Err(UsageError::Foreign {
                path: name,
                lines: read.damaged + u64::from(read.cut_short),
            });
        }
        usage.damaged += read.damaged;
        usage.cut_short += u64::from(read.cut_short);
        usage.files.push(name.into());
        Ok(())
    }

    fn judged(
        &self,
        subject: Named,
        namespace: Option<&str>,
        learned: &BTreeSet<Text>,
        seen: Seen,
        mut usage: Usage,
    ) -> Can {
        let user = user(&subject, learned);
        let mut can = self.can_of(subject, namespace, learned);
        let own = Own::of(self, &user);
        let (granted, unexplained) = own.explain(seen.uses);
        usage.unexplained_more = unexplained.len().saturating_sub(MOST_UNEXPLAINED) as u64;
        usage.unexplained = unexplained.into_iter().take(MOST_UNEXPLAINED).collect();
        for given in &mut can.grants {
            judge(given, &granted);
        }
        usage.window = seen.window;
        usage.partial = seen
            .window
            .is_none_or(|(from, until)| until.as_second() - from.as_second() < WHOLE);
        usage.events = seen.events;
        usage.requests = seen.requests;
        usage.denied = seen.denied;
        usage.overflown = seen.overflown;
        if !seen.overflown {
            usage.roles = least::roles(&can.subject, &own, &granted);
        }
        can.usage = Some(usage);
        can
    }
}

/// The rules that a user has, by scope.
pub(super) struct Own {
    cluster: Vec<Rule>,
    of: BTreeMap<Text, Vec<Rule>>,
}

impl Own {
    fn of(rights: &Rights, user: &User) -> Self {
        let mut own = Own {
            cluster: Vec::new(),
            of: BTreeMap::new(),
        };
        if user.groups.iter().any(|group| &**group == MASTERS) {
            own.cluster = everything();
            return own;
        }
        for binding in &rights.authorizer.bindings {
            if via(binding, user).is_none() {
                continue;
            }
            let list = match &binding.namespace {
                None => &mut own.cluster,
                Some(namespace) => own.of.entry(Text::clone(namespace)).or_default(),
            };
            list.extend(rights.rules(binding).iter().cloned());
        }
        own
    }

    /// Those that count for a request in the namespace.
    pub(super) fn rules(&self, namespace: Option<&Text>) -> impl Iterator<Item = &Rule> {
        let here = namespace.and_then(|namespace| self.of.get(namespace));
        self.cluster.iter().chain(here.into_iter().flatten())
    }

    /// Uses that a rule grants, and the others in words.
    fn explain(&self, uses: Uses) -> (Uses, BTreeSet<Text>) {
        let mut granted = Uses::new();
        let mut unexplained = BTreeSet::new();
        for (one, names) in uses {
            let rules = || self.rules(one.namespace());
            let Some(all) = names else {
                // Too many names to ask for each: a right on all, or some of a right on some.
                if rules().any(|rule| one.is_of(rule)) {
                    granted.insert(one, None);
                } else {
                    unexplained.insert(one.words());
                }
                continue;
            };
            let (yes, no): (BTreeSet<Text>, BTreeSet<Text>) = all
                .into_iter()
                .partition(|name| rules().any(|rule| one.request(name).allowed_by(rule)));
            if !no.is_empty() {
                unexplained.insert(one.words());
            }
            if !yes.is_empty() {
                granted.insert(one, Some(yes));
            }
        }
        (granted, unexplained)
    }
}

/// What `system:masters` may.
fn everything() -> Vec<Rule> {
    let star = || vec![Text::from("*")];
    let objects = Rule {
        verbs: star(),
        groups: star(),
        resources: star(),
        ..Rule::default()
    };
    let urls = Rule {
        verbs: star(),
        urls: star(),
        ..Rule::default()
    };
    vec![objects, urls]
}

impl Use {
    pub(super) fn namespace(&self) -> Option<&Text> {
        match self {
            Use::Resource { namespace, .. } => namespace.as_ref(),
            Use::Url { .. } => None,
        }
    }

    fn bytes(&self) -> usize {
        EACH + match self {
            Use::Resource {
                namespace,
                group,
                resource,
                verb,
            } => {
                let namespace = namespace.as_ref().map_or(0, |text| text.len());
                namespace + group.len() + resource.len() + verb.len()
            }
            Use::Url { verb, path } => verb.len() + path.len(),
        }
    }

    pub(super) fn request(&self, name: &Text) -> Request {
        match self {
            Use::Resource {
                namespace,
                group,
                resource,
                verb,
            } => Request::Resource {
                verb: Text::clone(verb),
                group: Text::clone(group),
                resource: Text::clone(resource),
                name: Text::clone(name),
                namespace: namespace.clone(),
            },
            Use::Url { verb, path } => Request::Url {
                verb: Text::clone(verb),
                path: Text::clone(path),
            },
        }
    }

    /// Whether the rule speaks of it, for some name.
    pub(super) fn is_of(&self, rule: &Rule) -> bool {
        if rule.names.is_empty() || matches!(self, Use::Url { .. }) {
            return self.request(&"".into()).allowed_by(rule);
        }
        rule.names
            .iter()
            .any(|name| self.request(name).allowed_by(rule))
    }

    /// Whether the rule allows it for one of the names; `None`: too many to tell apart.
    fn is_allowed(&self, names: Option<&BTreeSet<Text>>, rule: &Rule) -> bool {
        match names {
            Some(names) => names.iter().any(|name| self.request(name).allowed_by(rule)),
            None => self.is_of(rule),
        }
    }

    fn words_without_place(&self) -> Text {
        match self {
            Use::Resource {
                group,
                resource,
                verb,
                ..
            } => format!("{verb} {}", written(group, resource)).into(),
            Use::Url { verb, path } => format!("{verb} {path}").into(),
        }
    }

    fn words(&self) -> Text {
        match self {
            Use::Resource {
                namespace: Some(namespace),
                ..
            } => format!("{} in namespace {namespace}", self.words_without_place()).into(),
            _ => self.words_without_place(),
        }
    }
}

impl Seen {
    fn take(&mut self, event: &AuditEvent<'_>, subject: &Named, minor: u16) {
        self.events += 1;
        if let Some(at) = event.received {
            self.window = Some(match self.window {
                Some((from, until)) => (from.min(at), until.max(at)),
                None => (at, at),
            });
        }
        let acted_as = event.impersonated.as_ref().unwrap_or(&event.user);
        let complete = event.stage == AuditStage::ResponseComplete;
        // A watch or a session that is still open has only begun.
        let begun = complete || event.stage == AuditStage::ResponseStarted;
        if let Some(acting) = &event.impersonated
            && begun
            && is(subject, &event.user)
            && event.code.is_some_and(went_through)
        {
            self.met = true;
            self.impersonation(acting, event.constrained);
        }
        if !begun || !is(subject, acted_as) {
            return;
        }
        self.met = true;
        if subject.kind == "User" {
            let room = MOST_GROUPS.saturating_sub(self.groups.len());
            let groups = acted_as.groups.iter();
            let groups = groups
                .filter(|group| group.len() <= LONGEST_GROUP)
                .take(room);
            self.groups.extend(groups.map(|group| Text::from(&**group)));
        }
        if !event.code.is_some_and(went_through) {
            self.denied += u64::from(complete && matches!(event.code, Some(401 | 403)));
            return;
        }
        self.requests += u64::from(complete);
        let verb = &*event.verb;
        let Some(object) = event.object.as_ref().filter(|o| !o.resource.is_empty()) else {
            let path = event.uri.split('?').next().unwrap_or_default();
            self.add(
                Use::Url {
                    verb: verb.into(),
                    path: path.into(),
                },
                "",
            );
            return;
        };
        let resource: Text = if object.subresource.is_empty() {
            (&*object.resource).into()
        } else {
            format!("{}/{}", object.resource, object.subresource).into()
        };
        let of = |verb: &str| Use::Resource {
            namespace: (!object.namespace.is_empty()).then(|| (&*object.namespace).into()),
            group: (&*object.group).into(),
            resource: Text::clone(&resource),
            verb: verb.into(),
        };
        // The name of a new object comes from its body; the authorizer did not see it.
        let nameless =
            verb == "deletecollection" || (verb == "create" && object.subresource.is_empty());
        self.add(of(verb), if nameless { "" } else { &object.name });
        // An update that makes its object asks for `create` on the name as well.
        if matches!(verb, "update" | "patch") && event.code == Some(201) {
            self.add(of("create"), &object.name);
        }
        if verb == "get"
            && !gates::get_opens_streams(minor)
            && gates::STREAMS.contains(&&*resource)
            && event.code == Some(101)
        {
            self.add(of("create"), &object.name);
        }
    }

    /// Acting as somebody is a right of its own: on the user, and on each group that is named.
    fn impersonation(&mut self, acting: &ingest::AuditUser<'_>, constrained: bool) {
        // Constrained impersonation asks other verbs, which roles rarely name.
        if constrained {
            return;
        }
        let of = |resource: &str, namespace: Option<Text>| Use::Resource {
            namespace,
            group: "".into(),
            resource: resource.into(),
            verb: "impersonate".into(),
        };
        if let Some((namespace, name)) = account_of(&acting.name) {
            self.add(of("serviceaccounts", Some(namespace.into())), name);
            return;
        }
        self.add(of("users", None), &acting.name);
        // The last is added for whoever has a name.
        let groups = acting.groups.iter().filter(|group| *group != AUTHENTICATED);
        for group in groups {
            self.add(of("groups", None), group);
        }
    }

    fn add(&mut self, one: Use, name: &str) {
        let bytes = one.bytes();
        if !self.uses.contains_key(&one) {
            if self.uses.len() >= MOST_USES || !self.has_room(bytes) {
                self.overflown = true;
                return;
            }
            self.kept += bytes;
        }
        let room = self.has_room(name.len());
        let names = self
            .uses
            .entry(one)
            .or_insert_with(|| Some(BTreeSet::new()));
        match names {
            Some(all) if all.contains(name) => {}
            Some(all) if room && all.len() < MOST_NAMES => {
                self.kept += name.len() + EACH;
                all.insert(name.into());
            }
            _ => *names = None,
        }
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.kept + bytes + EACH <= MOST_BYTES
    }
}

/// Neither refused nor failed before it was asked.
fn went_through(code: u16) -> bool {
    !matches!(code, 401 | 403)
}

fn is(subject: &Named, user: &ingest::AuditUser<'_>) -> bool {
    match (&subject.namespace, subject.kind) {
        (Some(namespace), _) => account_of(&user.name) == Some((&**namespace, &*subject.name)),
        (None, "Group") => user.groups.iter().any(|group| **group == *subject.name),
        (None, _) => *user.name == *subject.name,
    }
}

/// Verbs that stand in a log; others are asked inside of the API server, or by its extensions.
const LOGGED: [&str; 8] = [
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

fn judge(given: &mut Given, uses: &Uses) {
    let namespace = given.namespace.clone();
    for rule in &mut given.rules {
        rule.used = Some(used(rule, namespace.as_ref(), uses));
    }
}

fn used(given: &GivenRule, namespace: Option<&Text>, uses: &Uses) -> Used {
    let rule = as_rule(&given.rule);
    let here = |one: &Use| namespace.is_none() || one.namespace() == namespace;
    let hits: Vec<(&Use, &Option<BTreeSet<Text>>)> = uses
        .iter()
        .filter(|(one, names)| here(one) && one.is_allowed(names.as_ref(), &rule))
        .collect();
    let used: BTreeSet<Text> = hits
        .iter()
        .map(|(one, _)| one.words_without_place())
        .collect();
    let (mut never, mut not_shown) = (BTreeSet::new(), BTreeSet::new());
    for part in parts(given) {
        let hit = |(one, names): &(&Use, &Option<BTreeSet<Text>>)| {
            one.is_allowed(names.as_ref(), &part.rule)
        };
        if hits.iter().any(hit) {
            continue;
        }
        if part.shown {
            never.insert(part.words);
        } else {
            not_shown.insert(part.words);
        }
    }
    let state = match (used.is_empty(), never.is_empty(), not_shown.is_empty()) {
        (true, true, true) => UseState::Dead,
        (true, true, false) => UseState::NotShown,
        (true, false, _) => UseState::Never,
        (false, true, _) => UseState::All,
        (false, false, _) => UseState::Partly,
    };
    Used {
        state,
        used: used.into_iter().collect(),
        never: never.into_iter().collect(),
        not_shown: not_shown.into_iter().collect(),
    }
}

/// One verb on one resource or URL.
struct Part {
    rule: Rule,
    words: Text,
    /// A log would show its use.
    shown: bool,
}

/// The parts of a rule that grant something.
fn parts(given: &GivenRule) -> Vec<Part> {
    let rule = &given.rule;
    let dead = |part: &Text| given.dead.iter().any(|(known, _)| known == part);
    let mut parts = Vec::new();
    for verb in rule.verbs.iter().filter(|verb| !dead(verb)) {
        let logged = &**verb == "*" || LOGGED.contains(&&**verb);
        for resource in rule.resources.iter().filter(|resource| !dead(resource)) {
            for group in &rule.groups {
                let target = match &**group {
                    "*" if &**resource == "*" => "all resources".to_owned(),
                    "*" => format!("{resource} of all groups"),
                    group => written(group, resource),
                };
                parts.push(Part {
                    rule: Rule {
                        verbs: vec![Text::clone(verb)],
                        groups: vec![Text::clone(group)],
                        resources: vec![Text::clone(resource)],
                        names: rule.names.clone(),
                        urls: Vec::new(),
                    },
                    words: format!("{verb} {target}").into(),
                    shown: logged && !gates::KUBELET.contains(&&**resource),
                });
            }
        }
        for url in rule.urls.iter().filter(|url| !dead(url)) {
            parts.push(Part {
                rule: Rule {
                    verbs: vec![Text::clone(verb)],
                    urls: vec![Text::clone(url)],
                    ..Rule::default()
                },
                words: format!("{verb} {url}").into(),
                // Other servers let the API server check their paths by a review.
                shown: false,
            });
        }
    }
    parts
}

pub(super) fn as_rule(text: &RuleText) -> Rule {
    Rule {
        verbs: text.verbs.clone(),
        groups: text.groups.clone(),
        resources: text.resources.clone(),
        names: text.names.clone(),
        urls: text.urls.clone(),
    }
}
