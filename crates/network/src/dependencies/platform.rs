//! What the platform itself needs of workloads, and they of it: DNS, the API server, its webhooks, metrics, a mesh.
//! Comes in: accounts, webhooks, the DNS Service, annotations. Goes out: dependencies. Probes come from the node itself, which
//! policies do not govern (NetworkPolicy, "traffic to and from the node where a Pod is running is always allowed").

use super::{Finder, Party, reason};
use crate::reach::Protocol;
use crate::services::object;
use ipnet::IpNet;
use model::object::ObjectRef;
use model::text::Text;
use semantics::named::Named;
use semantics::view::{Labels, VolumeSource, WorkloadView};
use std::net::{IpAddr, Ipv4Addr};

const DNS: u16 = 53;
/// NodeLocal DNSCache listens here on every node.
const NODE_LOCAL_DNS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 20, 10));
/// Names of the Service that serves the cluster's DNS: everywhere, OpenShift.
const DNS_SERVICES: [(&str, &str); 2] = [
    ("kube-system", "kube-dns"),
    ("openshift-dns", "dns-default"),
];

impl Finder<'_> {
    pub(super) fn platform(&mut self, named: &Named) {
        for (n, view) in (0_u32..).zip(&self.inventory.workloads) {
            self.dns(n, view);
            self.api_server(n, view);
            self.mesh(n, view);
        }
        self.scrapes(named);
        for backend in &named.backends {
            let says = format!(
                "the API server calls Service {}/{}; its address is no pod's",
                backend.namespace, backend.service
            );
            let because = reason(&backend.object, &backend.pointer, says);
            let (namespace, name) = (&backend.namespace, &backend.service);
            self.on_service(
                &Party::Anyone,
                namespace,
                name,
                Some(backend.port),
                &because,
            );
        }
    }

    fn dns(&mut self, n: u32, view: &WorkloadView) {
        let because = reason(
            &view.workload.object,
            "",
            "every pod asks the cluster's DNS",
        );
        let from = Party::Workload(n);
        let seen = DNS_SERVICES
            .iter()
            .filter_map(|name| self.by_name.get(name).copied());
        let behind: Vec<_> = seen.flat_map(|n| self.behind(n)).collect();
        for (workload, targets) in &behind {
            let ports = targets.iter().filter_map(super::port_of).collect();
            self.put(from.clone(), Party::Workload(*workload), ports, &because);
        }
        let ports = || vec![(Protocol::Tcp, DNS), (Protocol::Udp, DNS)];
        if behind.is_empty() {
            let labels = Labels::from([(Text::from("k8s-app"), Text::from("kube-dns"))]);
            let to = Party::Labelled("kube-system".into(), labels);
            self.put(from.clone(), to, ports(), &because);
        }
        let cache = Party::Outside(vec![IpNet::from(NODE_LOCAL_DNS)]);
        let because = reason(
            &view.workload.object,
            "",
            "DNS by the cache of its node, where there is one",
        );
        self.put(from, cache, ports(), &because);
    }

    /// Pods that hold a token of an account with rights use it.
    fn api_server(&mut self, n: u32, view: &WorkloadView) {
        let Some(template) = self.template(view) else {
            return;
        };
        let namespace = &view.workload.key.namespace;
        let name = &template.service_account;
        let accounts = &self.inventory.service_accounts;
        let account = accounts
            .iter()
            .find(|account| account.namespace == *namespace && account.name == *name);
        let projected = |source: &VolumeSource| matches!(source, VolumeSource::Token { .. });
        let own = account.filter(|a| a.seen).map(|a| a.automount_token);
        let mounted = template.automount_token.or(own).unwrap_or(true)
            || template.volumes.iter().any(|v| projected(&v.source));
        if !mounted {
            return;
        }
        let object = ObjectRef::new("", "ServiceAccount", Some(namespace), name);
        let groups = [(&**namespace, &**name), (&**namespace, ""), ("", "")];
        let bound = groups.iter().find_map(|group| self.bound.get(group));
        let says = match bound {
            Some(binding) => format!("its token is mounted and has rights by {binding}"),
            // An account of its own that was not seen may have any.
            None if account.is_none_or(|a| !a.seen) && &**name != "default" => {
                "its token is mounted; its rights were not seen".to_owned()
            }
            None => return,
        };
        let because = reason(&object, "", says);
        let ports = super::api_server();
        self.put(Party::Workload(n), Party::ApiServer, ports, &because);
    }

    /// Sidecars that Istio adds ask its control plane (ports of `istiod`: XDS, certificates).
    fn mesh(&mut self, n: u32, view: &WorkloadView) {
        const ISTIOD: (&str, &str) = ("istio-system", "istiod");
        let mut namespaces = self.inventory.namespaces.iter();
        let own = namespaces.find(|namespace| namespace.name == view.workload.key.namespace);
        let injected = own.is_some_and(|own| {
            let on = own.labels.get("istio-injection");
            on.is_some_and(|on| &**on == "enabled") || own.labels.contains_key("istio.io/rev")
        });
        if injected && self.by_name.contains_key(&ISTIOD) {
            let object = ObjectRef::new("", "Namespace", None, &view.workload.key.namespace);
            let because = reason(
                &object,
                "/metadata/labels",
                "its pods get a sidecar of Istio",
            );
            let from = Party::Workload(n);
            self.on_service(&from, ISTIOD.0, ISTIOD.1, Some(15012), &because);
        }
    }

    /// Pods and Services that ask by annotation to be scraped, from what looks like a scraper.
    fn scrapes(&mut self, named: &Named) {
        let scrapers = self.scrapers();
        for (n, says) in (0_u32..).zip(&named.workloads) {
            let view = self.inventory.workloads.get(n as usize);
            let (Some((pointer, port)), Some(view)) = (&says.scraped, view) else {
                continue;
            };
            let because = reason(&view.workload.object, pointer, "it asks to be scraped");
            let ports: Vec<_> = port.iter().map(|port| (Protocol::Tcp, *port)).collect();
            for from in &scrapers {
                let from = Party::Workload(*from);
                self.put(from, Party::Workload(n), ports.clone(), &because);
            }
        }
        for (n, service) in (0_u32..).zip(&self.inventory.services) {
            let asks = service.annotations.get("prometheus.io/scrape");
            if asks.is_none_or(|asks| &**asks != "true") {
                continue;
            }
            let pointer = "/metadata/annotations/prometheus.io~1scrape";
            let because = reason(&object(service), pointer, "it asks to be scraped");
            let said = service.annotations.get("prometheus.io/port");
            let said = said.and_then(|port| port.parse().ok());
            for (workload, targets) in self.behind(n) {
                let ports = match said {
                    Some(port) => vec![(Protocol::Tcp, port)],
                    None => targets.iter().filter_map(super::port_of).collect(),
                };
                for from in &scrapers {
                    let (from, to) = (Party::Workload(*from), Party::Workload(workload));
                    self.put(from, to, ports.clone(), &because);
                }
            }
        }
    }

    /// Workloads whose labels name a program that scrapes metrics.
    fn scrapers(&self) -> Vec<u32> {
        const NAMES: [&str; 9] = [
            "alloy",
            "datadog",
            "grafana-agent",
            "opentelemetry-collector",
            "prometheus",
            "prometheus-server",
            "telegraf",
            "victoria-metrics-agent",
            "vmagent",
        ];
        let scrapes = |view: &WorkloadView| {
            ["app.kubernetes.io/name", "app", "k8s-app"]
                .iter()
                .any(|key| {
                    let name = view.pod_labels.get(*key);
                    name.is_some_and(|name| NAMES.contains(&&**name))
                })
        };
        let views = (0_u32..).zip(&self.inventory.workloads);
        views
            .filter(|(_, view)| scrapes(view))
            .map(|(n, _)| n)
            .collect()
    }
}
