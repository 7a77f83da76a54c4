/* The studio: its views, its words and looks, and what the controls do. */

import { $, state, lang, word, speak, stored, players, made, theme, ask, trying } from "./common.js";
import { addVariant, compare, drawDifference } from "./compare.js";
import { CHOICES, NUMBERS, fit, offer } from "./order.js";
import { practise, wanted, free, quiz } from "./practise.js";
import { openRun, drawChart, pointChart, sample, seekEpisodes, playEpisodes } from "./research.js";
import { write, tellSheet, turnSheet, cell, tellCharacter, copy, takeFile } from "./watch.js";

function translate() {
  document.documentElement.lang = lang;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
  $("keys").replaceChildren(...word("keys").flatMap(([key, what]) => [made("dt", {}, key), made("dd", {}, what)]));
  for (const player of players()) player.set({ lang });
  if (state.about) offer();
  if (state.result) tellSheet();
}

function dress(theme) {
  document.documentElement.dataset.theme = theme;
  stored("theme", theme);
  for (const player of players()) player.set({ theme });
  if (state.player) tellCharacter();
  drawDifference();
  if (state.run) drawChart();
}

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
  $("language").addEventListener("change", (event) => { speak(event.target.value); translate(); });
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
