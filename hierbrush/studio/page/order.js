/* What is asked for: the form, and what can be chosen in it. */

import { $, state, word, made, plain } from "./common.js";
import { keep } from "./watch.js";

export const CHOICES = ["goal", "composer", "policy", "brush", "style", "ink", "dip", "direction", "paper", "grid", "missing"];
export const NUMBERS = ["rows", "columns", "per_line"];

export function order() {
  const asked = { text: $("text").value, weight: Number($("weight").value) };
  for (const name of CHOICES) if ($(name).value && !$(`${name}-field`)?.hidden) asked[name] = $(name).value;
  for (const name of NUMBERS) if ($(name).value && !$(name).closest("label").hidden) asked[name] = Number($(name).value);
  return asked;
}

export function fit() {
  const onPaper = $("paper").value !== "";
  for (const field of document.querySelectorAll("[data-for]")) field.hidden = (field.dataset.for === "paper") !== onPaper;
  $("composer-field").hidden = !["", "decomposition"].includes($("goal").value);
  $("weight-shown").value = Number($("weight").value).toFixed(1);
}

export function options(select, names, { first = null, label = word } = {}) {
  const before = select.value;
  const kept = first === null ? [] : [made("option", { value: "" }, word(first))];
  select.replaceChildren(...kept, ...names.map((name) => made("option", { value: name }, label(name))));
  if ([...select.options].some((option) => option.value === before)) select.value = before;
}

export const policies = () => [...state.about.policies, ...state.about.runs.filter((run) => run.primitives).map((run) => `run:${run.name}`)];
export const styles = () => [...(state.about.styles ?? []), ...state.files.filter(([, , where]) => where === "style").map(([style]) => style)];

export function offer() {
  const { about } = state, composers = [...about.composers, ...about.runs.filter((run) => run.composer).map((run) => `run:${run.name}`)];
  const names = Object.fromEntries(state.files.filter(([, , where]) => where === "goal"));
  options($("goal"), [...about.goals, ...Object.keys(names)], { first: "best", label: (goal) => names[goal] ?? word(goal) });
  options($("composer"), composers, { first: "usual", label: plain });
  options($("policy"), policies(), { label: plain });
  options($("brush"), about.brushes, { label: plain });
  options($("direction"), [...about.directions].sort());
  options($("paper"), about.papers, { first: "fitting", label: plain });
  options($("grid"), about.grids, { first: "none" });
  $("style-field").hidden = !styles().length;
  $("ink-field").hidden = !about.inks?.length;
  options($("style"), styles(), { first: "none", label: (style) => Object.fromEntries(state.files)[style] ?? style });
  options($("ink"), about.inks ?? [], { label: word });
  options($("dip"), about.dips, { label: (dip) => word(`dip_${dip}`) });
  options($("curriculum"), about.curricula, { label: plain });
  const hands = [...about.policies, ...about.runs.filter((run) => run.primitives || run.composer).map((run) => `run:${run.name}`)];
  options($("policy-a"), hands, { label: plain });
  options($("policy-b"), hands, { first: "none", label: plain });
  options($("run"), about.runs.map((run) => run.name), { label: plain });
  $("files").replaceChildren(...about.formats.map(({ kind, sized }) =>
    made("button", { type: "button", onclick: (event) => keep(kind, sized, event.target) }, FILES[kind] ?? kind.toUpperCase())));
  fit();
}

const FILES = { gcode: "G-code", "lines.svg": "Lines SVG" };
