// Opens drawings in a real browser, in light and dark: no request, no script, no error; no
// text sticks out of its box, no box covers another, what is read has contrast. Keeps a picture beside each file.
// Prints what is wrong; exit 1 if anything is. Arguments: node_modules, chromium, files.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [modules, chromiumPath, ...files] = process.argv.slice(2);
const { chromium } = createRequire(modules + "/")("playwright-core");
const problems = [];
const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
});
for (const file of files) {
  const url = pathToFileURL(file).href;
  for (const colorScheme of ["light", "dark"]) {
    const say = (what) => problems.push(`${file} (${colorScheme}): ${what}`);
    const context = await browser.newContext({ colorScheme, viewport: { width: 1600, height: 900 } });
    const page = await context.newPage();
    page.on("request", (request) => { if (request.url() !== url) say(`request ${request.url()}`); });
    page.on("pageerror", (error) => say(`script error ${error}`));
    page.on("console", (message) => say(`console ${message.text()}`));
    page.on("dialog", async (dialog) => { say(`dialog ${dialog.message()}`); await dialog.dismiss(); });
    await page.goto(url);
    for (const wrong of await page.evaluate(judged)) say(wrong);
    const { width, height } = await page.evaluate(() => {
      const { width, height } = document.documentElement.viewBox.baseVal;
      return { width, height };
    });
    await page.setViewportSize({ width: Math.min(Math.ceil(width), 6000), height: Math.min(Math.ceil(height), 6000) });
    await page.screenshot({ path: file.replace(/svg$/, `${colorScheme}.png`) });
    await context.close();
  }
}
await browser.close();
if (problems.length) {
  console.log(problems.slice(0, 40).join("\n"));
  process.exit(1);
}

// Runs in the page.
function judged() {
  const wrong = [];
  const root = document.documentElement;
  if (root.localName !== "svg") return [`it is a ${root.localName}`];
  if (document.querySelector("script, foreignObject, image, a")) wrong.push("it has more than shapes and texts");
  const view = root.viewBox.baseVal;
  const inside = (part, whole, by) =>
    part.x >= whole.x - by && part.y >= whole.y - by &&
    part.x + part.width <= whole.x + whole.width + by && part.y + part.height <= whole.y + whole.height + by;
  const boxes = [...document.querySelectorAll(".node")].map((node) => {
    const box = node.querySelector(".box").getBBox();
    for (const text of node.querySelectorAll("text")) {
      if (text.textContent && !inside(text.getBBox(), box, 1)) wrong.push(`text sticks out: ${text.textContent}`);
    }
    return box;
  });
  boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => {
    if (a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height) wrong.push("boxes cover each other");
  }));
  const labels = [...document.querySelectorAll(".label text.kind")].map((text) => text.getBBox());
  for (const label of labels) {
    if (boxes.some((box) => label.x < box.x + box.width && box.x < label.x + label.width && label.y < box.y + box.height && box.y < label.y + label.height)) wrong.push("a label covers a box");
  }
  for (const text of document.querySelectorAll("text")) {
    const at = text.getBoundingClientRect(), all = root.getBoundingClientRect();
    if (!inside(at, all, 1)) wrong.push(`text leaves the drawing: ${text.textContent.slice(0, 80)}`);
  }
  const channels = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map((c) => {
    const share = Number(c) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const light = (colour) => { const [r, g, b] = channels(colour); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const fill = (part) => getComputedStyle(part).fill;
  for (const text of document.querySelectorAll("text")) {
    const ground = text.closest(".node")?.querySelector(".box") ??
      (text.classList.contains("number") ? text.previousElementSibling : document.querySelector(".ground"));
    const [low, high] = [light(fill(text)), light(fill(ground))].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) wrong.push(`contrast ${contrast.toFixed(1)}: ${text.getAttribute("class")}`);
  }
  if (view.width <= 0 || view.height <= 0) wrong.push("it has no size");
  return [...new Set(wrong)];
}
