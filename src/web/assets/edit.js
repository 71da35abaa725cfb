// Changes a waiting job's columns. What the server hides cannot be changed by accident.
import {parse, post} from "./api.js";
import {button, dialog, field, fill, h, problem, toast} from "./dom.js";
import {t} from "./texts.js";

const hidden = "***";

function objectOf(text, name) {
    let value = null;
    try {
        value = parse(text.trim() === "" ? "{}" : text);
    } catch {
        // Said below.
    }
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
        throw new Error(t("not_json", {field: name}));
    }
    return value;
}

function wholeOf(input, name) {
    if (!/^-?\d+$/.test(input.value.trim())) {
        throw new Error(t("not_whole", {field: name}));
    }
    return Number(input.value);
}

export function tagsOf(text) {
    return text.split(",").map(tag => tag.trim()).filter(Boolean);
}

export {objectOf};

// `then` is called once it is changed.
export function editJob(job, then) {
    const area = (id, value) => {
        const element = h("textarea", {id, spellcheck: "false", rows: 6});
        element.value = JSON.stringify(value, null, 2);
        return element;
    };
    const args = area("edit-args", job.args);
    const meta = area("edit-meta", job.meta);
    const queue = h("input", {id: "edit-queue", value: job.queue, required: true});
    const priority = h("input", {id: "edit-priority", value: job.priority, inputmode: "numeric"});
    const attempts = h("input", {id: "edit-attempts", value: job.max_attempts ?? "", inputmode: "numeric", placeholder: t("of_the_kind")});
    // Tags with a comma in them cannot be told apart in a field, so they are left alone.
    const plain = job.tags.every(tag => !tag.includes(",") && tag.trim() === tag);
    const tags = h("input", {id: "edit-tags", value: job.tags.join(", "), disabled: !plain});
    const wrong = h("div");
    const changes = () => {
        const wanted = {queue: queue.value, priority: wholeOf(priority, t("priority")), args: objectOf(args.value, t("args")), meta: objectOf(meta.value, t("meta"))};
        if (attempts.value.trim() !== "") {
            wanted.max_attempts = wholeOf(attempts, t("max_attempts"));
        }
        if (plain) {
            wanted.tags = tagsOf(tags.value);
        }
        const changed = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(job[name])));
        for (const name of ["args", "meta"]) {
            // The server showed *** for a secret; sending it back would put three stars in its place.
            if (name in changed && JSON.stringify(changed[name]).includes(`"${hidden}"`)) {
                throw new Error(t("hidden_values", {field: t(name)}));
            }
        }
        if (Object.keys(changed).length === 0) {
            throw new Error(t("nothing_changed"));
        }
        return changed;
    };
    return dialog(`${t("edit")}: ${t("job", {id: job.id})}`, close => h("form", {class: "form", onsubmit: async event => {
        event.preventDefault();
        try {
            await post(`/jobs/${job.id}/edit`, changes());
            toast(t("done"));
            close(true);
            then();
        } catch (error) {
            fill(wrong, problem(error.message));
        }
    }},
    h("div", {class: "fields"}, field(t("queue"), queue), field(t("priority"), priority), field(t("max_attempts"), attempts)),
    field(t("tags"), tags, t("tags_hint")), field(t("args"), args), field(t("meta"), meta), wrong,
    h("div", {class: "buttons"}, h("button", {type: "submit", class: "primary"}, t("save")), button(t("back"), () => close(null)))), "large");
}
