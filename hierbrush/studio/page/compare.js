/* Several ways to write the same, side by side. */

import { $, state, lang, word, made, colour, theme, ask, trying, plain, rgb } from "./common.js";
import { create, trace } from "./hierbrush-player.js";
import { order, options, policies, styles } from "./order.js";

const VARIED = ["policy", "goal", "brush", "style", "ink"];

export function addVariant(chosen = {}) {
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

export async function compare() {
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
export function drawDifference() {
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
