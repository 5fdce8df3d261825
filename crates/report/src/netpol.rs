//! NetworkPolicies as YAML for `kubectl apply`, with what declared each rule above it.
//! Never: a name that is not quoted, a comment of more than one line.

use crate::escape::{quoted, visible};
use model::netpol::{Peer, Policy, Proposal, Reason, Rule, Selected};
use model::text::Text;
use std::io::{self, Write};

/// A namespace's label that is its name (KEP-2161).
const NAME: &str = "kubernetes.io/metadata.name";
/// Reasons that are written of one rule; the others are counted.
const MOST: usize = 12;

/// Comments and documents, in the order of the proposal.
pub fn yaml(proposal: &Proposal, out: &mut dyn Write) -> io::Result<()> {
    for remark in &proposal.remarks {
        comment("", remark, out)?;
    }
    for policy in &proposal.policies {
        write_policy(policy, out)?;
    }
    Ok(())
}

fn write_policy(policy: &Policy, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "---")?;
    for line in &policy.about {
        comment("", line, out)?;
    }
    write!(
        out,
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: {}\n  namespace: {}\n  labels:\n    \
         app.kubernetes.io/managed-by: plimsoll\nspec:\n  podSelector:",
        quoted(&policy.name),
        quoted(&policy.namespace)
    )?;
    selected(&policy.pods, "    ", out)?;
    let types = [("Ingress", &policy.ingress), ("Egress", &policy.egress)];
    let named = types.iter().filter(|(_, rules)| rules.is_some());
    let types: Vec<&str> = named.map(|(name, _)| *name).collect();
    writeln!(out, "  policyTypes: [{}]", types.join(", "))?;
    for (side, list, rules) in [
        ("ingress", "from", &policy.ingress),
        ("egress", "to", &policy.egress),
    ] {
        match rules.as_deref() {
            None => {}
            Some([]) => writeln!(out, "  {side}: []")?,
            Some(rules) => {
                writeln!(out, "  {side}:")?;
                for rule in rules {
                    write_rule(rule, list, out)?;
                }
            }
        }
    }
    Ok(())
}

fn write_rule(rule: &Rule, list: &str, out: &mut dyn Write) -> io::Result<()> {
    for reason in rule.because.iter().take(MOST) {
        comment("  ", &sentence(reason), out)?;
    }
    if rule.because.len() > MOST {
        comment(
            "  ",
            &format!("and {} more", rule.because.len() - MOST),
            out,
        )?;
    }
    if rule.peers.is_empty() && rule.ports.is_empty() {
        return writeln!(out, "  - {{}}");
    }
    let mut begin = "  - ";
    if !rule.peers.is_empty() {
        writeln!(out, "{begin}{list}:")?;
        begin = "    ";
        for peer in &rule.peers {
            write_peer(peer, out)?;
        }
    }
    if !rule.ports.is_empty() {
        writeln!(out, "{begin}ports:")?;
        for (protocol, port) in &rule.ports {
            writeln!(
                out,
                "    - {{protocol: {}, port: {port}}}",
                visible(protocol)
            )?;
        }
    }
    Ok(())
}

fn write_peer(peer: &Peer, out: &mut dyn Write) -> io::Result<()> {
    match peer {
        Peer::Pods { namespace, pods } => {
            if let Some(namespace) = namespace {
                write!(
                    out,
                    "    - namespaceSelector:\n        matchLabels:\n          {}: {}\n      podSelector:",
                    quoted(NAME),
                    quoted(namespace)
                )?;
            } else {
                write!(out, "    - podSelector:")?;
            }
            selected(pods, "        ", out)
        }
        Peer::Block { cidr, except } => {
            writeln!(
                out,
                "    - ipBlock:\n        cidr: {}",
                quoted(&cidr.to_string())
            )?;
            let except: Vec<String> = except.iter().map(|net| quoted(&net.to_string())).collect();
            if except.is_empty() {
                return Ok(());
            }
            writeln!(out, "        except: [{}]", except.join(", "))
        }
    }
}

/// What stands behind `podSelector:`.
fn selected(pods: &Selected, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    if *pods == Selected::default() {
        return writeln!(out, " {{}}");
    }
    writeln!(out)?;
    if !pods.labels.is_empty() {
        writeln!(out, "{indent}matchLabels:")?;
        for (key, value) in &pods.labels {
            writeln!(out, "{indent}  {}: {}", quoted(key), quoted(value))?;
        }
    }
    if !pods.expressions.is_empty() {
        writeln!(out, "{indent}matchExpressions:")?;
        for (key, operator, values) in &pods.expressions {
            write!(
                out,
                "{indent}- {{key: {}, operator: {operator}",
                quoted(key)
            )?;
            let values: Vec<String> = values.iter().map(|value: &Text| quoted(value)).collect();
            if !values.is_empty() {
                write!(out, ", values: [{}]", values.join(", "))?;
            }
            writeln!(out, "}}")?;
        }
    }
    Ok(())
}

/// `DB_HOST names Service shop/postgres (Deployment shop/web, /spec/template/spec/containers/0/env/0/value)`.
pub fn sentence(reason: &Reason) -> String {
    let place = match &*reason.pointer {
        "" => String::new(),
        pointer => format!(" {pointer}"),
    };
    format!("{} ({}{place})", reason.says, reason.object)
}

fn comment(indent: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{indent}# {}", visible(text))
}
