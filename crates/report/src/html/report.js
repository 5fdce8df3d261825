// The table of findings: filters, pages, details. Reads the data block, whose rows are made by
// data.rs; builds text nodes only, never markup.
"use strict";
(() => {
  const PAGE = 100;
  const PRINTED = 500;
  const SEVERITIES = ["critical", "high", "medium", "low", "negligible", "unknown"];
  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("data").textContent);

  for (const hidden of document.querySelectorAll(".needs-script")) hidden.hidden = false;

  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };
  const round = (points) => (points >= 1 ? Math.round(points).toString() : "<1");
  const band = (points) => (points >= 70 ? "b3" : points >= 40 ? "b2" : points >= 10 ? "b1" : "b0");
  const scored = (index) => {
    const score = index === null ? undefined : data.scores[index];
    if (!score) return null;
    const wide = score[2] - score[1] >= 5;
    return round(score[0]) + (wide ? ` (${round(score[1])}-${round(score[2])})` : "");
  };
  const named = ([kind, namespace, name]) => `${kind} ${namespace ? `${namespace}/` : ""}${name}`;

  // One object for each row, with what filters and cells need.
  const rows = data.findings.map((row, index) => {
    const [state, id, category, severity, vulnerability, image, pack, object, field, source, title, fix, placements, best, suppression, matches, notes] = row;
    const known = vulnerability === null ? undefined : data.vulnerabilities[vulnerability];
    const places = placements
      .map(([placement, score]) => ({ placement: data.placements[placement], score }))
      .filter((place) => place.placement)
      // Without a workload it was not seen in a cluster.
      .map((place) => ({ ...place, workload: data.workloads[place.placement[0]] || null }));
    const points = (score) => (score === null || !data.scores[score] ? -1 : data.scores[score][0]);
    places.sort((a, b) => points(b.score) - points(a.score));
    const where = object || (places.length ? places[0].workload : null);
    return {
      index, state, category, severity, field, source, fix, best, suppression, matches, notes, known, places, where,
      id: id || (known ? known[0] : ""),
      title: title || (known ? known[2] : ""),
      image: image === null ? "" : data.images[image] || "",
      pack: pack === null ? undefined : data.packages[pack],
      due: best === null || !data.scores[best] ? null : data.scores[best][5],
      found: null,
    };
  });

  const searched = (row) => {
    if (row.found === null) {
      const places = row.places.map((place) => (place.workload ? named(place.workload) : ""));
      const texts = [row.id, row.title, row.image, row.source, row.where ? named(row.where) : "", ...places];
      if (row.known) texts.push(...row.known[1]);
      if (row.pack) texts.push(row.pack[0], row.pack[1]);
      row.found = texts.join("\n").toLowerCase();
    }
    return row.found;
  };
  const inNamespace = (row, namespace) =>
    (row.where && row.where[1] === namespace) ||
    row.places.some((place) => place.workload && place.workload[1] === namespace);

  // The packages are drawn when they are asked for, a part at a time.
  const contents = find("installed");
  const drawInstalled = () => {
    const PART = 200;
    const words = find("installed-search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const open = find("installed-open").checked;
    const wanted = data.installed.filter((row) => {
      const text = `${row[1]}\n${row[2]}\n${row[3]}\n${row[4]}`.toLowerCase();
      return (!open || row[8] > 0) && words.every((word) => text.includes(word));
    });
    const total = data.installed.length;
    const left = data.installed_left_out ? ` ${data.installed_left_out} more are only in the JSON report.` : "";
    find("installed-count").textContent = `${wanted.length} of ${total} packages.${left}`;
    const found = ["", "only declared", "in another file", "recognised by its text"];
    const line = (row) => {
      const origin = ["base image", "application", ""][row[7]];
      const layer = row[6] === null ? "" : `${row[6]}${origin ? `, ${origin}` : ""}`;
      const places = row[5] ? make("small", {}, `and ${row[5]} more`) : null;
      const of = data.artifacts.length > 1 ? make("small", {}, data.artifacts[row[0]]) : null;
      const count = row[8] ? make("button", { type: "button", class: "link" }, String(row[8])) : null;
      if (count) {
        count.addEventListener("click", () => {
          find("search").value = row[1];
          find("filters").requestSubmit();
          find("findings").scrollIntoView();
        });
      }
      const cell = (label, ...children) => make("td", label ? { "data-label": label } : {}, ...children);
      return make("tr", {},
        cell("", make("b", {}, row[1]), of),
        cell("Version", row[2]),
        cell("Type", row[3], row[10] ? make("small", {}, found[row[10]]) : null),
        cell("", row[4], places),
        layer ? cell("Layer", layer) : cell(""),
        count ? cell("Findings", make("span", { class: `sev ${row[9]}` }, count)) : cell(""));
    };
    let shown = 0;
    const body = find("installed-rows");
    body.replaceChildren();
    const part = () => {
      const next = wanted.slice(shown, shown + PART);
      shown += next.length;
      body.append(...next.map(line));
      const rest = wanted.length - shown;
      if (!rest) return find("installed-more").replaceChildren();
      const more = make("button", { type: "button" }, `Show ${Math.min(rest, PART)} more of ${rest}`);
      more.addEventListener("click", part);
      find("installed-more").replaceChildren(more);
    };
    part();
  };
  if (contents) {
    contents.addEventListener("toggle", () => { if (contents.open && !find("installed-rows").firstChild) drawInstalled(); });
    if (contents.open) drawInstalled();
    find("installed-search").addEventListener("input", drawInstalled);
    find("installed-open").addEventListener("change", drawInstalled);
    find("installed-form").addEventListener("submit", (event) => event.preventDefault());
  }

  const form = find("filters");
  if (!form) return;
  // Without a workload there is no namespace to choose.
  if (!data.workloads.length) for (const part of document.querySelectorAll(".of-cluster")) part.hidden = true;
  const controls = {};
  for (const id of ["search", "severity", "namespace", "exposure", "state", "order", "kev"]) controls[id] = find(id);
  const namespaces = new Set();
  for (const row of rows) {
    if (row.where && row.where[1]) namespaces.add(row.where[1]);
    for (const place of row.places) {
      const namespace = place.workload ? place.workload[1] : "";
      if (namespace) namespaces.add(namespace);
    }
  }
  for (const namespace of [...namespaces].sort()) controls.namespace.append(make("option", { value: namespace }, namespace));

  let shown = [];
  let page = 0;
  let action = null;

  const wanted = () => {
    const words = controls.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const { severity, namespace, exposure, state } = controls;
    return (row) =>
      (action ? action.closes.has(row.index) && row.state === 0 : state.value === "" || row.state === Number(state.value)) &&
      (severity.value === "" || row.severity === severity.value) &&
      (namespace.value === "" || inNamespace(row, namespace.value)) &&
      (exposure.value === "" || row.places.some((place) => place.placement[3] === exposure.value)) &&
      (!controls.kev.checked || (row.known && (row.known[3] === "yes" || row.known[3] === "ransomware"))) &&
      words.every((word) => searched(row).includes(word));
  };
  const orders = {
    severity: (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
    due: (a, b) => (a.due || "9999").localeCompare(b.due || "9999"),
    epss: (a, b) => ((b.known && b.known[4]) || 0) - ((a.known && a.known[4]) || 0),
  };

  const update = () => {
    shown = rows.filter(wanted());
    const order = orders[controls.order.value];
    if (order) shown.sort((a, b) => order(a, b) || a.index - b.index);
    page = 0;
    draw();
  };

  const number = (count) => count.toLocaleString("en-US");
  const draw = (from = page * PAGE, count = PAGE) => {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    find("rows").replaceChildren(...shown.slice(from, from + count).map(line));
    const left = data.left_out ? ` ${number(data.left_out)} with lower scores are only in the JSON report.` : "";
    find("count").textContent = `${number(shown.length)} of ${number(rows.length)} findings.${left}`;
    find("page").textContent = `Page ${number(page + 1)} of ${number(pages)}`;
    find("previous").disabled = page === 0;
    find("next").disabled = page + 1 >= pages;
    find("of-action").hidden = !action;
    if (action) {
      const clear = make("button", { type: "button" }, "Show all");
      clear.addEventListener("click", () => { action = null; update(); });
      find("of-action").replaceChildren(`Findings that action ${action.number} closes. `, clear);
    }
  };

  const cell = (label, ...children) => make("td", label ? { "data-label": label } : {}, ...children);
  const line = (row) => {
    const score = scored(row.best);
    const badge = score ? make("span", { class: `score ${band(data.scores[row.best][0])}` }, score) : "not scored";
    const button = make("button", { type: "button", class: "link id", "aria-expanded": "false" }, row.id);
    const tags = [];
    if (row.known && row.known[3] === "ransomware") tags.push(make("span", { class: "tag" }, "KEV, ransomware"));
    if (row.known && row.known[3] === "yes") tags.push(make("span", { class: "tag" }, "KEV"));
    if (row.known && row.known[4] !== null) tags.push(`EPSS ${row.known[4].toFixed(2)}`);
    const about = make("small", {}, ...tags);
    const more = row.places.length > 1 ? make("small", {}, `and ${row.places.length - 1} more`) : null;
    const exposure = row.places.length ? make("small", {}, `exposure ${row.places[0].placement[3]}`) : null;
    const where = row.where ? named(row.where)
      : row.state === 2 ? "not running here"
        : row.places.length ? "not seen in a cluster" : "";
    const tr = make("tr", {},
      cell("", badge),
      cell("", button, row.title ? make("small", {}, row.title) : null, tags.length ? about : null),
      cell("", make("span", { class: `sev ${row.severity}` }, row.severity)),
      row.pack ? cell("Package", `${row.pack[0]} ${row.pack[1]}`, make("small", {}, row.fix)) : cell("Fix", row.fix),
      row.image ? cell("Image", row.image) : cell(""),
      cell("Where", where, row.source ? make("small", {}, row.source) : null, more, exposure),
      row.due ? cell("Due", make("span", { class: "due" }, row.due)) : cell(""));
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!open));
      if (open) tr.nextSibling.remove();
      else tr.after(make("tr", { class: "more-row" }, make("td", { colspan: "7" }, details(row))));
    });
    return tr;
  };

  const list = (texts) => make("ul", {}, ...texts.map((text) => make("li", {}, text)));
  const details = (row) => {
    const facts = make("dl", { class: "facts" });
    const fact = (term, content) => {
      if (content) facts.append(make("dt", {}, term), make("dd", {}, content));
    };
    const score = row.best === null ? undefined : data.scores[row.best];
    if (score) {
      const signed = (points) => (points < 0 ? "" : "+") + points.toFixed(1);
      const factors = score[8].map(([name, points, reason]) =>
        make("tr", {}, make("td", { class: "num" }, signed(points)), make("td", {}, name), make("td", {}, reason)));
      if (factors.length) {
        const sum = score[8].reduce((all, factor) => all + factor[1], 0);
        factors.push(make("tr", {}, make("td", { class: "num" }, make("b", {}, sum.toFixed(1))), make("td", {}, make("b", {}, "sum")), make("td", {}, `${Math.round(score[3] * 100)}% of the range is known`)));
        fact("Score", make("table", { class: "factors" }, make("tbody", {}, ...factors)));
      }
      fact("Deadline", `${score[4]}${score[5] ? `, by ${score[5]}` : ""} (BOD 26-04)`);
      fact("SSVC", score[6]);
      fact("CVSS-BTE", score[7]);
    }
    if (row.known) {
      fact("Likelihood", row.known[5].length ? list(row.known[5]) : "");
      fact("CVSS", row.known[6].length ? list(row.known[6]) : "");
      fact("Also", row.known[1].join(", "));
      fact("KEV", { unknown: "not known", no: "not listed", yes: "listed", ransomware: "listed, used by ransomware" }[row.known[3]]);
    }
    fact("Category", row.category);
    if (row.pack) fact("Package", `${row.pack[0]} ${row.pack[1]} (${row.pack[2]})${row.pack[3] ? ` ${row.pack[3]}` : ""}`);
    fact("Fix", row.fix);
    if (row.places.length) {
      const each = row.places.slice(0, 200).map(({ placement, workload, score: own }) =>
        `${scored(own) || "not scored"}: ` + (workload
          ? `${named(workload)}, container ${placement[1]}; exposure ${placement[3]}; ${placement[2]}`
          : `not seen in a cluster; exposure ${placement[3]}`));
      if (row.places.length > 200) each.push(`and ${row.places.length - 200} more`);
      fact("Runs in", list(each));
    }
    fact("Field", row.field);
    fact("File", row.source);
    fact("Suppressed", row.suppression);
    fact("Notes", row.notes.length ? list(row.notes) : "");
    if (row.matches.length) {
      const says = row.matches.map(([document, url]) => {
        const text = data.documents[document] || "";
        return url ? make("span", {}, `${text}: `, make("a", { href: url, rel: "noreferrer noopener" }, url)) : text;
      });
      fact("Who says it", list(says));
    }
    return facts;
  };

  const turn = (by) => {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    const next = Math.min(pages - 1, Math.max(0, page + by));
    if (next === page) return;
    page = next;
    draw();
    find("findings").scrollIntoView();
  };
  find("previous").addEventListener("click", () => turn(-1));
  find("next").addEventListener("click", () => turn(1));
  let waiting = 0;
  controls.search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  form.addEventListener("change", (event) => { if (event.target !== controls.search) update(); });
  form.addEventListener("submit", (event) => { event.preventDefault(); update(); });
  form.addEventListener("reset", () => { action = null; setTimeout(update); });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
    if (event.key === "/") { event.preventDefault(); controls.search.focus(); }
    if (event.key === "n") turn(1);
    if (event.key === "p") turn(-1);
  });
  for (const button of document.querySelectorAll("[data-closes]")) {
    button.addEventListener("click", () => {
      action = { number: button.dataset.number, closes: new Set(button.dataset.closes.split(" ").map(Number)) };
      update();
      find("findings").scrollIntoView();
    });
  }
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const code = button.previousSibling;
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.firstChild.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);
      }
    });
  }
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details")) part.open = true;
    draw(0, PRINTED);
    if (shown.length > PRINTED) find("count").textContent += ` The first ${PRINTED} are printed.`;
  });
  addEventListener("afterprint", () => draw());
  update();
})();
