// Schedules: when they are due next, pause, resume, run now, and their latest due times.
import {get, post} from "./api.js";
import {badge, button, dialog, fill, h, problem, table, toast} from "./dom.js";
import {ago, json, length, time} from "./format.js";
import {every} from "./live.js";
import {t} from "./texts.js";

function instant(value) {
    return value ? h("time", {datetime: value, title: ago(value)}, time(value)) : "";
}

function outcome(run) {
    const text = t(`run_${run.outcome.replaceAll(" ", "_")}`);
    return badge(`run-${run.outcome.replaceAll(" ", "-")}`, text.startsWith("run_") ? run.outcome : text);
}

async function showRuns(schedule) {
    const {items} = await get("/schedules/runs", {name: schedule.name, limit: 50});
    await dialog(`${t("runs")}: ${schedule.name}`, close => [table(t("runs"),
        [{title: t("due"), class: "main"}, {title: t("noted")}, {title: t("a_job"), class: "code"}, {title: t("outcome")}],
        items.map(run => ({cells: [instant(run.due_at), instant(run.noted_at),
            run.job_id ? h("a", {href: `#/jobs/${run.job_id}`, onclick: () => close(null)}, run.job_id) : "", outcome(run)]})), t("no_runs")),
    JSON.stringify(schedule.args) === "{}" ? null : h("details", {}, h("summary", {}, t("args")), h("pre", {tabindex: "0"}, json(schedule.args))),
    h("div", {class: "buttons"}, button(t("close"), () => close(null), {class: "primary"}))], "large");
}

export function show(root, context) {
    const place = h("section", {class: "card"});
    let shown = "";
    const rules = schedule => [t("overlap", {rule: schedule.overlap}), t("missed", {rule: schedule.missed}),
        schedule.jitter_ms ? t("jitter", {length: length(schedule.jitter_ms)}) : null].filter(Boolean).join(" · ");
    const row = schedule => {
        const {name} = schedule;
        const change = verb => context.act(() => post(`/schedules/${verb}`, {name}), load);
        const verb = schedule.paused_at ? "resume" : "pause";
        const named = text => ({class: "small", "aria-label": `${text}: ${name}`});
        return {cells: [[h("strong", {}, name), h("div", {class: "hint"}, t("made_by", {source: schedule.source}))],
            h("div", {}, h("div", {}, h("code", {}, schedule.expression), " ", h("span", {class: "hint"}, schedule.time_zone)), h("div", {class: "hint"}, rules(schedule))),
            h("a", {href: `#/jobs?${new URLSearchParams({kind: schedule.kind})}`, "data-focus": `schedule ${name}`}, schedule.kind),
            schedule.next_at ? h("time", {datetime: schedule.next_at, title: time(schedule.next_at)}, ago(schedule.next_at), h("div", {class: "hint"}, time(schedule.next_at))) : "",
            schedule.problem ? h("div", {}, badge("problem", t("state_problem")), h("div", {class: "bad"}, schedule.problem))
                : schedule.paused_at ? badge("paused", t("state_paused")) : badge("completed", t("state_on")),
            h("div", {class: "buttons"},
                context.guarded("operate", t(verb), () => change(verb), {...named(t(verb)), "data-focus": `pause ${name}`}),
                context.guarded("operate", t("run_now"), async () => {
                    try {
                        const answer = await post("/schedules/run", {name});
                        toast(t("enqueued_job", {id: answer.job_id}));
                        await load();
                    } catch (error) {
                        toast(error.message, "bad");
                    }
                }, {...named(t("run_now")), "data-focus": `run ${name}`}),
                button(t("runs"), () => showRuns(schedule).catch(error => toast(error.message, "bad")), {...named(t("runs")), "data-focus": `runs ${name}`}))]};
    };
    async function load() {
        try {
            const {items} = await get("/schedules");
            const now = JSON.stringify(items) + Math.floor(Date.now() / 15000);
            if (now !== shown) {
                shown = now;
                fill(place, table(t("schedules"), [{title: t("name"), class: "main"}, {title: t("expression"), class: "wide"}, {title: t("kind"), class: "code"},
                    {title: t("next")}, {title: t("state")}, {title: "", class: "wide actions"}], items.map(row), t("no_schedules")));
            }
        } catch (error) {
            shown = "";
            fill(place, problem(error.message));
        }
    }
    fill(root, h("h1", {}, t("schedules")), place);
    fill(place, h("p", {class: "empty"}, t("loading")));
    return every(5, load);
}
