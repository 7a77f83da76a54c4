/* The studio: asks the server to write, and shows it. Every request goes to the server that the page came from. */

import { create, trace } from "./hierbrush-player.js";
import { WORDS } from "./words.js";

const $ = (id) => document.getElementById(id);
// Okabe and Ito's, which the colour-blind tell apart; lighter on dark paper.
const COLOURS = { light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7"], dark: ["#56b4e9", "#e69f00", "#2fc299", "#e7a3ca"] };
const CHOICES = ["goal", "composer", "policy", "brush", "style", "ink", "dip", "direction", "paper", "grid", "missing"];
const NUMBERS = ["rows", "columns", "per_line"];
const state = { about: null, result: null, sheet: 0, player: null, mine: null, model: null, variants: [], episodes: [], files: [] };

/* ---------------------------------------------------------------- words and looks */

let lang = stored("language") ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
const word = (name, ...values) => {
  const found = WORDS[lang][name] ?? name;
  return typeof found === "function" ? found(...values) : found;
};

function stored(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`hierbrush-${name}`);
    localStorage.setItem(`hierbrush-${name}`, value);
  } catch { /* a browser that keeps nothing */ }
  return null;
}

function translate() {
  document.documentElement.lang = lang;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
  $("keys").replaceChildren(...word("keys").flatMap(([key, what]) => [made("dt", {}, key), made("dd", {}, what)]));
  for (const player of players()) player.set({ lang });
  if (state.about) offer();
  if (state.result) tellSheet();
}

function players() {
  return [state.player, state.mine, state.model, ...state.variants.map((each) => each.player), ...state.episodes.flat()].filter(Boolean);
}

function dress(theme) {
  document.documentElement.dataset.theme = theme;
  stored("theme", theme);
  for (const player of players()) player.set({ theme });
  if (state.player) tellCharacter();
  drawDifference();
  if (state.run) drawChart();
}

function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const theme = () => document.documentElement.dataset.theme;
const tell = (text) => ($("status").textContent = text);

/* ---------------------------------------------------------------- the server */

