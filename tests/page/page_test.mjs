// Drives the page in a browser: every view, every action, in light and dark, wide and narrow.
//
//   node page_test.mjs URL SECURED_URL TOKEN
//
// Beside it the packages of package-lock.json must be installed. The database must be as tests/e2e/page.sh makes it; the
// second server lets in who has the token, which only reads. With JOBRUNNER_PAGE_SHOTS a folder gets a picture of each view.
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {chromium} from "playwright-core";
import {languages} from "./assets/languages.mjs";

const [url, secured, token] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.JOBRUNNER_PAGE_SHOTS;
const views = {overview: "#/", jobs: "#/jobs", dead: "#/dead", queues: "#/queues", limits: "#/limits", schedules: "#/schedules", batches: "#/batches",
    workers: "#/workers", enqueue: "#/enqueue"};

const browser = await chromium.launch({executablePath: "/usr/bin/chromium", args: ["--headless", "--no-sandbox", "--disable-gpu",
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]});
const troubles = [];

async function open(options = {}) {
    const context = await browser.newContext({locale: "en-GB", viewport: {width: 1280, height: 900}, ...options});
    const page = await context.newPage();
    page.setDefaultTimeout(15000);
    page.on("pageerror", error => troubles.push(`error: ${error.stack}`));
    page.on("dialog", dialog => troubles.push(`dialog: ${dialog.message()}`));
    page.on("console", message => {
        // An answer of the API that is no 2xx is the page's to show; the browser notes it, too.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
            troubles.push(`console: ${message.text()}`);
        }
    });
    await context.addInitScript(() => {
        window.hacked = () => console.error("text became code");
        document.addEventListener("securitypolicyviolation", event => console.error(`policy: ${event.violatedDirective}`));
    });
    return page;
}

const api = async (path, body) => (await fetch(`${url}/api/v1${path}`, body && {method: "POST", body: JSON.stringify(body),
    headers: {"Content-Type": "application/json"}})).json();
const heading = (page, name) => page.getByRole("heading", {level: 1, name}).waitFor();
const row = (page, text) => page.getByRole("row").filter({hasText: text});
async function until(what, condition) {
    for (const end = Date.now() + 15000; !await condition();) {
        assert.ok(Date.now() < end, `waited in vain for ${what}`);
        await new Promise(resolve => setTimeout(resolve, 50));
    }
}

function sameWords() {
    const keys = Object.keys(languages.en).sort();
    for (const [name, words] of Object.entries(languages)) {
        assert.deepEqual(Object.keys(words).sort(), keys, `${name} has other texts than en`);
        for (const key of keys) {
            const values = text => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
            assert.deepEqual(values(words[key]), values(languages.en[key]), `${name}: ${key} has other values`);
        }
    }
}

async function everyView() {
    const dead = (await api("/jobs?state=dead&limit=1")).items[0].id;
    for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 390]]) {
        const page = await open({colorScheme: scheme, viewport: {width, height: 900}});
        await page.goto(url);
        for (const [name, hash] of Object.entries({...views, job: `#/jobs/${dead}`})) {
            await page.evaluate(place => { location.hash = place; }, hash);
            await page.locator("h1").waitFor();
            await page.locator(name === "enqueue" ? "form" : "main table, main dl, main .empty").first().waitFor();
            await page.waitForFunction(() => !document.body.innerText.includes("Loading …"));
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
            assert.ok(wide <= 0, `${name} is ${wide} px wider than ${width}`);
            await page.evaluate(axe); // not as an element: the page's policy forbids foreign scripts
            const {violations} = await page.evaluate(() => window.axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21aa"]}));
            const serious = violations.filter(one => ["serious", "critical"].includes(one.impact));
            assert.deepEqual(serious.map(one => `${one.id}: ${one.nodes[0].html}`), [], `${name}, ${scheme}, ${width}`);
            if (shots) {
                await page.screenshot({path: `${shots}/${name}-${scheme}-${width}.png`, fullPage: true});
            }
        }
        await page.context().close();
    }
}

