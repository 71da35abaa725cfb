// What a job prints, while it prints it: new lines come below; who reads further up is left alone.
import {button, h} from "./dom.js";
import {clock} from "./format.js";
import {t} from "./texts.js";

export class LogView {
    constructor() {
        this.lines_ = h("pre", {tabindex: "0", role: "log", "aria-live": "off", "aria-label": t("log"), class: "log"});
        this.state_ = h("span", {class: "hint"});
        this.follow_ = button(t("to_the_end"), () => this.toEnd_(), {class: "small"});
        this.follow_.hidden = true;
        this.keys_ = [];
        this.lines_.addEventListener("scroll", () => { this.follow_.hidden = this.isAtEnd_(); });
        this.element = h("section", {class: "card"}, h("div", {class: "head tight"}, h("h2", {}, t("log")), this.state_, this.follow_), this.lines_);
        this.element.hidden = true;
    }

    // Parts are added where those shown before are still there; otherwise all is shown anew.
    show(parts, is_running) {
        const keys = parts.map(part => `${part.fence} ${part.sequence} ${part.stream} ${part.body.length}`);
        const same = this.keys_.every((key, nth) => key === keys[nth]);
        const at_end = this.isAtEnd_();
        if (!same) {
            this.lines_.replaceChildren();
        }
        const begin = same ? this.keys_.length : 0;
        for (let nth = begin; nth < parts.length; ++nth) {
            const part = parts[nth];
            if (nth === 0 || parts[nth - 1].fence !== part.fence) {
                this.lines_.append(h("span", {class: "mark"}, `${nth > 0 && !parts[nth - 1].body.endsWith("\n") ? "\n" : ""}── ${t("run_number", {number: part.fence})}`
                    + `${part.written_at ? ` · ${clock(part.written_at)}` : ""} ──\n`));
            }
            this.lines_.append(h("span", {class: part.stream === "error" ? "stderr" : null}, part.body));
        }
        this.keys_ = keys;
        this.element.hidden = false;
        this.lines_.hidden = parts.length === 0;
        this.state_.textContent = is_running ? t("log_live") : parts.length === 0 ? t("no_log") : "";
        if (at_end) {
            this.toEnd_();
        }
    }

    isAtEnd_() {
        return this.lines_.scrollHeight - this.lines_.scrollTop - this.lines_.clientHeight < 30;
    }

    toEnd_() {
        this.lines_.scrollTop = this.lines_.scrollHeight;
        this.follow_.hidden = true;
    }
}
