//! What is said of images that could not be had. Comes in: orders and why they gave nothing. Goes out: one gap for each
//! image, one for a whole host that was not reached or wants to be asked less, each with what mends it. Never: an image
//! that nobody speaks of.

use super::fleet::{Order, Refusal};
use crate::join::NOT_SCANNED;
use image::registry::Class;
use model::evidence::{Gap, GapWeight, Stage};
use model::text::Text;
use std::collections::{BTreeMap, BTreeSet};

/// Names in the gap of a host; the rest is a number.
const NAMES: usize = 8;
/// Characters of what a library or a server says.
const REASON: usize = 160;

/// Class of the gap of an image that took too long.
const LATE: &str = "image-timeout";

/// What else could be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrets {
    /// There is no cluster whose Secrets could be asked for.
    None,
    /// Nobody opted in.
    Unused,
    Used,
}

/// Whether a gap says that an image as a whole was not scanned: such are counted by coverage.
pub fn is_unscanned(class: &str) -> bool {
    let all = [
        Class::Auth,
        Class::NotFound,
        Class::RateLimit,
        Class::Network,
        Class::Usage,
    ];
    class == NOT_SCANNED || class == LATE || all.iter().any(|one| one.gap() == class)
}

/// The gaps, ordered.
pub(super) fn gaps(refused: &[(Order, Refusal)], secrets: Secrets) -> Vec<Gap> {
    let mut hosts: BTreeMap<(&str, &str), Vec<&(Order, Refusal)>> = BTreeMap::new();
    let mut gaps = Vec::new();
    for one in refused {
        let (order, refusal) = one;
        match refusal.class {
            Class::Network | Class::RateLimit if !refusal.late => {
                let class = refusal.class.gap();
                hosts.entry((&refusal.host, class)).or_default().push(one);
            }
            _ => gaps.push(of_image(order, refusal, secrets)),
        }
    }
    gaps.extend(hosts.into_values().filter_map(|all| of_host(&all)));
    gaps.sort_unstable();
    gaps.dedup();
    gaps
}

/// Scopes of the images that [`gaps`] speak of.
pub(super) fn scopes(refused: &[(Order, Refusal)]) -> impl Iterator<Item = Text> {
    refused.iter().flat_map(|(order, _)| &order.scopes).cloned()
}

fn of_image(order: &Order, refusal: &Refusal, secrets: Secrets) -> Gap {
    let class = if refusal.late {
        LATE
    } else {
        refusal.class.gap()
    };
    Gap {
        class: class.into(),
        what: format!("{} was not scanned: {}", order.name, refusal.reason).into(),
        stage: Stage::Catalog,
        scope: order
            .scopes
            .first()
            .map_or_else(|| format!("image {}", order.name).into(), Text::clone),
        weight: GapWeight::Hides,
        close: close(order, refusal, secrets).into(),
    }
}

fn close(order: &Order, refusal: &Refusal, secrets: Secrets) -> String {
    let private = matches!(refusal.class, Class::Auth | Class::NotFound);
    let mut ways = Vec::new();
    if private && secrets == Secrets::Unused && !order.secrets.is_empty() {
        let names: Vec<String> = order.secrets.iter().map(ToString::to_string).collect();
        ways.push(format!(
            "--use-pull-secrets, which reads the Secrets that its pods pull with ({})",
            names.join(", ")
        ));
    }
    match refusal.class {
        Class::NotFound if refusal.close.is_empty() => {
            ways.push(format!("`docker login {}` if it is private", refusal.host));
            ways.push("--report FILE of a scan where it was built".to_owned());
        }
        _ if refusal.close.is_empty() => {}
        _ => ways.push(refusal.close.clone()),
    }
    ways.join(", or ")
}