async function hostileText(page) {
    const hostile = (await api("/jobs?tag=hostile")).items;
    assert.ok(hostile.length >= 5, "no hostile jobs");
    for (const job of hostile) {
        await page.goto(`${url}/#/jobs/${job.id}`);
        await heading(page, `Job ${job.id}`);
        await page.getByRole("heading", {name: "Facts"}).waitFor();
        assert.equal(await page.locator("main img, main script, main iframe, main svg").count(), 0, job.kind);
        assert.ok((await page.locator("main").innerText()).includes(job.kind), `${job.kind} is not shown as it is`);
    }
}

async function keysAndLanguages(page) {
    await page.goto(`${url}/#/`);
    await heading(page, "Overview");
    await page.keyboard.press("g");
    await page.keyboard.press("j");
    await heading(page, "Jobs");
    await page.locator("a.row").first().waitFor();
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "filter-kind");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const id = await page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("Enter");
    await heading(page, `Job ${id}`);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({state: "detached"});
    for (const [language, word] of [["de", "Überblick"], ["es", "Resumen"], ["en", "Overview"]]) {
        await page.locator("header select").selectOption(language);
        await page.getByRole("link", {name: word}).waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.lang), language);
    }
}

async function filtersAndPages(page) {
    await page.goto(`${url}/#/jobs`);
    await page.getByLabel("Kind").fill("mail.send");
    await page.getByRole("button", {name: "Filter"}).click();
    await page.waitForURL(/kind=mail\.send/);
    await page.getByRole("checkbox", {name: "completed"}).check();
    await page.waitForURL(/state=completed/);
    await page.reload();
    assert.equal(await page.getByLabel("Kind").inputValue(), "mail.send");
    assert.ok(await page.getByRole("checkbox", {name: "completed"}).isChecked());
    const newest = await page.locator("a.row").first().innerText();
    await page.getByRole("link", {name: "Older"}).click();
    await page.waitForURL(/below=/);
    await until("older jobs", async () => (await page.locator("a.row").first().innerText()) !== newest);
    await page.getByRole("link", {name: "Newer"}).click();
    await until("the newest job", async () => (await page.locator("a.row").first().innerText()) === newest);
}

