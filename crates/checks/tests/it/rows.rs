//! The table as a whole: every row can be read, found and told apart.

use crate::world::{check, pod};
use checks::rule::{Form, Rule};
use checks::table::{FAMILIES, all, rule};
use std::collections::BTreeSet;

#[test]
fn rows_are_whole_and_stand_once() {
    let mut names = BTreeSet::new();
    for row in all() {
        assert!(
            names.insert(row.id) && names.insert(row.slug),
            "{} twice",
            row.id
        );
        let parts: Vec<&str> = row.id.split('-').collect();
        assert!(
            matches!(&*parts, ["KP", family, number] if !family.is_empty() && number.len() == 3),
            "{}",
            row.id
        );
        assert!(
            row.slug
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "{}",
            row.slug
        );
        for text in [row.title, row.why, row.advice] {
            assert!(
                !text.is_empty() && !text.ends_with('.') && !text.contains("  "),
                "{}: {text:?}",
                row.id
            );
        }
        assert!(row.title.len() <= 80, "{}: {}", row.id, row.title);
        assert_eq!(rule(row.slug).map(|row| row.id), Some(row.id));
    }
    for family in FAMILIES {
        let ids: Vec<&str> = family.iter().map(|row| row.id).collect();
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(
            family
                .iter()
                .all(|row: &Rule| row.family() == family[0].family())
        );
    }
    let controls: Vec<&str> = all()
        .filter_map(|row| match row.form {
            Form::PodSecurity(control) => Some(control),
            _ => None,
        })
        .collect();
    for control in controls {
        assert!(
            semantics::pod_security::CONTROLS
                .iter()
                .any(|known| known.id == control),
            "{control}"
        );
    }
}

#[test]
fn a_finding_names_container_and_field() {
    check(
        "privileged-container",
        &pod("", "securityContext: {privileged: true}"),
        &["Pod shop/web [web] /spec/containers/0/securityContext/privileged"],
    );
    check("privileged-container", &pod("", ""), &[]);
    check(
        "may-run-as-root",
        &pod("securityContext: {runAsNonRoot: false}", ""),
        &["Pod shop/web [web] /spec/securityContext/runAsNonRoot"],
    );
}
