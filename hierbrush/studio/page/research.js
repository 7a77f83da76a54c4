/* For researchers: learning curves and sampled episodes. */

import { $, state, lang, word, made, colour, theme, ask, trying, plain } from "./common.js";
import { create } from "./hierbrush-player.js";
import { policies } from "./order.js";

const USUAL_MEASURES = ["iou", "character_iou", "return", "iou_p05"];

export async function openRun() {
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

export function drawChart(at = null) {
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

export function pointChart(event) {
  if (!state.run) return;
  const { left, width } = $("chart").getBoundingClientRect(), { steps } = state.run, canvas = $("chart");
  const at = (((event.clientX - left) / width) * canvas.width - 80) / (canvas.width - 140) * steps.at(-1);
  drawChart(steps.reduce((best, value, i) => (Math.abs(value - at) < Math.abs(steps[best] - at) ? i : best), 0));
}

export async function sample() {
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

export function seekEpisodes(tick) {
  $("episodes-tick").value = String(tick);
  $("episodes-shown").value = String(tick);
  for (const player of state.episodes.flat()) player.seek(Math.min(tick, player.ticks));
}

export function playEpisodes() {
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
