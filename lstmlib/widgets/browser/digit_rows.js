const T = 28;
const DRAWN = "my drawing";
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// A text for a drawing and back: a letter for three pixels of four levels of grey.
const packed = (levels) => {
  let text = "";
  for (let k = 0; k < T * T; k += 3) {
    text += LETTERS[(levels[k] << 4) | ((levels[k + 1] ?? 0) << 2) | (levels[k + 2] ?? 0)];
  }
  return text.replace(/A+$/, "");
};

const drawn = (text) => {
  const codes = Array.from(text, (letter) => Math.max(LETTERS.indexOf(letter), 0));
  return Array.from({ length: T * T }, (_, k) => 85 * (((codes[Math.floor(k / 3)] ?? 0) >> (4 - 2 * (k % 3))) & 3));
};

const percent = (share) => (share > 0.99 ? "over 99 %" : `${show(100 * share, 0)} %`);

// Which class is the most probable, and the next one where it is at least 5 %.
const belief = (p) => {
  const [first, second] = [...p.keys()].sort((a, b) => p[b] - p[a]);
  return `${first} with ${percent(p[first])}` +
    (p[second] >= 0.05 ? `, ${second} with ${percent(p[second])}` : "");
};

// The edge between what is read and what is not.
const readUpTo = (t, left, width) =>
  `<path d="M${left - 5} ${10 * t}h${width + 10}" style="stroke:var(--vermillion);stroke-width:1.5"/>`;

class Component extends Figure {
  cursor = [14, 14]; // row and column of the pen that keys move

  image({ digit, drawing }) {
    if (digit === DRAWN) return drawn(drawing);
    return Array.from(atob(this.data.images[digit]), (c) => c.charCodeAt(0));
  }

  compute(state) {
    this.weights ??= Object.fromEntries(
      Object.entries(this.data.weights).map(([name, array]) => [name, unpack(array)]),
    );
    const { W, b_out, ...layer } = this.weights;
    const image = this.image(state);
    let h = new Float64Array(W.shape[1]);
    let c = h;
    const p = [];
    for (let t = 0; t < T; t++) {
      // rows are in single precision
      const x = image.slice(T * t, T * (t + 1)).map((value) => Math.fround(value / 255));
      ({ h, c } = lstmStep(layer, x, h, c));
      p.push(softmax(Array.from(times(W, h), (value, k) => value + b_out.values[k])));
    }
    return { image, p };
  }

  describe({ digit, row }, { image, p }) {
    const [label, number] = digit.split(", ");
    const what = digit === DRAWN
      ? image.some((value) => value) ? "Your drawing." : "Nothing is drawn yet."
      : `T${number.slice(1)}, ${label === "8" ? "an" : "a"} ${label}.`;
    const end = row === T ? "" : `; at the end ${belief(p[T - 1])}`;
    return `${what} After row ${row} of ${T}: ${belief(p[row - 1])}${end}.`;
  }

