// Opens HTML reports in a real browser: no request, no policy violation, no script error, no
// accessibility finding in light and dark, wide and narrow; filters, keys and details work; an
// alert of an injected script would be seen. Prints what is wrong; exit 1 if anything is.
// Arguments: node_modules, chromium, files.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, chromiumPath, ...files] = process.argv.slice(2);
const require = createRequire(modules + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const problems = [];

const browser = await chromium.launch({
  executablePath: chromiumPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
});

for (const file of files) {
  const url = pathToFileURL(file).href;
  const large = file.includes("large");
  for (const [colorScheme, width] of large ? [["light", 1300]] : [["light", 1300], ["dark", 1300], ["light", 360], ["dark", 360]]) {
    const say = (what) => problems.push(`${file} (${colorScheme}, ${width}): ${what}`);
    // axe is put in past the page's own policy, which is watched for in the page itself.
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, reducedMotion: "reduce" });
    const page = await context.newPage();
    page.on("request", (request) => { if (request.url() !== url && request.url() !== "data:,") say(`request ${request.url()}`); });
    page.on("pageerror", (error) => say(`script error ${error}`));
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) say(`console ${message.text()}`); });
    page.on("dialog", async (dialog) => { say(`dialog ${dialog.message()}`); await dialog.dismiss(); });
    const started = Date.now();
    await page.goto(url);
    if (Date.now() - started > 5000) say(`opened in ${Date.now() - started} ms`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (overflow > 0) say(`${overflow} px wider than the screen`);
    if (await page.locator("#rows").count()) await use(page, say, large);
    // The protocol evaluates outside of the page's policy.
    if (!large) {
      await page.evaluate(() => { for (const part of document.querySelectorAll("details")) part.open = true; });
      await page.evaluate(axe);
      const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      for (const violation of found.violations) {
        const nodes = violation.nodes.slice(0, 3).map((node) => `${node.target} ${node.failureSummary}`);
        say(`axe ${violation.id} (${violation.impact}): ${nodes.join(" | ")}`);
      }
    }
    await context.close();
  }
}
await browser.close();
if (problems.length) {
  console.log(problems.join("\n"));
  process.exit(1);
}

async function use(page, say, large) {
  const count = async () => (await page.locator("#count").textContent()).split(" ")[0];
  const before = await count();
  if (large && before !== "25,005") say(`${before} open findings are shown`);
  // By keyboard alone: search, clear, open a finding.
  await page.keyboard.press("/");
  await page.keyboard.type("no such finding");
  await page.waitForFunction(() => document.getElementById("count").textContent.startsWith("0 of"));
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Delete");
  await page.waitForFunction((all) => document.getElementById("count").textContent.startsWith(`${all} `), before);
  await page.locator("#kev").check();
  if ((await count()) === before) say("the KEV filter filters nothing");
  await page.locator("#filters button[type=reset]").click();
  await page.waitForFunction((all) => document.getElementById("count").textContent.startsWith(`${all} `), before);
  const first = page.locator("#rows button").first();
  await first.focus();
  await page.keyboard.press("Enter");
  if ((await page.locator(".facts").count()) !== 1) say("Enter opens no details");
  const closes = page.locator("[data-closes]").first();
  await closes.click();
  if ((await count()) !== "2") say(`the first action closes ${await count()} findings in the table`);
  await page.locator("#of-action button").click();
  if (large) {
    const started = Date.now();
    await page.locator("#search").fill("service-17");
    await page.waitForFunction((all) => !document.getElementById("count").textContent.startsWith(`${all} `), before);
    if (Date.now() - started > 2000) say(`searched in ${Date.now() - started} ms`);
    await page.locator("#filters button[type=reset]").click();
    await page.locator("h2").first().click();
    await page.keyboard.press("n");
    if (!(await page.locator("#page").textContent()).startsWith("Page 2 of 251")) say(`n turns to ${await page.locator("#page").textContent()}`);
  }
  // Printing must not change what stays on the screen.
  const shown = await page.locator("#rows > tr").count();
  await page.evaluate(() => { dispatchEvent(new Event("beforeprint")); dispatchEvent(new Event("afterprint")); });
  if ((await page.locator("#rows > tr").count()) > shown) say("printing leaves rows behind");
}
