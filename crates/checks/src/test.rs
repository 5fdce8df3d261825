//! The language of single-object rules: fields and tests over them, as data. One test has two readers: the native
//! evaluator (`evaluate`) and the writer of CEL (`policy::cel`), which must agree.
//! Never: a default that depends on more than the field itself; say it as a test.

use regex::Regex;
use std::sync::LazyLock;

/// A place relative to the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub from: From,
    pub path: &'static [&'static str],
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The subject of the scope: the pod's spec, the container, the item, the object.
    This,
    /// The item of the innermost [`Test::Some`] or [`Test::Every`].
    Item,
    /// The container that the subject is, or is in.
    Container,
    /// The spec of the pod that the subject is, or is in.
    Pod,
    /// `metadata` of the pod (of its template).
    PodMetadata,
    /// The object as a whole.
    Object,
    /// `securityContext` of the container; where it does not say, that of the pod (PodSecurityContext and SecurityContext
    /// of the core API: "takes precedence").
    Security,
}

pub const fn this(path: &'static [&'static str]) -> Field {
    Field {
        from: From::This,
        path,
    }
}

pub const fn item(path: &'static [&'static str]) -> Field {
    Field {
        from: From::Item,
        path,
    }
}

pub const fn container(path: &'static [&'static str]) -> Field {
    Field {
        from: From::Container,
        path,
    }
}

pub const fn pod(path: &'static [&'static str]) -> Field {
    Field {
        from: From::Pod,
        path,
    }
}

pub const fn pod_metadata(path: &'static [&'static str]) -> Field {
    Field {
        from: From::PodMetadata,
        path,
    }
}

pub const fn object(path: &'static [&'static str]) -> Field {
    Field {
        from: From::Object,
        path,
    }
}

pub const fn security(path: &'static [&'static str]) -> Field {
    Field {
        from: From::Security,
        path,
    }
}

/// A scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Text(&'static str),
}

pub const TRUE: Value = Value::Bool(true);
pub const FALSE: Value = Value::Bool(false);

/// A regular expression, compiled once; both readers search, they do not anchor.
pub type Pattern = LazyLock<Regex>;

/// A test of a subject. A field that is absent, null or of another type passes no test but [`Test::Empty`] and `Not`.
#[derive(Clone, Copy, Debug)]
pub enum Test {
    Always,
    Not(&'static Test),
    All(&'static [Test]),
    Any(&'static [Test]),
    /// The field is there.
    Set(Field),
    /// Absent, or an empty text, list or map.
    Empty(Field),
    Is(Field, Value),
    /// A text that is one of these.
    In(Field, &'static [&'static str]),
    Starts(Field, &'static [&'static str]),
    Ends(Field, &'static [&'static str]),
    Contains(Field, &'static [&'static str]),
    Matches(Field, &'static Pattern),
    /// Both are the same text: an item that names the subject.
    Same(Field, Field),
    Below(Field, i64),
    Above(Field, i64),
    /// A list of texts that holds one of these.
    Has(Field, &'static [&'static str]),
    /// A map that has one of these keys.
    HasKey(Field, &'static [&'static str]),
    /// Some item of the list passes.
    Some(Field, &'static Test),
    /// Every item passes, of an empty or absent list too.
    Every(Field, &'static Test),
    /// The cluster is of this minor version of Kubernetes or newer.
    Since(u16),
}
