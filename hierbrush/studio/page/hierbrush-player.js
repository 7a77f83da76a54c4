/* hierbrush-player: watch a simulated brush write Chinese characters, and write along.
 *
 * import { create } from "./hierbrush-player.js";
 * const player = create(element, data, { controls: true });
 * player.animateCharacter();
 *
 * `data` is what `hierbrush.writing.exports.html.player_data` returns. The brush is the simulator's own: brush.c in JavaScript,
 * the same operations in the same order on the same numbers, so that the ink is the same sample by sample. No dependencies.
 * API and data: docs/studio.md. */

const WORDS = {
  en: {
    player: "Brush writing", play: "Play", pause: "Pause", previous: "Previous stroke", back: "One tick back",
    forward: "One tick forward", next: "Next stroke", position: "Position, in ticks", speed: "Speed", loop: "Repeat",
    outline: "Target", grid: "Grid", footprint: "Footprint", body: "Brush", handle: "Handle", tip: "Tip", strokes: "Strokes",
    curves: "Depth and speed", depth: "depth", rate: "speed", stroke: (n, of, name) => `Stroke ${n} of ${of}: ${name}`,
    done: (text) => `${text}: finished`, picture: (text) => `${text}, written with a brush`,
    draw: "Write here with mouse, pen or finger", keys: "Write: arrow keys move the brush, the space bar lowers and lifts it",
  },
  zh: {
    player: "毛笔书写", play: "播放", pause: "暂停", previous: "上一笔", back: "后退一刻", forward: "前进一刻", next: "下一笔",
    position: "位置（刻）", speed: "速度", loop: "循环", outline: "目标", grid: "格子", footprint: "笔触", body: "毛笔", handle: "笔杆轨迹",
    tip: "笔尖轨迹", strokes: "笔画", curves: "深度与速度", depth: "深度", rate: "速度",
    stroke: (n, of, name) => `第${n}笔，共${of}笔：${name}`, done: (text) => `${text}：写完`,
    picture: (text) => `毛笔书写的“${text}”`, draw: "用鼠标、笔或手指在此书写",
    keys: "书写：方向键移动毛笔，空格键落笔、提笔",
  },
};

/* ---------------------------------------------------------------- the brush, as in sim/core/brush.c */

const GRID = 2 ** 32;
const ROUND = 1.5 * 2 ** 52; // adding and taking it off rounds half to even, as rint does
const NEAR = 1e-9;
const FLAT = Math.fround(1e-6);
const BEYOND = 1e6;
const MOST_STEPS = 1e8;
const SEGMENTS = 12;
const FIELDS = 8; // of a recorded state: handle x, y, z; direction x, y; width, length, offset
const single = Math.fround;

const onGrid = (metres) => (metres * GRID + ROUND - ROUND) / GRID;

/** A brush: `parameters` are the row that the simulator reads (core/brush.h), `tip` is "parabola" or "ellipse". */
export class Brush {
  constructor({ parameters, tip }) {
    [this.widthSlope, this.width0, this.lengthSlope, this.length0, this.bend, this.offsetSlope, this.offset0,
      this.rootRatio, this.backRatio, this.maxDepth] = parameters;
    [this.along, this.across] = footprint(tip);
  }

  /** Press depth in metres whose mark is `width` metres wide. */
  depthForWidth(width) {
    if (this.widthSlope <= 0) return this.maxDepth;
    return Math.min(Math.max((width - this.width0) / this.widthSlope, 0), this.maxDepth);
  }
}

function footprint(tip) {
  const along = [], across = [], step = 2 / SEGMENTS, turn = Math.PI / SEGMENTS;
  for (let i = 0; i <= SEGMENTS; i++) {
    const a = i === SEGMENTS ? 1 : i * step - 1, angle = i === SEGMENTS ? Math.PI / 2 : i * turn - Math.PI / 2;
    const end = i === 0 || i === SEGMENTS; // exact zeros where tip and base meet
    along.push(end ? 0 : tip === "parabola" ? 1 - a * a : Math.cos(angle));
    across.push(tip === "parabola" ? a : Math.sin(angle));
  }
  for (let i = 1; i < SEGMENTS; i++) {
    along.push(Math.cos(i * turn + Math.PI / 2));
    across.push(Math.sin(i * turn + Math.PI / 2));
  }
  return [Float32Array.from(along), Float32Array.from(across)];
}

/** The tuft of a brush: where its handle is, where it points, how its mark is. Metres. */
export class Tuft {
  constructor(brush) {
    this.brush = brush;
    this.x = this.y = this.z = 0;
    this.dip();
  }

  dip() {
    this.rootX = this.rootY = this.width = this.length = this.offset = 0;
    this.ux = this.uy = -Math.sqrt(0.5);
  }

  place(x, y, z) {
    [this.x, this.y, this.z] = [onGrid(x), onGrid(y), onGrid(z)];
    this.rootX = this.rootY = this.width = this.length = this.offset = 0;
  }

  /** One substep: the tuft trails towards where its root was. */
  trail(x, y, z) {
    const b = this.brush;
    const rx = this.rootX - (x - this.x), ry = this.rootY - (y - this.y);
    const depth = z < b.maxDepth ? z : b.maxDepth;
    const width = b.widthSlope * depth + b.width0, length = b.lengthSlope * depth + b.length0;
    this.x = x;
    this.y = y;
    this.z = z;
    if (!(z > 0) || !(width > 0) || !(length > 0)) {
      this.rootX = this.rootY = this.width = this.length = this.offset = 0;
      return;
    }
    let offset = (b.bend * depth + b.offsetSlope) * depth + b.offset0;
    offset = offset > 0 ? offset : 0;
    const distance = Math.sqrt(rx * rx + ry * ry);
    if (distance > NEAR) {
      this.ux = rx / distance;
      this.uy = ry / distance;
    }
    const behind = b.rootRatio * length;
    if (distance < offset + behind) offset = distance - behind;
    this.rootX = (offset + behind) * this.ux;
    this.rootY = (offset + behind) * this.uy;
    this.width = width;
    this.length = length;
    this.offset = offset;
  }

  /** Substeps of a straight move, for stamps at most `spacing` metres apart. */
  substeps(x, y, z, spacing) {
    const dx = onGrid(x) - this.x, dy = onGrid(y) - this.y, dz = onGrid(z) - this.z;
    const far = Math.sqrt(dx * dx + dy * dy), deep = Math.abs(dz);
    const steps = Math.ceil((far > deep ? far : deep) / spacing);
    const still = !(steps >= 1 && steps <= MOST_STEPS) || (this.z <= 0 && this.z + dz <= 0) || this.brush.maxDepth <= 0;
    return still ? 1 : steps;
  }
}

/** Paper of side * side pixels with `supersample`² samples each. It keeps a log of the samples inked, so that it can show
 * any earlier moment; `counts` are the samples inked of each pixel in the moment shown. */
export class Paper {
  constructor(side, box = 0.12, supersample = 4) {
    this.side = side;
    this.box = box;
    this.supersample = supersample;
    this.perMetre = (side * supersample) / box;
    this.spacing = (0.5 * box) / side;
    this.samples = side * supersample;
    this.words = (this.samples + 31) >> 5;
    this.bits = new Uint32Array(this.words * this.samples);
    this.counts = new Uint8Array(side * side);
    this.log = new Uint32Array(1 << 14);
    this.logged = this.shown = 0;
    this.clean();
    this.x = new Float32Array(2 * SEGMENTS + 1);
    this.y = new Float32Array(2 * SEGMENTS + 1);
    this.slope = new Float32Array(2 * SEGMENTS);
    this.right = new Int32Array(2 * SEGMENTS);
    this.left = new Int32Array(2 * SEGMENTS);
  }

  clean() {
    this.dirty = [this.side, this.side, 0, 0];
  }