async function ask(path, body, headers = { "Content-Type": "application/json" }) {
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
async function trying(where, button, act) {
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

/* ---------------------------------------------------------------- what is asked for */

function order() {
  const asked = { text: $("text").value, weight: Number($("weight").value) };
  for (const name of CHOICES) if ($(name).value && !$(`${name}-field`)?.hidden) asked[name] = $(name).value;
  for (const name of NUMBERS) if ($(name).value && !$(name).closest("label").hidden) asked[name] = Number($(name).value);
  return asked;
}

function fit() {
  const onPaper = $("paper").value !== "";
  for (const field of document.querySelectorAll("[data-for]")) field.hidden = (field.dataset.for === "paper") !== onPaper;
  $("composer-field").hidden = !["", "decomposition"].includes($("goal").value);
  $("weight-shown").value = Number($("weight").value).toFixed(1);
}

function options(select, names, { first = null, label = word } = {}) {
  const before = select.value;
  const kept = first === null ? [] : [made("option", { value: "" }, word(first))];
  select.replaceChildren(...kept, ...names.map((name) => made("option", { value: name }, label(name))));
  if ([...select.options].some((option) => option.value === before)) select.value = before;
}

const plain = (name) => name.replace(/^run:/, "");
const policies = () => [...state.about.policies, ...state.about.runs.filter((run) => run.primitives).map((run) => `run:${run.name}`)];

const styles = () => [...(state.about.styles ?? []), ...state.files.filter(([, , where]) => where === "style").map(([style]) => style)];

function offer() {
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

async function write() {
  const asked = order(), before = (state.turn = (state.turn ?? 0) + 1);
  $("write").textContent = word("writing");
  const result = await trying("message", $("write"), async () => (await ask("api/write", asked)).json());
  if (before === state.turn) $("write").textContent = word("write");
  if (!result || before !== state.turn) return;
  state.result = result;
  state.asked = asked;
  state.sheet = 0;
  $("python").textContent = result.python;
  tellSheet();
  tell(word("written", asked.text));
  state.player.animateCharacter();
  practise();
}

const shownSheet = () => state.result.sheets[state.sheet];

function tellSheet() {
  const data = shownSheet(), of = state.result.sheets.length, alone = data.characters.length === 1;
  const host = $("player");
  host.classList.toggle("page", !alone);
  if (state.player) {
    const { time } = state.player, same = state.player.getData() === data;
    if (!same) state.player.setData(data);
    if (same) state.player.seekTime(time);
  } else {
    state.player = create(host, data, { controls: true, showCharacter: false, maxHeight: "60vh", lang, theme: theme() });
    state.player.on("tick", follow);
  }
  $("sheets").hidden = of < 2;
  $("sheet-shown").textContent = word("sheet", state.sheet + 1, of);
  $("sheet-back").disabled = state.sheet === 0;
  $("sheet-next").disabled = state.sheet === of - 1;
  $("which-field").hidden = alone;
  const names = data.characters.map((each, index) => [String(index), each.char]);
  for (const select of [$("which"), $("practise-which")])
    select.replaceChildren(...names.map(([value, char]) => made("option", { value }, char)));
  tellCharacter();
}

function turnSheet(by) {
  state.sheet += by;
  tellSheet();
  state.player.animateCharacter();
  practise();
}

/* ---------------------------------------------------------------- how it comes about */

const cell = () => Number($("which").value || 0);

const dark = () => theme() === "dark" || (theme() === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);

function strokeColours(character) {
  const some = COLOURS[dark() ? "dark" : "light"], colours = character.strokes.map(() => some[0]);
  const numbers = (node) => node.parts ? node.parts.flatMap(numbers) : node.strokes;
  (character.tree.parts ?? []).forEach((part, index) => numbers(part).forEach((n) => (colours[n] = some[index % some.length])));
  return colours;
}

function tellCharacter() {
  const character = shownSheet().characters[cell()], colours = strokeColours(character);
  const strokesOf = (node) => node.parts ? node.parts.flatMap(strokesOf) : node.strokes;
  const branch = (node) => {
    const strokes = strokesOf(node);
    const item = made("li", {}, made("button", { type: "button", onclick: () => light(strokes) }, /^\p{L}/u.test(node.name) ? node.name : strokes.map((n) => character.strokes[n].type).join(" ")),
      made("small", {}, `${node.operator ? `${node.operator} ` : ""}${strokes.map((n) => n + 1).join(" ")}`));
    const dot = document.createElement("i");
    dot.style.background = node === character.tree && node.parts ? colour("quiet") : colours[strokes[0]];
    item.prepend(dot);
    if (node.parts) item.append(made("ul", {}, ...node.parts.map(branch)));
    return item;
  };
  $("tree").replaceChildren(made("ul", {}, branch(character.tree)));
  $("source").textContent = character.composer ? word("from_parts", character.composer) : word(`from_${character.goal}`);
  const facts = [], ours = ["glyph", "decomposition"].includes(character.goal);
  if (character.iou !== null) facts.push([word(ours ? "iou" : "iou_copied"), character.iou.toFixed(3)]);
  if (character.composer) facts.push([word("goal_iou"), character.goal_iou.toFixed(3)]);
  if (character.goal !== "glyph" && character.confidence !== null) facts.push([word("confidence"), `${Math.round(100 * character.confidence)} %`]);
  facts.push([word("strokes"), String(character.strokes.length)]);
  $("facts").replaceChildren(...facts.flatMap(([name, value]) => [made("dt", {}, name), made("dd", {}, value)]));
  drawBoxes();
}

function light(strokes) {
  const before = state.player.strokes.findIndex((stroke) => stroke.cell === cell());
  strokes.forEach((number) => state.player.highlightStroke(before + number));
  drawBoxes(strokes);
}

/** The boxes of a character's strokes in order, those in `lit` stronger. */
function drawBoxes(lit = null) {
  const canvas = $("boxes"), context = canvas.getContext("2d"), side = canvas.width, number = cell();
  const character = state.player.characters[number], colours = strokeColours(character);
  const now = lit ?? (state.player.strokes[state.player.stroke].cell === number ? [state.player.strokes[state.player.stroke].number] : []);
  context.clearRect(0, 0, side, side);
  canvas.setAttribute("aria-label", word("boxes", character.char));
  context.font = "600 20px system-ui, sans-serif";
  context.textBaseline = "top";
  character.strokes.forEach(({ outline }, index) => {
    const xs = outline.filter((_, i) => i % 2 === 0), ys = outline.filter((_, i) => i % 2 === 1);
    const [left, top] = [Math.min(...xs) * side, Math.min(...ys) * side];
    const [wide, high] = [Math.max(...xs) * side - left, Math.max(...ys) * side - top], strong = now.includes(index);
    context.fillStyle = context.strokeStyle = colours[index];
    context.globalAlpha = strong ? 0.75 : 0.2;
    context.beginPath();
    for (let i = 0; i < outline.length; i += 2) context[i ? "lineTo" : "moveTo"](outline[i] * side, outline[i + 1] * side);
    context.fill();
    context.globalAlpha = strong ? 1 : 0.75;
    context.lineWidth = strong ? 3.5 : 1.5;
    context.strokeRect(left, top, wide, high);
    context.fillText(String(index + 1), left + 4, top + 2);
  });
  context.globalAlpha = 1;
}

function follow({ stroke }) {
  const now = state.player.strokes[stroke].cell;
  if (stroke === state.followed && now === cell()) return;
  state.followed = stroke;
  if (now === cell()) return drawBoxes();
  $("which").value = String(now);
  return tellCharacter();
}

/* ---------------------------------------------------------------- files */

async function keep(format, sized, button) {
  const asked = { ...(state.asked ?? order()), format };
  if (format !== "pdf") asked.sheet = state.sheet;
  if (sized && (format !== "gif" || shownSheet().characters.length === 1)) asked.size = Number($("size").value);
  await trying("message", button, async () => {
    const blob = await (await ask("api/export", asked)).blob();
    const name = `${asked.text.replace(/[^\p{L}\p{N}]/gu, "").slice(0, 12) || "hierbrush"}.${format}`;
    const link = made("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    tell(word("saved", name));
  });
}

async function copy() {
  const text = $("python").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren($("python"));
    document.execCommand("copy");
  }
  $("copy").textContent = word("copied");
  tell(word("copied"));
  setTimeout(() => ($("copy").textContent = word("copy")), 1500);
}

async function takeFile(file) {
  if (!file) return;
  await trying("message", null, async () => {
    const headers = { "Content-Type": "application/octet-stream", "X-Name": encodeURIComponent(file.name) };
    const { goal, name, kind } = await (await ask("api/goal", file, headers)).json(), where = kind === "style" ? "style" : "goal";
    state.files.push([goal, name, where]);
    offer();
    $(where).value = goal;
    fit();
    await write();
    if (!$("message").textContent) return;
    state.files.pop(); // nothing could be written after it
    offer();
    fit();
  });
}

/* ---------------------------------------------------------------- writing along */

function practise() {
  if ($("practise").hidden || !state.result) return;
  const all = shownSheet(), number = Number($("practise-which").value || 0), character = all.characters[number];
  const data = { ...all, text: character.char, width: character.side, height: character.side, grid: null,
    characters: [{ ...character, x: 0, y: 0 }] };
  state.mine?.destroy();
  state.model?.destroy();
  const common = { lang, theme: theme(), showFootprint: true };
  state.mine = create($("mine"), data, { ...common, showCharacter: false, keyboard: false });
  state.model = create($("model"), data, { ...common, loop: false });
  $("practise-stroke").replaceChildren(...state.mine.strokes.map((stroke, index) =>
    made("option", { value: String(index) }, `${index + 1} ${state.mine.nameOf(stroke)}`)));
  $("marks").tBodies[0].replaceChildren();
  $("verdict").textContent = "";
  $("practise-quiz").setAttribute("aria-pressed", "false");
  free();
}

const wanted = () => Number($("practise-stroke").value);

/** Let the reader write the chosen stroke as often as they like. */
function free() {
  state.unlisten?.();
  state.mine.set({ outlineStroke: wanted() });
  state.mine.seekStroke(wanted());
  state.model.seekStroke(wanted());
  state.unlisten = state.mine.listen((drawn) => mark(wanted(), state.mine.scored(drawn, wanted())), wanted);
}

function mark(stroke, { iou: mine, modelIou, right, backwards }) {
  const verdict = word(right ? "right" : backwards ? "backwards" : "wrong"), name = state.mine.nameOf(state.mine.strokes[stroke]);
  $("verdict").textContent = `${name}: IoU ${mine.toFixed(3)} · ${word("models")} ${modelIou.toFixed(3)} · ${verdict}`;
  $("marks").tBodies[0].prepend(made("tr", {}, made("td", {}, `${stroke + 1} ${name}`), made("td", {}, mine.toFixed(3)),
    made("td", {}, modelIou.toFixed(3)), made("td", {}, verdict)));
  state.model.animateStroke(stroke);
}

function quiz() {
  const on = $("practise-quiz").getAttribute("aria-pressed") !== "true";
  $("practise-quiz").setAttribute("aria-pressed", String(on));
  state.unlisten?.();
  state.unlisten = null;
  state.mine.cancelQuiz();
  state.mine.clearDrawing();
  state.mine.set({ outlineStroke: null });
  if (!on) return free();
  $("marks").tBodies[0].replaceChildren();
  return state.mine.quiz({
    onCorrectStroke: (told) => { mark(told.strokeNum, told); },
    onMistake: (told) => { mark(told.strokeNum, told); },
  }).then(({ canceled, totalMistakes }) => {
    if (canceled) return;
    $("practise-quiz").setAttribute("aria-pressed", "false");
    $("verdict").textContent = word("finished", totalMistakes);
  });
}

/* ---------------------------------------------------------------- side by side */

const VARIED = ["policy", "goal", "brush", "style", "ink"];

function addVariant(chosen = {}) {
  if (state.variants.length >= 4) return;
  const selects = Object.fromEntries(VARIED.map((name) => [name, made("select", {})]));
  const weight = made("input", { type: "number", min: "0.4", max: "2", step: "0.1", value: String(chosen.weight ?? 1) });
  const host = made("div", {});
  const variant = { selects, weight, host, player: null };
  const field = (name, input) => made("label", { class: "field" }, made("span", { "data-word": name }, word(name)), input);
  options(selects.policy, policies(), { label: plain });
  const names = Object.fromEntries(state.files.filter(([, , where]) => where === "goal"));
  options(selects.goal, [...state.about.goals, ...Object.keys(names)], { first: "best", label: (goal) => names[goal] ?? word(goal) });
  options(selects.brush, state.about.brushes, { label: plain });
  options(selects.style, styles(), { first: "none", label: (style) => Object.fromEntries(state.files)[style] ?? style });
  options(selects.ink, state.about.inks ?? [], { label: word });
  for (const name of VARIED) if (chosen[name]) selects[name].value = chosen[name];
  variant.box = made("div", { class: "variant" }, made("div", { class: "grid" },
    ...VARIED.filter((name) => selects[name].options.length > 1).map((name) => field(name, selects[name])), field("weight", weight)), host,
    made("button", { type: "button", "data-word": "remove", onclick: () => removeVariant(variant) }, word("remove")));
  state.variants.push(variant);
  $("variants").append(variant.box);
  $("compare-add").disabled = state.variants.length >= 4;
}

function removeVariant(variant) {
  variant.player?.destroy();
  variant.box.remove();
  state.variants = state.variants.filter((each) => each !== variant);
  $("compare-add").disabled = false;
  tellDifference();
}

async function compare() {
  const base = order();
  await trying("compare-message", $("compare-run"), async () => {
    for (const variant of state.variants) {
      const asked = { ...base, weight: Number(variant.weight.value) };
      delete asked.composer;
      for (const name of VARIED) {
        delete asked[name];
        if (variant.selects[name].value) asked[name] = variant.selects[name].value;
      }
      const [data] = (await (await ask("api/write", asked)).json()).sheets;
      if (variant.player) variant.player.setData(data);
      else variant.player = create(variant.host, data, { lang, theme: theme(), showCharacter: false, controls: true, curves: false });
      variant.player.showCharacter();
    }
    inStep(state.variants.map((variant) => variant.player));
    tellDifference();
  });
}

/** Keep players at the same tick of the same stroke, whichever of them moves. */
function inStep(players, shown = () => {}) {
  let leading = null;
  for (const player of players) {
    player.listeners.clear();
    player.on("tick", ({ tick, stroke }) => {
      if (leading && leading !== player) return;
      leading = player;
      const own = player.strokes[stroke], at = tick - own.tick, over = player.time >= player.seconds;
      for (const other of players) {
        if (other === player) continue;
        if (other.playing) other.pauseAnimation();
        const theirs = other.strokes[Math.min(stroke, other.strokes.length - 1)];
        other.seek(over ? other.ticks : theirs.tick + Math.min(at, theirs.ticks));
      }
      leading = null;
      shown(player);
    });
  }
}

function tellDifference() {
  const written = state.variants.filter((variant) => variant.player);
  const head = $("compare-table").tHead, body = $("compare-table").tBodies[0];
  const most = Math.max(0, ...written.map((variant) => variant.player.strokes.length));
  head.replaceChildren(made("tr", {}, made("th", { scope: "col" }, word("stroke")),
    ...written.map((variant, index) => made("th", { scope: "col" }, `${index + 1} ${plain(variant.selects.policy.value)}`))));
  body.replaceChildren(...Array.from({ length: most }, (_, number) => made("tr", {},
    made("td", {}, written[0].player.strokes[number] ? `${number + 1} ${written[0].player.nameOf(written[0].player.strokes[number])}` : String(number + 1)),
    ...written.map(({ player }) => made("td", {}, player.strokes[number]?.iou?.toFixed(3) ?? "")))));
  drawDifference();
}

/** Ink of the first character by the first two ways: what both have, and what one has alone. */
function drawDifference() {
  const [a, b] = state.variants.filter((variant) => variant.player), canvas = $("difference"), context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", word("difference"));
  if (!b) return;
  const side = canvas.width, inks = [a, b].map(({ player }) =>
    trace(player.brush, player.characters[0].strokes.map((stroke) => stroke.path), side, player.data.box));
  const image = context.createImageData(side, side), colours = ["ink", "accent", "second"].map((name) => rgb(colour(name)));
  for (let i = 0; i < side * side; i++) {
    const [one, two] = inks.map((ink) => ink[i] >= 8);
    if (!one && !two) continue;
    image.data.set([...colours[one && two ? 0 : one ? 1 : 2], one && two ? 190 : 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

function rgb(text) {
  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  context.fillStyle = text;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

/* ---------------------------------------------------------------- research */

const USUAL_MEASURES = ["iou", "character_iou", "return", "iou_p05"];

async function openRun() {
  if (!state.about.runs.length) {
    $("run-message").textContent = word("no_runs");
    $("chart").hidden = true;
    return;
  }
  state.run = await trying("run-message", null, async () => (await ask("api/run", { run: $("run").value })).json());
  if (!state.run) return;
  const names = Object.keys(state.run.measures), usual = USUAL_MEASURES.filter((name) => names.includes(name)).slice(0, 3);
  $("measures").replaceChildren(made("legend", { class: "hidden" }, word("measures")), ...names.map((name) =>
    made("label", {}, made("input", { type: "checkbox", value: name, checked: usual.includes(name), onchange: drawChart }), name)));
  $("config").hidden = false;
  $("config-text").textContent = JSON.stringify(state.run.config, null, 2);
  const practised = String(state.run.config.curriculum ?? "").replace(/^.*\/|\.yaml$/g, ""), hand = `run:${state.run.name}`;
  if (state.about.curricula.includes(practised)) $("curriculum").value = practised;
  if ([...$("policy-a").options].some((option) => option.value === hand)) [$("policy-a").value, $("policy-b").value] = [hand, "learned"];
  drawChart();
}

const LINES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8f7a00", "#7a5195"];

function drawChart(at = null) {
  const canvas = $("chart"), context = canvas.getContext("2d"), { run } = state, chosen = [...$("measures").querySelectorAll("input:checked")].map((box) => box.value);
  const [left, right, top, bottom] = [80, 60, 40, 50], wide = canvas.width - left - right, high = canvas.height - top - bottom;
  const values = chosen.flatMap((name) => run.measures[name]).filter((value) => value !== null);
  context.clearRect(0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", word("chart", run.name));
  if (!values.length) return;
  let [low, up] = [Math.min(...values), Math.max(...values)];
  if (low === up) [low, up] = [low - 0.5, up + 0.5];
  const last = run.steps.at(-1) || 1, x = (steps) => left + (steps / last) * wide, y = (value) => top + (1 - (value - low) / (up - low)) * high;
  context.font = "20px system-ui, sans-serif";
  context.fillStyle = colour("quiet");
  context.strokeStyle = colour("edge");
  context.textBaseline = "middle";
  for (let i = 0; i <= 4; i++) {
    const value = low + ((up - low) * i) / 4;
    context.strokeRect(left, y(value), wide, 0);
    context.textAlign = "right";
    context.fillText(Number(value.toPrecision(3)).toString(), left - 10, y(value));
    context.textAlign = "center";
    context.fillText(`${((last * i) / 4 / 1e6).toFixed(2)} M`, x((last * i) / 4), canvas.height - 20);
  }
  for (const stage of run.stages.slice(1)) {
    context.strokeStyle = colour("accent");
    context.setLineDash([6, 6]);
    context.strokeRect(x(stage.from), top, 0, high);
    context.setLineDash([]);
    context.textAlign = stage.from > 0.8 * last ? "right" : "left";
    context.fillText(stage.name, x(stage.from), top - 18);
  }
  chosen.forEach((name, index) => {
    context.strokeStyle = LINES[index % LINES.length];
    context.lineWidth = 3;
    context.beginPath();
    let down = false;
    run.measures[name].forEach((value, i) => {
      if (value !== null) context[down ? "lineTo" : "moveTo"](x(run.steps[i]), y(value));
      down = value !== null;
    });
    context.stroke();
    context.lineWidth = 1;
  });
  const row = (state.row = typeof at === "number" ? Math.min(Math.max(at, 0), run.steps.length - 1) : run.steps.length - 1);
  context.strokeStyle = colour("text");
  context.strokeRect(x(run.steps[row]), top, 0, high);
  $("chart-shown").replaceChildren(`${run.steps[row].toLocaleString(lang)} ${word("steps")}`, ...chosen.flatMap((name, index) => {
    const told = made("b", {}, ` · ${name} ${run.measures[name][row]?.toPrecision(4) ?? "–"}`);
    told.style.color = LINES[index % LINES.length];
    return [told];
  }));
}

function pointChart(event) {
  if (!state.run) return;
  const { left, width } = $("chart").getBoundingClientRect(), { steps } = state.run, canvas = $("chart");
  const at = (((event.clientX - left) / width) * canvas.width - 80) / (canvas.width - 140) * steps.at(-1);
  drawChart(steps.reduce((best, value, i) => (Math.abs(value - at) < Math.abs(steps[best] - at) ? i : best), 0));
}

async function sample() {
  const chosen = [$("policy-a").value, $("policy-b").value].filter(Boolean);
  const result = await trying("episodes-message", $("sample").querySelector("[type=submit]"), async () =>
    (await ask("api/episodes", { curriculum: $("curriculum").value, stage: Number($("stage-number").value), policies: chosen,
      count: 6, seed: Number($("seed").value) })).json());
  if (!result) return;
  const stage = $("stage-number").value;
  $("stage-number").replaceChildren(...result.stages.map((each, index) => made("option", { value: String(index) }, `${index + 1} ${each.name}`)));
  $("stage-number").value = stage;
  for (const player of state.episodes.flat()) player.destroy();
  $("episodes").replaceChildren();
  state.episodes = result.episodes.map((writings) => {
    const box = made("div", { class: `episode${writings.length === 1 ? " single" : ""}` });
    const hosts = writings.map(() => made("div", {}));
    const told = writings.map((data, index) => `${plain(chosen[index])} IoU ${data.characters[0].goal_iou.toFixed(3)}`).join(" · ");
    box.append(...hosts, made("p", {}, `${writings[0].text}  ${told}`));
    $("episodes").append(box);
    return writings.map((data, index) => create(hosts[index], data, { lang, theme: theme() }));
  });
  const all = state.episodes.flat();
  $("episodes-bar").hidden = false;
  $("episodes-tick").max = String(Math.max(...all.map((player) => player.ticks)));
  $("episodes-tick").value = $("episodes-tick").max;
  $("episodes-shown").value = $("episodes-tick").max;
}

function seekEpisodes(tick) {
  $("episodes-tick").value = String(tick);
  $("episodes-shown").value = String(tick);
  for (const player of state.episodes.flat()) player.seek(Math.min(tick, player.ticks));
}

function playEpisodes() {
  const button = $("episodes-play"), on = button.dataset.word === "play", slider = $("episodes-tick");
  button.dataset.word = on ? "pause" : "play";
  button.textContent = word(button.dataset.word);
  if (!on) return;
  let start = null;
  const from = Number(slider.value) >= Number(slider.max) ? 0 : Number(slider.value);
  const step = (now) => {
    if (button.dataset.word === "play") return;
    start ??= now;
    const tick = Math.floor(from + (now - start) / 50);
    seekEpisodes(Math.min(tick, Number(slider.max)));
    if (tick < Number(slider.max)) requestAnimationFrame(step);
    else playEpisodes();
  };
  requestAnimationFrame(step);
}

/* ---------------------------------------------------------------- the page */

const VIEWS = ["watch", "practise", "compare", "research"];

function open(view) {
  for (const name of VIEWS) {
    $(name).hidden = name !== view;
    document.querySelector("main").dataset.view = view;
    $(`tab-${name}`).setAttribute("aria-selected", String(name === view));
    $(`tab-${name}`).tabIndex = name === view ? 0 : -1;
  }
  if (view !== "watch") state.player?.pauseAnimation();
  if (view === "practise") practise();
  if (view === "compare" && !state.variants.length) {
    addVariant({ policy: "learned" });
    addVariant({ policy: "scripted" });
    compare();
  }
  if (view === "research" && !state.run) openRun();
}

function connect() {
  $("order").addEventListener("submit", (event) => { event.preventDefault(); write(); });
  $("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    write();
  });
  for (const name of [...CHOICES, ...NUMBERS, "weight"]) $(name).addEventListener("change", () => { fit(); write(); });
  $("weight").addEventListener("input", fit);
  $("copy").addEventListener("click", copy);
  $("file").addEventListener("change", (event) => { takeFile(event.target.files[0]); event.target.value = ""; });
  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => {
    event.preventDefault();
    $("drop").classList.add("over");
  });
  for (const name of ["dragleave", "drop"]) document.addEventListener(name, (event) => {
    event.preventDefault();
    $("drop").classList.remove("over");
    if (name === "drop") takeFile(event.dataTransfer.files[0]);
  });
  $("sheet-back").addEventListener("click", () => turnSheet(-1));
  $("sheet-next").addEventListener("click", () => turnSheet(1));
  $("which").addEventListener("change", () => {
    state.player.pauseAnimation();
    state.player.seekStroke(state.player.strokes.findIndex((stroke) => stroke.cell === cell()));
    tellCharacter();
  });
  $("practise-which").addEventListener("change", practise);
  $("practise-stroke").addEventListener("change", () => { state.mine.clearDrawing(); free(); });
  $("practise-hint").addEventListener("click", () => { state.mine.highlightStroke(wanted()); state.model.animateStroke(wanted()); });
  $("practise-clear").addEventListener("click", () => state.mine.clearDrawing());
  $("practise-quiz").addEventListener("click", quiz);
  $("compare-add").addEventListener("click", () => addVariant());
  $("compare-run").addEventListener("click", compare);
  $("run").addEventListener("change", openRun);
  $("chart").addEventListener("pointermove", pointChart);
  $("chart").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1, PageUp: 20, PageDown: -20 }[event.key];
    if (!by || !state.run) return;
    event.preventDefault();
    drawChart(state.row + by);
  });
  $("sample").addEventListener("submit", (event) => { event.preventDefault(); sample(); });
  $("curriculum").addEventListener("change", () => $("stage-number").replaceChildren(made("option", { value: "0" }, "1")));
  $("episodes-tick").addEventListener("input", (event) => seekEpisodes(Number(event.target.value)));
  $("episodes-play").addEventListener("click", playEpisodes);
  $("language").addEventListener("change", (event) => { lang = event.target.value; stored("language", lang); translate(); });
  $("theme").addEventListener("change", (event) => dress(event.target.value));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dress(theme()));
  for (const [index, name] of VIEWS.entries()) {
    $(`tab-${name}`).addEventListener("click", () => open(name));
    $(`tab-${name}`).addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      event.preventDefault();
      const next = VIEWS[(index + by + VIEWS.length) % VIEWS.length];
      open(next);
      $(`tab-${next}`).focus();
    });
  }
  // Wherever nothing else takes keys, they move the brush.
  document.addEventListener("keydown", (event) => {
    const busy = event.target.closest("input, textarea, select, button, summary, [role=tab], .hierbrush-player, canvas, pre, a");
    if (!busy && !$("watch").hidden && state.player?.key(event)) event.preventDefault();
  });
}

async function begin() {
  $("language").value = lang;
  $("theme").value = stored("theme") ?? "auto";
  document.documentElement.dataset.theme = $("theme").value;
  $("choices").open = !matchMedia("(max-width: 860px)").matches;
  connect();
  translate();
  state.about = await trying("message", null, async () => (await ask("api/about")).json());
  if (!state.about) return;
  offer();
  $("policy").value = "learned";
  $("direction").value = "horizontal";
  $("text").maxLength = 10 * state.about.most;
  await write();
  if (matchMedia("(pointer: coarse)").matches) return; // the keyboard on the screen would cover the writing
  $("text").focus({ preventScroll: true });
  $("text").select();
}

begin();
