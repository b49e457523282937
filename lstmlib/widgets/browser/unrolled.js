const [LOSSES, STATES, COPIES, ADDED, BARS, TOTALS] = [26, 84, 140, 176, 296, 348]; // rows' heights

const firstOfChunk = (t, k) => t - ((t - 1) % k);
const thickness = (share) => 1.2 + 3.8 * Math.abs(share);
const size3 = (value) => show(Math.abs(value), 3);
const signed = (value, digits) => show(value, digits).replace(/^(?!−)/, "+");

class Component extends Figure {
  losses({ steps, loss }) {
    const all = Array.from({ length: steps }, (_, t) => t + 1);
    return loss === "the last step" ? all.slice(-1) : all;
  }

  compute(state) {
    const { steps: T, weight: w } = state;
    const k = Math.min(state.chunk, T);
    const losses = this.losses(state);
    const h = [];
    for (let t = 0; t < T; t++) h.push(Math.tanh(this.data.x[t] + w * (h[t - 1] ?? this.data.start)));
    const immediate = h.map((value, t) =>
      losses.includes(t + 1) ? value - this.data.targets[t] : 0);
    // eq-bptt-truncated, of one unit
    const gradients = (truncate) => {
      const dh = [...immediate];
      const copies = [];
      for (let t = T - 1; t >= 0; t--) {
        const dz = dh[t] * (1 - h[t] ** 2);
        copies[t] = dz * (h[t - 1] ?? this.data.start);
        if (t > 0 && t % truncate !== 0) dh[t - 1] += w * dz;
      }
      return { dh, copies, dw: copies.reduce((a, b) => a + b) };
    };
    const sum = (values) => values.reduce((a, b) => a + b);
    return {
      k,
      paths: sum(losses),
      kept: sum(losses.map((t) => t - firstOfChunk(t, k) + 1)),
      h,
      immediate,
      chunks: gradients(k),
      full: gradients(T),
    };
  }

  describe({ steps: T }, { k, paths, kept, chunks, full }) {
    const arrives = size3(full.dh[0]);
    if (k === T) {
      return `Nothing is cut: all ${paths} paths from a loss back to a copy of w count, and dL/dw ` +
        `is ${show(full.dw, 3)}. Of the gradient, ${arrives} arrives at step 1.`;
    }
    const parts = [];
    for (let t = 1; t <= T; t += k) {
      const last = Math.min(t + k - 1, T);
      parts.push(last > t ? `${t} to ${last}` : `${t}`);
    }
    return `Chunks of k = ${k} steps are ${parts.join(", ")}. No gradient goes from a chunk into the ` +
      `one before: ${kept} of ${paths} paths from a loss back to a copy of w are left, ` +
      `and dL/dw is ${show(chunks.dw, 3)} in place of ${show(full.dw, 3)}. ` +
      `Of the gradient, ${size3(chunks.dh[0])} arrives at step 1 in place of ${arrives}.`;
  }

