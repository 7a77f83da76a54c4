/* Watching: the text as it is written, how it comes about, and the files of it. */

import { $, state, lang, word, made, colour, theme, tell, ask, trying, dark } from "./common.js";
import { create } from "./hierbrush-player.js";
import { order, fit, offer } from "./order.js";
import { practise } from "./practise.js";

// Okabe and Ito's, which the colour-blind tell apart; lighter on dark paper.
const COLOURS = { light: ["#0072b2", "#d55e00", "#009e73", "#cc79a7"], dark: ["#56b4e9", "#e69f00", "#2fc299", "#e7a3ca"] };

export async function write() {
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

export const shownSheet = () => state.result.sheets[state.sheet];

export function tellSheet() {
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

export function turnSheet(by) {
  state.sheet += by;
  tellSheet();
  state.player.animateCharacter();
  practise();
}

export const cell = () => Number($("which").value || 0);

function strokeColours(character) {
  const some = COLOURS[dark() ? "dark" : "light"], colours = character.strokes.map(() => some[0]);
  const numbers = (node) => node.parts ? node.parts.flatMap(numbers) : node.strokes;
  (character.tree.parts ?? []).forEach((part, index) => numbers(part).forEach((n) => (colours[n] = some[index % some.length])));
  return colours;
}

export function tellCharacter() {
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

export async function keep(format, sized, button) {
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

export async function copy() {
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

export async function takeFile(file) {
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
