// Builds the page from text: nothing that comes from a job ever becomes markup.
import {number} from "./format.js";
import {t} from "./texts.js";

const properties = new Set(["checked", "disabled", "value", "open", "selected"]);

// h("a", {class: "link", href: "#/", onclick: f}, "text", node, [nodes], null)
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) {
            continue;
        }
        if (name.startsWith("on")) {
            element.addEventListener(name.slice(2), value);
        } else if (properties.has(name)) {
            element[name] = value;
        } else {
            element.setAttribute(name, value === true ? "" : value);
        }
    }
    append(element, children);
    return element;
}

function append(element, children) {
    for (const child of children.flat(Infinity)) {
        if (child !== null && child !== undefined && child !== false) {
            element.append(child instanceof Node ? child : String(child));
        }
    }
}

export function focusOn(element, name) {
    return element.querySelector(`[data-focus="${CSS.escape(name)}"]`)?.focus();
}

// Puts new content into an element. What has the focus keeps it, if something with the same data-focus is there again.
export function fill(element, ...children) {
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    element.replaceChildren();
    append(element, children);
    if (focused) {
        focusOn(element, focused);
    }
}

function cellOf(cell, column) {
    const nothing = cell === "" || cell === null || cell === undefined || cell instanceof Element && cell.classList.contains("none");
    const classes = [column.number ? "number" : null, column.class, nothing ? "none" : null].filter(Boolean).join(" ");
    return h("td", {class: classes || null, "data-title": column.title || null}, cell);
}

// A table that becomes a list of cards where there is no room for columns: `class: "main"` heads the card, "wide" takes a whole
// line, and cells that say nothing are left out.
export function table(label, columns, rows, empty, kind = "") {
    if (rows.length === 0) {
        return h("p", {class: "empty"}, empty);
    }
    return h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": label, "data-focus": `table ${label}`},
        h("table", {class: kind || null},
            h("thead", {}, h("tr", {}, columns.map(column =>
                h("th", {scope: "col", class: column.number ? "number" : null}, column.head ?? (column.title || h("span", {class: "unseen"}, t("actions"))))))),
            h("tbody", {}, rows.map(row => h("tr", row.attributes ?? {}, row.cells.map((cell, nth) => cellOf(cell, columns[nth])))))));
}

// A count, faint where there is nothing to count.
export function count(value, href = null, kind = null) {
    if (!value) {
        return h("span", {class: "faint none"}, "0");
    }
    return href ? h("a", {href, class: kind}, number(value)) : h("span", {class: kind}, number(value));
}

export function button(text, onclick, attributes = {}) { // onclick: null for none
    return h("button", {type: "button", onclick, ...attributes}, text);
}

export function badge(state, text) {
    return h("span", {class: `badge state-${state}`}, text);
}

export function problem(text) {
    return h("p", {class: "problem", role: "alert"}, text);
}

// Labels an input; `hint` stands under it.
export function field(name, input, hint = null) {
    if (hint) {
        input.setAttribute("aria-describedby", `${input.id}-hint`);
    }
    return h("div", {class: "field"}, h("label", {for: input.id}, name), input,
        hint ? h("p", {class: "hint", id: `${input.id}-hint`}, hint) : null);
}

// A menu of buttons behind one; Escape and a click elsewhere close it.
export function menu(text, items, attributes = {}) {
    const element = h("details", {class: "menu", ...attributes}, h("summary", {class: "button", "data-focus": `menu ${text}`}, text),
        h("div", {class: "menu-items"}, items));
    element.addEventListener("keydown", event => {
        if (event.key === "Escape") {
            element.open = false;
            element.querySelector("summary").focus();
        }
    });
    element.addEventListener("focusout", event => {
        if (!element.contains(event.relatedTarget)) {
            element.open = false;
        }
    });
    element.addEventListener("click", event => {
        if (event.target.closest("button")) {
            element.open = false;
        }
    });
    return element;
}

// Long text that scrolls, with a button that copies it.
export function textBlock(label, text) {
    const copy = navigator.clipboard ? button(t("copy"), async event => {
        const {target} = event;
        try {
            await navigator.clipboard.writeText(text);
            target.textContent = t("copied");
        } catch {
            target.textContent = t("not_copied");
        }
        setTimeout(() => { target.textContent = t("copy"); }, 2000);
    }, {class: "small copy", "aria-label": `${t("copy")}: ${label}`}) : null;
    return h("div", {class: "block"}, h("pre", {tabindex: "0", role: "region", "aria-label": label}, text), copy);
}

export function toast(text, kind = "good") {
    const note = h("div", {class: `toast ${kind}`}, h("span", {}, text),
        button("×", () => note.remove(), {class: "plain", "aria-label": t("close")}));
    document.getElementById("toasts").append(note);
    setTimeout(() => note.remove(), kind === "good" ? 5000 : 15000);
}

// A modal dialog. `build(close)` returns its content; the promise has what close() was given.
export function dialog(title, build, kind = "") {
    return new Promise(resolve => {
        let answer = null;
        const before = document.activeElement;
        const element = h("dialog", {"aria-labelledby": "dialog-title", class: kind || null});
        const close = value => {
            answer = value;
            element.close();
        };
        append(element, [h("h2", {id: "dialog-title"}, title), build(close)]);
        element.addEventListener("close", () => {
            element.remove();
            if (before?.isConnected) {
                before.focus();
            } else if (before?.dataset?.focus) {
                focusOn(document, before.dataset.focus);
            }
            resolve(answer);
        });
        document.body.append(element);
        element.showModal();
    });
}
