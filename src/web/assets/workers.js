// Workers: where they are, what they hold, when they last spoke, and what they hold back.
import {badge, fill, h, table} from "./dom.js";
import {ago, number, time} from "./format.js";
import {follow} from "./live.js";
import {t} from "./texts.js";

function troubles(worker) {
    return (worker.report?.held_back ?? []).map(one => h("div", {}, badge("held_back", t("state_held_back")), " ",
        h("span", {class: "code"}, (one.kinds ?? []).join(", ")), h("div", {class: "bad code"}, one.error ?? "")));
}

export function show(root) {
    const place = h("section", {class: "card"});
    fill(root, h("h1", {}, t("workers")), place);
    return follow(overview => {
        const columns = [{title: t("name")}, {title: t("host")}, {title: t("state")}, {title: t("running_now"), number: true},
            {title: t("heartbeat")}, {title: t("queues")}, {title: t("labels")}, {title: t("version")}, {title: ""}];
        fill(place, overview ? table(t("workers"), columns, overview.workers.map(worker => ({cells: [
            h("strong", {}, worker.name), `${worker.host} (${worker.pid})`, badge(worker.state, t(`state_${worker.state}`)),
            `${number(worker.running)}/${number(worker.slots)}`,
            h("time", {datetime: worker.heartbeat_at, title: time(worker.heartbeat_at)}, ago(worker.heartbeat_at)),
            worker.queues.length > 0 ? worker.queues.join(", ") : t("all_queues"), worker.labels.join(", "), worker.version,
            troubles(worker)]})), t("no_workers")) : h("p", {class: "empty"}, t("loading")));
    });
}
