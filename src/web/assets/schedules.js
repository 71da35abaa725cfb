// Schedules: when they are due next, pause, resume, run now, and their latest due times.
import {get, post} from "./api.js";
import {badge, button, dialog, fill, h, table, toast} from "./dom.js";
import {ago, time} from "./format.js";
import {t} from "./texts.js";

async function showRuns(name) {
    const {items} = await get("/schedules/runs", {name, limit: 50});
    await dialog(`${t("runs")}: ${name}`, close => [table(t("runs"),
        [{title: t("due")}, {title: t("job", {id: ""}).trim(), class: "code"}, {title: t("outcome")}],
        items.map(run => ({cells: [time(run.due_at),
            run.job_id ? h("a", {href: `#/jobs/${run.job_id}`, onclick: () => close(null)}, run.job_id) : "", run.outcome]})), t("nothing_here")),
    h("div", {class: "buttons"}, button(t("close"), () => close(null)))]);
}

export function show(root, context) {
    const place = h("section", {class: "card"});
    const row = schedule => {
        const name = schedule.name;
        const change = verb => context.act(() => post(`/schedules/${verb}`, {name}), load);
        return {cells: [h("strong", {}, name),
            [h("code", {}, schedule.expression), " ", h("span", {class: "faint"}, schedule.time_zone)], schedule.kind,
            schedule.next_at ? h("time", {datetime: schedule.next_at, title: time(schedule.next_at)}, ago(schedule.next_at)) : "",
            schedule.paused_at ? badge("paused", t("state_paused")) : schedule.problem
                ? h("span", {}, badge("problem", t("state_problem")), " ", schedule.problem) : "",
            h("div", {class: "buttons"},
                context.guarded("operate", schedule.paused_at ? t("resume") : t("pause"),
                    () => change(schedule.paused_at ? "resume" : "pause"), {"data-focus": `pause ${name}`}),
                context.guarded("operate", t("run_now"), async () => {
                    await context.act(() => post("/schedules/run", {name}), answer => toast(t("enqueued_job", {id: answer.job_id})));
                }, {"data-focus": `run ${name}`}),
                button(t("runs"), () => showRuns(name).catch(error => toast(error.message, "bad")), {"data-focus": `runs ${name}`}))]};
    };
    const load = async () => {
        try {
            const {items} = await get("/schedules");
            fill(place, table(t("schedules"), [{title: t("name")}, {title: t("expression")}, {title: t("kind"), class: "code"},
                {title: t("next")}, {title: t("state")}, {title: ""}], items.map(row), t("no_schedules")));
        } catch (error) {
            fill(place, h("p", {class: "problem", role: "alert"}, error.message || t("unreachable")));
        }
    };
    fill(root, h("h1", {}, t("schedules")), place);
    load();
}