  /** Press the tuft's footprint: a convex polygon, so every row of samples meets it in one run. Float32, as in the core. */
  press(tuft) {
    const { x, y, slope, right, left, perMetre: scale, samples } = this, brush = tuft.brush;
    const column = tuft.x * scale, row = tuft.y * scale;
    const wholeColumn = Math.floor(column), wholeRow = Math.floor(row);
    if (!(Math.abs(wholeColumn) < BEYOND && Math.abs(wholeRow) < BEYOND)) return;
    const ux = single(tuft.ux), uy = single(tuft.uy);
    const baseX = single(column - wholeColumn + tuft.offset * tuft.ux * scale);
    const baseY = single(row - wholeRow + tuft.offset * tuft.uy * scale);
    const half = single(tuft.width * 0.5 * scale), tip = single(tuft.length * scale);
    const back = single(single(brush.backRatio) * half), vertices = brush.along.length;
    let low = BEYOND, high = -BEYOND;
    for (let v = 0; v < vertices; v++) {
      const along = brush.along[v], s = single(along * (along > 0 ? tip : back)), t = single(brush.across[v] * half);
      x[v] = single(single(baseX + single(s * ux)) - single(t * uy));
      y[v] = single(single(baseY + single(s * uy)) + single(t * ux));
      if (y[v] < low) low = y[v];
      if (y[v] > high) high = y[v];
    }
    x[vertices] = x[0];
    y[vertices] = y[0];
    if (!(low > -BEYOND && high < BEYOND)) return;
    const from = Math.max(Math.ceil(single(low - 0.5)) + wholeRow, 0);
    const to = Math.min(Math.floor(single(high - 0.5)) + 1 + wholeRow, samples);
    if (from >= to) return;
    let rights = 0, lefts = 0;
    for (let v = 0; v < vertices; v++) {
      const fall = single(y[v + 1] - y[v]), run = single(x[v + 1] - x[v]);
      slope[v] = single(run / (fall < FLAT && fall > -FLAT ? 1 : fall));
      if (fall >= FLAT) right[rights++] = v;
      if (fall <= -FLAT) left[lefts++] = v;
    }
    for (let line = from; line < to; line++) {
      const centre = single(single(line - wholeRow) + 0.5);
      let a = -BEYOND, b = BEYOND;
      for (let e = 0; e < rights; e++) {
        const v = right[e], at = single(x[v] + single(single(centre - y[v]) * slope[v]));
        if (at < b) b = at;
      }
      for (let e = 0; e < lefts; e++) {
        const v = left[e], at = single(x[v] + single(single(centre - y[v]) * slope[v]));
        if (at > a) a = at;
      }
      const first = Math.max(Math.ceil(single((a < BEYOND ? a : BEYOND) - 0.5)) + wholeColumn, 0);
      const last = Math.min(Math.floor(single((b > -BEYOND ? b : -BEYOND) - 0.5)) + wholeColumn, samples - 1);
      if (first <= last) this.run(line, first, last);
    }
  }

  run(row, first, last) {
    const { bits, supersample, side } = this;
    const start = row * this.words, pixels = Math.floor(row / supersample) * side;
    const perWord = 32 / supersample, one = (1 << supersample) - 1;
    for (let word = first >> 5; word <= last >> 5; word++) {
      let run = -1;
      if (word === first >> 5) run &= -1 << (first & 31);
      if (word === last >> 5) run &= -1 >>> (31 - (last & 31));
      let fresh = run & ~bits[start + word];
      if (fresh === 0) continue;
      bits[start + word] |= fresh;
      for (let pixel = pixels + word * perWord; fresh !== 0; pixel++, fresh >>>= supersample) {
        const some = fresh & one;
        if (some) this.note((pixel << 5) | BITS[some]);
      }
    }
  }

  note(entry) {
    if (this.logged === this.log.length) {
      const longer = new Uint32Array(2 * this.log.length);
      longer.set(this.log);
      this.log = longer;
    }
    this.log[this.logged++] = entry;
  }

  /** Show the paper as it was when `until` entries were logged; returns whether anything changed. `tone` is how black each
   * pixel's ink is, 0 to 255; black unless given. */
  show(until, image = null, tone = null) {
    const { counts, log, side, dirty } = this, forward = until > this.shown;
    if (until === this.shown) return false;
    const most = this.supersample ** 2;
    let from = forward ? this.shown : until, to = forward ? until : this.shown;
    for (; from < to; from++) {
      const entry = log[from], pixel = entry >>> 5, some = entry & 31;
      const count = (counts[pixel] += forward ? some : -some);
      if (image) image.data[4 * pixel + 3] = Math.round(((tone ? tone[pixel] : 255) * count) / most);
      const row = Math.floor(pixel / side), column = pixel - row * side;
      if (column < dirty[0]) dirty[0] = column;
      if (row < dirty[1]) dirty[1] = row;
      if (column >= dirty[2]) dirty[2] = column + 1;
      if (row >= dirty[3]) dirty[3] = row + 1;
    }
    this.shown = until;
    return true;
  }
}

const BITS = Uint8Array.from({ length: 16 }, (_, n) => (n & 1) + ((n >> 1) & 1) + ((n >> 2) & 1) + (n >> 3));

/** The strokes of one character on one paper, substep by substep; what was simulated is kept. */
export class Movement {
  /** `paths`: for each stroke its rows x, y, z in metres, one after the other; the handle moves straight between them.
   * `starts`: where the tuft points when a stroke begins, null after a dip. */
  constructor(brush, paths, paper, starts = []) {
    this.paper = paper;
    this.paths = paths;
    this.starts = starts;
    this.tuft = new Tuft(brush);
    this.substeps = paths.map((path) => this.cumulated(path));
    this.first = [0];
    for (const rows of this.substeps) this.first.push(this.first.at(-1) + rows.at(-1));
    this.total = this.first.at(-1);
    this.states = new Float64Array(FIELDS * (this.total + 1));
    this.logEnds = new Uint32Array(this.total + 1);
    this.done = this.stroke = 0;
    this.row = this.step = 0;
  }

  /** Substeps up to each row of a path. */
  cumulated(path) {
    const tuft = new Tuft(this.tuft.brush), rows = new Int32Array(path.length / 3);
    tuft.place(path[0], path[1], path[2]);
    for (let row = 1; row < rows.length; row++) {
      const [x, y, z] = path.subarray(3 * row, 3 * row + 3);
      rows[row] = rows[row - 1] + tuft.substeps(x, y, z, this.paper.spacing);
      tuft.place(x, y, z);
    }
    return rows;
  }

  /** Simulate up to a number of substeps. */
  advance(to) {
    const { tuft, paper, states } = this;
    while (this.done < to) {
      const path = this.paths[this.stroke];
      if (this.step === 0) {
        if (this.row === 0) {
          tuft.dip();
          if (this.starts[this.stroke]) [tuft.ux, tuft.uy] = this.starts[this.stroke];
          tuft.place(path[0], path[1], path[2]);
        }
        this.row++;
        const at = 3 * this.row;
        this.from = [tuft.x, tuft.y, tuft.z];
        this.move = [onGrid(path[at]) - tuft.x, onGrid(path[at + 1]) - tuft.y, onGrid(path[at + 2]) - tuft.z];
        this.steps = this.substeps[this.stroke][this.row] - this.substeps[this.stroke][this.row - 1];
      }
      this.step++;
      const share = this.step / this.steps, [x, y, z] = this.from, [dx, dy, dz] = this.move;
      tuft.trail(x + onGrid(dx * share), y + onGrid(dy * share), z + onGrid(dz * share));
      if (tuft.width > 0) paper.press(tuft);
      this.done++;
      states.set([tuft.x, tuft.y, tuft.z, tuft.ux, tuft.uy, tuft.width, tuft.length, tuft.offset], FIELDS * this.done);
      this.logEnds[this.done] = paper.logged;
      if (this.step < this.steps) continue;
      this.step = 0;
      if (this.row === this.substeps[this.stroke].length - 1) {
        this.stroke++;
        this.row = 0;
      }
    }
  }

  /** Show the paper after a number of substeps. */
  show(at, image = null, tone = null) {
    this.advance(at);
    return this.paper.show(this.logEnds[at], image, tone);
  }

  /** Substeps done when `rows` rows (a fraction counts) of a stroke are behind the handle. */
  at(stroke, rows) {
    const sums = this.substeps[stroke], last = sums.length - 1, row = Math.min(Math.floor(rows), last);
    const share = row === last ? 0 : rows - row;
    return this.first[stroke] + sums[row] + (share ? Math.floor(share * (sums[row + 1] - sums[row])) : 0);
  }

  /** Handle, direction and mark after a number of substeps. */
  state(at) {
    this.advance(at);
    return this.states.subarray(FIELDS * at, FIELDS * (at + 1));
  }
}

/** The ink that paths leave on a blank paper: how many of the samples of each pixel, row by row. */
export function trace(brush, paths, side = 256, box = 0.12) {
  const movement = new Movement(brush, paths, new Paper(side, box));
  movement.show(movement.total);
  return movement.paper.counts;
}

/* ---------------------------------------------------------------- scores, as in metrics/scores.py */

/** Pixels (1 or 0) of which a polygon in the unit box covers at least half, by the nonzero rule; flat x, y pairs. */
export function rasterise(polygons, side = 256, supersample = 4) {
  const samples = side * supersample, counts = new Uint8Array(side * side), winding = new Int32Array(samples + 1);
  const covered = new Uint8Array(samples * samples);
  for (const points of polygons) {
    const edges = [], n = points.length / 2;
    for (let i = 0; i < n; i++) {
      const j = (i + 1) % n;
      const [x0, y0, x1, y1] = [points[2 * i], points[2 * i + 1], points[2 * j], points[2 * j + 1]].map((v) => v * samples);
      edges.push(y0 > y1 ? [x1, y1, x0, y0, -1] : [x0, y0, x1, y1, 1]);
    }
    const clipped = (v) => Math.min(Math.max(Math.ceil(v - 0.5), 0), samples);
    const top = clipped(Math.min(...edges.map((e) => e[1]))), bottom = clipped(Math.max(...edges.map((e) => e[3])));
    for (let row = top; row < bottom; row++) {
      winding.fill(0);
      for (const [x0, y0, x1, y1, sign] of edges)
        if (clipped(y0) <= row && row < clipped(y1))
          winding[clipped(x0 + (x1 - x0) * ((row + 0.5 - y0) / (y1 - y0)))] += sign;
      for (let column = 0, sum = 0; column < samples; column++) {
        sum += winding[column];
        if (sum !== 0) covered[row * samples + column] = 1;
      }
    }
  }
  for (let row = 0; row < samples; row++)
    for (let column = 0; column < samples; column++)
      if (covered[row * samples + column]) counts[Math.floor(row / supersample) * side + Math.floor(column / supersample)]++;
  return inked(counts, supersample);
}

