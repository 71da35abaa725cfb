// The form that adds a job.
import {post} from "./api.js";
import {fill, h, toast} from "./dom.js";
import {t} from "./texts.js";

function field(name, id, input, hint) {
    return h("div", {class: "field"}, h("label", {for: id}, name), input, hint ? h("p", {class: "hint", id: `${id}-hint`}, hint) : null);
}

function readObject(text, name) {
    let value;
    try {
        value = text.trim() === "" ? {} : JSON.parse(text);
    } catch {
        value = null;
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
        throw new Error(t("not_json", {field: name}));
    }
    return value;
}

export function show(root, context) {
    const kind = h("input", {id: "job-kind", required: true, "data-search": true, autocomplete: "off"});
    const queue = h("input", {id: "job-queue", placeholder: "default", autocomplete: "off"});
    const priority = h("input", {id: "job-priority", type: "number", min: "-32768", max: "32767", placeholder: "0"});
    const run_in = h("input", {id: "job-run-in", placeholder: "10m", "aria-describedby": "job-run-in-hint"});
    const args = h("textarea", {id: "job-args", spellcheck: "false"});
    const further = h("textarea", {id: "job-further", spellcheck: "false", "aria-describedby": "job-further-hint"});
    args.value = "{}";
    const problem = h("p", {class: "problem", role: "alert"});
    const send = async event => {
        event.preventDefault();
        fill(problem);
        try {
            const job = {...readObject(further.value, t("further")), kind: kind.value, args: readObject(args.value, t("args"))};
            for (const [name, input] of [["queue", queue], ["run_in", run_in]]) {
                if (input.value) {
                    job[name] = input.value;
                }
            }
            if (priority.value) {
                job.priority = Number(priority.value);
            }
            const answer = await post("/jobs", job);
            toast(t("enqueued_job", {id: answer.items[0].id}));
            location.hash = `#/jobs/${answer.items[0].id}`;
        } catch (error) {
            fill(problem, error.message || t("unreachable"));
        }
    };
    const submit = context.guarded("operate", t("enqueue"), null, {class: "primary"});
    submit.type = "submit";
    fill(root, h("h1", {}, t("enqueue")), h("form", {class: "card form", onsubmit: send},
        h("div", {class: "fields"}, field(t("kind"), "job-kind", kind), field(t("queue"), "job-queue", queue),
            field(t("priority"), "job-priority", priority), field(t("run_in"), "job-run-in", run_in, t("run_in_hint"))),
        field(t("args"), "job-args", args), field(t("further"), "job-further", further, t("further_hint")),
        problem, h("div", {class: "buttons"}, submit)));
}
