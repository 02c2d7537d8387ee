// Looks at pages in a browser: node page.mjs SCREENSHOTS|- PAGE...
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import axe from "axe-core";
import { HtmlValidate } from "html-validate";
import puppeteer from "puppeteer-core";

const [shots, ...pages] = process.argv.slice(2);
const looks = [
  { name: "light", width: 1280, scheme: "light" },
  { name: "wide", width: 1600, scheme: "light" },
  { name: "dark", width: 1280, scheme: "dark" },
  { name: "narrow", width: 360, scheme: "light" },
  { name: "print", width: 794, scheme: "dark", media: "print" },
];
const faults = [];
const validator = new HtmlValidate({ extends: ["html-validate:standard", "html-validate:a11y"] });
const browser = await puppeteer.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const file of pages) {
  const report = await validator.validateString(readFileSync(file, "utf8"));
  for (const { messages } of report.results) {
    for (const { line, column, message, ruleId } of messages) {
      faults.push(`${basename(file)}:${line}:${column}: ${message} (${ruleId})`);
    }
  }
  for (const { name, width, scheme, media } of looks) {
    const fault = (what) => faults.push(`${basename(file)}, ${name}: ${what}`);
    const page = await browser.newPage();
    page.on("request", (request) => {
      if (!request.url().startsWith(`file://${file}`)) fault(`asks for ${request.url()}`);
    });
    page.on("console", (message) => fault(`says ${message.text()}`));
    page.on("pageerror", (error) => fault(`fails: ${error}`));
    await page.setOfflineMode(true);
    await page.setViewport({ width, height: 1000 });
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    const session = await page.createCDPSession();
    await session.send("Emulation.setEmulatedMedia", { media: media ?? "", features });
    await page.goto(`file://${file}`);
    const seen = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      paper: getComputedStyle(document.body).backgroundColor,
      // What is folded away on a screen is printed.
      folded: [...document.querySelectorAll("details table")].filter(
        (table) => table.checkVisibility({ contentVisibilityAuto: true }) && table.offsetHeight > 0,
      ).length,
      tables: document.querySelectorAll("details table").length,
      pictures: [...document.querySelectorAll("svg")].map((svg) => {
        const { width, height } = svg.getBoundingClientRect();
        const marks = svg.querySelectorAll("polyline, polygon, circle, rect").length;
        return width > 100 && height > 0 && marks > 0;
      }),
    }));
    if (seen.overflow > 0) fault(`is ${seen.overflow} pixels wider than the window`);
    if (seen.pictures.length === 0 || seen.pictures.includes(false)) fault("a picture is empty");
    if (seen.folded !== (media === "print" ? seen.tables : 0)) {
      fault(`shows ${seen.folded} of ${seen.tables} folded tables`);
    }
    const bright = seen.paper === "rgb(255, 255, 255)";
    if (bright !== (scheme === "light" || media === "print")) fault(`the paper is ${seen.paper}`);
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => window.axe.run());
    for (const { id, impact, help, nodes } of violations) {
      fault(`${impact}: ${help} (${id}): ${nodes[0].html.slice(0, 160)}`);
    }
    if (shots !== "-") {
      const path = `${shots}/${basename(file, ".html")}-${name}.png`;
      await page.screenshot({ path, fullPage: true });
    }
    await page.close();
  }
}
const version = await browser.version();
await browser.close();
faults.forEach((fault) => console.error(fault));
if (faults.length > 0) process.exit(1);
const counts = `${pages.length} pages × ${looks.length} looks`;
console.log(`${counts} in ${version}, axe ${axe.version}: nothing to object`);
