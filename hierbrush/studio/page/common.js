/* What all views of the studio share: words, elements, and what is asked of the server. Every request goes to the server that
 * the page came from. */

import { WORDS } from "./words.js";

export const $ = (id) => document.getElementById(id);
export const state = { about: null, result: null, sheet: 0, player: null, mine: null, model: null, variants: [], episodes: [], files: [] };
export let lang = stored("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");

export const word = (name, ...values) => {
  const found = WORDS[lang][name] ?? name;
  return typeof found === "function" ? found(...values) : found;
};

export function speak(language) {
  lang = language;
  stored("language", language);
}

export function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`hierbrush-${name}`);
    localStorage.setItem(`hierbrush-${name}`, value);
  } catch { /* a browser that keeps nothing */ }
  return null;
}

export function players() {
  return [state.player, state.mine, state.model, ...state.variants.map((each) => each.player), ...state.episodes.flat()].filter(Boolean);
}

export function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
export const theme = () => document.documentElement.dataset.theme;
export const tell = (text) => ($("status").textContent = text);

export async function ask(path, body, headers = { "Content-Type": "application/json" }) {
  let response;
  try {
    response = await fetch(path, body === undefined ? {} : {
      method: "POST", headers, body: body instanceof Blob ? body : JSON.stringify(body) });
  } catch {
    throw new Error(word("lost"));
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Error(told.error ?? `${response.status} ${response.statusText}`);
}

/** Do something that may fail; what is wrong is said in an element. */
export async function trying(where, button, act) {
  $(where).textContent = "";
  button?.setAttribute("aria-busy", "true");
  try {
    return await act();
  } catch (error) {
    $(where).textContent = error.message;
    return null;
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

export const plain = (name) => name.replace(/^run:/, "");
export const dark = () => theme() === "dark" || (theme() === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);

export function rgb(text) {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}
