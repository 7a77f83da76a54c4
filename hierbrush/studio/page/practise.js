/* Writing along: a stroke of the reader's beside the model's. */

import { $, state, lang, word, made, theme } from "./common.js";
import { create } from "./hierbrush-player.js";
import { shownSheet } from "./watch.js";

export function practise() {
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

export const wanted = () => Number($("practise-stroke").value);

/** Let the reader write the chosen stroke as often as they like. */
export function free() {
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

export function quiz() {
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
