// The form that adds a job.
import {post} from "./api.js";
import {objectOf, tagsOf} from "./edit.js";
import {field, fill, h, problem, toast} from "./dom.js";
import {knownKinds, knownQueues, namesList} from "./jobs.js";
import {t} from "./texts.js";

const conflicts = ["refuse", "skip", "replace", "merge"];

export function show(root, context) {
    const {parameters} = context;
    const input = (name, attributes = {}) => h("input", {id: `job-${name}`, autocomplete: "off", spellcheck: "false", ...attributes});
    const texts = {queue: input("queue", {placeholder: "default", list: "known-queues"}), run_in: input("run-in", {placeholder: "10m"}),
        timeout: input("timeout", {placeholder: t("of_the_kind")}), unique_key: input("unique-key")};
    const numbers = {priority: input("priority", {type: "number", min: "-32768", max: "32767", placeholder: "0"}),
        max_attempts: input("max-attempts", {type: "number", min: "1", placeholder: t("of_the_kind")})};
    const kind = input("kind", {required: true, "data-search": true, list: "known-kinds", value: parameters.get("kind") ?? ""});
    const tags = input("tags");
    const conflict = h("select", {id: "job-conflict"}, conflicts.map(name => h("option", {value: name}, t(`conflict_${name}`))));
    const args = h("textarea", {id: "job-args", spellcheck: "false", rows: 8});
    const further = h("textarea", {id: "job-further", spellcheck: "false", rows: 3});
    args.value = "{\n  \n}";
    const wrong = h("div");
    const submit = context.guarded("operate", t("enqueue"), null, {class: "primary"});
    submit.type = "submit";
    const jobOf = () => {
        const job = {...objectOf(further.value, t("further")), kind: kind.value, args: objectOf(args.value, t("args"))};
        Object.entries(texts).filter(([, one]) => one.value.trim()).forEach(([name, one]) => { job[name] = one.value.trim(); });
        Object.entries(numbers).filter(([, one]) => one.value).forEach(([name, one]) => { job[name] = Number(one.value); });
        if (tagsOf(tags.value).length > 0) {
            job.tags = tagsOf(tags.value);
        }
        return job;
    };
    const send = async event => {
        event.preventDefault();
        fill(wrong);
        submit.disabled = true;
        try {
            const answer = await post(`/jobs${conflict.value === "refuse" ? "" : `?on_conflict=${conflict.value}`}`, jobOf());
            const {id, existing} = answer.items[0];
            toast(t(existing ? "existing_job" : "enqueued_job", {id}));
            location.hash = `#/jobs/${id}`;
        } catch (error) {
            fill(wrong, problem(error.message));
            submit.disabled = false;
        }
    };
    fill(root, h("h1", {}, t("enqueue")), h("form", {class: "card form add", onsubmit: send},
        h("div", {class: "fields two"}, field(t("kind"), kind, t("kind_hint")), field(t("queue"), texts.queue, t("queue_hint"))),
        field(t("args"), args, t("args_hint")),
        h("div", {class: "fields"}, field(t("run_in"), texts.run_in, t("run_in_hint")), field(t("priority"), numbers.priority, t("priority_hint")),
            field(t("tags"), tags, t("tags_hint"))),
        h("details", {}, h("summary", {}, t("further_fields")), h("div", {class: "form"}, h("div", {class: "fields"},
            field(t("max_attempts"), numbers.max_attempts), field(t("timeout"), texts.timeout, t("run_in_hint")),
            field(t("unique_key"), texts.unique_key), field(t("conflict"), conflict)),
        field(t("further"), further, t("further_hint")))),
        namesList("known-kinds", knownKinds()), namesList("known-queues", knownQueues()),
        wrong, h("div", {class: "buttons"}, submit)));
}
