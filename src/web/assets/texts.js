// The page's words. Each language is a module with the same keys; {name} stands for a value.
import {de} from "./de.js";
import {en} from "./en.js";
import {es} from "./es.js";

export const languages = {en, de, es};

function wanted() {
    const kept = localStorage.getItem("language");
    return [kept, ...navigator.languages.map(one => one.slice(0, 2))].find(one => one in languages) ?? "en";
}

let chosen = wanted();

export function language() {
    return chosen;
}

export function choose(name) {
    chosen = name;
    localStorage.setItem("language", name);
}

export function t(key, values = {}) {
    const text = languages[chosen][key] ?? en[key] ?? key;
    return text.replaceAll(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}
