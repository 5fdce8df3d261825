//! How the client finds its server. Comes in: the options, KUBECONFIG, the home folder, a pod's own account.
//! Goes out: a client configuration. Never: reads a file without a bound, or passes on words of a parser
//! (they quote the lines they stumble over, and in a kubeconfig those hold tokens: rule 20).

use super::{LiveError, Options};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest kubeconfig in bytes. One with a hundred clusters and their certificates has half a megabyte.
const LARGEST: u64 = 10 << 20;

pub(super) async fn config(options: &Options) -> Result<kube::Config, LiveError> {
    let from = KubeConfigOptions {
        context: options.context.clone(),
        ..Default::default()
    };
    let refused = |error: KubeconfigError| LiveError::Kubeconfig(words(&error));
    let mut config = match (&options.kubeconfig, &options.context) {
        (Some(path), _) => kube::Config::from_custom_kubeconfig(file(path)?, &from)
            .await
            .map_err(refused)?,
        (None, context) => {
            for path in usual_files(std::env::var_os("KUBECONFIG"), std::env::home_dir()) {
                bounded(&path)?;
            }
            match context {
                Some(_) => kube::Config::from_kubeconfig(&from)
                    .await
                    .map_err(refused)?,
                None => kube::Config::infer().await.map_err(|error| {
                    let of_file =
                        std::error::Error::source(&error).and_then(|source| source.downcast_ref());
                    LiveError::Infer(of_file.map_or_else(String::new, words))
                })?,
            }
        }
    };
    config.connect_timeout = Some(std::time::Duration::from_secs(10));
    config.read_timeout = Some(std::time::Duration::from_mins(1));
    // Retries are ours: they must end in a gap.
    config.default_retry = false;
    Ok(config)
}

/// The file that was named. A pipe has no size and no folder that its paths could be relative to.
fn file(path: &Path) -> Result<Kubeconfig, LiveError> {
    let refused = |error: KubeconfigError| LiveError::Kubeconfig(words(&error));
    let unread = |error| refused(KubeconfigError::ReadConfig(error, path.to_owned()));
    if std::fs::metadata(path).map_err(unread)?.is_file() {
        bounded(path)?;
        return Kubeconfig::read_from(path).map_err(refused);
    }
    let mut text = String::new();
    let pipe = File::open(path).map_err(unread)?;
    let length = pipe
        .take(LARGEST + 1)
        .read_to_string(&mut text)
        .map_err(unread)?;
    if length as u64 > LARGEST {
        return Err(too_large(path));
    }
    Kubeconfig::from_yaml(&text).map_err(refused)
}

/// An error if the file is there and larger than a kubeconfig can be.
fn bounded(path: &Path) -> Result<(), LiveError> {
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    if length > LARGEST {
        return Err(too_large(path));
    }
    Ok(())
}

fn too_large(path: &Path) -> LiveError {
    LiveError::Kubeconfig(format!(
        "{} is larger than {} MB",
        path.display(),
        LARGEST >> 20
    ))
}

/// Where the client looks when no file is named: the files of KUBECONFIG, else the one in the home folder.
fn usual_files(variable: Option<OsString>, home: Option<PathBuf>) -> Vec<PathBuf> {
    match variable.filter(|list| !list.is_empty()) {
        Some(list) => std::env::split_paths(&list)
            .filter(|path| !path.as_os_str().is_empty())
            .collect(),
        None => home
            .into_iter()
            .map(|home| home.join(".kube/config"))
            .collect(),
    }
}

fn words(error: &KubeconfigError) -> String {
    use KubeconfigError as E;
    match error {
        E::CurrentContextNotSet => "it names no current context; pass --context".to_owned(),
        E::LoadContext(name) => format!("it has no context {name}"),
        E::LoadClusterOfContext(name) => {
            format!("it has no cluster {name}, which the context names")
        }
        E::ReadConfig(source, path) => format!("cannot read {}: {}", path.display(), source.kind()),
        E::Parse(error) => match error.without_snippet().location() {
            Some(at) => format!("it is broken in line {}, column {}", at.line(), at.column()),
            None => "it is no kubeconfig".to_owned(),
        },
        E::MissingClusterUrl | E::ParseClusterUrl(_) => {
            "the cluster has no usable server URL".to_owned()
        }
        E::ParseProxyUrl(_) => "the proxy-url is no URL".to_owned(),
        E::LoadCertificateAuthority(_) | E::ParseCertificates(_) => {
            "the certificate authority cannot be read".to_owned()
        }
        E::LoadClientCertificate(_) | E::LoadClientKey(_) => {
            "the client certificate or its key cannot be read".to_owned()
        }
        E::KindMismatch | E::ApiVersionMismatch | E::FindPath => error.to_string(),
        E::ParseNoProxy(_) => "the variable NO_PROXY is not understood".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let huge = tempfile::NamedTempFile::new().unwrap();
        huge.as_file().set_len(LARGEST + 1).unwrap();
        let error = file(huge.path()).unwrap_err().to_string();
        assert!(error.ends_with("is larger than 10 MB"), "{error}");
        assert!(bounded(huge.path()).is_err());
        assert!(bounded(Path::new("/nowhere/config")).is_ok());
        #[cfg(target_os = "linux")]
        {
            let error = file(Path::new("/dev/zero")).unwrap_err().to_string();
            assert!(error.contains("larger than 10 MB"), "{error}");
        }
    }

    #[test]
    fn files_that_the_client_looks_at() {
        let check = |variable: Option<&str>, expected: &[&str]| {
            let found = usual_files(variable.map(Into::into), Some("/home/a".into()));
            let expected: Vec<PathBuf> = expected.iter().map(Into::into).collect();
            assert_eq!(found, expected, "{variable:?}");
        };
        check(None, &["/home/a/.kube/config"]);
        check(Some(""), &["/home/a/.kube/config"]);
        #[cfg(unix)]
        check(Some("/a:/b:"), &["/a", "/b"]);
    }
}