const inked = (counts, supersample = 4) => counts.map((count) => (2 * count >= supersample * supersample ? 1 : 0));

/** Intersection over union of two pictures of ones and zeros. */
export function iou(a, b) {
  let both = 0, either = 0;
  for (let i = 0; i < a.length; i++) {
    both += a[i] & b[i];
    either += a[i] | b[i];
  }
  return either ? both / either : 0;
}

/** How a stroke that somebody drew compares with the one wanted: distances in sides of the box, as hanzi-writer asks. */
export function judge(drawn, median, leniency = 1) {
  const mine = resampled(drawn), theirs = resampled(median), n = mine.length;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const distance = mean(mine.map((p) => Math.min(...theirs.map((q) => apart(p, q)))));
  const ends = Math.max(apart(mine[0], theirs[0]), apart(mine[n - 1], theirs[n - 1]));
  const headings = (line) => line.slice(1).map((p, i) => [p[0] - line[i][0], p[1] - line[i][1]]);
  const [a, b] = [headings(mine), headings(theirs)];
  const direction = mean(a.map(([x, y], i) => (x * b[i][0] + y * b[i][1]) / ((Math.hypot(x, y) * Math.hypot(...b[i])) || 1)));
  const shape = frechet(normalised(mine), normalised(theirs));
  const stretch = (lengthOf(mine) + 0.03) / (lengthOf(theirs) + 0.03);
  const right = distance <= 0.16 * leniency && ends <= 0.25 * leniency && direction > 0 && shape <= 0.4 * leniency
    && leniency * stretch >= 0.35 && stretch <= 3 * leniency;
  return { right, distance, ends, direction, shape, backwards: !right && direction < 0 };
}

const apart = (p, q) => Math.hypot(p[0] - q[0], p[1] - q[1]);
const lengthOf = (line) => line.slice(1).reduce((sum, p, i) => sum + apart(p, line[i]), 0);

function resampled(line, count = 24) {
  const whole = lengthOf(line), points = [line[0]];
  let behind = 0, at = 0;
  for (let k = 1; k < count; k++) {
    const due = (whole * k) / (count - 1);
    while (at < line.length - 2 && behind + apart(line[at], line[at + 1]) < due) behind += apart(line[at], line[++at]);
    const step = apart(line[at], line[at + 1] ?? line[at]), share = step ? Math.min((due - behind) / step, 1) : 0;
    const [p, q] = [line[at], line[at + 1] ?? line[at]];
    points.push([p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1])]);
  }
  return points;
}

function normalised(line) {
  const x = line.reduce((sum, p) => sum + p[0], 0) / line.length, y = line.reduce((sum, p) => sum + p[1], 0) / line.length;
  const size = Math.sqrt(line.reduce((sum, p) => sum + (p[0] - x) ** 2 + (p[1] - y) ** 2, 0) / line.length) || 1;
  return line.map((p) => [(p[0] - x) / size, (p[1] - y) / size]);
}

/** Discrete Fréchet distance (Eiter and Mannila 1994), in the mean extent of the lines. */
function frechet(a, b) {
  let last = [];
  for (let i = 0; i < a.length; i++) {
    const now = [];
    for (let j = 0; j < b.length; j++) {
      const before = Math.min(i ? last[j] : Infinity, j ? now[j - 1] : Infinity, i && j ? last[j - 1] : Infinity);
      now.push(Math.max(apart(a[i], b[j]), i || j ? before : 0));
    }
    last = now;
  }
  return last.at(-1);
}

/* ---------------------------------------------------------------- data */

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VALUE = new Map([...DIGITS].map((digit, value) => [digit, value]));

/** Numbers from base 64 variable-length quantities; no bit operations, for paths need 36 bits. */
function numbers(text) {
  const found = [];
  let value = 0, unit = 1;
  for (const digit of text) {
    const part = VALUE.get(digit);
    value += (part % 32) * unit;
    unit *= 32;
    if (part >= 32) continue;
    found.push(value % 2 ? -Math.floor(value / 2) : value / 2);
    value = 0;
    unit = 1;
  }
  return found;
}

function points(columns, units, order = 1) {
  const lists = columns.map((text) => {
    const values = numbers(text);
    for (let k = 0; k < order; k++) for (let i = 1; i < values.length; i++) values[i] += values[i - 1];
    return values;
  });
  const flat = new Float64Array(lists.length * lists[0].length);
  lists.forEach((values, column) => values.forEach((value, i) => (flat[i * lists.length + column] = value / units)));
  return flat;
}

function decoded(data) {
  if (data?.format !== "hierbrush-player" || data.version !== 1)
    throw new Error("hierbrush-player: data must be of the format hierbrush-player, version 1");
  const outline = (columns) => points(columns, 2 ** 14);
  return data.characters.map((character) => ({
    ...character,
    glyph: character.glyph?.map(outline) ?? null,
    strokes: character.strokes.map((stroke) => ({
      ...stroke,
      path: points(stroke.path, GRID, 2),
      outline: outline(stroke.outline),
      median: outline(stroke.median),
    })),
  }));
}

/* ---------------------------------------------------------------- what is seen */

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const PAPER_SIDE = 1024; // most pixels of a character's side
const PAGE_PIXELS = 4096; // most pixels of a page's side
const LONGEST_FRAME = 0.1; // seconds; a tab that slept goes on where it was
const CURVE_HEIGHT = 96;
const LEAST_GRID = 72; // pixels of a character from which lines that nobody asked for do not disturb
const HAIR = 0.03, SHAFT = 0.062, FERRULE = 0.0034; // metres of the brush that is drawn: tuft, visible shaft, half its thickness
const UP = [0.3, -0.8]; // where a metre above the paper is seen

const DEFAULTS = {
  controls: false,
  curves: null, // as controls
  autoplay: false,
  loop: false,
  showCharacter: true,
  showOutline: true,
  outlineStroke: null, // the one whose target is marked, from 0
  showGrid: true,
  showFootprint: true,
  showBrush: true,
  showHandlePath: false,
  showTipPath: false,
  strokeAnimationSpeed: 1,
  delayBetweenStrokes: 250,
  delayBetweenLoops: 2000,
  width: null,
  maxHeight: null, // of the paper, a CSS length
  pixels: null,
  lang: null,
  theme: "auto",
  strokeColor: null,
  outlineColor: null,
  drawingColor: null,
  highlightColor: null,
  paperColor: null,
  gridColor: null,
  keyboard: true,
};

const STYLE = `
:host { display: block; --paper: #fbf7ee; --ink: #1b1714; --accent: #b5341f; --line: #e4c9bb; --target: #dcd5c6;
  --text: #3d3730; --quiet: #6f675c; --edge: #e2dac9; color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
:host([data-theme=dark]) { --paper: #1d1b17; --ink: #f1eadb; --accent: #ee7a5f; --line: #5a3d33; --target: #3b372f;
  --text: #d9d1c1; --quiet: #a59c8b; --edge: #38332a; color-scheme: dark; }
.player { outline: none; }
.paper { position: relative; background: var(--paper); border-radius: 3px; box-shadow: 0 0 0 1px var(--edge); margin: 0 auto;
  overflow: hidden; }
.player:focus-visible .paper { box-shadow: 0 0 0 2px var(--accent); }
canvas { display: block; position: absolute; inset: 0; width: 100%; height: 100%; }
canvas[hidden] { display: none; }
.drawing { touch-action: none; cursor: crosshair; }
.drawing:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 2px; margin-top: 10px; }
.bar button { font: inherit; color: inherit; background: none; border: 0; border-radius: 6px; min-width: 36px; height: 36px;
  padding: 0 6px; cursor: pointer; display: inline-flex; align-items: center; justify-content: center; }
.bar button:hover { background: var(--edge); }
.bar button:focus-visible, .bar select:focus-visible, input:focus-visible, .strokes button:focus-visible,
.curves:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.bar button[aria-pressed=true] { color: var(--accent); }
.bar .main { background: var(--accent); color: var(--paper); border-radius: 50%; width: 40px; height: 40px; margin: 0 4px; }
.bar .main:hover { background: var(--accent); filter: brightness(1.1); }
.bar svg { width: 18px; height: 18px; fill: currentColor; }
.bar select { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--edge); border-radius: 6px;
  height: 32px; padding: 0 4px; }
.bar .toggle { font-size: 12.5px; padding: 0 5px; min-width: 0; height: 32px; color: var(--quiet); }
.bar .toggle[aria-pressed=true] { color: var(--accent); }
.gap { flex: 1; }
input[type=range] { display: block; width: 100%; height: 24px; margin: 6px 0 0; accent-color: var(--accent); }
.name { min-height: 1.5em; margin: 8px 0 0; color: var(--quiet); font-size: 13px; display: flex; gap: 12px;
  font-variant-numeric: tabular-nums; justify-content: space-between; }
.name b { color: var(--text); font-weight: 600; }
.curves { position: relative; height: ${CURVE_HEIGHT}px; margin-top: 4px; cursor: pointer; border-radius: 3px; }
.strokes { display: flex; flex-wrap: wrap; gap: 4px; margin: 8px 0 0; padding: 0; list-style: none; }
.strokes button { font: inherit; font-size: 12.5px; color: var(--quiet); background: none; border: 1px solid var(--edge);
  border-radius: 6px; padding: 3px 8px; min-height: 28px; cursor: pointer; font-variant-numeric: tabular-nums; }
.strokes button[aria-current=true] { color: var(--accent); border-color: var(--accent); }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (pointer: coarse) { .bar button { min-width: 42px; height: 42px; } .strokes button { min-height: 36px; } }
`;

