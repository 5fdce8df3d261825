//! The fields of Trivy's documents that are read: image reports, Kubernetes reports, modified findings.

use crate::loose::{Flag, Hint, List, Many, Maybe, Num, Obj, Pairs, Str, Word};
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Metadata<'a> {
    #[serde(rename = "OS", borrow)]
    pub(crate) os: Maybe<Os<'a>>,
    #[serde(rename = "ImageID", borrow)]
    pub(crate) image_id: Str<'a>,
    #[serde(borrow)]
    pub(crate) repo_tags: List<Str<'a>>,
    #[serde(borrow)]
    pub(crate) repo_digests: List<Str<'a>>,
    #[serde(borrow)]
    pub(crate) reference: Str<'a>,
    #[serde(borrow)]
    pub(crate) image_config: Maybe<ImageConfig<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Os<'a> {
    #[serde(borrow)]
    pub(crate) family: Str<'a>,
    #[serde(borrow)]
    pub(crate) name: Word<'a>,
    #[serde(rename = "EOSL", alias = "Eosl")]
    pub(crate) eosl: Flag,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct ImageConfig<'a> {
    #[serde(borrow)]
    pub(crate) architecture: Str<'a>,
    #[serde(borrow)]
    pub(crate) os: Str<'a>,
}

/// One `Results` element.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct TargetResult<'a> {
    #[serde(borrow)]
    pub(crate) target: Str<'a>,
    #[serde(borrow)]
    pub(crate) class: Str<'a>,
    #[serde(rename = "Type", borrow)]
    pub(crate) kind: Str<'a>,
    #[serde(borrow)]
    pub(crate) vulnerabilities: List<Obj<Vulnerability<'a>>>,
    pub(crate) misconf_summary: Maybe<MisconfSummary>,
    #[serde(borrow)]
    pub(crate) misconfigurations: List<Obj<Misconfiguration<'a>>>,
    #[serde(borrow)]
    pub(crate) secrets: List<Obj<Secret<'a>>>,
    #[serde(borrow)]
    pub(crate) licenses: List<Obj<License<'a>>>,
    #[serde(
        rename = "ExperimentalModifiedFindings",
        alias = "ModifiedFindings",
        borrow
    )]
    pub(crate) modified: List<Obj<Modified<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct MisconfSummary {
    pub(crate) successes: Num,
    pub(crate) exceptions: Num,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Vulnerability<'a> {
    #[serde(rename = "VulnerabilityID", borrow)]
    pub(crate) id: Str<'a>,
    #[serde(rename = "VendorIDs", borrow)]
    pub(crate) vendor_ids: List<Str<'a>>,
    #[serde(borrow)]
    pub(crate) pkg_name: Str<'a>,
    #[serde(borrow)]
    pub(crate) pkg_path: Str<'a>,
    #[serde(borrow)]
    pub(crate) pkg_identifier: Maybe<PkgIdentifier<'a>>,
    #[serde(borrow)]
    pub(crate) src_name: Str<'a>,
    #[serde(borrow)]
    pub(crate) installed_version: Word<'a>,
    #[serde(borrow)]
    pub(crate) fixed_version: Word<'a>,
    #[serde(borrow)]
    pub(crate) status: Word<'a>,
    #[serde(borrow)]
    pub(crate) layer: Maybe<Layer<'a>>,
    #[serde(rename = "PrimaryURL", borrow)]
    pub(crate) primary_url: Hint<'a>,
    #[serde(borrow)]
    pub(crate) data_source: Maybe<DataSource<'a>>,
    #[serde(borrow)]
    pub(crate) severity_source: Str<'a>,
    #[serde(borrow)]
    pub(crate) title: Hint<'a>,
    #[serde(borrow)]
    pub(crate) severity: Str<'a>,
    #[serde(rename = "CweIDs", borrow)]
    pub(crate) cwe_ids: List<Str<'a>>,
    #[serde(rename = "CVSS", borrow)]
    pub(crate) cvss: Pairs<'a, Maybe<VendorCvss<'a>>>,
    #[serde(borrow)]
    pub(crate) published_date: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct PkgIdentifier<'a> {
    #[serde(rename = "PURL", borrow)]
    pub(crate) purl: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Layer<'a> {
    #[serde(rename = "DiffID", borrow)]
    pub(crate) diff_id: Str<'a>,
    #[serde(rename = "Digest", borrow)]
    pub(crate) digest: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct DataSource<'a> {
    #[serde(rename = "ID", borrow)]
    pub(crate) id: Str<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct VendorCvss<'a> {
    #[serde(rename = "V2Vector", borrow)]
    pub(crate) v2: Str<'a>,
    #[serde(rename = "V3Vector", borrow)]
    pub(crate) v3: Str<'a>,
    #[serde(rename = "V40Vector", borrow)]
    pub(crate) v4: Str<'a>,
    #[serde(rename = "V2Score")]
    pub(crate) v2_score: Num,
    #[serde(rename = "V3Score")]
    pub(crate) v3_score: Num,
    #[serde(rename = "V40Score")]
    pub(crate) v4_score: Num,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Misconfiguration<'a> {
    #[serde(rename = "ID", borrow)]
    pub(crate) id: Str<'a>,
    #[serde(rename = "AVDID", borrow)]
    pub(crate) avd_id: Str<'a>,
    #[serde(rename = "Title", borrow)]
    pub(crate) title: Hint<'a>,
    #[serde(rename = "Severity", borrow)]
    pub(crate) severity: Str<'a>,
    #[serde(rename = "Message", borrow)]
    pub(crate) message: Hint<'a>,
    #[serde(rename = "PrimaryURL", borrow)]
    pub(crate) primary_url: Hint<'a>,
    #[serde(rename = "Status", borrow)]
    pub(crate) status: Str<'a>,
    #[serde(rename = "CauseMetadata", borrow)]
    pub(crate) cause: Maybe<Cause<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Cause<'a> {
    #[serde(borrow)]
    pub(crate) resource: Str<'a>,
    pub(crate) start_line: Num,
    pub(crate) end_line: Num,
}

/// The secret's own text is not read.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Secret<'a> {
    #[serde(rename = "RuleID", borrow)]
    pub(crate) rule_id: Str<'a>,
    #[serde(borrow)]
    pub(crate) category: Str<'a>,
    #[serde(borrow)]
    pub(crate) severity: Str<'a>,
    #[serde(borrow)]
    pub(crate) title: Hint<'a>,
    pub(crate) start_line: Num,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct License<'a> {
    #[serde(borrow)]
    pub(crate) severity: Str<'a>,
    #[serde(borrow)]
    pub(crate) category: Str<'a>,
    #[serde(borrow)]
    pub(crate) pkg_name: Str<'a>,
    #[serde(borrow)]
    pub(crate) file_path: Str<'a>,
    #[serde(borrow)]
    pub(crate) name: Str<'a>,
    #[serde(borrow)]
    pub(crate) link: Hint<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Modified<'a> {
    #[serde(rename = "Type", borrow)]
    pub(crate) kind: Str<'a>,
    #[serde(borrow)]
    pub(crate) status: Str<'a>,
    #[serde(borrow)]
    pub(crate) statement: Str<'a>,
    #[serde(borrow)]
    pub(crate) source: Str<'a>,
    #[serde(borrow)]
    pub(crate) finding: Option<&'a RawValue>,
}

/// The metadata of a Kubernetes resource: an object, or since 0.60 a list of one per image.
pub(crate) type ManyMetadata<'a> = Many<Obj<Metadata<'a>>>;
