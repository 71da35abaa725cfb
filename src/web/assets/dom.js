// Builds the page from text: nothing that comes from a job ever becomes markup.

// h("a", {class: "link", href: "#/", onclick: f}, "text", node, [nodes], null)
export function h(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) {
            continue;
        }
        if (name.startsWith("on")) {
            element.addEventListener(name.slice(2), value);
        } else if (name === "checked" || name === "disabled" || name === "value" || name === "open" || name === "selected") {
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

// Puts new content into an element. What has the focus keeps it, if something with the same data-focus is there again.
export function fill(element, ...children) {
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
    element.replaceChildren();
    append(element, children);
    if (focused) {
        element.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
    }
}

// A table whose cells carry their column's title, for screens too narrow for columns.
export function table(label, columns, rows, empty) {
    if (rows.length === 0) {
        return h("p", {class: "empty"}, empty);
    }
    return h("div", {class: "scroll", tabindex: "0", role: "region", "aria-label": label},
        h("table", {},
            h("thead", {}, h("tr", {}, columns.map(column =>
                h("th", {scope: "col", class: column.number ? "number" : null}, column.head ?? column.title)))),
            h("tbody", {}, rows.map(row => h("tr", row.attributes ?? {}, row.cells.map((cell, nth) =>
                h("td", {class: columns[nth].number ? "number" : columns[nth].class, "data-title": columns[nth].title},
                    cell)))))));
}

export function button(text, onclick, attributes = {}) { // onclick: null for none
    return h("button", {type: "button", onclick, ...attributes}, text);
}

export function badge(state, text) {
    return h("span", {class: `badge state-${state}`}, text);
}

export function toast(text, kind = "good") {
    const note = h("div", {class: `toast ${kind}`}, text);
    document.getElementById("toasts").append(note);
    setTimeout(() => note.remove(), kind === "good" ? 4000 : 10000);
}

// A modal dialog. `build(close)` returns its content; the promise has what close() was given.
export function dialog(title, build) {
    return new Promise(resolve => {
        let answer = null;
        const element = h("dialog", {"aria-labelledby": "dialog-title"});
        const close = value => {
            answer = value;
            element.close();
        };
        append(element, [h("h2", {id: "dialog-title"}, title), build(close)]);
        element.addEventListener("close", () => {
            element.remove();
            resolve(answer);
        });
        document.body.append(element);
        element.showModal();
    });
}