  draw({ row }, { image, p }) {
    const pixels = image.map((value, k) => value
      ? `<rect x="${(k % T) * 10}" y="${Math.floor(k / T) * 10}" width="10" height="10"
          fill-opacity="${(value / 255).toFixed(2)}"/>`
      : "");
    const cells = p.map((shares, t) => shares.map((share, k) => share < 0.005 ? ""
      : `<rect x="${26 + 26 * k}" y="${10 * t}" width="26" height="10" fill-opacity="${share.toFixed(2)}"/>`
    ).join(""));
    const ticks = [7, 14, 21, 28].map((t) =>
      `<text x="20" y="${10 * t - 1}" text-anchor="end">${t}</text>`);
    const bars = p[row - 1].map((share, k) => {
      const middle = 39 + 26 * k;
      return `<text x="${middle}" y="299" text-anchor="middle" font-weight="bold">${k}</text>
        <rect x="${middle - 10}" y="306" width="20" height="${60 * share}" style="fill:var(--blue)"/>
        <text x="${middle}" y="${319 + 60 * share}" text-anchor="middle">${show(100 * share, 0)}</text>`;
    });
    const [y, x] = this.cursor;
    return `<style>
        .pad { touch-action: none; cursor: crosshair; }
        .lstmlib-figure .pad:focus-visible { outline-offset: -3px; }
        .pad .cursor { visibility: hidden; }
        .pad:focus .cursor { visibility: visible; }
      </style>
      <div style="display:flex;flex-wrap:wrap;gap:0.75rem;justify-content:center">
      <div style="flex:1 1 15rem;max-width:19rem">
        <svg class="pad" viewBox="-5 -20 296 305" tabindex="0" role="application" id="pad"
          aria-label="Drawing of ${T} rows of ${T} pixels. Arrow keys move the pen, with Shift they draw, Space dots, Delete clears.">
          <text x="140" y="-7" text-anchor="middle">what is read</text>
          <rect width="280" height="280" style="fill:var(--card);stroke:var(--muted)"/>
          <rect x="40" y="40" width="200" height="200" fill="none" stroke-dasharray="3 5"
            style="stroke:var(--muted)"/>
          <g shape-rendering="crispEdges" fill="currentColor">${pixels.join("")}</g>
          <rect y="${10 * row}" width="280" height="${280 - 10 * row}" style="fill:var(--card)"
            fill-opacity="0.6"/>
          ${readUpTo(row, 0, 280)}
          <rect class="cursor" x="${10 * x - 1}" y="${10 * y - 1}" width="12" height="12" fill="none"
            style="stroke:var(--vermillion);stroke-width:3"/>
        </svg>
        <p style="margin:0.3rem 0"><button type="button" id="clear">Clear</button>, then
          draw. The model learnt from MNIST: digits 20 pixels tall, as the dashed box, and centred.</p>
        <p style="margin:0;color:var(--muted)">Keys: arrows move, Shift + arrow draws, Space dots,
          Delete clears.</p>
      </div>
      <div style="flex:1 1 15rem;max-width:19rem">
        <svg viewBox="-5 -20 296 405" aria-hidden="true">
          <text x="156" y="-7" text-anchor="middle">what is believed</text>
          <rect x="26" width="260" height="280" style="fill:var(--card);stroke:var(--muted)"/>
          <g shape-rendering="crispEdges" style="fill:var(--blue)">${cells.join("")}</g>
          ${ticks.join("")}${readUpTo(row, 26, 260)}
          <text x="20" y="319" text-anchor="end">%</text>${bars.join("")}
        </svg>
      </div></div>`;
  }

  // The pen: where a pixel's centre is near the stroke, it is inked, less at the stroke's edges.
  stroke([y0, x0], [y1, x1]) {
    const long = (y1 - y0) ** 2 + (x1 - x0) ** 2;
    const levels = this.image(this.state).map((value, k) => {
      const [y, x] = [Math.floor(k / T), k % T];
      const along = long && Math.min(Math.max(((y - y0) * (y1 - y0) + (x - x0) * (x1 - x0)) / long, 0), 1);
      const away = Math.hypot(y - y0 - along * (y1 - y0), x - x0 - along * (x1 - x0));
      const ink = Math.min(Math.max(1.6 - away, 0), 1);
      return Math.max(Math.round(value / 85), Math.round(3 * ink));
    });
    this.set({ digit: DRAWN, drawing: packed(levels) });
  }

  ready(drawing) {
    let last; // where the pointer was, while it is down
    const place = (event) => {
      const { left, top, width } = drawing.querySelector(".pad").getBoundingClientRect();
      const unit = 296 / width;
      const [y, x] = [(event.clientY - top) * unit - 20, (event.clientX - left) * unit - 5];
      return [y / 10 - 0.5, x / 10 - 0.5]; // a pixel's centre has whole numbers
    };
    drawing.addEventListener("pointerdown", (event) => {
      if (!event.target.closest(".pad") || !event.isPrimary || event.button) return;
      // drawing again replaces what is under the pointer, but not this element
      drawing.setPointerCapture(event.pointerId);
      last = place(event);
      this.stroke(last, last);
    });
    drawing.addEventListener("pointermove", (event) => {
      if (!last || !event.isPrimary) return;
      const next = place(event);
      this.stroke(last, next);
      last = next;
    });
    for (const end of ["pointerup", "pointercancel"]) {
      drawing.addEventListener(end, () => (last = undefined));
    }
    const clear = () => this.set({ digit: DRAWN, drawing: "" });
    drawing.addEventListener("click", (event) => {
      if (event.target.closest("button")) clear();
    });
    drawing.addEventListener("keydown", (event) => {
      if (!event.target.closest(".pad") || event.ctrlKey || event.metaKey || event.altKey) return;
      const [from, move] = [this.cursor, MOVES[event.key]];
      if (move) {
        this.cursor = from.map((at, axis) => Math.min(Math.max(at + move[axis], 0), T - 1));
        if (event.shiftKey) this.stroke(from, this.cursor);
        else this.redraw();
      } else if (event.key === " ") this.stroke(from, from);
      else if (event.key === "Delete" || event.key === "Backspace") clear();
      else return;
      event.preventDefault();
    });
  }
}