const ICONS = {
  play: "M7 4v16l13-8z", pause: "M6 4h4v16H6zM14 4h4v16h-4z", previous: "M5 4h2v16H5zM20 4v16L9 12z",
  back: "M16 5v14l-10-7z", forward: "M8 5v14l10-7z", next: "M4 4v16l11-8zM17 4h2v16h-2z",
  loop: "M12 5V1l-5 5 5 5V7a5 5 0 0 1 0 10 5 5 0 0 1-5-5H5a7 7 0 1 0 7-7z",
};

function made(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties))
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** Lines within a box to write in: a frame, a cross (田字格), diagonals (米字格). */
function guides(context, kind, x, y, side, colour) {
  context.strokeStyle = colour;
  context.lineWidth = Math.max(1, side / 400);
  context.setLineDash([]);
  context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
  context.setLineDash([side / 45, side / 45]);
  const lines = { square: [], 田: [[0, 0.5, 1, 0.5], [0.5, 0, 0.5, 1]] };
  lines["米"] = [...lines["田"], [0, 0, 1, 1], [1, 0, 0, 1]];
  context.beginPath();
  for (const [a, b, c, d] of lines[kind] ?? lines["米"]) {
    context.moveTo(x + a * side, y + b * side);
    context.lineTo(x + c * side, y + d * side);
  }
  context.stroke();
  context.setLineDash([]);
}

function polygon(context, flat, x, y, scale) {
  for (let i = 0; i < flat.length; i += 2) {
    const [px, py] = [x + flat[i] * scale, y + flat[i + 1] * scale];
    if (i) context.lineTo(px, py);
    else context.moveTo(px, py);
  }
  context.closePath();
}

/* ---------------------------------------------------------------- the player */

export class HierbrushPlayer {
  constructor(element, data, options = {}) {
    this.options = { ...DEFAULTS, ...options };
    this.element = element;
    this.listeners = new Map();
    this.playing = false;
    this.time = 0;
    this.root = made("div", { class: "hierbrush-player" });
    const shadow = this.root.attachShadow({ mode: "open" }), sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    this.layers = Object.fromEntries(["ground", "ink", "mine", "brush"].map((name) => [name, made("canvas", { class: name })]));
    for (const canvas of Object.values(this.layers)) canvas.setAttribute("aria-hidden", "true");
    this.layers.mine.hidden = true; // until somebody writes along
    this.paper = made("div", { class: "paper", role: "img" }, ...Object.values(this.layers));
    this.box = made("div", { class: "player", role: "group" }, this.paper);
    shadow.append(this.box);
    element.append(this.root);
    this.dark = window.matchMedia("(prefers-color-scheme: dark)");
    this.restyle = () => this.refresh();
    this.dark.addEventListener("change", this.restyle);
    if (this.options.keyboard) {
      this.box.tabIndex = 0;
      this.box.addEventListener("keydown", (event) => this.key(event) && event.preventDefault());
    }
    this.setData(data);
    this.watch = new ResizeObserver(() => this.resize());
    for (const each of [this.root, this.paper]) this.watch.observe(each);
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (this.options.autoplay && !calm) this.animateCharacter();
  }

  get words() {
    const lang = this.options.lang ?? this.element.closest("[lang]")?.lang ?? navigator.language;
    return WORDS[String(lang).toLowerCase().startsWith("zh") ? "zh" : "en"];
  }

  /* -- data, time */

  /** Show another writing. */
  setData(data) {
    const characters = decoded(data);
    this.stop();
    this.cancelQuiz();
    this.data = data;
    this.brush = new Brush(data.brush);
    this.characters = characters;
    this.timeline();
    this.time = this.options.showCharacter && !this.options.autoplay ? this.seconds : 0;
    this.build();
    this.layout();
  }

  getData() {
    return this.data;
  }

  timeline() {
    const pause = this.options.delayBetweenStrokes / 1000;
    let at = 0, tick = 0;
    this.strokes = [];
    this.characters.forEach((character, cell) =>
      character.strokes.forEach((stroke, number) => {
        const rows = stroke.path.length / 3 - 1, ticks = Math.ceil(rows / 2);
        if (this.strokes.length) at += number ? pause : 1.6 * pause;
        this.strokes.push({ ...stroke, cell, number, rows, ticks, tick, start: at, end: at + rows * stroke.seconds });
        at += rows * stroke.seconds;
        tick += ticks;
      }),
    );
    this.seconds = at;
    this.ticks = tick;
    this.spanned = null;
  }

