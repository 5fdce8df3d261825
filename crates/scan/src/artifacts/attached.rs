//! VEX documents that are attached to an image in its registry. Comes in: the image's digests. Goes out: documents, and a
//! gap for what could not be read. Never: decides that one counts; whoever can push beside the image could have written it
//! (rule 17).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use image::registry::{Attached, Client, RegistryError};
use ingest::{Limits, VexDocument};
use model::evidence::{Gap, GapWeight, Stage};
use model::image::ImageReference;
use model::inventory::Inventory;
use model::text::Text;
use serde_json::Value;
use std::collections::BTreeSet;

/// Attached manifests that are looked into, and bytes of all their documents.
const MOST: usize = 100;
const BYTES: u64 = 32 << 20;

/// The VEX documents, each with a name that says where it came from.
pub(super) fn vex(client: &Client, inventory: &Inventory) -> (Vec<VexDocument>, Vec<Gap>) {
    let identity = &inventory.artifact.identity;
    let pulled = identity.references.iter().find(|one| one.digest.is_some());
    let Some(reference) = pulled.filter(|_| !identity.manifests.is_empty()) else {
        let what =
            "the image was not pulled from a registry, so nothing attached to it was looked for";
        return (
            Vec::new(),
            vec![unread(inventory, what.to_owned(), String::new())],
        );
    };
    let all = match client.attached(reference, identity) {
        Ok(all) => all,
        Err(error) => return (Vec::new(), vec![failed(inventory, &error)]),
    };
    let (mut documents, mut gaps, mut left) = (Vec::new(), Vec::new(), BYTES);
    let mut seen = BTreeSet::new();
    let all = all.into_iter().filter(may_be_vex);
    for one in all
        .filter(|one| seen.insert(Text::clone(&one.digest)))
        .take(MOST)
    {
        match client.attachments(reference, &one, left) {
            Err(error) => gaps.push(failed(inventory, &error)),
            Ok(parts) => {
                for part in parts {
                    left = left.saturating_sub(part.bytes.len() as u64);
                    match read(reference, &one, &part.bytes, inventory) {
                        Ok(Some(document)) => documents.push(document),
                        Ok(None) => {}
                        Err(what) => gaps.push(unread(inventory, what, String::new())),
                    }
                }
            }
        }
    }
    (documents, gaps)
}

/// Signatures and bills of materials by their own types are left out; an attestation may hold anything.
fn may_be_vex(attached: &Attached) -> bool {
    let kind = attached.artifact_type.to_ascii_lowercase();
    let predicate = attached
        .annotations
        .get("in-toto.io/predicate-type")
        .or_else(|| {
            attached
                .annotations
                .get("dev.sigstore.bundle.predicateType")
        });
    if let Some(predicate) = predicate {
        return is_vex_type(predicate);
    }
    kind.is_empty()
        || [
            "vex",
            "csaf",
            "in-toto",
            "dsse",
            "sigstore.bundle",
            "cyclonedx",
            "json",
        ]
        .iter()
        .any(|word| kind.contains(word))
}

fn is_vex_type(predicate: &str) -> bool {
    let predicate = predicate.to_ascii_lowercase();
    ["openvex", "csaf", "cyclonedx", "vex"]
        .iter()
        .any(|word| predicate.contains(word))
}

/// `None`: it is no VEX document.
fn read(
    reference: &ImageReference,
    attached: &Attached,
    bytes: &[u8],
    inventory: &Inventory,
) -> Result<Option<VexDocument>, String> {
    let short: String = attached.digest.chars().take(19).collect();
    let name = format!("{}@{short} (attached to the image)", reference.name());
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return Ok(None);
    };
    let Some(inner) = unwrapped(value) else {
        return Ok(None);
    };
    let about = match of_statement(inner, inventory) {
        Some(Ok(document)) => document,
        Some(Err(why)) => return Err(format!("{name} was not read: {why}")),
        None => return Ok(None),
    };
    let text = about.to_string();
    ingest::read_vex(&name, text.as_bytes(), &Limits::default())
        .map(Some)
        .map_err(|error| format!("{name} was not read: {error}"))
}

/// Without the envelopes of sigstore and DSSE; their signatures are not looked at.
fn unwrapped(mut value: Value) -> Option<Value> {
    if let Some(inner) = value.get_mut("dsseEnvelope") {
        value = inner.take();
    }
    let payload = value.get("payload").and_then(Value::as_str);
    let Some(payload) = payload.filter(|_| value.get("payloadType").is_some()) else {
        return Some(value);
    };
    let bytes = STANDARD
        .decode(payload)
        .or_else(|_| URL_SAFE.decode(payload));
    serde_json::from_slice(&bytes.ok()?).ok()
}

/// The VEX document of an in-toto statement, or the document itself; `None`: something else.
fn of_statement(mut value: Value, inventory: &Inventory) -> Option<Result<Value, String>> {
    let is_statement = value
        .get("_type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind.starts_with("https://in-toto.io/Statement"));
    if is_statement {
        let predicate = value
            .get("predicateType")
            .and_then(Value::as_str)
            .unwrap_or("");
        if !is_vex_type(predicate) {
            return None;
        }
        if !speaks_of(&value, inventory) {
            return Some(Err("its subject is another image".to_owned()));
        }
        value = value.get_mut("predicate")?.take();
    }
    is_vex(&value).then_some(Ok(value))
}

/// Whether a subject is this image or its index. One without digests says nothing.
fn speaks_of(statement: &Value, inventory: &Inventory) -> bool {
    let identity = &inventory.artifact.identity;
    let own: BTreeSet<&str> = identity
        .manifests
        .iter()
        .chain(&identity.indexes)
        .chain(&identity.config)
        .filter_map(|digest| digest.strip_prefix("sha256:"))
        .collect();
    let subjects = statement.get("subject").and_then(Value::as_array);
    let mut digests = subjects
        .into_iter()
        .flatten()
        .filter_map(|subject| subject.get("digest")?.get("sha256")?.as_str());
    digests.any(|digest| own.contains(digest))
}

/// A CycloneDX document without vulnerabilities is a bill of materials.
fn is_vex(value: &Value) -> bool {
    let openvex = value.get("@context").and_then(Value::as_str);
    let csaf = value.get("document").and_then(|one| one.get("category"));
    let flaws = value.get("vulnerabilities").and_then(Value::as_array);
    openvex.is_some_and(|context| context.contains("openvex"))
        || csaf
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.contains("vex"))
        || value.get("bomFormat").is_some()
            && flaws
                .into_iter()
                .flatten()
                .any(|flaw| flaw.get("analysis").is_some())
}

fn failed(inventory: &Inventory, error: &RegistryError) -> Gap {
    unread(
        inventory,
        format!(
            "what is attached to the image was not read: {}",
            error.told()
        ),
        error.close(),
    )
}

/// What is not read takes nothing out, so it hides nothing.
fn unread(inventory: &Inventory, what: String, close: String) -> Gap {
    Gap {
        class: "vex-attached-unread".into(),
        what: what.into(),
        stage: Stage::Import,
        scope: format!("image {}", inventory.artifact.name).into(),
        weight: GapWeight::Notice,
        close: close.into(),
    }
}