async function actions(page) {
    await page.goto(`${url}/#/jobs?state=dead&kind=mended`);
    await page.getByText("Act on all that match").click();
    await page.getByRole("button", {name: "Retry"}).click();
    await page.getByText("3 jobs would be acted on.").waitFor();
    await page.getByRole("button", {name: "Retry: 3"}).click();
    await page.getByText("Retry: 3 done, 0 not possible.").waitFor();
    await until("the retried jobs", async () => (await api("/jobs?kind=mended&state=completed")).items.length === 3);

    const [{id}] = (await api("/jobs", {kind: "later", run_in: "2h", args: {n: 1}})).items;
    await page.goto(`${url}/#/jobs/${id}`);
    await page.getByText("it is not to run before").waitFor();
    await page.getByRole("button", {name: "Reschedule"}).click();
    await page.getByRole("dialog").getByLabel("Run in").fill("9h");
    await page.getByRole("dialog").getByRole("button", {name: "Reschedule"}).click();
    await until("its new time", async () => Date.parse((await api(`/jobs/${id}`)).run_at) > Date.now() + 8 * 3600 * 1000);
    await page.getByRole("button", {name: "Edit"}).click();
    const text = page.getByRole("dialog").getByLabel("Arguments");
    await text.fill((await text.inputValue()).replace('"n": 1', '"n": 2'));
    await page.getByRole("dialog").getByRole("button", {name: "Save"}).click();
    await until("its new args", async () => (await api(`/jobs/${id}`)).args.n === 2);
    await page.getByRole("button", {name: "Cancel job"}).click();
    await page.getByRole("dialog").getByRole("button", {name: "Cancel job"}).click();
    await page.locator("h1 .state-cancelled").waitFor();
    await page.getByRole("button", {name: "Delete"}).click();
    await page.getByRole("dialog").getByRole("button", {name: "Delete"}).click();
    await heading(page, "Jobs");
    assert.ok((await api(`/jobs/${id}`)).error);

    await page.goto(`${url}/#/queues`);
    await page.getByRole("button", {name: "Resume: paused-one"}).click();
    await page.getByRole("button", {name: "Pause: paused-one"}).waitFor();
    await page.goto(`${url}/#/limits`);
    await page.getByRole("button", {name: "Set a limit"}).click();
    await page.getByRole("dialog").getByLabel("Name").fill("mail.slow");
    await page.getByRole("dialog").getByRole("button", {name: "Save"}).click();
    await page.getByRole("dialog").getByRole("alert").filter({hasText: "at_most"}).waitFor();
    await page.getByRole("dialog").getByLabel("At once").fill("3");
    await page.getByRole("dialog").getByRole("button", {name: "Save"}).click();
    await row(page, "mail.slow").filter({hasText: "0 of 3"}).waitFor();
    await page.getByRole("button", {name: "Edit: kind mail.slow"}).click();
    await page.getByRole("dialog").getByLabel("At once").fill("4");
    await page.getByRole("dialog").getByRole("button", {name: "Save"}).click();
    await row(page, "mail.slow").filter({hasText: "0 of 4"}).waitFor();
    await page.getByRole("button", {name: "Remove: kind mail.slow"}).click();
    await until("the limit to be gone", async () => (await api("/limits")).items.every(limit => limit.name !== "mail.slow"));
    await page.goto(`${url}/#/schedules`);
    await row(page, "nightly").getByRole("button", {name: "Run now"}).click();
    await page.getByText(/Job \d+ was added\./).waitFor();

    await page.goto(`${url}/#/enqueue`);
    await page.getByLabel("Kind").fill("mail.send");
    await page.getByLabel("Arguments").fill("{broken");
    await page.getByRole("button", {name: "Add a job"}).click();
    await page.getByRole("alert").filter({hasText: "no JSON object"}).waitFor();
    await page.getByLabel("Arguments").fill('{"to": "ada"}');
    await page.getByRole("button", {name: "Add a job"}).click();
    await heading(page, /^Job \d+/);
    await page.locator("h1 .state-completed").waitFor();
}

async function liveNews(page) {
    await page.goto(`${url}/#/`);
    await page.getByText("live", {exact: true}).waitFor();
    await api("/jobs", {kind: "later", queue: "brand-new", run_in: "1h"});
    await row(page, "brand-new").waitFor();
}

async function access() {
    const page = await open();
    await page.goto(secured);
    await page.getByLabel("Token").fill("wrong");
    await page.getByRole("button", {name: "Sign in"}).click();
    await page.getByRole("alert").filter({hasText: /\w/}).waitFor();
    await page.getByLabel("Token").fill(token);
    await page.getByRole("button", {name: "Sign in"}).click();
    await heading(page, "Overview");
    await page.goto(`${secured}/#/queues`);
    assert.ok(await page.getByRole("button", {name: /Pause|Resume/}).first().isDisabled());
    await page.getByRole("button", {name: "Sign out"}).click();
    await page.getByLabel("Token").waitFor();
}

try {
    sameWords();
    await everyView();
    const page = await open();
    for (const part of [hostileText, keysAndLanguages, filtersAndPages, actions, liveNews]) {
        await part(page);
        console.log(`${part.name}: good`);
    }
    await access();
    assert.deepEqual(troubles, []);
    console.log("the page does what it should");
} catch (error) {
    console.error(error, troubles);
    process.exitCode = 1;
} finally {
    await browser.close();
}