  /** Number of the stroke that is written, or written next, at a time. */
  strokeAt(time) {
    let low = 0, high = this.strokes.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.strokes[middle].end > time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** The stroke being written, from 0. */
  get stroke() {
    return this.strokeAt(this.time);
  }

  /** The control tick (a twentieth of a second of the brush's own time) from the beginning of the writing. */
  get tick() {
    const stroke = this.strokes[this.stroke], done = (this.time - stroke.start) / (2 * stroke.seconds);
    return stroke.tick + Math.min(Math.max(Math.floor(done + 1e-6), 0), stroke.ticks);
  }

  timeOf(tick) {
    const stroke = this.strokes.findLast((each) => each.tick <= tick);
    return Math.min(stroke.start + (tick - stroke.tick) * 2 * stroke.seconds, stroke.end);
  }

  /* -- looks */

  colours() {
    const style = getComputedStyle(this.root), given = this.options;
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    return {
      ink: given.strokeColor ?? of("ink"), target: given.outlineColor ?? of("target"), line: given.gridColor ?? of("line"),
      accent: given.highlightColor ?? of("accent"), mine: given.drawingColor ?? of("accent"), quiet: of("quiet"),
      text: of("text"),
    };
  }

  /** Draw anew, after colours changed around it. */
  refresh() {
    const theme = this.options.theme === "auto" ? (this.dark.matches ? "dark" : "light") : this.options.theme;
    this.root.dataset.theme = theme;
    if (this.options.paperColor) this.paper.style.background = this.options.paperColor;
    this.look = this.colours();
    for (const cell of this.cells) this.tint(cell);
    this.drawGround();
    this.drawInk(true);
    this.drawBrush();
    this.drawCurves();
  }

  tint(cell) {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d");
    canvas.fillStyle = this.look.ink;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data, { data } = cell.image;
    for (let i = 0; i < data.length; i += 4) {
      data[i] = r;
      data[i + 1] = g;
      data[i + 2] = b;
    }
  }

  /** Change options of a running player. */
  set(options) {
    const time = this.time;
    Object.assign(this.options, options);
    if ("delayBetweenStrokes" in options) this.timeline();
    if ("lang" in options || "controls" in options || "curves" in options) this.build();
    if ("pixels" in options || "width" in options || "maxHeight" in options) this.layout();
    else this.refresh();
    this.seekTime(time);
    this.mark();
  }

  showOutline() { this.set({ showOutline: true }); }
  hideOutline() { this.set({ showOutline: false }); }
  showCharacter() { this.stop(); this.seekTime(this.seconds); }
  hideCharacter() { this.stop(); this.seekTime(0); }
  updateColor(name, colour) { this.set({ [name]: colour }); }

  resize() {
    const wide = Math.round(this.paper.clientWidth);
    if (wide && wide !== this.wide) this.layout();
    else this.drawCurves();
  }

  /** Pixels that fit where the player stands; what is written is simulated anew at that size. */
  layout() {
    const { width, height } = this.data, { maxHeight } = this.options;
    this.paper.style.width = this.options.width ? `${this.options.width}px` : "100%";
    this.paper.style.maxWidth = maxHeight ? `calc(${maxHeight} * ${width / height})` : "";
    this.paper.style.aspectRatio = `${width} / ${height}`;
    this.wide = Math.round(this.paper.clientWidth);
    const whole = this.options.width ?? (this.wide || 320);
    const ratio = window.devicePixelRatio || 1, side = this.characters[0].side;
    let scale = (this.options.pixels ?? whole * ratio) / width;
    scale = Math.min(scale, PAPER_SIDE / Math.max(...this.characters.map((each) => each.side)), PAGE_PIXELS / Math.max(width, height));
    const cell = Math.max(8, Math.round(side * scale));
    scale = cell / side;
    this.scale = scale; // pixels a metre of the paper
    const [columns, rows] = [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
    for (const canvas of Object.values(this.layers)) [canvas.width, canvas.height] = [columns, rows];
    this.cells = this.characters.map((character) => {
      const pixels = Math.round(character.side * scale), paper = new Paper(pixels, this.data.box);
      const movement = new Movement(this.brush, character.strokes.map((stroke) => stroke.path), paper,
        character.strokes.map((stroke) => stroke.start ?? null));
      return { character, movement, image: new ImageData(pixels, pixels), pixels, tone: null, dry: false,
        left: Math.round(character.x * scale), top: Math.round(character.y * scale) };
    });
    this.refresh();
    /** Kept when the tones of inks, if there are any, are shown. */
    this.ready = Promise.all(this.cells.filter((cell) => cell.character.tone).map((cell) => this.readTone(cell)));
  }

  /** Read how black a character's ink became, from the picture that comes with it. */
  async readTone(cell) {
    const { pixels } = cell, picture = new Image(), context = new OffscreenCanvas(pixels, pixels).getContext("2d", { willReadFrequently: true });
    picture.src = cell.character.tone;
    await picture.decode();
    context.drawImage(picture, 0, 0, pixels, pixels);
    cell.tone = context.getImageData(0, 0, pixels, pixels).data.filter((_, i) => i % 4 === 0);
    this.soak(cell);
    if (this.cells.includes(cell)) this.drawInk(true);
  }

  /** Set all of a cell's ink anew. What crept beyond the brush's own mark is there when all is written. */
  soak({ image, movement, tone, dry }) {
    const { counts, supersample } = movement.paper, most = supersample ** 2;
    for (let i = 0; i < counts.length; i++)
      image.data[4 * i + 3] = dry ? tone[i] : Math.round(((tone ? tone[i] : 255) * counts[i]) / most);
  }

  drawGround() {
    const context = this.layers.ground.getContext("2d"), { grid } = this.data;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    if (this.options.showOutline) {
      context.fillStyle = this.look.target;
      const fill = (cell, stroke) => {
        context.beginPath();
        polygon(context, stroke.outline, cell.left, cell.top, cell.pixels);
        context.fill();
      };
      for (const cell of this.cells) for (const stroke of cell.character.strokes) fill(cell, stroke);
      const marked = this.strokes[this.options.outlineStroke ?? -1];
      context.fillStyle = this.look.accent;
      context.globalAlpha = 0.35;
      if (marked) fill(this.cells[marked.cell], marked);
      context.globalAlpha = 1;
    }
    if (!this.options.showGrid) return;
    if (!grid && this.cells[0].pixels < LEAST_GRID) return;
    const boxes = grid?.boxes.map(([x, y]) => [x * this.scale, y * this.scale]) ?? this.cells.map(({ left, top }) => [left, top]);
    for (const [x, y] of boxes) guides(context, grid?.kind ?? "米", x, y, this.cells[0].pixels, this.look.line);
  }

  /** Substeps of a cell that are done at the present time. */
  substepsOf(number) {
    const stroke = this.strokes[this.stroke], { movement } = this.cells[number];
    if (number < stroke.cell || this.time >= this.seconds) return movement.total;
    if (number > stroke.cell) return 0;
    const rows = Math.max(0, (this.time - stroke.start) / stroke.seconds);
    return movement.at(stroke.number, Math.min(rows + 1e-9, stroke.rows));
  }

  drawInk(all = false) {
    const context = this.layers.ink.getContext("2d"), now = this.strokes[this.stroke].cell, before = this.lastCell ?? now;
    const [from, to] = all ? [0, this.cells.length - 1] : [Math.min(before, now), Math.max(before, now)];
    this.lastCell = now;
    for (let number = from; number <= to; number++) {
      const cell = this.cells[number], { paper } = cell.movement, at = this.substepsOf(number);
      cell.movement.show(at, cell.image, cell.tone);
      const dry = cell.tone !== null && at === cell.movement.total, dried = dry !== cell.dry;
      cell.dry = dry;
      if (dried) this.soak(cell);
      const [left, top, right, bottom] = all || dried ? [0, 0, cell.pixels, cell.pixels] : paper.dirty;
      if (right > left) context.putImageData(cell.image, cell.left, cell.top, left, top, right - left, bottom - top);
      paper.clean();
    }
  }

  /** Handle, direction and mark at the present time; between strokes the way through the air. */
  pose() {
    if (this.guest) return this.guest;
    const number = this.stroke, stroke = this.strokes[number], cell = this.cells[stroke.cell];
    const place = ([x, y, z], { left, top, pixels }) => [left + (x / this.data.box) * pixels, top + (y / this.data.box) * pixels, z];
    const start = stroke.path.subarray(0, 3);
    if (this.time <= stroke.start) {
      const last = this.strokes[number - 1], here = place(start, cell);
      if (!last) return { handle: here };
      const from = place(last.path.subarray(-3), this.cells[last.cell]);
      const share = Math.min(1, Math.max(0, (this.time - last.end) / (stroke.start - last.end || 1)));
      const eased = share * share * (3 - 2 * share);
      return { handle: from.map((value, i) => value + eased * (here[i] - value)) };
    }
    const at = this.substepsOf(stroke.cell);
    const state = cell.movement.state(at);
    return { handle: place(state, cell), state, cell, stroke, at };
  }

  drawBrush() {
    const context = this.layers.brush.getContext("2d"), { accent } = this.look;
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    if (this.highlight) this.drawHighlight(context);
    const over = this.time >= this.seconds && !this.guest, pose = this.pose(), side = this.cells[0].pixels;
    if (!over && this.options.showBrush) this.drawBody(context, pose, side / this.data.box);
    if (pose.stroke && this.options.showHandlePath) this.drawPath(context, pose, this.look.quiet, 0);
    if (pose.stroke && this.options.showTipPath) this.drawPath(context, pose, accent, 1);
    if (over || !this.options.showFootprint) return;
    const [x, y] = pose.handle, radius = 2 + 0.012 * side;
    if (pose.state && pose.state[5] > 0) {
      const [, , , ux, uy, width, length, offset] = pose.state, metre = side / this.data.box;
      const [bx, by] = [x + offset * ux * metre, y + offset * uy * metre], half = (width / 2) * metre;
      context.beginPath();
      this.brush.along.forEach((along, v) => {
        const s = along * (along > 0 ? length * metre : this.brush.backRatio * half), t = this.brush.across[v] * half;
        context[v ? "lineTo" : "moveTo"](bx + s * ux - t * uy, by + s * uy + t * ux);
      });
      context.closePath();
      context.globalAlpha = 0.82;
      context.fillStyle = accent;
      context.fill();
      context.globalAlpha = 1;
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(bx + length * ux * metre, by + length * uy * metre);
      context.strokeStyle = this.look.text;
      context.lineWidth = Math.max(1, side / 400);
      context.stroke();
    }
    context.beginPath();
    context.arc(x, y, pose.state && pose.state[2] > 0 ? radius : 1.35 * radius, 0, 2 * Math.PI);
    context.strokeStyle = accent;
    context.lineWidth = Math.max(1.5, side / 220);
    context.stroke();
  }

  /** The brush itself, held upright and seen obliquely: the tuft bends from its ferrule to the mark that it leaves. */
  drawBody(context, { handle: [x, y, z], state }, metre) {
    const raised = (height) => [x + UP[0] * height * metre, y + UP[1] * height * metre];
    const [fx, fy] = raised(HAIR - z), [tx, ty] = raised(HAIR - z + SHAFT), r = FERRULE * metre;
    const touching = state && state[5] > 0, [, , , ux, uy, width, length, offset] = touching ? state : [0, 0, 0, 0, 0, 0, 0, 0];
    const tip = touching ? [x + (offset + length) * ux * metre, y + (offset + length) * uy * metre] : raised(-z);
    const half = Math.max((width / 2) * metre, 0.5 * r), heel = touching ? [x + offset * ux * metre, y + offset * uy * metre] : raised(0.3 * HAIR - z);
    const [nx, ny] = [-UP[1], UP[0]].map((value) => value / Math.hypot(...UP));
    context.globalAlpha = 0.16 + 0.5 * Math.min(1, Math.max(0, 1 + z / 0.02)) * 0.3;
    context.fillStyle = this.look.text;
    context.beginPath();
    context.moveTo(fx - r * nx, fy - r * ny);
    context.quadraticCurveTo(heel[0] - 1.25 * half * nx, heel[1] - 1.25 * half * ny, tip[0], tip[1]);
    context.quadraticCurveTo(heel[0] + 1.25 * half * nx, heel[1] + 1.25 * half * ny, fx + r * nx, fy + r * ny);
    context.fill();
    context.globalAlpha = 0.5;
    context.lineWidth = 2 * r;
    const bamboo = context.createLinearGradient(fx, fy, tx, ty);
    bamboo.addColorStop(0, this.look.accent);
    bamboo.addColorStop(0.12, this.look.quiet);
    bamboo.addColorStop(1, "transparent");
    context.strokeStyle = bamboo;
    context.beginPath();
    context.moveTo(fx, fy);
    context.lineTo(tx, ty);
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Where the handle went in this stroke, or (`end` 1) the tip of the tuft while it touched. */
  drawPath(context, { cell, stroke, at }, colour, end) {
    const { states, first } = cell.movement, scale = cell.pixels / this.data.box;
    context.beginPath();
    let down = false;
    for (let g = first[stroke.number] + 1; g <= at; g++) {
      const [x, y, z, ux, uy, , length, offset] = states.subarray(FIELDS * g, FIELDS * (g + 1));
      const reach = end * (offset + length), lifted = end && !(z > 0);
      if (!lifted) context[down ? "lineTo" : "moveTo"](cell.left + (x + reach * ux) * scale, cell.top + (y + reach * uy) * scale);
      down = !lifted;
    }
    context.strokeStyle = colour;
    context.lineWidth = Math.max(1.5, cell.pixels / 300);
    context.stroke();
  }

  drawHighlight(context) {
    const stroke = this.strokes[this.highlight.stroke], cell = this.cells[stroke.cell];
    context.globalAlpha = this.highlight.alpha;
    context.fillStyle = this.look.accent;
    context.beginPath();
    polygon(context, stroke.outline, cell.left, cell.top, cell.pixels);
    context.fill();
    context.globalAlpha = 1;
  }

  /** Depth and speed of the character being written, with the present moment. */
  drawCurves() {
    if (!this.curves) return;
    const [canvas] = this.curves.children, ratio = window.devicePixelRatio || 1;
    const [wide, high] = [Math.round(this.curves.clientWidth * ratio), Math.round(CURVE_HEIGHT * ratio)];
    if (!wide) return;
    const span = this.span(), kept = [wide, high, span.cell, this.root.dataset.theme, this.words.depth].join();
    if (this.curve?.kept !== kept || this.curve.data !== this.data)
      this.curve = { kept, data: this.data, picture: this.curvesOf(span, wide, high, ratio) };
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const context = canvas.getContext("2d"), x = ((this.time - span.start) / (span.end - span.start)) * wide;
    context.clearRect(0, 0, wide, high);
    context.drawImage(this.curve.picture, 0, 0);
    context.fillStyle = this.look.text;
    context.fillRect(Math.min(Math.max(x, 0), wide - ratio), 16 * ratio, 1.5 * ratio, high);
  }

  curvesOf(span, wide, high, ratio) {
    const picture = new OffscreenCanvas(wide, high), context = picture.getContext("2d"), room = high - 18 * ratio;
    const x = (time) => ((time - span.start) / (span.end - span.start)) * wide;
    const rows = span.strokes.map((stroke) => {
      const depth = [], speed = [], p = stroke.path;
      for (let i = 0; i <= stroke.rows; i++) {
        depth.push(Math.max(0, p[3 * i + 2]));
        speed.push(i ? Math.hypot(p[3 * i] - p[3 * i - 3], p[3 * i + 1] - p[3 * i - 2]) / stroke.seconds : 0);
      }
      return { stroke, depth, speed };
    });
    const most = (name) => Math.max(1e-9, ...rows.flatMap((row) => row[name]));
    const deepest = most("depth"), fastest = most("speed");
    const line = (row, name, top) => row[name].forEach((value, i) =>
      context[i ? "lineTo" : "moveTo"](x(row.stroke.start + i * row.stroke.seconds), high - 1 - (value / top) * room));
    for (const row of rows) {
      context.fillStyle = this.look.target;
      context.beginPath();
      line(row, "depth", deepest);
      context.lineTo(x(row.stroke.end), high - 1);
      context.lineTo(x(row.stroke.start), high - 1);
      context.fill();
      context.strokeStyle = this.look.accent;
      context.lineWidth = 1.25 * ratio;
      context.beginPath();
      line(row, "speed", fastest);
      context.stroke();
    }
    context.font = `${11 * ratio}px system-ui, sans-serif`;
    context.textBaseline = "top";
    context.fillStyle = this.look.quiet;
    const told = `▮ ${this.words.depth} ${(1000 * deepest).toFixed(1)} mm   `;
    context.fillText(told, 0, 0);
    context.fillStyle = this.look.accent;
    context.fillText(`━ ${this.words.rate} ${(1000 * fastest).toFixed(0)} mm/s`, context.measureText(told).width, 0);
    return picture;
  }

  /** The strokes of the character being written, and when they begin and end. */
  span() {
    const { cell } = this.strokes[this.stroke];
    if (this.spanned?.cell !== cell) {
      const strokes = this.strokes.filter((stroke) => stroke.cell === cell);
      this.spanned = { cell, strokes, start: strokes[0].start, end: strokes.at(-1).end };
    }
    return this.spanned;
  }

  /* -- controls */

  build() {
    const { words } = this;
    while (this.paper.nextSibling) this.paper.nextSibling.remove();
    this.box.setAttribute("aria-label", `${words.player}: ${this.data.text}`);
    this.paper.setAttribute("aria-label", words.picture(this.data.text));
    this.live = made("div", { class: "hidden", role: "status", "aria-live": "polite" });
    this.named = this.slider = this.curves = this.chips = this.toggles = this.marked = null;
    if (this.options.controls) this.buildControls(words);
    this.box.append(this.live);
  }

  buildControls(words) {
    const button = (name, act, properties = {}) =>
      made("button", { type: "button", title: words[name], "aria-label": words[name], onclick: act, ...properties }, icon(name));
    this.named = made("p", { class: "name" });
    this.slider = made("input", { type: "range", min: "0", max: String(this.ticks), step: "1", "aria-label": words.position,
      oninput: (event) => { this.pauseAnimation(); this.seek(Number(event.target.value)); } });
    this.main = button("play", () => this.toggle(), { class: "main" });
    this.speeds = made("select", { "aria-label": words.speed, title: words.speed,
      onchange: (event) => (this.options.strokeAnimationSpeed = Number(event.target.value)) },
      ...SPEEDS.map((speed) => made("option", { value: String(speed) }, `${speed}×`)));
    this.looper = button("loop", () => this.set({ loop: !this.options.loop }));
    const shown = { outline: "showOutline", grid: "showGrid", body: "showBrush", footprint: "showFootprint", handle: "showHandlePath", tip: "showTipPath" };
    this.toggles = Object.entries(shown).map(([name, option]) => [option, made("button", { type: "button", class: "toggle",
      onclick: () => this.set({ [option]: !this.options[option] }) }, words[name])]);
    this.box.append(this.named, this.slider, made("div", { class: "bar", role: "toolbar", "aria-label": words.player },
      button("previous", () => this.stepStroke(-1)), button("back", () => this.stepTick(-1)), this.main,
      button("forward", () => this.stepTick(1)), button("next", () => this.stepStroke(1)), this.looper, this.speeds,
      made("span", { class: "gap" }), ...this.toggles.map(([, element]) => element)));
    if (this.options.curves ?? true) {
      this.curves = made("div", { class: "curves", "aria-label": words.curves, role: "img",
        onpointerdown: (event) => this.pointCurve(event),
        onpointermove: (event) => event.buttons && this.pointCurve(event) }, made("canvas"));
      this.box.append(this.curves);
    }
    this.chips = made("ol", { class: "strokes", "aria-label": words.strokes });
    this.box.append(this.chips);
    this.chipCell = null;
    this.mark();
  }

  pointCurve(event) {
    const { left, width } = this.curves.getBoundingClientRect(), span = this.span();
    const share = Math.min(Math.max((event.clientX - left) / width, 0), 1);
    this.pauseAnimation();
    this.seekTime(Math.min(span.start + share * (span.end - span.start), span.end - 1e-6));
  }

  nameOf(stroke) {
    const [chinese] = this.data.types[stroke.type] ?? [stroke.type];
    return `${chinese} ${stroke.type}`;
  }

  fillChips(cell) {
    if (this.chipCell === cell) return;
    this.chipCell = cell;
    this.chips.replaceChildren(...this.strokes.flatMap((stroke, index) => stroke.cell !== cell ? [] : [made("li", {},
      made("button", { type: "button", "data-stroke": String(index), title: this.data.types[stroke.type]?.[1] ?? stroke.type,
        onclick: () => this.animateStroke(index) }, `${stroke.number + 1} ${this.nameOf(stroke)}`))]));
  }

  /** Bring the controls up to date. */
  mark(spoken = false) {
    const index = this.stroke, stroke = this.strokes[index], { words } = this;
    const of = this.characters[stroke.cell].strokes.length, over = this.time >= this.seconds;
    const told = words.stroke(stroke.number + 1, of, this.nameOf(stroke));
    if (spoken) this.live.textContent = over ? words.done(this.data.text) : told;
    if (!this.slider) return;
    this.slider.value = String(over ? this.ticks : this.tick);
    const state = [index, over, this.playing, this.options.strokeAnimationSpeed, this.options.loop,
      ...this.toggles.map(([option]) => this.options[option])].join();
    if (state === this.marked) return;
    this.marked = state;
    this.slider.setAttribute("aria-valuetext", told);
    const { iou: whole, char } = this.characters[stroke.cell];
    const scores = [[`${stroke.number + 1}`, stroke.iou], [char, whole]].filter(([, score]) => score !== null);
    this.named.replaceChildren(made("span", {}, made("b", {}, `${char} `), told),
      made("span", {}, scores.length ? `IoU ${scores.map(([what, score]) => `${what} ${score.toFixed(3)}`).join(" · ")}` : ""));
    const name = this.playing ? "pause" : "play";
    this.main.replaceChildren(icon(name));
    this.main.title = words[name];
    this.main.setAttribute("aria-label", words[name]);
    this.looper.setAttribute("aria-pressed", String(Boolean(this.options.loop)));
    this.speeds.value = String(this.options.strokeAnimationSpeed);
    for (const [option, element] of this.toggles) element.setAttribute("aria-pressed", String(Boolean(this.options[option])));
    this.fillChips(stroke.cell);
    for (const chip of this.chips.querySelectorAll("button"))
      chip.setAttribute("aria-current", String(Number(chip.dataset.stroke) === index && !over));
  }

  /** Do what a key asks for; returns whether it asked for anything. */
  key(event) {
    const within = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey || within.tagName === "SELECT") return false;
    if (within.tagName === "INPUT" && event.key !== " ") return false;
    if (within.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return false;
    const toggled = { o: "showOutline", g: "showGrid", b: "showBrush", f: "showFootprint", h: "showHandlePath", t: "showTipPath", l: "loop" };
    const speed = SPEEDS.indexOf(this.options.strokeAnimationSpeed);
    const act = {
      " ": () => this.toggle(),
      ArrowRight: () => (event.shiftKey ? this.stepStroke(1) : this.stepTick(1)),
      ArrowLeft: () => (event.shiftKey ? this.stepStroke(-1) : this.stepTick(-1)),
      Home: () => this.seek(0),
      End: () => this.seekTime(this.seconds),
      "+": () => this.set({ strokeAnimationSpeed: SPEEDS[Math.min(speed + 1, SPEEDS.length - 1)] }),
      "-": () => this.set({ strokeAnimationSpeed: SPEEDS[Math.max(speed - 1, 0)] }),
    }[event.key] ?? (toggled[event.key] && (() => this.set({ [toggled[event.key]]: !this.options[toggled[event.key]] })));
    act?.();
    return Boolean(act);
  }

  /* -- movement in time */

  draw() {
    this.drawInk();
    this.drawBrush();
    this.drawCurves();
    const { stroke } = this;
    this.mark(stroke !== this.spoken && !this.playing);
    this.spoken = stroke;
    this.emit("tick", { tick: this.tick, stroke, time: this.time });
  }

  seekTime(seconds) {
    this.time = Math.min(Math.max(seconds, 0), this.seconds);
    this.draw();
  }

  /** Go to a control tick of the whole writing, 0 to `ticks`. */
  seek(tick) {
    this.seekTime(tick >= this.ticks ? this.seconds : this.timeOf(Math.max(0, Math.round(tick))));
  }

  seekStroke(stroke) {
    this.seekTime(stroke >= this.strokes.length ? this.seconds : this.strokes[Math.max(0, stroke)].start);
  }

  stepTick(by = 1) {
    this.pauseAnimation();
    this.seek((this.time >= this.seconds ? this.ticks : this.tick) + by);
  }

  stepStroke(by = 1) {
    this.pauseAnimation();
    const within = this.time > this.strokes[this.stroke].start + 1e-9 && this.time < this.seconds;
    const here = this.time >= this.seconds ? this.strokes.length : this.stroke;
    this.seekStroke(here + by + (by < 0 && within ? 1 : 0));
  }

  stop() {
    const waiting = this.finished;
    this.playing = this.paused = false;
    this.finished = null;
    if (this.request) cancelAnimationFrame(this.request);
    if (this.again) clearTimeout(this.again);
    this.request = this.again = null;
    waiting?.({ canceled: true });
  }

  play(until, { onComplete } = {}) {
    this.stop();
    this.until = until;
    this.playing = true;
    this.last = null;
    const ended = new Promise((resolve) => (this.finished = resolve));
    if (onComplete) ended.then(onComplete);
    this.request = requestAnimationFrame((now) => this.frame(now));
    this.emit("play", {});
    return ended;
  }

  frame(now) {
    this.request = null;
    if (!this.playing) return;
    if (this.last !== null) this.time += Math.min((now - this.last) / 1000, LONGEST_FRAME) * this.options.strokeAnimationSpeed;
    this.last = now;
    const over = this.time >= this.until;
    if (over) this.time = this.until;
    if (!over) {
      this.request = requestAnimationFrame((next) => this.frame(next));
      return this.draw();
    }
    this.playing = false;
    const { finished } = this;
    this.finished = null;
    this.draw();
    this.mark(true);
    finished?.({ canceled: false });
    this.emit("end", {});
    if (this.options.loop && this.until >= this.seconds)
      this.again = setTimeout(() => this.animateCharacter(), this.options.delayBetweenLoops);
  }

  /** Write from the beginning; resolves with { canceled }. */
  animateCharacter(options) {
    this.stop();
    this.seekTime(0);
    return this.play(this.seconds, options);
  }

  /** Write one stroke, those before it being there. */
  animateStroke(stroke, options) {
    this.stop();
    if (!this.strokes[stroke]) throw new Error(`hierbrush-player: stroke ${stroke}, expected 0 to ${this.strokes.length - 1}`);
    this.seekStroke(stroke);
    return this.play(this.strokes[stroke].end, options);
  }

  loopCharacterAnimation() {
    this.options.loop = true;
    return this.animateCharacter();
  }

  pauseAnimation() {
    if (this.again) clearTimeout(this.again);
    this.again = null;
    if (!this.playing) return;
    this.playing = false;
    this.paused = true;
    this.mark(true);
    this.emit("pause", {});
  }

  resumeAnimation() {
    if (this.playing) return;
    if (this.time >= this.seconds) return void this.animateCharacter();
    const { finished } = this, until = this.paused && this.until > this.time ? this.until : this.seconds;
    this.finished = null;
    this.play(until).then((result) => finished?.(result));
    this.mark();
  }

  toggle() {
    if (this.playing) this.pauseAnimation();
    else this.resumeAnimation();
    this.mark();
  }

  /** Let a stroke's target light up. */
  highlightStroke(stroke, { onComplete } = {}) {
    return new Promise((resolve) => {
      let start = null;
      const glow = (now) => {
        start ??= now;
        const share = (now - start) / 800;
        this.highlight = share < 1 ? { stroke, alpha: Math.sin(Math.PI * share) * 0.85 } : null;
        this.drawBrush();
        if (share < 1) return requestAnimationFrame(glow);
        onComplete?.();
        return resolve({ canceled: false });
      };
      requestAnimationFrame(glow);
    });
  }

  on(name, listener) {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
    return this;
  }

  emit(name, detail) {
    for (const listener of this.listeners.get(name) ?? []) listener(detail);
  }

  destroy() {
    this.stop();
    this.cancelQuiz();
    this.watch.disconnect();
    this.dark.removeEventListener("change", this.restyle);
    this.root.remove();
  }

  /* -- writing along */

  /** Let the reader write with mouse, pen or finger: `onStroke` is told each stroke, { path, drawn, cell }. A pen's pressure is
   * depth; without one the brush is pressed as deep as the stroke `wanted()` is wide. Returns what ends it. */
  listen(onStroke, wanted = () => 0) {
    const canvas = this.layers.brush;
    let mine = null;
    canvas.classList.add("drawing");
    this.layers.mine.hidden = false;
    this.paper.setAttribute("role", "group");
    this.paper.setAttribute("aria-label", this.words.draw);
    const place = (event) => {
      const area = canvas.getBoundingClientRect();
      return [((event.clientX - area.left) / area.width) * canvas.width, ((event.clientY - area.top) / area.height) * canvas.height];
    };
    const down = (event) => {
      if (mine || event.button > 0) return;
      event.preventDefault();
      this.box.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      mine = this.begin(place(event), event, wanted());
    };
    const move = (event) => {
      if (!mine || event.pointerId !== mine.pointer) return;
      const between = event.getCoalescedEvents?.() ?? [];
      for (const each of between.length ? between : [event]) mine.add(place(each), each);
    };
    const up = (event) => {
      if (!mine || event.pointerId !== mine.pointer) return;
      const done = mine.end();
      mine = null;
      if (event.type === "pointerup" && done.drawn.length > 1) onStroke(done);
    };
    // By keyboard: arrows move the brush, the space bar lowers and lifts it.
    const { left, top, pixels } = this.cells[0], usual = { pointerType: "keyboard", pressure: 0, pointerId: -1 };
    let at = null;
    const key = (event) => {
      const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
      if (!dx && !dy && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      const { median } = this.characters[0].strokes[wanted()] ?? this.characters[0].strokes[0], step = pixels * (event.shiftKey ? 0.05 : 0.0125);
      at ??= [left + median[0] * pixels, top + median[1] * pixels];
      at = [at[0] + dx * step, at[1] + dy * step];
      if (event.key !== " ") {
        if (mine?.pointer === -1) mine.add(at, usual);
        else this.guest = { handle: [...at, -0.01], cell: this.cells[0], state: null };
        return this.drawBrush();
      }
      if (mine?.pointer !== -1) return void (mine = this.begin(at, usual, wanted()));
      const done = mine.end();
      [mine, at] = [null, null];
      if (done.drawn.length > 1) onStroke(done);
      return null;
    };
    const listeners = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up, keydown: key };
    for (const [name, listener] of Object.entries(listeners)) canvas.addEventListener(name, listener);
    canvas.tabIndex = 0;
    canvas.removeAttribute("aria-hidden");
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", this.words.keys);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) canvas.removeEventListener(name, listener);
      canvas.classList.remove("drawing");
      for (const name of ["tabindex", "role", "aria-label"]) canvas.removeAttribute(name);
      canvas.setAttribute("aria-hidden", "true");
      this.guest = null;
      this.paper.setAttribute("role", "img");
      this.paper.setAttribute("aria-label", this.words.picture(this.data.text));
    };
  }

  /** One stroke of the reader's, written by the same tuft on a paper of its own. */
  begin([x, y], event, wanted) {
    const inside = ({ left, top, pixels }) => x >= left && y >= top && x < left + pixels && y < top + pixels;
    const cell = this.cells.find(inside) ?? this.cells[0], { box } = this.data;
    const target = cell.character.strokes[wanted] ?? cell.character.strokes[0];
    const usual = this.brush.depthForWidth(target.width * box), context = this.layers.mine.getContext("2d");
    const paper = new Paper(cell.pixels, box), tuft = new Tuft(this.brush), image = new ImageData(cell.pixels, cell.pixels);
    this.tint.call({ look: { ink: this.look.mine } }, { image });
    const path = [], drawn = [], land = 0.002;
    const go = (px, py, z) => {
      const row = [((px - cell.left) / cell.pixels) * box, ((py - cell.top) / cell.pixels) * box, z];
      if (path.length) {
        const [fx, fy, fz] = [tuft.x, tuft.y, tuft.z], steps = tuft.substeps(...row, paper.spacing);
        const [dx, dy, dz] = [onGrid(row[0]) - fx, onGrid(row[1]) - fy, onGrid(row[2]) - fz];
        for (let k = 1; k <= steps; k++) {
          const share = k / steps;
          tuft.trail(fx + onGrid(dx * share), fy + onGrid(dy * share), fz + onGrid(dz * share));
          if (tuft.width > 0) paper.press(tuft);
        }
      } else tuft.place(...row);
      path.push(...row);
      this.guest = { handle: [px, py, z], cell,
        state: [tuft.x, tuft.y, tuft.z, tuft.ux, tuft.uy, tuft.width, tuft.length, tuft.offset] };
      this.drawBrush();
      if (paper.show(paper.logged, image)) {
        const [left, top, right, bottom] = paper.dirty;
        context.putImageData(image, cell.left, cell.top, left, top, right - left, bottom - top);
        paper.clean();
      }
    };
    const depth = (each) => each.pointerType === "pen" && each.pressure > 0 ? each.pressure * 1.7 * usual : usual;
    const add = ([px, py], each) => {
      drawn.push([(px - cell.left) / cell.pixels, (py - cell.top) / cell.pixels]);
      go(px, py, Math.min(depth(each), this.brush.maxDepth));
    };
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    go(x, y, -land);
    add([x, y], event);
    const end = () => {
      const at = path.slice(-3);
      path.push(at[0], at[1], -land);
      this.guest = null;
      this.drawBrush();
      return { path: Float64Array.from(path), drawn, cell: this.cells.indexOf(cell) };
    };
    return { pointer: event.pointerId, add, end };
  }

  /** How good a path is for a stroke: the IoU of its own ink, beside the model's, and whether it is the right stroke. */
  scored({ path, drawn }, number, cell = 0, leniency = 1) {
    const stroke = this.characters[cell].strokes[number], median = [];
    for (let i = 0; i < stroke.median.length; i += 2) median.push([stroke.median[i], stroke.median[i + 1]]);
    const target = rasterise([stroke.outline]), own = (paths) => inked(trace(this.brush, paths, 256, this.data.box));
    const modelIou = stroke.iou ?? iou(own([stroke.path]), target);
    return { iou: iou(own([path]), target), modelIou, ...judge(drawn, median, leniency) };
  }

  clearDrawing() {
    const { mine } = this.layers;
    mine.getContext("2d").clearRect(0, 0, mine.width, mine.height);
  }

  /** Ask for the strokes of the first character one by one. Options and calls as in hanzi-writer: leniency (1),
   * quizStartStrokeNum, showHintAfterMisses (3, or false), highlightOnComplete, acceptBackwardsStrokes, onCorrectStroke,
   * onMistake, onComplete; each is told { character, strokeNum, mistakesOnStroke, totalMistakes, strokesRemaining, iou, modelIou }. */
  quiz(options = {}) {
    this.stop();
    this.cancelQuiz();
    const { strokes, char: character } = this.characters[0];
    const state = { stroke: options.quizStartStrokeNum ?? 0, misses: 0, total: 0 };
    this.quizzed = state;
    this.seekStroke(state.stroke);
    const told = (more) => ({ character, strokeNum: state.stroke, mistakesOnStroke: state.misses, totalMistakes: state.total,
      strokesRemaining: strokes.length - state.stroke - (more.right ? 1 : 0), ...more });
    return new Promise((resolve) => {
      const finish = (canceled) => {
        state.unlisten();
        this.quizzed = null;
        this.clearDrawing();
        resolve({ canceled, totalMistakes: state.total });
      };
      const next = () => {
        state.stroke++;
        state.misses = 0;
        this.play(this.strokes[state.stroke - 1].end).then(() => this.clearDrawing());
        if (state.stroke < strokes.length) return;
        options.onComplete?.({ character, totalMistakes: state.total });
        if (options.highlightOnComplete ?? true) strokes.forEach((_, i) => this.highlightStroke(i));
        finish(false);
      };
      state.skip = next;
      state.cancel = () => finish(true);
      state.unlisten = this.listen((mine) => {
        const result = this.scored(mine, state.stroke, 0, options.leniency ?? 1);
        if (result.right || (options.acceptBackwardsStrokes && result.backwards)) {
          options.onCorrectStroke?.(told({ ...result, right: true }));
          this.emit("stroke", result);
          return next();
        }
        state.misses++;
        state.total++;
        options.onMistake?.(told(result));
        this.clearDrawing();
        const patience = options.showHintAfterMisses ?? 3;
        if (patience !== false && state.misses >= patience) this.highlightStroke(state.stroke);
        return null;
      }, () => state.stroke);
    });
  }

  quizStroke(stroke, options = {}) {
    return this.quiz({ ...options, quizStartStrokeNum: stroke });
  }

  skipQuizStroke() { this.quizzed?.skip(); }
  cancelQuiz() { this.quizzed?.cancel(); }
}

/** Put a player into an element. `data` is an object, or text that `options.dataLoader` fetches the object of: then a promise
 * of the player is returned. */
export function create(element, data, options = {}) {
  const place = typeof element === "string" ? document.getElementById(element) : element;
  if (!place) throw new Error(`hierbrush-player: there is no element ${JSON.stringify(element)}`);
  if (typeof data !== "string") return new HierbrushPlayer(place, data, options);
  if (!options.dataLoader) throw new Error("hierbrush-player: a text needs options.dataLoader");
  return Promise.resolve(options.dataLoader(data)).then((loaded) => new HierbrushPlayer(place, loaded, options));
}

export default { create };