  draw(state, { k, h, immediate, chunks, full }) {
    const T = state.steps;
    const losses = this.losses(state);
    const pitch = Math.min(352 / T, 64);
    const left = (378 - pitch * (T + 0.5)) / 2;
    const x = (t) => left + 22 + pitch * t;
    const written = (t, y, text, style = "") =>
      `<text x="${x(t).toFixed(1)}" y="${y}" text-anchor="middle"${style}>${text}</text>`;
    const node = (t, y, text, colour) => `<circle cx="${x(t).toFixed(1)}" cy="${y}" r="12"
      style="fill:var(--card);stroke:var(${colour});stroke-width:1.5"/>${written(t, y + 4, text)}`;
    const box = (at, y, width, height, style, more = "") => `<rect x="${at.toFixed(1)}"
      y="${y.toFixed(1)}" width="${width.toFixed(1)}" height="${height.toFixed(1)}" style="${style}" ${more}/>`;
    const [muted, bold] = [' style="fill:var(--muted)"', ' style="font-weight:bold"'];
    const [filled, outline] = [
      "fill:var(--vermillion)", "fill:none;stroke:var(--ink);stroke-dasharray:3 2"];
    const most = Math.max(...[...chunks.dh, ...full.dh].map(Math.abs), 1e-9);
    const marks = [];
    for (let t = 1; t <= T; t += k) {
      const count = Math.min(k, T - t + 1);
      marks.push(box(x(t - 0.5) + 1.5, 4, pitch * count - 3, 182,
        "fill:none;stroke:var(--line);stroke-width:1.5", 'rx="8"'));
    }
    for (let t = 1; t <= T; t++) {
      const came = losses.some((e) => firstOfChunk(e, k) <= t && t <= e);
      marks.push(arrow([x(t - 1) + 11, STATES - 6], [x(t) - 11, STATES - 6], "--muted", 1));
      if (losses.includes(t)) {
        marks.push(node(t, LOSSES, `e${lowered(t)}`, "--purple"), arrow([x(t), LOSSES + 12],
          [x(t), STATES - 13], "--vermillion", thickness(immediate[t - 1] / most)));
      }
      if (t > 1) { // the gradient's way to the step before
        const ends = [[x(t) - 11, STATES + 6], [x(t - 1) + 11, STATES + 6]];
        if (came && firstOfChunk(t, k) !== t) {
          const back = chunks.dh[t - 2] - immediate[t - 2];
          marks.push(arrow(...ends, "--vermillion", thickness(back / most)));
        } else {
          marks.push(arrow(...ends, "--muted", 1, true));
          if (came) {
            const middle = (ends[0][0] + ends[1][0]) / 2;
            marks.push(`<path d="M${(middle - 3).toFixed(1)} ${STATES + 14}l6 -16m-2 16l6 -16"
              style="stroke:var(--ink);stroke-width:1.5;fill:none"/>`);
          }
        }
      }
      const down = [[x(t), STATES + 12], [x(t), COPIES - 12]];
      const width = thickness((chunks.dh[t - 1] * (1 - h[t - 1] ** 2)) / most);
      const [part, whole] = [chunks, full].map(({ dh }) => (76 * Math.abs(dh[t - 1])) / most);
      marks.push(
        came ? arrow(...down, "--vermillion", width) : arrow(...down, "--muted", 1, true),
        node(t, STATES, `h${lowered(t)}`, "--ink"),
        box(x(t) - 13, COPIES - 11, 26, 22, "fill:var(--card);stroke:var(--blue);stroke-width:1.5"),
        written(t, COPIES + 4, "w"),
        written(t, ADDED, ...(came ? [signed(chunks.copies[t - 1], 2)] : ["0", muted])),
        box(x(t) - 9, BARS - part, 18, part, filled),
        box(x(t) - 12, BARS - whole, 24, whole, outline),
        written(t, BARS + 15, size3(chunks.dh[t - 1]), bold),
        written(t, BARS + 30, size3(full.dh[t - 1]), muted),
      );
    }
    marks.push(
      node(0, STATES, "h₀", "--muted"),
      written(0, ADDED, "to dw", muted),
      written(0, BARS + 15, `k = ${k}`, bold),
      written(0, BARS + 30, "full", muted),
      '<text x="4" y="208">What arrives at each step: |dL/dhₜ|</text>',
      `<text x="4" y="${TOTALS}">What the copies add up to: dL/dw</text>`,
    );
    const scale = 145 / Math.max(Math.abs(chunks.dw), Math.abs(full.dw), 1e-9);
    const rows = [[`k = ${k}`, chunks.dw, filled, bold], ["full", full.dw, outline, muted]];
    rows.forEach(([label, dw, style, text], row) => {
      const y = TOTALS + 10 + 18 * row;
      marks.push(
        `<text x="4" y="${y + 10}"${text}>${label}</text>`,
        box(200 + Math.min(dw, 0) * scale, y, Math.abs(dw) * scale, 12, style),
        `<text x="396" y="${y + 10}" text-anchor="end"${text}>${signed(dw, 3)}</text>`,
      );
    });
    marks.push(`<path d="M200 ${TOTALS + 6}v38" style="stroke:var(--muted)"/>`);
    return `<svg viewBox="0 0 400 396" aria-hidden="true">${marks.join("")}</svg>
      <p style="color:var(--muted);font-size:0.8125rem;margin:0.3rem 0 0">
      <i>h<sub>t</sub></i> = tanh(<i>w h</i><sub><i>t</i>−1</sub> + <i>x<sub>t</sub></i>),
      <i>e<sub>t</sub></i> = ½ (<i>h<sub>t</sub></i> − <i>y</i>*<sub><i>t</i></sub>)².
      Thin arrows: forward, which is never cut. Thick arrows: the gradient, as thick as it is large. Dashed: without chunks.</p>`;
  }
}
