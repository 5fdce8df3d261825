//! The bars of attack paths: a generated cluster at 1, 3 and 10 times, and the recorded one of 10,000 pods.

use crate::child::{Server, measure};
use crate::{Line, delta, generate, line, scan};
use std::fs;
use std::path::Path;

/// Pods of the largest cluster: 5,000 service accounts, 20,000 bindings and 3,000 policies go with them.
const PODS: usize = 30_000;

pub(crate) fn attack(plimsoll: &Path, folder: &Path) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (times, cpu, memory) in [(1, 1.0, 500.0), (3, 3.0, 500.0), (10, 10.0, 500.0)] {
        let pods = PODS / 10 * times;
        let inner = folder.join(format!("attack-{times}"));
        fs::create_dir_all(&inner)?;
        generate::attack_files(&inner, pods)?;
        let bundle = inner.join("bundle.plimsoll");
        let mut keep = scan(plimsoll, &inner);
        keep.args(["scan", "manifests"]).arg(inner.join("k8s"));
        measure(keep.arg("--save").arg(&bundle), &[0, 1, 3])?;
        let mut paths = scan(plimsoll, &inner);
        paths
            .args(["paths", "--format", "json", "--top", "1", "--from"])
            .arg(&bundle);
        let used = measure(&mut paths, &[0])?;
        lines.push(line(
            format!("{pods} pods: graph, best paths to all sinks, cuts"),
            used.cpu,
            cpu,
            "s",
        ));
        lines.push(line(
            format!("{pods} pods: peak memory"),
            used.peak_mb,
            memory,
            "MB",
        ));
    }
    let (Some(http), Some(big)) = (
        testkit::shared("captures/http"),
        testkit::shared("captures/big"),
    ) else {
        println!("  not run: the recorded cluster is absent");
        return Ok(lines);
    };
    let snapshot = folder.join("snapshot.plimsoll");
    let server = Server::start(&[http, big], folder)?;
    let mut collect = scan(plimsoll, folder);
    collect
        .args(["collect", "--kubeconfig"])
        .arg(&server.kubeconfig);
    measure(collect.arg("-o").arg(&snapshot), &[0])?;
    lines.extend(delta::delta(&snapshot)?);
    let mut paths = scan(plimsoll, folder);
    paths
        .args(["paths", "--format", "json", "--top", "1"])
        .arg(&snapshot);
    let used = measure(&mut paths, &[0])?;
    lines.push(line("recorded cluster of 10,000 pods", used.cpu, 3.0, "s"));
    lines.push(line("its peak memory", used.peak_mb, 500.0, "MB"));
    let mut reach = scan(plimsoll, folder);
    reach
        .args(["reach", "--all", "--format", "json", "--snapshot"])
        .arg(&snapshot);
    let used = measure(&mut reach, &[0])?;
    lines.push(line(
        "reachability of 10,000 pods, all connections as JSON",
        used.cpu,
        5.0,
        "s",
    ));
    lines.push(line("its peak memory", used.peak_mb, 300.0, "MB"));
    Ok(lines)
}