fn of_host(all: &[&(Order, Refusal)]) -> Option<Gap> {
    let (_, refusal) = all.first()?;
    let host = &refusal.host;
    let names: BTreeSet<String> = all.iter().map(|(order, _)| short(order, host)).collect();
    let more = match names.len().saturating_sub(NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names: Vec<String> = names.into_iter().take(NAMES).collect();
    let images = match all.len() {
        1 => "1 image was not scanned".to_owned(),
        number => format!("{number} images were not scanned"),
    };
    let reason = cut(&refusal.reason);
    let limited = refusal.class == Class::RateLimit;
    let what = if limited {
        format!("{reason}; {images}: {}{more}", names.join(", "))
    } else {
        format!(
            "{host} was not reached ({reason}), so {images}: {}{more}",
            names.join(", ")
        )
    };
    let close = match &*refusal.close {
        "" => format!(
            "scan where {host} is reached, set HTTPS_PROXY, or --registry-mirror {host}=MIRROR"
        ),
        close => close.to_owned(),
    };
    Some(Gap {
        class: refusal.class.gap().into(),
        what: what.into(),
        stage: Stage::Catalog,
        scope: format!("registry {host}").into(),
        weight: GapWeight::Hides,
        close: close.into(),
    })
}

/// Without the host, which the sentence names, and with the beginning of a digest only.
fn short(order: &Order, host: &str) -> String {
    let own = order.name.strip_prefix(host);
    let own = own.and_then(|name| name.strip_prefix('/'));
    let name = own.unwrap_or(&order.name);
    match name.split_once("@sha256:") {
        Some((name, digest)) => format!("{name}@{}", digest.get(..12).unwrap_or(digest)),
        None => name.to_owned(),
    }
}

/// What others say can be long: certificates name all their hosts.
fn cut(text: &str) -> String {
    if text.chars().count() <= REASON {
        return text.to_owned();
    }
    let start: String = text.chars().take(REASON).collect();
    let whole = start.rfind([';', ',']).filter(|at| *at > REASON / 3);
    format!(
        "{} ...",
        start.get(..whole.unwrap_or(start.len())).unwrap_or(&start)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::fleet::SecretName;

    fn order(name: &str) -> Order {
        Order {
            name: name.into(),
            places: Vec::new(),
            runs: None,
            names: Vec::new(),
            platform: None,
            scopes: vec![format!("image {name}").into()],
            secrets: [SecretName {
                namespace: "shop".into(),
                name: "regcred".into(),
            }]
            .into(),
        }
    }

    fn refusal(class: Class, close: &str) -> Refusal {
        Refusal {
            class,
            late: false,
            host: "quay.io".into(),
            reason: "connection refused".into(),
            close: close.into(),
            kind: None,
        }
    }

    #[test]
    fn one_gap_for_a_host_and_one_for_an_image() {
        let unreached = |n: u32| {
            (
                order(&format!("quay.io/a:{n}")),
                refusal(Class::Network, ""),
            )
        };
        let mut refused: Vec<_> = (0..10).map(unreached).collect();
        refused.push((order("quay.io/x:1"), refusal(Class::NotFound, "")));
        refused.push((order("quay.io/y:1"), refusal(Class::Auth, "log in")));
        let found = gaps(&refused, Secrets::Unused);
        let classes: Vec<&str> = found.iter().map(|gap| &*gap.class).collect();
        let expected = [
            "image-login-needed",
            "image-not-found",
            "registry-unreachable",
        ];
        assert_eq!(classes, expected);
        assert!(classes.iter().all(|class| is_unscanned(class)));
        assert_eq!(
            &*found[2].what,
            "quay.io was not reached (connection refused), so 10 images were not scanned: \
             a:0, a:1, a:2, a:3, a:4, a:5, a:6, a:7 and 2 more"
        );
        assert_eq!(
            &*found[0].close,
            "--use-pull-secrets, which reads the Secrets that its pods pull with (shop/regcred), or log in"
        );
        assert_eq!(&*found[0].scope, "image quay.io/y:1");
        assert_eq!(scopes(&refused).count(), 12);
        let used = gaps(&refused, Secrets::Used);
        assert_eq!(&*used[0].close, "log in");
    }
}
