// The page's words. Each language is a module with the same keys; {name} stands for a value.
import {de} from "./de.js";
import {en} from "./en.js";
import {es} from "./es.js";

export const languages = {en, de, es};

// What the reader chose, where the browser keeps such things.
export function kept(name) {
    try {
        return localStorage.getItem(name);
    } catch {
        return null;
    }
}

export function keep(name, value) {
    try {
        localStorage.setItem(name, value);
    } catch {
        // It holds until the page is closed.
    }
}

function wanted() {
    return [kept("language"), ...navigator.languages.map(one => one.slice(0, 2))].find(one => one && Object.hasOwn(languages, one)) ?? "en";
}

let chosen = wanted();

export function language() {
    return chosen;
}

// The reader's own way to write times and numbers, where it is one of the language's.
export function locale() {
    return navigator.languages.find(one => one.slice(0, 2) === chosen) ?? chosen;
}

export function choose(name) {
    chosen = name;
    keep("language", name);
}

export function t(key, values = {}) {
    const text = languages[chosen][key] ?? en[key] ?? key;
    return text.replaceAll(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}
